//go:build linux

package servers

import (
	"context"
	"runtime"
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/internal/uring"
)

// iouring is a proactor: an event loop that is not told what it may do now, but what has been done for it. The kernel
// accepts, reads and writes, on orders that lie in a ring in memory; one system call hands over the orders of a turn
// and waits for the next completions (io_uring(7)).
//
//	orders: accept, receive: once for all   send: one each          rings of orders and of completions
//	                           \              |
//	                         io_uring_enter: hand over, and wait
//	                           |
//	completions: accepted -> order to receive
//	             received -> Feed -> order to send                  the handler runs in the loop
//	             sent     -> go on, or close
//
// The pattern is Schmidt's and others' (Pattern-Oriented Software Architecture 2, 2000); epoll's is the reactor.
//
// Strength: as epoll's, and a system call for many requests where epoll needs two for each and one more; a silent
// client holds no buffer, since the kernel takes one when input comes. Where it breaks: as epoll, a handler that waits
// stops everybody. What is under way belongs to the kernel: a buffer can't be touched nor a connection closed before
// the kernel has let go of it, and input comes whether it is wanted or not until the order is canceled (a client that
// sends on and reads nothing may have 128 KB in hand so, twice what epoll reads at a time). The order to receive takes
// 0.9 KB in the kernel for each client, where epoll takes 0.2. And many a container forbids it.
func iouring(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	runtime.LockOSThread() // the ring belongs to a thread
	defer runtime.UnlockOSThread()
	p, err := newProactor(cfg, h, usualRings)
	if err != nil {
		return err
	}
	return p.run(ctx)
}

// run is the loop. It returns when ctx has ended and no connection is left.
func (p *proactor) run(ctx context.Context) error {
	defer p.end()
	defer onStop(ctx, func() { ring(p.wake) })()
	p.cfg.Ready(p.addr)
	for !p.stopping || p.accepting || p.open > 0 {
		all, err := p.ring.Enter(p.order())
		if err != nil {
			return err
		}
		p.now = time.Now()
		p.settle(all) // answers that have been sent
		for _, done := range all {
			p.completed(done)
		}
		p.buffers.Offer()
		p.expire()
	}
	return nil
}

// completed goes on with what has been done.
func (p *proactor) completed(done uring.Completion) {
	c := p.at[done.Data>>kindBits]
	switch done.Data & (1<<kindBits - 1) {
	case acceptDone:
		p.accepted(done)
	case receiveDone:
		p.received(c, done)
	case sendDone:
		p.sent(c, done)
	case cancelFailed:
		if c != nil {
			c.deaf = false // the order was just being carried out: it is still there
		}
	case stopDue:
		p.stop()
	}
}
