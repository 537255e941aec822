//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

var hostileProperties = []Property{
	{Name: "malformed", Asks: "malformed requests and smuggling attempts are refused, and the connection ends",
		check: malformed},
	{Name: "garbage", Asks: "random bytes and damaged requests do no harm", check: garbage},
	{Name: "half-closed", Asks: "a client that has closed its side still gets its answer", check: halfClosed},
	{Name: "still-sending", Asks: "an error answer arrives whole although the client is still sending",
		check: stillSending},
	{Name: "slow-client", Asks: "a client that sends byte by byte stops nobody", check: slowClient},
	{Name: "reads-late", Asks: "clients that do not read do not fill the memory, and then get every answer",
		check: readsLate},
	{Name: "never-reads", Asks: "a client that never reads is given up after the idle time-out", check: neverReads},
	{Name: "vanishing", Asks: "clients that vanish in mid-request or mid-answer do no harm", check: vanishing},
}

var malformedSamples = []sample{
	{"nothing but NULs", strings.Repeat("\x00", 100) + "\r\n\r\n", 400},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400},
	{"endless line", strings.Repeat("a", 20_000), 431},
	{"endless header", "GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 5000), 431},
	{"LF for CRLF", "GET / HTTP/1.1\nHost: conformance\n\n", 400},
	{"a bare CR", "GET / HTTP/1.1\r\nHost: conformance\r\nX: a\rb\r\n\r\n", 400},
	{"a blank before the colon", head("POST /", "Content-Length : 5") + "12345", 400},
	{"a folded line", head("GET /", "X: a", " b"), 400},
	{"a line without a colon", head("GET /", "nonsense"), 400},
	{"a negative length", head("POST /", "Content-Length: -5") + "12345", 400},
	{"a signed length", head("POST /", "Content-Length: +5") + "12345", 400},
	{"a length that is no number", head("POST /", "Content-Length: five") + "12345", 400},
	{"a huge length", head("POST /", "Content-Length: 9223372036854775807"), 413},
	{"a length beyond any integer", head("POST /", "Content-Length: "+strings.Repeat("9", 40)), 400},
	{"two lengths", head("POST /", "Content-Length: 5", "Content-Length: 6") + "123456", 400},
	{"length and chunks", head("POST /", "Content-Length: 4", "Transfer-Encoding: chunked") + "0\r\n\r\n", 400},
	{"chunked in disguise", head("POST /", "Transfer-Encoding: xchunked") + "0\r\n\r\n", 501},
	{"a chunk size that is no number", head("POST /", "Transfer-Encoding: chunked") + "xyz\r\n", 400},
	{"a negative chunk", head("POST /", "Transfer-Encoding: chunked") + "-1\r\n", 400},
	{"a chunk size in C's manner", head("POST /", "Transfer-Encoding: chunked") + "0x5\r\n12345\r\n0\r\n\r\n", 400},
	{"a huge chunk", head("POST /", "Transfer-Encoding: chunked") + "ffffffffffffffffffff\r\n", 413},
	{"a chunk longer than its size", head("POST /", "Transfer-Encoding: chunked") + "3\r\nabcd\r\n0\r\n\r\n", 400},
}

// smuggled is what a smuggler hides behind a malformed request: no server may answer it.
const smuggled = "GET /?spin=7 HTTP/1.1\r\nHost: smuggled\r\n\r\n"

func malformed(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	for _, s := range malformedSamples {
		s.in += smuggled
		if err := t.judge(s, false); err != nil {
			return err
		}
		for _, cut := range []split{whole, random(7)} {
			if err := t.converse(s.in, cut, false); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		if err := t.converse(hello+s.in, whole, false); err != nil {
			return fmt.Errorf("%s, after a good request: %w", s.name, err)
		}
	}
	return t.visit(hello)
}

// garbage sends random bytes, and good requests with some bytes changed: the reference says what becomes of each.
func garbage(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(8, 9))
	for i := range 60 {
		in := []byte(samples[r.IntN(len(samples))].in)
		in = in[:min(len(in), 2000)]
		for range 1 + i%3 {
			in[r.IntN(len(in))] = byte(r.Uint32())
		}
		if i%4 == 0 {
			for j := range in {
				in[j] = byte(r.Uint32())
			}
		}
		if err := t.converse(string(in), random(uint64(i)), true); err != nil {
			return fmt.Errorf("input %d, %.60q: %w", i, in, err)
		}
	}
	return t.visit(hello)
}

// halfClosed ends its sending side at once: after whole requests, and in the middle of one.
func halfClosed(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	for _, in := range []string{"", "GET", hello, hello + hello, hello + "GET / HT", head("GET /?wait=30ms"),
		head("GET /read?file=f07&offset=0&count=1048576"), head("POST /", "Content-Length: 10") + "1234"} {
		if err := t.converse(in, whole, true); err != nil {
			return fmt.Errorf("after %.30q: %w", in, err)
		}
	}
	return nil
}

// stillSending reads the answer only after it has sent much more than the server wanted: a server that closes with
// input unread resets the connection, and the answer is lost.
func stillSending(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	much := strings.Repeat("x", 300_000)
	for _, in := range []string{
		head("POST /", "Content-Length: 9999999") + much,
		head("POST /", "Transfer-Encoding: chunked") + "fffffff\r\n" + much,
		head("GET /", "X: "+much),
		bye + much,
	} {
		if err := t.readsAfterSending(in); err != nil {
			return fmt.Errorf("%.40q: %w", in, err)
		}
	}
	return nil
}

func (t *target) readsAfterSending(in string) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	for _, piece := range random(10)([]byte(in)) {
		if _, err := c.Write(piece); err != nil {
			return fmt.Errorf("%d bytes could not be sent: %w", len(in), err)
		}
	}
	want, _ := t.reference(in)
	if err := c.expect(want); err != nil {
		return err
	}
	return c.expectEnd()
}

// slowClient sends one byte for each whole request of another client.
func slowClient(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	if p.alone() {
		return t.converse(hello, single, false)
	}
	other, err := t.open()
	if err != nil {
		return err
	}
	defer other.Close()
	slow, err := t.dial()
	if err != nil {
		return err
	}
	defer slow.Close()
	for i := range hello {
		if err := slow.send(hello[i : i+1]); err != nil {
			return err
		}
		if err := t.ask(other, hello); err != nil {
			return fmt.Errorf("the other client, after byte %d of the slow one: %w", i, err)
		}
	}
	want, _ := t.reference(hello)
	if err := slow.expect(want); err != nil {
		return fmt.Errorf("the slow client: %w", err)
	}
	return nil
}

// The load of readsLate: without a bound a server would buffer their product.
const (
	lateClients  = 4
	lateRequests = 32
	lateAnswer   = 1 << 20
	lateBound    = lateClients * lateRequests * lateAnswer / 2
)

// readsLate asks for 128 MB, and for many small answers, and reads nothing while others are served; then it reads
// it all.
func readsLate(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	if err := t.visit(hello); err != nil {
		return err
	}
	var late []*client
	in := strings.Repeat(head(fmt.Sprintf("GET /read?file=f08&offset=0&count=%d", lateAnswer)), lateRequests) + bye
	small := 10_000
	if p.spawns() {
		small = 100 // each costs a process
	}
	ins := append(slices.Repeat([]string{in}, lateClients), strings.Repeat(hello, small)+bye)
	var sending errgroup.Group
	defer func() { closeAll(late); _ = sending.Wait() }() // the error is that of the connection, which is read from
	for _, in := range ins {
		c, err := t.dial()
		if err != nil {
			return err
		}
		late = append(late, c)
		sending.Go(func() error { return c.send(in) })
	}
	if !p.alone() {
		for i := range 100 {
			if err := t.visit(hello); err != nil {
				return fmt.Errorf("other client %d: %w", i, err)
			}
		}
	}
	large, _ := t.reference(in)
	var readers errgroup.Group
	for i, c := range late {
		want := large
		if i == lateClients {
			want, _ = t.reference(ins[i])
		}
		readers.Go(func() error {
			defer c.Close()
			if err := c.expect(want); err != nil {
				return err
			}
			return c.expectEnd()
		})
	}
	if err := readers.Wait(); err != nil {
		return fmt.Errorf("a late reader: %w", err)
	}
	if t.Pid == 0 {
		return nil
	}
	peak, err := peakMemory(t.Pid)
	if err == nil && peak > lateBound {
		err = fmt.Errorf("%d MB of memory for clients that do not read", peak>>20)
	}
	return err
}

// neverReads asks for much, reads nothing and waits to be given up; so that others, who wait for it in some
// architectures, are served.
func neverReads(p *probe) error {
	t, err := p.start(Settings{IdleTimeout: 200 * time.Millisecond, Workers: 1})
	if err != nil {
		return err
	}
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.send(bigRequests); err != nil {
		return err
	}
	if err := t.visit(hello); err != nil {
		return fmt.Errorf("another client: %w", err)
	}
	// The end of the connection is behind what is not read; only sending tells. The server reads none of it.
	return p.eventually(func() error {
		if err := c.send("G"); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("the connection was not given up")
		}
		return nil
	})
}

// vanishing opens connections and leaves them in every state, by a reset and by an ordinary end.
func vanishing(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	large := head("GET /read?file=f10&offset=0&count=1048576")
	leaves := []func(*client) error{(*client).vanish, (*client).Close}
	for round := range 5 {
		for _, in := range []string{"", "GET / HT", head("POST /", "Content-Length: 10") + "123", hello,
			head("GET /?wait=10ms"), large, strings.Repeat(large, 10)} {
			for _, leave := range leaves {
				c, err := t.dial()
				if err != nil {
					return err
				}
				err = c.send(in)
				if round%2 == 1 && strings.HasPrefix(in, large) && err == nil {
					_, err = c.Read(make([]byte, 100)) // in the middle of the answer
				}
				if err = errors.Join(err, leave(c)); err != nil {
					return fmt.Errorf("leave after %.30q: %w", in, err)
				}
			}
		}
		if err := t.visit(hello); err != nil {
			return fmt.Errorf("a client after those: %w", err)
		}
	}
	return nil
}
