package loadgen

import (
	"bytes"
	"crypto/sha256"
	"regexp"
	"strings"
	"testing"
)

const helloText = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// outcome is all that matters of an answer.
type outcome struct {
	parsed
	status  int
	body    int64
	differs bool
	closing bool
	surplus bool
}

// parse feeds the pieces, then the end of the connection.
func parse(head bool, e *expected, pieces ...[]byte) (o outcome) {
	r := response{head: head}
	r.reset()
	for _, p := range pieces {
		if o.parsed == done {
			o.surplus = o.surplus || len(p) > 0
			continue
		}
		n, what := r.feed(p, e)
		if o.parsed = what; what == bad {
			return outcome{parsed: bad}
		}
		o.surplus = what == done && n < len(p)
	}
	if o.parsed == more {
		o.parsed = r.eof(e)
	}
	o.status, o.body, o.differs, o.closing = r.status, r.body, r.differs, r.mustClose()
	return o
}

var expectHello = &expected{body: []byte("hello")}

func TestResponse(t *testing.T) {
	ok := "HTTP/1.1 200 OK\r\n"
	long := strings.Repeat("x", 3*maxLine)
	for _, test := range []struct {
		text string
		want outcome
	}{
		{helloText, outcome{done, 200, 5, false, false, false}},
		{"HTTP/1.1 200\nContent-Length: 5\n\nhello", outcome{done, 200, 5, false, false, false}},
		{ok + "content-LENGTH:5 \r\ncontent-length: 5\r\n\r\nhullo", outcome{done, 200, 5, true, false, false}},
		{helloText + "!", outcome{done, 200, 5, false, false, true}},
		{ok + "Content-Length: 0\r\n\r\n", outcome{done, 200, 0, false, false, false}},
		{ok + "Content-Length: 5\r\n\r\nhell", outcome{more, 200, 4, false, false, false}},
		{ok + "\r\nhello", outcome{done, 200, 5, false, true, false}},
		{ok + "Transfer-Encoding: gzip\r\n\r\nhello", outcome{done, 200, 5, false, true, false}},
		{ok + "Transfer-Encoding: gzip, Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
			outcome{done, 200, 5, false, false, false}},
		{ok + "Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n5 ; a=b\r\nhello\r\n00\r\nX: y\r\n\r\n",
			outcome{done, 200, 5, false, false, false}},
		{ok + "Connection: Foo, CLOSE\r\nContent-Length: 5\r\n\r\nhello", outcome{done, 200, 5, false, true, false}},
		{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", outcome{done, 200, 5, false, true, false}},
		{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
			outcome{done, 200, 5, false, false, false}},
		{"HTTP/1.1 100 Continue\r\nContent-Length: 7\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
			outcome{done, 204, 0, false, false, false}},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", outcome{done, 304, 0, false, false, false}},
		{ok + "X-Long: " + long + "\r\n" + long + ": y\r\nContent-Length: 5\r\n\r\nhello",
			outcome{done, 200, 5, false, false, false}},
		{"HTTP/1.1 200 OK", outcome{more, 0, 0, false, false, false}},

		{"HTTP/1.1 101 Switching Protocols\r\n\r\n", outcome{parsed: bad}},
		{"HTTP/2.0 200 OK\r\n\r\n", outcome{parsed: bad}},
		{"HTTP/1.2 200 OK\r\n\r\n", outcome{parsed: bad}},
		{"HTTP/1.1 2x0 OK\r\n\r\n", outcome{parsed: bad}},
		{"HTTP/1.1 099 OK\r\n\r\n", outcome{parsed: bad}},
		{"HTTP/1.1 2000 OK\r\n\r\n", outcome{parsed: bad}},
		{"HTTP/1.1 200 " + long + "\r\n\r\n", outcome{parsed: bad}},
		{"\r\n", outcome{parsed: bad}},
		{ok + "no colon\r\n", outcome{parsed: bad}},
		{ok + ": no name\r\n", outcome{parsed: bad}},
		{ok + "A: b\r\n folded: c\r\n", outcome{parsed: bad}},
		{ok + "Content-Length: five\r\n", outcome{parsed: bad}},
		{ok + "Content-Length:\r\n", outcome{parsed: bad}},
		{ok + "Content-Length: -5\r\n", outcome{parsed: bad}},
		{ok + "Content-Length: 5\r\nContent-Length: 6\r\n", outcome{parsed: bad}},
		{ok + "Content-Length: 9999999999999999999\r\n", outcome{parsed: bad}},
		{ok + "Content-Length: " + strings.Repeat(" ", maxLine) + "5\r\n", outcome{parsed: bad}},
		{ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n", outcome{parsed: bad}},
		{ok + "Transfer-Encoding: chunked\r\n\r\n5 x\r\n", outcome{parsed: bad}},
		{ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n", outcome{parsed: bad}},
		{ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", outcome{parsed: bad}},
		{ok + strings.Repeat("A: b\r\n", maxHeader/6), outcome{parsed: bad}},
		{strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHeader/20), outcome{parsed: bad}},
	} {
		name := test.text[:min(60, len(test.text))]
		if got := parse(false, expectHello, []byte(test.text)); got != test.want {
			t.Errorf("%q: %+v, want %+v", name, got, test.want)
		}
		if got := parse(false, expectHello, bytes.SplitAfter([]byte(test.text), nil)...); got != test.want {
			t.Errorf("%q byte by byte: %+v, want %+v", name, got, test.want)
		}
	}
	if got := parse(true, &expected{}, []byte(helloText[:len(helloText)-5])); got.parsed != done || got.body != 0 {
		t.Errorf("answer to HEAD: %+v", got)
	}
}

// Cutting an answer in other places must change nothing. The cuts are the bytes of the second argument, in turn.
func FuzzResponse(f *testing.F) {
	f.Add([]byte(helloText), []byte{1, 7}, false)
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\nx"),
		[]byte{3}, false)
	f.Add([]byte("HTTP/1.0 100 C\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"), []byte{200, 1}, true)
	f.Add([]byte("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("y", 300)+"\r\n\r\nhello"), []byte{250, 5}, false)
	f.Add([]byte("HTTP/1.1 200 OK\n"+strings.Repeat("z", 253)+":\r\r\n"+strings.Repeat(" ", 256)+":\n\n"),
		[]byte{255}, false)
	sum := sha256.Sum256([]byte("hello"))
	e := &expected{body: []byte("hello"), sum: &sum, re: regexp.MustCompile("^h.*o$")}
	f.Fuzz(func(t *testing.T, text, cuts []byte, head bool) {
		whole := parse(head, e, text)
		var pieces [][]byte
		for rest, i := text, 0; len(rest) > 0 && len(cuts) > 0; i++ {
			k := min(len(rest), max(1, int(cuts[i%len(cuts)])))
			pieces = append(pieces, rest[:k])
			rest = rest[k:]
		}
		if len(pieces) == 0 {
			return
		}
		if cut := parse(head, e, pieces...); cut != whole {
			t.Errorf("%q in %d pieces: %+v, in one: %+v", text, len(pieces), cut, whole)
		}
	})
}

var nginxAnswer = []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 22:14:08 GMT\r\n" +
	"Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!")

func BenchmarkResponse(b *testing.B) {
	r, e := response{}, &expected{body: []byte("Hello, World!")}
	b.SetBytes(int64(len(nginxAnswer)))
	b.ReportAllocs()
	for b.Loop() {
		r.reset()
		if n, what := r.feed(nginxAnswer, e); what != done || n != len(nginxAnswer) || r.differs {
			b.Fatal(n, what)
		}
	}
}
