//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

var hostileProperties = []Property{
	{Name: "malformed", Asks: "malformed requests and smuggling attempts are refused, and the connection ends",
		check: malformed},
	{Name: "garbage", Asks: "random bytes and damaged requests do no harm", check: garbage},
	{Name: "half-closed", Asks: "a client that has closed its side still gets its answer", check: halfClosed},
	{Name: "still-sending", Asks: "an error answer arrives whole although the client is still sending",
		check: stillSending},
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
