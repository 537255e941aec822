//go:build linux

package servers

import (
	"context"
	"runtime"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// iterative serves one request at a time (Stevens, UNIX Network Programming, chapter 30).
//
//	accept -> read -> handler -> write -> ... -> close -> accept
//
// Strength: nothing is shared, switched or scheduled: the least CPU per request that this handler can cost, and the
// baseline for all others. Where it breaks: whoever waits makes everybody wait; with keep-alive one client keeps the
// server to itself until it leaves.
func iterative(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	lfd, addr, err := listen(&cfg)
	if err != nil {
		return err
	}
	defer unix.Close(lfd)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var open roster
	defer open.close()
	defer onStop(ctx, func() {
		open.stop(cfg.StopTimeout)
		_ = unix.Shutdown(lfd, unix.SHUT_RD)
	})()
	cfg.Ready(addr)
	slot := cfg.Board.Slot(0)
	c := new(sock)
	for passed := time.Now(); ; {
		if c.accept(lfd, &cfg, slot) != nil {
			return nil // only the stop shuts the listening socket down
		}
		open.add(c, 0)
		pump(c, cfg.session(h), &cfg, slot, &open)
		// The runtime's monitor takes the processor away from whoever has not passed through the scheduler for 10 ms,
		// at every system call from then on, and gets no rest itself: a tenth of the CPU time. A pass now and then
		// costs a thousandth.
		if now := time.Now(); now.Sub(passed) > 5*time.Millisecond {
			passed = now
			runtime.Gosched()
		}
	}
}
