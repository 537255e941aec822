//go:build linux

package servers

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// desk is where the loop and its helpers meet. A connection that is handed over belongs to the helper until it is back.
type desk struct {
	*reactor
	mayBlock func(*fasthttp.RequestCtx) bool
	helpers  sync.WaitGroup
	bell     int    // eventfd: something has come back
	door     [2]int // pipe: a byte for each helper that is to wake

	mu     sync.Mutex
	queue  line[*peer]
	asleep int // helpers for whom there is no byte in the pipe
	back   []handled
	spare  []handled // back's other half: while one is filled, the other is emptied
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
	d := &desk{reactor: r, mayBlock: r.cfg.MayBlock}
	if d.mayBlock == nil {
		d.mayBlock = func(*fasthttp.RequestCtx) bool { return true }
	}
	var err error
	if d.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	if err := unix.Pipe2(d.door[:], unix.O_CLOEXEC); err != nil {
		return nil, errors.Join(fmt.Errorf("create pipe: %w", err), unix.Close(d.bell))
	}
	debug.SetMaxThreads(r.cfg.helpers() + ownThreads)
	for range r.cfg.helpers() {
		d.helpers.Go(d.help)
	}
	// Edge-triggered, each ring is told once, and nobody needs to read it.
	if err := r.watch(d.bell, unix.EPOLLIN|unix.EPOLLET, d); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// close ends the helpers, when no connection is left or the loop has failed.
func (d *desk) close() {
	_ = unix.Close(d.door[1])
	d.helpers.Wait()
	_ = unix.Close(d.door[0])
	_ = unix.Close(d.bell)
}

func (d *desk) handOver(p *peer) {
	p.busy = true
	d.mu.Lock()
	d.queue.join(&p.place, d.now)
	wake := d.asleep > 0
	if wake {
		d.asleep--
	}
	d.mu.Unlock()
	if wake {
		_ = write(d.door[1], []byte{1})
	}
}

// take returns the connection that has waited longest, or nil when the server ends. A helper that finds none sleeps in
// read(2). Behind a Go channel each would be woken by another thread, which the runtime has find out that the goroutine
// is locked to this one: 14 % more CPU for a request that blocks for 5 ms, 40 % for one that reads a file at hand.
func (d *desk) take() *peer {
	for {
		d.mu.Lock()
		next := d.queue.first
		if next != nil {
			next.leave()
		} else {
			d.asleep++
		}
		d.mu.Unlock()
		if next != nil {
			return next.who
		}
		var one [1]byte
		n, err := unix.Read(d.door[0], one[:])
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Read(d.door[0], one[:])
		}
		if n == 0 || err != nil {
			return nil
		}
	}
}

// help is a helper: a kernel thread that ends with it, being locked still.
func (d *desk) help() {
	runtime.LockOSThread()
	for p := d.take(); p != nil; p = d.take() {
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
