//go:build linux

package servers

import (
	"context"
	"fmt"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	gap "serverlab/servers/exercise"
	"serverlab/servers/http1"
)

// exercise is an event loop on poll(2) that a student writes: package exercise has all but the loop.
//
//	poll -> read -> Feed -> write
//
// Strength: poll(2) is everywhere and holds no state. Where it breaks: where it holds no state, the whole list of
// connections goes into the kernel and back at each call.
func exercise(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	lfd, addr, err := listen(&cfg)
	if err != nil {
		return err
	}
	defer unix.Close(lfd)
	if err := unix.SetNonblock(lfd, true); err != nil {
		return fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	return gap.Serve(ctx, gap.Config{
		Listener: lfd, Ready: func() { cfg.Ready(addr) }, Session: func() *http1.Session { return cfg.session(h) },
		Slot: cfg.Board.Slot(0), MaxConns: cfg.MaxConns,
		IdleTimeout: cfg.IdleTimeout, ReadTimeout: cfg.ReadTimeout, StopTimeout: cfg.StopTimeout,
	})
}
