//go:build linux

package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"serverlab/internal/corpus"
	"serverlab/servers/app"
)

var endProperties = []Property{
	{Name: "stop-sigterm", Asks: "SIGTERM under load: what is in hand is answered, nothing is left, exit 0",
		check: stopUnderLoad(syscall.SIGTERM)},
	{Name: "stop-sigint", Asks: "SIGINT likewise", Process: true, check: stopUnderLoad(os.Interrupt)},
	{Name: "stop-stuck", Asks: "clients that never let go do not keep a server from stopping", check: stopStuck},
	{Name: "crash", Asks: "a crash harms those who share the process, and nobody else", Process: true, check: crash},
}

// stopUnderLoad stops a server while clients use it. An answer that came must be whole and right, whatever moment it
// was; a request that had arrived before must be answered.
func stopUnderLoad(sig os.Signal) func(*probe) error {
	return func(p *probe) error {
		t, err := p.start(Settings{})
		if err != nil {
			return err
		}
		var inHand []*client
		defer func() { closeAll(inHand) }()
		late := p.alone() || p.scattered() // other clients might have to wait for those whose requests are in hand
		if !late {
			if inHand, err = t.openMany(3); err != nil {
				return err
			}
		}
		// All clients work until the server stops. Enough is closed when they have had some answers.
		var answers atomic.Int64
		enough := make(chan struct{})
		var load errgroup.Group
		defer func() { t.Kill(); _ = load.Wait() }() // after a failure; otherwise both have been waited for
		for i := range 4 {
			load.Go(func() error {
				return t.untilEnd(late || i == 0, func() {
					if answers.Add(1) == 40 {
						close(enough)
					}
				})
			})
		}
		ended := make(chan error, 1)
		go func() { ended <- load.Wait() }()
		select {
		case <-enough:
		case err := <-ended:
			return fmt.Errorf("the clients lost the server before it was told to stop (%v)", err)
		}
		if late {
			c, err := t.open()
			if err != nil {
				return err
			}
			inHand = []*client{c}
		}
		if err := t.putInHand(inHand, late); err != nil {
			return err
		}
		t.expectEnd = true
		t.Stop(sig)
		for i, c := range inHand {
			if err := inHandAnswered(c); err != nil {
				return fmt.Errorf("a request that was in hand, %d of %d: %w", i+1, len(inHand), err)
			}
		}
		if err := <-ended; err != nil {
			return fmt.Errorf("a client under load: %w", err)
		}
		return t.isGone()
	}
}

// putInHand sends two requests of each client, all at about the same time, so that a loop has only begun with the first
// of them. With those of each client, or of each but the first, the server has begun before the last byte is sent: it
// has given leave for the body.
func (t *target) putInHand(clients []*client, all bool) error {
	request := head("GET /?wait=50ms")
	last := make([]string, len(clients))
	for i, c := range clients {
		last[i] = request + request
		if i > 0 || all {
			last[i] = "x" + request
			if err := t.ask(c, head("GET /?wait=50ms", "Expect: 100-continue", "Content-Length: 1")); err != nil {
				return err
			}
		}
	}
	for i, c := range clients {
		if err := c.send(last[i]); err != nil {
			return err
		}
	}
	return nil
}

// inHandAnswered reads the answer to a request that was in hand. The one behind it may be answered or not, but must not
// cost the first its answer.
func inHandAnswered(c *client) error {
	r := bufio.NewReader(c)
	if err := whole200(r, []byte(app.Greeting)); err != nil {
		return err
	}
	_, err := r.Peek(1)
	if err == nil {
		if err := whole200(r, []byte(app.Greeting)); err != nil {
			return fmt.Errorf("the second: %w", err)
		}
		_, err = r.Peek(1)
	}
	if !errors.Is(err, io.EOF) { // a reset, say: it could have come before the answer was read
		return fmt.Errorf("the end of the connection: %w", err)
	}
	return nil
}

// isGone waits for a clean end, and looks for somebody who still listens.
func (t *target) isGone() error {
	ctx, cancel := context.WithTimeout(t.probe.ctx, t.probe.patience)
	defer cancel()
	if err := t.Wait(ctx); err != nil {
		return err
	}
	if c, err := net.Dial("tcp", t.Addr); err == nil {
		return errors.Join(errors.New("somebody still listens"), c.Close())
	}
	return nil
}

// untilEnd asks in a closed loop, on one connection or on many, until the server is no longer there.
func (t *target) untilEnd(reconnect bool, answered func()) error {
	const offset, count = 12_345, 4096
	want := make([]byte, count)
	corpus.At("f11", offset, want)
	request := fmt.Sprintf("GET /read?file=f11&offset=%d&count=%d", offset, count)
	text := head(request)
	if reconnect {
		text = head(request, "Connection: close")
	}
	for {
		c, err := t.dial()
		if err != nil {
			return nil // nobody listens any more
		}
		r := bufio.NewReader(c)
		for {
			if err = c.send(text); err != nil {
				break
			}
			if _, err = r.Peek(1); err != nil {
				break // an end between two answers
			}
			if err = whole200(r, want); err != nil {
				return errors.Join(err, c.Close())
			}
			answered()
			if reconnect {
				break
			}
		}
		_ = c.Close() // all that was to be said has been read
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("a request was neither answered nor refused")
		}
	}
}

// whole200 reads one answer that must be whole and right.
func whole200(r *bufio.Reader, body []byte) error {
	var answer fasthttp.Response
	if err := answer.Read(r); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer.StatusCode() != 200 || !bytes.Equal(answer.Body(), body) {
		return fmt.Errorf("status %d and %d bytes; want 200 and the %d bytes asked for", answer.StatusCode(),
			len(answer.Body()), len(body))
	}
	return nil
}

// stopStuck stops a server that has silent clients, one in the middle of a request, and one that does not read.
func stopStuck(p *probe) error {
	t, err := p.start(Settings{StopTimeout: 2 * short})
	if err != nil {
		return err
	}
	clients, err := t.openMany(1)
	defer func() { closeAll(clients) }()
	for _, in := range []string{"", "GET / HT", bigRequests} {
		if err != nil {
			return err
		}
		var c *client
		if c, err = t.dial(); err == nil {
			clients = append(clients, c)
			err = c.send(in)
		}
	}
	if err != nil {
		return err
	}
	t.expectEnd = true
	t.Stop(syscall.SIGTERM)
	return t.isGone()
}

// crash has a request end its process, while others have connections.
func crash(p *probe) error {
	t, err := p.start(Settings{AllowChaos: true})
	if err != nil {
		return err
	}
	var others []*client
	defer func() { closeAll(others) }()
	if !p.alone() {
		if others, err = t.openMany(4); err != nil {
			return err
		}
	}
	t.expectEnd = !p.isolates()
	for range 3 {
		victim, err := t.open()
		if err != nil {
			return err
		}
		defer victim.Close()
		if err := victim.send(head("GET /chaos/exit")); err != nil {
			return err
		}
		if n, err := victim.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("the request that crashes: %d bytes and %v, want the end of the connection", n, err)
		}
		if t.expectEnd {
			break
		}
		var left []*client
		for i, c := range others {
			switch err := t.ask(c, hello); {
			case err == nil:
				left = append(left, c)
			case p.shares() && isEnd(err): // it was served by the process that is gone
				_ = c.Close()
			default:
				return fmt.Errorf("another client, %d of %d: %w", i+1, len(others), err)
			}
		}
		others = left
		if err := t.visit(hello); err != nil {
			return fmt.Errorf("a new client: %w", err)
		}
	}
	if !t.expectEnd {
		return nil
	}
	for _, c := range others { // they lose their connection, and no answer comes out of nowhere
		if n, err := c.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("another client, after the crash: %d bytes and %v, want the end", n, err)
		} else if !isEnd(err) {
			return fmt.Errorf("another client, after the crash: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	if err := t.Wait(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the process of the request that crashes did not die of it (%v)", err)
	}
	if left := group(t.Pid); len(left) > 0 {
		return fmt.Errorf("processes are left behind: %v", left)
	}
	return nil
}

// isEnd tells whether an error says that the connection has ended, in order or not.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
