//go:build linux

package servers

import (
	"fmt"
	"sync"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// inbox is where a loop finds the connections that other threads give back.
type inbox struct {
	*reactor
	back func(handled)
	bell int // eventfd: something has come

	mu    sync.Mutex
	come  []handled
	spare []handled // come's other half: while one is filled, the other is emptied
}

// handled is a connection whose request has been answered by another thread.
type handled struct {
	peer     *peer
	out      *[]byte // from the pool of answers
	answered uint64
	sent     int        // of out
	err      unix.Errno // of sending
}

// answers are buffers in which other threads leave what is to be written.
var answers = sync.Pool{New: func() any { return new([]byte) }}

// handle has the session of a connection that is in other hands answer one request.
func (p *peer) handle() handled {
	before := p.session.Requests()
	h := handled{peer: p, out: answers.Get().(*[]byte)}
	*h.out, p.more, p.closing = p.session.Feed((*h.out)[:0], nil)
	h.answered = p.session.Requests() - before
	return h
}

// recycle gives the buffer back.
func (h *handled) recycle() {
	if cap(*h.out) <= 256<<10 { // a rare large answer is not kept
		answers.Put(h.out)
	}
}

// openInbox has the loop call back for each connection that comes.
func openInbox(r *reactor, back func(handled)) (*inbox, error) {
	b := &inbox{reactor: r, back: back}
	var err error
	if b.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	// Edge-triggered, each ring is told once, and nobody needs to read it.
	if err := r.watch(b.bell, unix.EPOLLIN|unix.EPOLLET, b); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// close comes when nobody puts anything in any more.
func (b *inbox) close() { _ = unix.Close(b.bell) }

// put may be called by any thread.
func (b *inbox) put(h handled) {
	b.mu.Lock()
	b.come = append(b.come, h)
	first := len(b.come) == 1
	b.mu.Unlock()
	if first {
		ring(b.bell)
	}
}

// ready takes what has come.
func (b *inbox) ready(uint32) {
	b.mu.Lock()
	come := b.come
	b.come = b.spare[:0]
	b.mu.Unlock()
	for _, h := range come {
		p := h.peer
		p.busy = false
		if b.stopping {
			p.session.CloseAfter()
			p.closing = p.closing || !p.more
		}
		b.back(h)
		h.recycle()
	}
	clear(come)
	b.spare = come
}

func (b *inbox) cut() {}

// feedOthers has the loop read and parse, and call handOver with each connection whose next request others are to
// answer. It may have another after that one: then it comes again when that one's answer is sent.
func (r *reactor) feedOthers(h fasthttp.RequestHandler, others func(*fasthttp.RequestCtx) bool, handOver func(*peer)) {
	over := func(p *peer) {
		p.place.leave() // no time-out would free who works for it
		p.busy = true
		handOver(p)
	}
	var out []byte
	r.readable = func(p *peer) {
		if p.more && p.session.Held() {
			over(p)
			return
		}
		input, ok := r.read(p)
		if !ok {
			return
		}
		if p.session == nil {
			p.session = r.cfg.session(h)
			p.session.Hold(others)
		}
		before := p.session.Requests()
		out, p.more, p.closing = p.session.Feed(out[:0], input)
		if p.session.Held() && len(out) == 0 {
			over(p)
			return
		}
		r.answer(p, out, p.session.Requests()-before)
	}
}
