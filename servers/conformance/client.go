//go:build linux

package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/servers/app"
	"serverlab/servers/http1"
)

// patience bounds whatever the suite waits for, unless a subject says otherwise; it is no time that anything should
// take.
const patience = 20 * time.Second

// silence is how long the suite waits for something that must not come.
const silence = 150 * time.Millisecond

// hello is the request that tells whether a server serves.
const hello = "GET / HTTP/1.1\r\nHost: conformance\r\n\r\n"

// bye is the same for a client that then leaves.
const bye = "GET / HTTP/1.1\r\nHost: conformance\r\nConnection: close\r\n\r\n"

// target is a server that a property has started.
type target struct {
	*Server
	probe     *probe
	settings  Settings
	handler   fasthttp.RequestHandler // of the reference
	expectEnd bool                    // the property makes the server end
}

func newTarget(p *probe, s *Server, settings Settings) *target {
	return &target{Server: s, probe: p, settings: settings, handler: app.New(app.Options{Files: p.subject.Files})}
}

// reference is what a connection that sends in must answer, and whether the server then closes it.
func (t *target) reference(in string) (out []byte, closing bool) {
	s := http1.NewSession(t.handler, http1.Limits{Header: t.settings.MaxHeader, Body: t.settings.MaxBody})
	defer s.Release()
	if t.settings.OneRequest {
		s.CloseAfter()
	}
	out, more, closing := s.Feed(nil, []byte(in))
	for more {
		out, more, closing = s.Feed(out, nil)
	}
	return out, closing
}

// client is one connection of the suite's.
type client struct {
	*net.TCPConn
	patience time.Duration
	release  func() bool
}

// dial connects. Nothing on the connection waits for longer than patience.
func (t *target) dial() (*client, error) {
	var d net.Dialer
	ctx, cancel := context.WithTimeout(t.probe.ctx, t.probe.patience)
	defer cancel()
	c, err := d.DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return nil, err
	}
	tcp := c.(*net.TCPConn)
	if err := tcp.SetDeadline(time.Now().Add(t.probe.patience)); err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	release := context.AfterFunc(t.probe.ctx, func() { _ = tcp.SetDeadline(time.Unix(1, 0)) })
	return &client{tcp, t.probe.patience, release}, nil
}

// Close closes the connection. A client that is tired of it may do so twice.
func (c *client) Close() error {
	c.release()
	return c.TCPConn.Close()
}

// vanish closes the connection by a reset, as a client does that crashes.
func (c *client) vanish() error {
	return errors.Join(c.SetLinger(0), c.Close())
}

func (c *client) send(text string) error {
	_, err := io.WriteString(c, text)
	return err
}

// expect reads as many bytes as want has and compares them, the values of Date lines apart.
func (c *client) expect(want []byte) error {
	dates := date.FindAllSubmatchIndex(want, -1)
	buffer := make([]byte, min(len(want), 64<<10))
	for at := 0; at < len(want); {
		n, err := c.Read(buffer[:min(len(buffer), len(want)-at)])
		got, raw := buffer[:n], bytes.Clone(buffer[:n])
		for len(dates) > 0 && dates[0][2] < at+n {
			from, to := max(dates[0][2], at), min(dates[0][3], at+n)
			copy(got[from-at:], want[from:to])
			if to < dates[0][3] {
				break // the rest comes with the next read
			}
			dates = dates[1:]
		}
		if !bytes.Equal(got, want[at:at+n]) {
			return difference(got, raw, want, at)
		}
		if at += n; err != nil && at < len(want) {
			return fmt.Errorf("%d of %d bytes of the answer came: %w", at, len(want), err)
		}
	}
	return nil
}

// date finds the value of a Date line, which has the same length always.
var date = regexp.MustCompile(`\r\nDate: ([^\r]*)\r\n`)

// difference shows where got, which begins at byte at of the answers, first differs from want. Raw is what came.
func difference(got, raw, want []byte, at int) error {
	i := 0
	for got[i] == want[at+i] {
		i++
	}
	return fmt.Errorf("byte %d of the answer: got %q, want %q", at+i, raw[i:min(len(raw), i+40)],
		want[at+i:min(len(want), at+i+40)])
}

// expectEnd reads the end of the connection: neither more bytes nor a reset.
func (c *client) expectEnd() error {
	var more [256]byte
	n, err := c.Read(more[:])
	switch {
	case n > 0:
		return fmt.Errorf("more than the answer: %q", more[:n])
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the connection was not closed")
	}
	return fmt.Errorf("the connection did not end cleanly: %w", err)
}

// expectSilence waits a while for bytes, or the end, that must not come.
func (c *client) expectSilence(d time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	var one [1]byte
	n, err := c.Read(one[:])
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("silence was expected, and %d bytes came (%v)", n, err)
	}
	return c.SetReadDeadline(time.Now().Add(c.patience))
}

// waiting is a client that has asked and must not be answered before another leaves.
func (t *target) waiting() (*client, error) {
	c, err := t.dial()
	if err != nil {
		return nil, err
	}
	if err = c.send(hello); err == nil {
		err = c.expectSilence(silence)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// ask sends a request on a connection that stays open and checks the answer.
func (t *target) ask(c *client, request string) error {
	want, _ := t.reference(request)
	if err := c.send(request); err != nil {
		return err
	}
	return c.expect(want)
}

// visit is a whole client: it connects, asks, checks the answer and leaves.
func (t *target) visit(request string) error {
	c, err := t.enter(request)
	if err != nil {
		return err
	}
	return c.Close()
}

// open connects and is served once, so that the server has accepted the connection.
func (t *target) open() (*client, error) { return t.enter(hello) }

// enter connects and checks the answer to a request. Where the kernel has given each worker a queue of its own, and
// with bad luck it is that of one who is busy, or where the queue has no place for the request, it tries again by another
// connection.
func (t *target) enter(request string) (*client, error) {
	want, _ := t.reference(request)
	for giveUp := time.Now().Add(t.probe.patience); ; {
		c, err := t.dial()
		if err != nil {
			return nil, err
		}
		if err = c.send(request); err == nil && t.probe.scattered() && time.Now().Before(giveUp) {
			if waits, e := c.silent(silence); waits {
				_ = c.Close() // nobody has heard of it
				continue
			} else if e != nil {
				err = e
			}
		}
		right := false
		if err == nil {
			right, err = t.expectOrRefused(c, request, want)
		}
		if err == nil && !right {
			if time.Now().Before(giveUp) {
				_ = c.Close()
				continue
			}
			err = errors.New("refused, again and again, with 503")
		}
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return c, nil
	}
}

// silent waits for the first byte of an answer, which it leaves unread, and tells whether none came.
func (c *client) silent(d time.Duration) (bool, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return false, err
	}
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		return false, err
	}
	var one [1]byte
	err = raw.Read(func(fd uintptr) bool {
		_, _, e := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		return !errors.Is(e, syscall.EAGAIN)
	})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return false, err
	}
	return err != nil, c.SetReadDeadline(time.Now().Add(c.patience))
}

// openMany opens n connections, each served once. Whoever calls it closes them by closeAll, after an error too.
func (t *target) openMany(n int) (clients []*client, err error) {
	for range n {
		c, err := t.open()
		if err != nil {
			return clients, fmt.Errorf("client %d of %d: %w", len(clients)+1, n, err)
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func closeAll(clients []*client) {
	for _, c := range clients {
		_ = c.Close() // nothing more is asked of it
	}
}

// split cuts the input of one connection into the pieces in which it is sent.
type split func(in []byte) [][]byte

// converse sends in, piece by piece, while it reads, and wants what the reference answers. Where that leaves the
// connection open, it either goes on with one more request, or ends its own side (half) and awaits the end.
func (t *target) converse(in string, cut split, half bool) error {
	want, closing := t.reference(in)
	c, err := t.dial()
	if err != nil {
		return err
	}
	sent := make(chan struct{})
	defer func() { <-sent }()
	defer c.Close() // also ends the sending
	go func() {
		defer close(sent)
		for _, piece := range cut([]byte(in)) {
			if _, err := c.Write(piece); err != nil {
				return // the server has closed, and what it said is being read
			}
		}
		if half {
			_ = c.CloseWrite() // as above
		}
	}()
	if err := c.expect(want); err != nil {
		return err
	}
	if half || closing {
		return c.expectEnd()
	}
	<-sent
	if err := t.ask(c, hello); err != nil {
		return fmt.Errorf("the next request: %w", err)
	}
	return nil
}

// eventually repeats try until it returns nil, and gives up with its last error. The repetition is for what only
// /proc or a new connection can tell.
func (p *probe) eventually(try func() error) error {
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
