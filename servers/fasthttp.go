//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"serverlab/internal/scoreboard"
)

// fastHTTP is the server that fasthttp brings along, with the same handler: a goroutine of a pool serves a connection
// until it ends.
//
//	acceptor: accept -> an idle goroutine of the pool, or a new one
//	goroutine: read -> parse -> handler -> write -> read ...
//
// It differs from the row goroutine in its buffers, which it gives back between requests only if told so, and in what
// it checks of a request. Its time-out for reading begins with the first byte that it reads, of each request anew.
func fastHTTP(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	ln, err := newReception(&cfg)
	if err != nil {
		return err
	}
	s := &fasthttp.Server{
		Handler:            ln.counted(h),
		Name:               "serverlab",
		Concurrency:        cfg.MaxConns + 1, // the reception refuses before
		DisableKeepalive:   !cfg.KeepAlive,
		IdleTimeout:        cfg.IdleTimeout,
		ReadTimeout:        cfg.ReadTimeout,
		WriteTimeout:       cfg.IdleTimeout,
		ReadBufferSize:     cfg.Limits.Header,
		MaxRequestBodySize: cfg.Limits.Body,
		CloseOnShutdown:    true,
		Logger:             slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug), // it logs each client's error
		ConnState: func(_ net.Conn, state fasthttp.ConnState) {
			if state == fasthttp.StateClosed {
				ln.open.Add(-1)
			}
		},
	}
	return ln.serve(ctx, s.Serve, s.ShutdownWithContext)
}

// reception is the listening socket of a server that would serve any number of connections: it counts them, and
// refuses those above the limit. The server tells it of each that is closed.
type reception struct {
	*net.TCPListener
	cfg       *Config
	slot      *scoreboard.Slot
	open      atomic.Int64
	lingering atomic.Int64 // refused ones
}

func newReception(cfg *Config) (*reception, error) {
	ln, err := listenNet(cfg)
	if err != nil {
		return nil, err
	}
	return &reception{TCPListener: ln, cfg: cfg, slot: cfg.Board.Slot(0)}, nil
}

// Accept implements net.Listener.
func (r *reception) Accept() (net.Conn, error) {
	for {
		c, err := r.AcceptTCP()
		if err != nil {
			if acceptAgain(err) {
				continue
			}
			return nil, err
		}
		r.slot.Accepts.Add(1)
		if r.open.Add(1) <= int64(r.cfg.MaxConns) {
			return c, nil
		}
		r.open.Add(-1)
		r.slot.Refusals.Add(1)
		go r.refuse(c)
	}
}

func (r *reception) refuse(tcp *net.TCPConn) {
	c := newParked(tcp, r.cfg)
	defer c.Close()
	defer r.lingering.Add(-1)
	if all := r.lingering.Add(1); all > refusedLinger {
		_, _ = c.Write(refuse()) // an empty socket takes it whole
		return
	}
	if _, err := c.Write(refuse()); err == nil {
		linger(c)
	}
}

// counted is h with its calls counted.
func (r *reception) counted(h fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		h(ctx)
		r.slot.Requests.Add(1)
	}
}

// serve runs a server of Go until ctx ends; then it answers what is in hand.
func (r *reception) serve(ctx context.Context, serve func(net.Listener) error, stop func(context.Context) error) error {
	failed := make(chan error, 1)
	r.cfg.Ready(r.Addr())
	go func() { failed <- serve(r) }()
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("serve %s: %w", r.Addr(), err), r.Close())
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), r.cfg.StopTimeout)
	defer cancel()
	err := stop(grace)
	_ = r.Close() // told to stop before it began to serve, it has not closed it
	<-failed
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving %s: %w", r.Addr(), err)
	}
	return nil
}
