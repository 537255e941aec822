//go:build linux

package conformance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

var protocolProperties = []Property{
	{Name: "protocol", Asks: "every kind of request, each in one piece", check: eachRequest(whole)},
	{Name: "protocol-bytes", Asks: "the same, byte by byte", check: eachRequest(single)},
	{Name: "protocol-pieces", Asks: "the same, in random pieces", check: eachRequest(random(1))},
	{Name: "pipelined", Asks: "all requests at once on one connection are answered in order", check: pipelined},
	{Name: "continue", Asks: "a client that waits for 100 Continue before its body gets it", check: waitForContinue},
	{Name: "one-request", Asks: "--keepalive=false: one answer per connection, then its end", check: oneRequest},
	{Name: "limits", Asks: "--max-header and --max-body are obeyed", check: limitsObeyed},
}

// sample is one request and the status that it must get. The reference says the rest of the answer; the status is here
// so that a fault of the session itself does not go unnoticed.
type sample struct {
	name, in string
	status   int
}

// head writes a request without a body.
func head(line string, fields ...string) string {
	return line + " HTTP/1.1\r\nHost: conformance\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// samples are requests after which the connection lives on.
var samples = []sample{
	{"GET", hello, 200},
	{"GET with work", head("GET /?spin=3&wait=1ms&block=1ms"), 200},
	{"HEAD", head("HEAD /"), 200},
	{"absolute target", head("GET http://conformance/?spin=1"), 200},
	{"names in any case", "GET / HTTP/1.1\r\nhOsT: conformance\r\nCoNnEcTiOn: Keep-Alive\r\n\r\n", 200},
	{"an empty line before", "\r\n" + hello, 200},
	{"many fields", head("GET /", strings.Fields(strings.Repeat("X-Field:value ", 200))...), 200},
	{"HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200},
	{"read", head("GET /read?file=f01&offset=4095&count=4096"), 200},
	{"read nothing", head("GET /read?file=f02&offset=0&count=0"), 200},
	{"read past the end", head("GET /read?file=f03&offset=1048570&count=100"), 200},
	{"read the whole file", head("GET /read?file=f04&offset=0&count=1048576"), 200},
	{"HEAD of a read", head("HEAD /read?file=f05&offset=1&count=70000"), 200},
	{"bad parameter", head("GET /read?file=f06&offset=-1&count=1"), 400},
	{"unknown file", head("GET /read?file=nothing&offset=0&count=1"), 404},
	{"way out of the directory", head("GET /read?file=../../etc/passwd&offset=0&count=1"), 404},
	{"unknown path", head("GET /nothing"), 404},
	{"chaos that was not allowed", head("GET /chaos/exit"), 404},
	{"another method", head("DELETE /"), 405},
	{"POST", head("POST /", "Content-Length: 5") + "12345", 405},
	{"POST of nothing", head("POST /", "Content-Length: 0"), 405},
	{"POST of a body that looks like a request", head("POST /", fmt.Sprint("Content-Length: ", len(hello))) +
		hello, 405},
	{"POST of a large body", head("POST /", "Content-Length: 200000") + strings.Repeat("0123456789", 20_000), 405},
	{"PUT in chunks", head("PUT /", "Transfer-Encoding: chunked") + "5\r\n12345\r\nA\r\n0123456789\r\n0\r\n\r\n", 405},
	{"chunks with extension and trailer", head("POST /", "Transfer-Encoding: chunked") +
		"3;name=value\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n", 405},
	{"GET with a body", head("GET /", "Content-Length: 3") + "abc", 200},
	{"POST that expects leave", head("POST /", "Expect: 100-continue", "Content-Length: 3") + "abc", 100},
}

// lastSamples are those after which the server closes.
var lastSamples = []sample{
	{"Connection: close", bye, 200},
	{"Connection: close in a list", head("GET /", "Connection: keep-alive, close"), 200},
	{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200},
	{"HTTP/1.0 HEAD", "HEAD / HTTP/1.0\r\nHost: conformance\r\n\r\n", 200},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
	{"no version", "GET /\r\n\r\n", 400},
	{"body above the limit", head("POST /", "Content-Length: 1048577"), 413},
	{"chunk above the limit", head("POST /", "Transfer-Encoding: chunked") + "100001\r\n", 413},
	{"expected and above the limit", head("POST /", "Expect: 100-continue", "Content-Length: 9999999"), 413},
	{"unknown expectation", head("POST /", "Expect: miracles", "Content-Length: 3"), 417},
	{"header above the limit", head("GET /", "X-Long: "+strings.Repeat("x", 9000)), 431},
	{"unknown transfer encoding", head("POST /", "Transfer-Encoding: gzip"), 501},
	{"HTTP/2", "GET / HTTP/2.0\r\nHost: conformance\r\n\r\n", 505},
}

func whole(in []byte) [][]byte { return [][]byte{in} }

// single sends byte by byte; of a long input only the beginning and the end.
func single(in []byte) (pieces [][]byte) {
	const edge = 600
	for len(in) > 0 {
		n := 1
		if len(pieces) == edge && len(in) > edge {
			n = len(in) - edge
		}
		pieces, in = append(pieces, in[:n]), in[n:]
	}
	return pieces
}

// random sends pieces of random length, mostly short ones.
func random(seed uint64) split {
	return func(in []byte) (pieces [][]byte) {
		r := rand.New(rand.NewPCG(seed, uint64(len(in))))
		for len(in) > 0 {
			n := min(len(in), 1+r.IntN(1<<r.IntN(15)))
			pieces, in = append(pieces, in[:n]), in[n:]
		}
		return pieces
	}
}

// eachRequest converses about each sample on a connection of its own, with and without the client closing its side.
func eachRequest(cut split) func(*probe) error {
	return func(p *probe) error {
		t, err := p.start(Settings{})
		if err != nil {
			return err
		}
		for i, s := range append(append([]sample(nil), samples...), lastSamples...) {
			if err := t.judge(s, i < len(samples)); err != nil {
				return err
			}
			for _, half := range []bool{false, true} {
				if err := t.converse(s.in, cut, half); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
			}
		}
		return nil
	}
}

// judge checks that the reference itself gives the status that the sample wants.
func (t *target) judge(s sample, lives bool) error {
	out, closing := t.reference(s.in)
	var status int
	if _, err := fmt.Sscanf(string(out), "HTTP/1.1 %d", &status); err != nil || status != s.status || closing == lives {
		return fmt.Errorf("%s: the session itself answers %.40q and closes: %t; want %d and %t",
			s.name, out, closing, s.status, !lives)
	}
	return nil
}

// pipelined sends all samples in random orders on one connection.
func pipelined(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	for seed, cut := range []split{whole, random(2)} {
		r := rand.New(rand.NewPCG(uint64(seed), 4))
		var in strings.Builder
		for _, i := range r.Perm(len(samples)) {
			in.WriteString(samples[i].in)
		}
		for _, half := range []bool{false, true} {
			if err := t.converse(in.String(), cut, half); err != nil {
				return fmt.Errorf("order %d: %w", seed, err)
			}
		}
		if err := t.converse(in.String()+bye, cut, false); err != nil {
			return fmt.Errorf("order %d and a last request: %w", seed, err)
		}
	}
	return nil
}

// waitForContinue sends no body before it has leave.
func waitForContinue(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	for _, body := range []struct{ field, text string }{
		{"Content-Length: 5", "12345"}, {"Transfer-Encoding: chunked", "5\r\n12345\r\n0\r\n\r\n"},
	} {
		c, err := t.dial()
		if err != nil {
			return err
		}
		defer c.Close()
		first := head("POST /", "Expect: 100-continue", body.field)
		leave, _ := t.reference(first)
		all, _ := t.reference(first + body.text)
		if !bytes.HasPrefix(leave, []byte("HTTP/1.1 100 ")) {
			return fmt.Errorf("the session itself answers %.40q", leave)
		}
		if err := t.ask(c, first); err != nil {
			return fmt.Errorf("leave to send: %w", err)
		}
		if err := c.send(body.text); err != nil {
			return err
		}
		if err := c.expect(all[len(leave):]); err != nil {
			return fmt.Errorf("after the body: %w", err)
		}
		if err := t.ask(c, bye); err != nil {
			return fmt.Errorf("the next request: %w", err)
		}
	}
	return nil
}

// oneRequest checks the mode without keep-alive, in which what a client sends beyond its request is ignored and does
// not destroy the answer.
func oneRequest(p *probe) error {
	t, err := p.start(Settings{OneRequest: true})
	if err != nil {
		return err
	}
	if out, closing := t.reference(hello); !closing || !bytes.Contains(out, []byte("\r\nConnection: close\r\n")) {
		return fmt.Errorf("the session itself answers %q", out)
	}
	more := []string{"", hello, strings.Repeat(hello, 2000), "\x00\xff"}
	for i, s := range append(append([]sample(nil), samples...), lastSamples...) {
		late := more[i%len(more)]
		if err := t.converse(s.in+late, whole, false); err != nil {
			return fmt.Errorf("%s, and %d bytes more: %w", s.name, len(late), err)
		}
		if err := t.converse(s.in, random(5), false); err != nil {
			return fmt.Errorf("%s in pieces: %w", s.name, err)
		}
	}
	// More that comes when all is over: the end must have come by itself.
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := t.ask(c, hello); err != nil {
		return err
	}
	if err := c.expectEnd(); err != nil {
		return err
	}
	_ = c.send(hello) // nobody is there to take it
	return t.visit(hello)
}

// limitsObeyed sets limits of its own, and stays below and goes above each by one byte.
func limitsObeyed(p *probe) error {
	t, err := p.start(Settings{MaxHeader: 300, MaxBody: 1000})
	if err != nil {
		return err
	}
	fill := strings.Repeat("x", 300-len(head("GET /", "X: ")))
	for _, s := range []sample{
		{"a header at the limit", head("GET /", "X: "+fill), 200},
		{"a body at the limit", head("POST /", "Content-Length: 1000") + strings.Repeat("x", 1000), 405},
		{"a header above the limit", head("GET /", "X: x"+fill), 431},
		{"a body above the limit", head("POST /", "Content-Length: 1001"), 413},
		{"chunks above the limit", head("POST /", "Transfer-Encoding: chunked") + "3e8\r\n" + strings.Repeat("x", 1000) +
			"\r\n1\r\n", 413},
	} {
		if err := t.judge(s, s.status < 406); err != nil {
			return err
		}
		for _, cut := range []split{whole, random(6)} {
			if err := t.converse(s.in, cut, false); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}
