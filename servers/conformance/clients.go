//go:build linux

package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

var clientProperties = []Property{
	{Name: "read-timeout", Asks: "a request that does not arrive in time ends the connection", check: readTimeout},
	{Name: "idle-timeout", Asks: "a silent connection is closed without a word", check: idleTimeout},
	{Name: "max-conns", Asks: "one connection too many is refused or waits, and gets a place that becomes free",
		check: connectionLimit},
}

// short is a time-out that the suite lets pass.
const short = 200 * time.Millisecond

// readTimeout begins requests that do not end: by silence, and by a byte now and then, which must not prolong it.
func readTimeout(p *probe) error {
	t, err := p.start(Settings{ReadTimeout: short})
	if err != nil {
		return err
	}
	for _, in := range []string{"GET / HT", head("POST /", "Content-Length: 100000") + "123",
		head("POST /", "Transfer-Encoding: chunked") + "ffff\r\n123"} {
		for _, drip := range []bool{false, true} {
			if err := p.timesOut(t, in, drip); err != nil {
				return fmt.Errorf("after %.30q: %w", in, err)
			}
		}
	}
	// The time between two requests is not theirs.
	c, err := t.open()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.expectSilence(2 * short); err != nil {
		return fmt.Errorf("between two requests: %w", err)
	}
	return t.ask(c, hello)
}

// timesOut begins a request after a whole one and awaits the answer 408, or just the end.
func (p *probe) timesOut(t *target, in string, drip bool) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.send(in); err != nil {
		return err
	}
	if drip {
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			tick := time.NewTicker(short / 10)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					_ = c.send("0") // fails when the server has closed, which is what is awaited
				case <-stop:
					return
				}
			}
		}()
	}
	r := bufio.NewReader(c)
	if _, err := r.Peek(1); err == nil {
		var answer fasthttp.Response
		if err := answer.Read(r); err != nil || answer.StatusCode() != 408 || !answer.ConnectionClose() {
			return fmt.Errorf("status %d (%v), want 408 and Connection: close", answer.StatusCode(), err)
		}
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the connection was not closed, however long its request took")
	}
	return nil
}

// idleTimeout is silent from the beginning, and after a request.
func idleTimeout(p *probe) error {
	t, err := p.start(Settings{IdleTimeout: short})
	if err != nil {
		return err
	}
	for _, in := range []string{"", hello} {
		c, err := t.dial()
		if err != nil {
			return err
		}
		defer c.Close()
		if err := t.ask(c, in); err != nil {
			return err
		}
		if err := c.expectEnd(); err != nil {
			return fmt.Errorf("silent after %q: %w", in, err)
		}
	}
	return nil
}

// connectionLimit takes all places, asks for one more, and then gives one back.
func connectionLimit(p *probe) error {
	const most = 3
	settings := Settings{Workers: most, MaxConns: most}
	t, err := p.start(settings)
	if err != nil {
		return err
	}
	places := most
	if !p.refuses() {
		places = p.places(settings)
	}
	clients, err := t.openMany(places)
	defer func() { closeAll(clients) }()
	if err != nil {
		return err
	}
	if p.refuses() {
		for _, in := range []string{"", hello, hello + strings.Repeat("x", 100_000)} {
			if err := t.refused(in); err != nil {
				return fmt.Errorf("one connection more, which sends %.20q: %w", in, err)
			}
			if err := t.ask(clients[0], hello); err != nil {
				return fmt.Errorf("a client that has a place, after one was refused: %w", err)
			}
		}
		closeAll(clients[:1])
		err := p.eventually(func() error { return t.visit(hello) }) // refused until the server sees who has left
		if err != nil {
			return fmt.Errorf("after a place became free: %w", err)
		}
		return nil
	}
	next, err := t.waiting()
	if err != nil {
		return fmt.Errorf("one connection more than the %d places: %w", places, err)
	}
	defer next.Close()
	if err := t.ask(clients[0], hello); err != nil {
		return fmt.Errorf("a client that has a place: %w", err)
	}
	leaving := clients[:1]
	if p.scattered() {
		leaving = clients // it waits for one of them, and only the kernel knows for which
	}
	closeAll(leaving)
	want, _ := t.reference(hello)
	if err := next.expect(want); err != nil {
		return fmt.Errorf("after a place became free: %w", err)
	}
	return nil
}

// refused connects, sends in, and awaits a 503 that says that the connection ends, and its end.
func (t *target) refused(in string) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.send(in); err != nil {
		return err
	}
	r := bufio.NewReader(c)
	var answer fasthttp.Response
	if err := answer.Read(r); err != nil {
		return fmt.Errorf("read the refusal: %w", err)
	}
	if answer.StatusCode() != 503 || !answer.ConnectionClose() {
		return fmt.Errorf("status %d, Connection: close %t; want 503 and true", answer.StatusCode(), answer.ConnectionClose())
	}
	return c.expectEnd()
}
