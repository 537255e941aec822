package http1

import (
	"testing"

	"github.com/valyala/fasthttp"
)

var hello = []byte("Hello, world!")

func sayHello(ctx *fasthttp.RequestCtx) { ctx.SetBody(hello) }

const getRoot = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

// BenchmarkGet is one keep-alive "GET /" as Feed sees it from an architecture that reads it in one piece.
func BenchmarkGet(b *testing.B) { benchmarkFeed(b, getRoot) }

// BenchmarkGetBrowser is the same with the header of a browser.
func BenchmarkGetBrowser(b *testing.B) {
	benchmarkFeed(b, "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"+
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en,de;q=0.5\r\n"+
		"Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCache-Control: no-cache\r\n\r\n")
}

// BenchmarkGetInTwoPieces cuts each request within its header.
func BenchmarkGetInTwoPieces(b *testing.B) { benchmarkFeed(b, getRoot[:20], getRoot[20:]) }

func benchmarkFeed(b *testing.B, pieces ...string) {
	s := NewSession(sayHello, Limits{})
	in := make([][]byte, len(pieces))
	for i, p := range pieces {
		in[i] = []byte(p)
	}
	out := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range in {
			out, _, _ = s.Feed(out[:0], p)
		}
		if len(out) == 0 {
			b.Fatal("no answer")
		}
	}
}
