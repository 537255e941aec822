//go:build linux

package servers

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// amped is an asymmetric multi-process event-driven server, the design of Flash (Pai, Druschel, Zwaenepoel: USENIX
// 1999): an event loop that waits for no disk, because it has helpers who do.
//
//	        +--> accept
//	epoll_wait --> read -> Feed ---------------------------> write     loop
//	        |               '-> may block --> queue            ^
//	        |                                   '-> handler ---'       one of N helper threads
//	        +--> an answer has come back (eventfd)
//
// Strength: the loop's few bytes per silent client, and yet a handler that waits stops nobody while a helper is free.
// Where it breaks: a request that is handed over costs two wake-ups more; and who hands over must know beforehand what
// may block. Flash asked mincore(2) whether the file was in memory; here cfg.MayBlock is asked, of the parsed request.
// Where it is not set all requests may block, and each pays for the way to a helper and back.
//
// One request of a connection is in flight at a time, so its answers keep their order, and the queue is never longer
// than there are connections: --max-conns bounds it, and nothing is dropped. While its request is with a helper a
// connection is neither read from nor timed out, for no time-out would free the helper.
func amped(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	r, err := newReactor(cfg)
	if err != nil {
		return err
	}
	d, err := openDesk(r)
	if err != nil {
		r.end()
		return err
	}
	defer d.close()
	var out []byte
	r.readable = func(p *peer) {
		if p.more && p.session.Held() {
			d.handOver(p)
			return
		}
		input, ok := r.read(p)
		if !ok {
			return
		}
		if p.session == nil {
			p.session = cfg.session(h)
			p.session.Hold(d.mayBlock)
		}
		before := p.session.Requests()
		out, p.more, p.closing = p.session.Feed(out[:0], input)
		if p.session.Held() && len(out) == 0 {
			d.handOver(p)
			return
		}
		r.answer(p, out, p.session.Requests()-before)
	}
	return r.run(ctx)
}

// desk is where the loop and its helpers meet. A connection that is handed over belongs to the helper until it is back.
type desk struct {
	*reactor
	mayBlock func(*fasthttp.RequestCtx) bool
	queue    chan *peer
	helpers  sync.WaitGroup
	bell     int // eventfd: something has come back

	mu    sync.Mutex
	back  []handled
	spare []handled // back's other half: while one is filled, the other is emptied
}

// handled is a connection whose request a helper has answered.
type handled struct {
	peer     *peer
	out      *[]byte // from the pool of answers
	answered uint64
}

// answers are buffers in which helpers leave what is to be written.
var answers = sync.Pool{New: func() any { return new([]byte) }}

func openDesk(r *reactor) (*desk, error) {
	d := &desk{reactor: r, mayBlock: r.cfg.MayBlock, queue: make(chan *peer, r.cfg.MaxConns)}
	if d.mayBlock == nil {
		d.mayBlock = func(*fasthttp.RequestCtx) bool { return true }
	}
	var err error
	if d.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	// Edge-triggered, each ring is told once, and nobody needs to read it.
	if err := r.watch(d.bell, unix.EPOLLIN|unix.EPOLLET, d); err != nil {
		_ = unix.Close(d.bell)
		return nil, err
	}
	for range r.cfg.helpers() {
		d.helpers.Go(d.help)
	}
	return d, nil
}

// close ends the helpers, when no connection is left or the loop has failed.
func (d *desk) close() {
	close(d.queue)
	d.helpers.Wait()
	_ = unix.Close(d.bell)
}

func (d *desk) handOver(p *peer) {
	p.busy = true
	p.place.leave()
	d.queue <- p
}

// help is a helper: a kernel thread that ends with it, being locked still.
func (d *desk) help() {
	runtime.LockOSThread()
	for p := range d.queue {
		before := p.session.Requests()
		out := answers.Get().(*[]byte)
		*out, p.more, p.closing = p.session.Feed((*out)[:0], nil)
		d.mu.Lock()
		d.back = append(d.back, handled{p, out, p.session.Requests() - before})
		first := len(d.back) == 1
		d.mu.Unlock()
		if first {
			ring(d.bell)
		}
	}
}

// ready takes back what has come.
func (d *desk) ready(uint32) {
	d.mu.Lock()
	back := d.back
	d.back = d.spare[:0]
	d.mu.Unlock()
	for _, b := range back {
		p := b.peer
		p.busy = false
		if d.stopping {
			p.session.CloseAfter()
			p.closing = p.closing || !p.more
		}
		d.answer(p, *b.out, b.answered)
		if cap(*b.out) <= 256<<10 { // a rare large answer is not kept
			answers.Put(b.out)
		}
	}
	clear(back)
	d.spare = back
}

func (d *desk) cut() {}
