//go:build linux

package servers

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/valyala/fasthttp"
)

// netHTTP is the server of Go's standard library with the same handler behind an adapter.
//
//	acceptor: accept -> go
//	goroutine: read -> parse -> adapter -> handler -> adapter -> write -> read ...
//
// The adapter copies the request into a RequestCtx and the answer out of it: a few hundred bytes of header, the body
// if there is one. That is charged to this row, and small beside what net/http itself does per request (it parses the
// header into a map and starts a goroutine that watches whether the client leaves).
func netHTTP(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	ln, err := newReception(&cfg)
	if err != nil {
		return err
	}
	s := &http.Server{
		Handler:        adapter{ln.counted(h), cfg.Limits.Body},
		IdleTimeout:    cfg.IdleTimeout,
		ReadTimeout:    cfg.ReadTimeout, // from the accept, or from the end of the answer before
		WriteTimeout:   cfg.ReadTimeout + cfg.IdleTimeout,
		MaxHeaderBytes: max(1, cfg.Limits.Header-4096),                        // it adds 4 KiB of its own
		ErrorLog:       slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug), // it logs each client's error
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				ln.open.Add(-1)
			}
		},
	}
	s.SetKeepAlivesEnabled(cfg.KeepAlive)
	return ln.serve(ctx, s.Serve, func(ctx context.Context) error {
		err := s.Shutdown(ctx)
		return errors.Join(err, s.Close()) // cuts what the grace did not suffice for
	})
}

// adapter lets net/http call a handler of fasthttp.
type adapter struct {
	handler fasthttp.RequestHandler
	body    int // most bytes of one
}

var adapted = sync.Pool{New: func() any {
	ctx := new(fasthttp.RequestCtx)
	ctx.Init2(nil, log.New(io.Discard, "", 0), true)
	return ctx
}}

// ServeHTTP implements http.Handler.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := adapted.Get().(*fasthttp.RequestCtx)
	defer func() {
		ctx.Request.Reset()
		ctx.Response.Reset()
		adapted.Put(ctx)
	}()
	ctx.Request.Header.SetMethod(r.Method)
	ctx.Request.SetRequestURI(r.RequestURI)
	ctx.Request.Header.SetHost(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			ctx.Request.Header.Add(name, v)
		}
	}
	if r.ContentLength != 0 {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(a.body)))
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
			return
		case err != nil:
			http.Error(w, "the body can't be read", http.StatusBadRequest)
			return
		}
		ctx.Request.SetBodyRaw(body)
	}
	a.handler(ctx)
	header := w.Header()
	for name, value := range ctx.Response.Header.All() {
		header.Add(string(name), string(value))
	}
	if ctx.Response.ConnectionClose() {
		header.Set("Connection", "close")
	}
	header.Set("Server", "serverlab")
	w.WriteHeader(ctx.Response.StatusCode())
	_, _ = w.Write(ctx.Response.Body()) // fails if the client has left; net/http drops it where there may be none
}
