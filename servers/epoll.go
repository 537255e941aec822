//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// epoll is the event loop in plain sight: one thread waits for all connections at once and does for each whatever can
// be done without waiting.
//
//	        +--> accept
//	epoll_wait --> read -> Feed -> write      the handler runs in the loop
//	        +--> write the rest of an answer
//
// Strength: no stack and no switch per client, so a thousand silent clients cost a few bytes each, and the busy ones
// come in batches. Where it breaks: a handler that waits stops everybody; one loop uses one CPU.
func epoll(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	r, err := newReactor(cfg)
	if err != nil {
		return err
	}
	var in [64 << 10]byte
	var out []byte // of the answer being made; what the socket does not take is kept with the connection
	feed := func(p *peer, input []byte) {
		before := p.session.Requests()
		out, p.more, p.closing = p.session.Feed(out[:0], input)
		r.slot.Requests.Add(p.session.Requests() - before)
		n := 0
		if len(out) > 0 {
			if n, err = unix.Write(p.fd, out); err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
				r.close(p)
				return
			}
		}
		switch {
		case n < len(out) || p.more: // more answers have to wait for their turn, as if the socket were full
			p.out = append([]byte(nil), out[max(n, 0):]...)
			r.idle.join(&p.place, r.now)
			r.expect(p, unix.EPOLLOUT)
		case p.closing:
			r.finish(p)
		default:
			r.await(p, p.session.Requests() > before)
		}
	}
	r.readable = func(p *peer) {
		if p.session == nil {
			p.session = cfg.session(h)
		}
		if p.more {
			feed(p, nil)
			return
		}
		n, err := unix.Read(p.fd, in[:])
		switch {
		case n > 0:
			feed(p, in[:n])
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			r.expect(p, unix.EPOLLIN)
		default: // the end, or a connection that broke
			r.close(p)
		}
	}
	return r.run(ctx)
}

// run is the loop. It returns when ctx has ended and no connection is left.
func (r *reactor) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer r.end()
	if err := r.begin(); err != nil {
		return err
	}
	defer onStop(ctx, r.interrupt)()
	r.cfg.Ready(r.addr)
	var events [256]unix.EpollEvent
	for n := 0; !r.stopping || r.open > 0; {
		patience := 0 // one more look before it sleeps: to sleep and be woken costs more
		if n == 0 {
			patience = r.patience()
		}
		var err error
		n, err = unix.EpollWait(r.ep, events[:], patience)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		r.now = time.Now()
		for _, e := range events[:max(n, 0)] {
			// Whoever owned the descriptor when the event was made may be gone. If it has a new owner by now, that
			// one finds nothing to read and waits on.
			if owner := r.at[e.Fd]; owner != nil {
				owner.ready(e.Events) // the listening socket accepts, a connection is readable or goes on writing
			}
		}
		r.expire() // who was silent for too long
	}
	return nil
}
