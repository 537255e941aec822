//go:build linux

package servers

import (
	"context"
	"errors"

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
			if n, err = unix.Write(p.fd, out); err != nil && !errors.Is(err, unix.EAGAIN) {
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
		case p.session.Partial():
			if p.place.line != &r.reading || p.session.Requests() > before { // bounds the request, not the read
				r.reading.join(&p.place, r.now)
			}
			r.expect(p, unix.EPOLLIN)
		default:
			r.idle.join(&p.place, r.now)
			r.expect(p, unix.EPOLLIN)
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
