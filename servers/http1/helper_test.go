package http1

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // handlers that fail on purpose
	os.Exit(m.Run())
}

// everything is a handler with a path for each way to answer.
func everything(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case "/":
		ctx.SetBody(hello)
	case "/echo":
		fmt.Fprintf(ctx, "%s %s %q", ctx.Method(), ctx.RequestURI(), ctx.PostBody())
	case "/trailer":
		fmt.Fprintf(ctx, "%q %q", ctx.PostBody(), ctx.Request.Header.Peek("X-Sum"))
	case "/big":
		ctx.SetBody(make([]byte, 100_000))
	case "/empty":
	case "/length":
		ctx.Response.Header.SetContentLength(42) // what a handler of HEAD may do
	case "/stream":
		ctx.SetBodyStream(strings.NewReader("streamed"), -1)
	case "/sized":
		ctx.SetBodyStream(strings.NewReader("streamed"), 8)
	case "/limited":
		ctx.SetBodyStream(io.LimitReader(strings.NewReader("streamed and more"), 8), -1)
	case "/short":
		ctx.SetBodyStream(strings.NewReader("streamed"), 9)
	case "/broken":
		ctx.SetBodyStream(io.MultiReader(strings.NewReader("streamed"), brokenReader{}), -1)
	case "/streampanic":
		ctx.SetBodyStream(panicReader{}, -1)
	case "/panic":
		ctx.SetBodyString("half an answer")
		panic("on purpose")
	case "/panicstream":
		ctx.SetBodyStream(panicReader{}, -1)
		panic("on purpose")
	case "/close":
		ctx.SetConnectionClose()
		ctx.SetBodyString("bye")
	case "/204":
		ctx.SetBodyString("never sent")
		ctx.SetStatusCode(fasthttp.StatusNoContent)
	case "/204stream":
		ctx.SetBodyStream(strings.NewReader("never sent"), -1)
		ctx.SetStatusCode(fasthttp.StatusNoContent)
	case "/304":
		ctx.SetBodyStream(strings.NewReader("never sent"), -1)
		ctx.SetStatusCode(fasthttp.StatusNotModified)
	case "/skip":
		ctx.SetBodyString("never sent")
		ctx.Response.SkipBody = true
	case "/skipstream":
		ctx.SetBodyStream(strings.NewReader("never sent"), -1)
		ctx.Response.SkipBody = true
	case "/hijack":
		ctx.Hijack(func(net.Conn) {})
	case "/late":
		ctx.TimeoutError("too late")
	case "/usable":
		ctx.Logger().Printf("a line nobody reads")
		ctx.SetUserValue("key", "value")
		fmt.Fprintf(ctx, "%v %v %v %v", ctx.RemoteAddr(), ctx.LocalAddr(), ctx.IsTLS(), ctx.Err())
		_ = ctx.Time()
		ctx.SetRemoteAddr(&net.TCPAddr{Port: 1})
	default:
		ctx.Error("no such path", fasthttp.StatusNotFound)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken on purpose") }

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("on purpose") }

// Close panics as well: the session must survive both.
func (panicReader) Close() error { panic("on purpose") }

var dates = regexp.MustCompile(`Date: [^\r]+`)

// feed gives the pieces to s, calls again as long as there is more, and returns all output with its dates cut.
func feed(s *Session, pieces ...string) (out string, closing bool) {
	var all []byte
	for _, p := range pieces {
		b := []byte(p)
		got, more, end := s.Feed(nil, b)
		all = append(all, got...)
		for i := range b {
			b[i] = '#' // the caller uses its buffer again
		}
		for more {
			got, more, end = s.Feed(nil, nil)
			all = append(all, got...)
		}
		closing = closing || end
	}
	return dates.ReplaceAllString(string(all), "Date: -"), closing
}

// bytewise splits text into single bytes.
func bytewise(text string) []string {
	pieces := make([]string, len(text))
	for i := range pieces {
		pieces[i] = text[i : i+1]
	}
	return pieces
}

// answer is a whole response as the session writes it, with its date cut.
func answer(status int, body string, headers ...string) string {
	more := ""
	for _, h := range headers {
		more += h + "\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nServer: serverlab\r\nDate: -\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Length: %d\r\n%s\r\n%s", status, fasthttp.StatusMessage(status), len(body), more, body)
}

const saysClose = "Connection: close"

// refusal is the answer to a request that ends its connection.
func refusal(status int, reason string) string { return answer(status, reason+"\n", saysClose) }
