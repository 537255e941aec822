package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime/debug"

	"github.com/valyala/fasthttp"
)

// serverName is what the Server header says.
const serverName = "serverlab"

// Answer appends what is due to dst. For Ready it runs the handler and appends its response; for Continue, leave to
// send the body; for Close, the error answer. With closing set the connection must end when out is sent.
//
// A response is appended whole, also one that comes from a body stream: a handler bounds what it sends.
func (s *Session) Answer(dst []byte) (out []byte, closing bool) {
	switch s.phase {
	case continueDue:
		s.phase = s.after
		return append(dst, "HTTP/1.1 100 Continue\r\n\r\n"...), false
	case failed:
		s.phase, s.unread = closed, true
		return appendError(dst, s.failure.status, s.failure.reason, s.head.isHead), true
	case requestReady:
		s.requests++
	case requestRefused:
	default:
		return dst, s.phase == closed
	}
	ctx := s.ctx
	s.ctx = nil
	out, lives, err := s.respond(dst, ctx)
	if err != nil {
		log.Printf("http1: request for %q: %v", ctx.Request.Header.RequestURI(), err)
		if ctx.LastTimeoutErrorResponse() == nil {
			closeStream(ctx)
		}
		out, lives = appendError(dst, fasthttp.StatusInternalServerError, "the handler failed", s.head.isHead), false
	}
	if !lives {
		s.end(closed)
		return out, true
	}
	s.phase, s.head, s.chunkExt = inHeader, head{}, 0
	return out, false
}

// respond runs the handler, appends its response and gives ctx back. lives reports whether the connection lives on.
// After an error nothing has been appended that may be sent, and ctx, which may be in any state, is left to the
// garbage collector.
func (s *Session) respond(dst []byte, ctx *fasthttp.RequestCtx) (out []byte, lives bool, err error) {
	defer func() {
		if p := recover(); p != nil { // one bad request never stops a server
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if s.phase == requestRefused {
		ctx.Error("the server has as many requests as it takes: try again later\n", fasthttp.StatusServiceUnavailable)
	} else {
		s.handler(ctx)
	}
	if ctx.Hijacked() {
		return dst, false, errors.New("the handler called Hijack: a session has no connection to give, answer instead")
	}
	resp, late := &ctx.Response, ctx.LastTimeoutErrorResponse()
	if late != nil {
		resp = late // the handler gave up, and may be using ctx still
	}
	if len(resp.Header.Server()) == 0 {
		resp.Header.SetServer(serverName)
	}
	lives = s.head.lives() && !s.closing && !resp.ConnectionClose()
	if !lives {
		resp.SetConnectionClose()
	} else if s.head.http10 {
		resp.Header.Set(fasthttp.HeaderConnection, "keep-alive")
	}
	if out, err = appendResponse(dst, resp, s.head.isHead, s.head.http10); err == nil && late == nil {
		putCtx(ctx)
	}
	return out, lives, err
}

// appendResponse appends resp as fasthttp writes it, and sees to it that its framing is right whatever the handler
// did: the client must be able to tell where the next answer begins.
func appendResponse(dst []byte, resp *fasthttp.Response, isHead, http10 bool) ([]byte, error) {
	code := resp.StatusCode()
	bodiless := code < 200 || code == fasthttp.StatusNoContent || code == fasthttp.StatusNotModified
	switch {
	case bodiless:
		resp.ResetBody()
		resp.Header.Del(fasthttp.HeaderTransferEncoding)
		if code != fasthttp.StatusNotModified || resp.Header.ContentLength() < 0 {
			resp.Header.Del(fasthttp.HeaderContentLength)
		}
	case resp.SkipBody && !isHead:
		resp.ResetBody() // the length that is announced must be the length that is sent
	case resp.IsBodyStream():
		if http10 && resp.Header.ContentLength() < 0 { // HTTP/1.0 knows no chunks
			body, err := io.ReadAll(resp.BodyStream())
			if err != nil {
				return dst, fmt.Errorf("read body stream: %w", err)
			}
			resp.SetBodyRaw(body)
		}
	}
	if resp.IsBodyStream() {
		return appendStream(dst, resp, isHead)
	}
	body := resp.Body()
	if !isHead || len(body) > 0 || resp.Header.ContentLength() <= 0 { // a handler of HEAD may say only how long
		resp.Header.SetContentLength(len(body))
	}
	dst = appendHeader(dst, &resp.Header)
	if isHead {
		return dst, nil
	}
	return append(dst, body...), nil
}

// appendStream appends a response whose body is a stream: in chunks unless its length is known.
func appendStream(dst []byte, resp *fasthttp.Response, isHead bool) ([]byte, error) {
	resp.SkipBody = isHead
	w := appender{dst}
	if _, err := resp.WriteTo(&w); err != nil {
		return dst, fmt.Errorf("write response: %w", err)
	}
	if isHead { // fasthttp ends the chunks of a stream even where it sends none
		end := bytes.Index(w.b[len(dst):], []byte("\r\n\r\n")) + len("\r\n\r\n")
		w.b = w.b[:len(dst)+end]
	}
	return w.b, nil
}

// appender is an io.Writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// closeStream ends the body stream of a request whose handler failed, so that whoever writes to it ends too.
func closeStream(ctx *fasthttp.RequestCtx) {
	defer func() {
		if p := recover(); p != nil {
			log.Printf("http1: close body stream: panic: %v", p)
		}
	}()
	if err := ctx.Response.CloseBodyStream(); err != nil {
		log.Printf("http1: close body stream: %v", err)
	}
}

// ErrorAnswer returns a whole answer with "Connection: close" and reason as its text: 503 for a connection above the
// limit, 408 for a request that did not come in time.
func ErrorAnswer(status int, reason string) []byte { return appendError(nil, status, reason, false) }

func appendError(dst []byte, status int, reason string, isHead bool) []byte {
	var resp fasthttp.Response
	resp.Header.SetServer(serverName)
	resp.SetStatusCode(status)
	resp.SetConnectionClose()
	resp.SetBodyString(reason + "\n")
	out, err := appendResponse(dst, &resp, isHead, false)
	if err != nil {
		panic(err) // a body in memory, written to memory
	}
	resp.Reset()
	return out
}
