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
	r.feed(h)
	return r.run(ctx)
}

// feed has the loop itself answer what is readable.
func (r *reactor) feed(h fasthttp.RequestHandler) {
	var out []byte // of the answer being made; what the socket does not take is kept with the connection
	r.readable = func(p *peer) {
		input, ok := r.read(p)
		if !ok {
			return
		}
		if p.session == nil {
			p.session = r.cfg.session(h)
		}
		before := p.session.Requests()
		out, p.more, p.closing = p.session.Feed(out[:0], input)
		r.answer(p, out, p.session.Requests()-before)
	}
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
	for !r.stopping || r.open > 0 {
		n, err := epollWait(r.ep, events[:], r.patience())
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		r.now = time.Now()
		for _, e := range events[:n] {
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
