package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// seeds begin where the protocol has its corners. What fuzzing found goes to the end.
var seeds = []string{
	get("/") + get("/echo"),
	"\r\n" + get("/") + "\r\n\r\n",
	get("/", "Connection: keep-alive, Close") + get("/"),
	"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /stream HTTP/1.0\r\n\r\n",
	"HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\nHEAD /empty HTTP/1.1\r\nHost: h\r\n\r\n" + get("/204stream") + get("/304"),
	post("abc", "Content-Length: 3") + post("abcd", "Content-Length: 3"),
	post("3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n", "Transfer-Encoding: chunked") + get("/"),
	post("3\r\nabcd\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
	post("3\r\nabc\n0\n\n", "Transfer-Encoding: chunked"),
	post("ffffffffffffffffff\r\n", "Transfer-Encoding: chunked"),
	post("abc", "Expect: 100-continue", "Content-Length: 3") + post("", "Expect: tea"),
	post("0\r\n\r\n", "Expect: 100-continue", "Transfer-Encoding: chunked"),
	post("", "Expect: 100-continue", "Content-Length: 999"),
	post("abc", "Content-Length: 3", "Transfer-Encoding: chunked"),
	post("abc", "Content-Length: 3", "Content-Length: 4"),
	post("abc", "Transfer-Encoding: gzip, chunked"),
	post("", "Content-Length: -1"),
	post("--b\r\n", "Content-Type: multipart/form-data; boundary=b", "Content-Length: 5"),
	get("/", "X: "+strings.Repeat("x", 300)),
	get("/", "X: a", " b"), get("/", "X : a"), get("/", "X: a\rb"), get("/", "X: \x00"),
	"GET / HTTP/1.1\nHost: h\n\n",
	"GET http://[::1]:80/?a#b HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/3.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "\x16\x03\x01\n", "GET\n",
	get("/panic"), get("/short"), get("/close") + get("/"), get("/late") + get("/hijack"),
	get("/big") + get("/big") + get("/"),
}

// fuzzLimits are small, so that short inputs meet them.
var fuzzLimits = Limits{Header: 200, Body: 50, Output: 300}

// FuzzSplit feeds any input in any pieces and wants the output and the end that it has in one piece. A fresh session
// for each request must give the same too, as a process per request does it, and what was taken for one request must
// be one for others: for fasthttp's reader of whole requests, and for net/http where that takes it at all.
func FuzzSplit(f *testing.F) {
	for i, seed := range seeds {
		f.Add([]byte(seed), uint64(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		want, wantEnd := feed(NewSession(everything, fuzzLimits), string(data))
		for _, pieces := range [][]string{bytewise(string(data)), split(data, seed)} {
			if got, end := feed(NewSession(everything, fuzzLimits), pieces...); got != want || end != wantEnd {
				t.Fatalf("in pieces %q:\ngot  %q, closing %v\nwhole %q, closing %v", pieces, got, end, want, wantEnd)
			}
		}
		if got, end := oneByOne(t, data); got != want || end != wantEnd {
			t.Fatalf("a session per request:\ngot  %q, closing %v\nwhole %q, closing %v", got, end, want, wantEnd)
		}
	})
}

// split cuts data at random places.
func split(data []byte, seed uint64) (pieces []string) {
	rng := rand.New(rand.NewPCG(seed, 1))
	longest := 1 + rng.IntN(len(data)+1)
	for len(data) > 0 {
		n := min(1+rng.IntN(longest), len(data))
		pieces, data = append(pieces, string(data[:n])), data[n:]
	}
	return pieces
}

// oneByOne serves each request of data in a session of its own.
func oneByOne(t *testing.T, data []byte) (out string, closing bool) {
	var all []byte
	for !closing {
		s := NewSession(everything, fuzzLimits)
		request, rest := data, data
		for st := Continue; st == Continue; {
			var n int
			n, st = s.Next(rest)
			rest = rest[n:]
			if st == More {
				return dates.ReplaceAllString(string(all), "Date: -"), false
			}
			if st == Ready {
				request = request[:len(request)-len(rest)]
				readByOthers(t, request, s.ctx.Request.Body())
			}
			all, closing = s.Answer(all)
		}
		data = rest
	}
	return dates.ReplaceAllString(string(all), "Date: -"), true
}

// readByOthers checks that request is one request with this body for other readers.
func readByOthers(t *testing.T, request, body []byte) {
	t.Helper()
	var req fasthttp.Request
	r := bufio.NewReaderSize(bytes.NewReader(request), 4096)
	err := req.Header.Read(r)
	if err == nil {
		err = req.ContinueReadBody(r, fuzzLimits.Body, false)
	}
	rest, _ := io.ReadAll(r)
	if err != nil || len(rest) > 0 || !bytes.Equal(req.Body(), body) {
		t.Fatalf("%q\nwith body %q is for fasthttp: %v, body %q, then %q", request, body, err, req.Body(), rest)
	}

	r = bufio.NewReader(bytes.NewReader(request))
	std, err := http.ReadRequest(r)
	if err != nil {
		return // net/http is stricter in places
	}
	theirs, err := io.ReadAll(std.Body)
	rest, _ = io.ReadAll(r)
	if len(rest) > 0 || !bytes.Equal(theirs, body) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%q\nwith body %q is for net/http: %v, body %q, then %q", request, body, err, theirs, rest)
	}
}
