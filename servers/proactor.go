//go:build linux

package servers

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
	"serverlab/internal/uring"
)

// proactor is what iouring stands on: the ring, the connections, and who waits for what since when. What a connection
// goes through is in caller.go.
type proactor struct {
	cfg     Config
	handler fasthttp.RequestHandler
	slot    *scoreboard.Slot
	lfd     int
	addr    net.Addr
	wake    int // eventfd: written to when the server is to stop
	ring    *uring.Ring
	buffers *uring.Buffers

	at     []*caller // by the number that is in what they have ordered; 0 is nobody's
	free   []int     // numbers
	queue  []*caller // those with answers that are to be sent
	trying []*caller // those whose answers went with the last Enter
	spare  [][]byte  // for answers

	waiting[*caller]
	open      int       // connections, until the kernel has let go of them
	accepting bool      // the kernel has the order to accept
	retry     time.Time // when to accept again after descriptors ran out
	stopping  bool
	deadline  time.Time // when stopping cuts what is left
}

// The kinds of completions. What is ordered carries one, and above it the number of the connection.
const (
	acceptDone = iota
	receiveDone
	tryFailed // the socket did not take an answer at once
	sendDone
	cancelFailed
	closeFailed // nothing can be done about it
	stopDue

	kindBits = 3
)

const (
	spareBuffers = 64
	mostOutput   = 64 << 10 // with so much to send, a connection is not fed further
)

// rings are the sizes of what the kernel shares: places for orders and for completions, and buffers that it receives
// into. None bounds the server. With more than so many connections that send at the same time orders to receive end for
// want of a buffer, and are given again.
//
// What has been tried in pairs of trials and gained less than 2 % of the CPU time: buffers of 2 and of 16 KiB, and such
// that do not begin on a page; a registered descriptor of the ring; orders without an array of indices; the last send
// and the close as a chain.
type rings struct{ orders, completions, buffers, bufferSize int }

var usualRings = rings{orders: 1024, completions: 4096, buffers: 256, bufferSize: 4 << 10}

func newProactor(cfg Config, h fasthttp.RequestHandler, sizes rings) (*proactor, error) {
	p := &proactor{cfg: cfg, handler: h, slot: cfg.Board.Slot(0), lfd: -1, wake: -1, at: make([]*caller, 1)}
	p.waiting = newWaiting(&p.cfg, p.close, p.tooSlow)
	if err := p.begin(sizes); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func (p *proactor) begin(sizes rings) (err error) {
	if p.lfd, p.addr, err = listen(&p.cfg); err != nil {
		return err
	}
	if p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("create eventfd: %w", err)
	}
	if p.ring, err = uring.New(sizes.orders, sizes.completions); err != nil {
		return err
	}
	if p.buffers, err = p.ring.NewBuffers(0, sizes.buffers, sizes.bufferSize); err != nil {
		return err
	}
	p.ring.Readable(p.wake, stopDue)
	p.accept()
	return nil
}

// end closes what is not a connection's.
func (p *proactor) end() {
	if p.ring != nil {
		_, _ = p.ring.Enter(0) // the last orders: to close
		if p.buffers != nil {
			_ = p.buffers.Close()
		}
		_ = p.ring.Close()
	}
	for _, fd := range []int{p.lfd, p.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// order gives the orders to send, and returns how long to wait for what is done then: not at all when those who are
// sent to have something else to do as soon as that is done.
func (p *proactor) order() (patience time.Duration) {
	patience = -1
	if next := sooner(p.waiting.next(), sooner(p.retry, p.deadline)); !next.IsZero() {
		patience = max(0, time.Until(next))
	}
	p.trying, p.queue = p.queue, p.trying[:0]
	for _, c := range p.trying {
		if c.queued = false; c.gone {
			continue
		}
		p.ring.SendNow(c.fd, c.out[c.taken:], c.id(tryFailed))
		if c.busy() {
			patience = 0
		}
	}
	return patience
}

// settle looks at what became of the answers that went with the last Enter, which returned all: most sockets take an
// answer at once, and the kernel says only of the others what they took. They wait, and whoever is done goes on.
func (p *proactor) settle(all []uring.Completion) {
	if len(p.trying) == 0 {
		return
	}
	for _, done := range all {
		if done.Data&(1<<kindBits-1) == tryFailed {
			p.took(p.at[done.Data>>kindBits], done)
		}
	}
	for i, c := range p.trying {
		p.trying[i] = nil
		if !c.gone && !c.sending {
			p.done(c)
		}
	}
	p.trying = p.trying[:0]
}

func (p *proactor) accept() {
	p.accepting = true
	p.ring.Accept(p.lfd, acceptDone)
}

func (p *proactor) accepted(done uring.Completion) {
	p.accepting = done.More()
	switch err := done.Err(); {
	case err == nil:
		p.welcome(int(done.Result))
	case exhausted(err):
		p.retry = p.now.Add(retryAccept)
	}
	if !p.accepting && !p.stopping && p.retry.IsZero() { // whatever else is said of one connection
		p.accept()
	}
}

func (p *proactor) welcome(fd int) {
	c := &caller{p: p, fd: fd, number: len(p.at)}
	if last := len(p.free) - 1; last >= 0 {
		c.number, p.free = p.free[last], p.free[:last]
		p.at[c.number] = c
	} else {
		p.at = append(p.at, c)
	}
	c.place.who = c
	p.slot.Accepts.Add(1)
	p.count(1)
	if p.open <= p.cfg.MaxConns {
		p.await(c)
		return
	}
	p.slot.Refusals.Add(1)
	if p.open > p.cfg.MaxConns+refusedLinger {
		_, _ = send(fd, refuse()) // an empty socket takes it whole
		p.close(c)
		return
	}
	c.out, c.closing = refuse(), true
	p.enqueue(c)
}

// count notes that a connection was opened, or closed by -1.
func (p *proactor) count(by int) {
	p.open += by
	p.slot.Open.Store(int64(p.open))
}

// stop is what is to be done when ctx has ended. Of whoever has nothing in hand the reading side is closed: what has
// arrived is still received, and then the end.
func (p *proactor) stop() {
	p.stopping, p.deadline, p.retry = true, p.now.Add(p.cfg.StopTimeout), time.Time{}
	if p.accepting {
		p.ring.Cancel(acceptDone, closeFailed)
	}
	_ = unix.Close(p.lfd)
	p.lfd = -1
	for _, c := range p.at {
		if c == nil || c.gone || c.place.line == &p.lingering {
			continue
		}
		if c.session != nil {
			c.session.CloseAfter()
		}
		if len(c.out) == 0 {
			_ = unix.Shutdown(c.fd, unix.SHUT_RD)
		}
	}
}

func (p *proactor) expire() {
	p.timeOut()
	if !p.retry.IsZero() && !p.now.Before(p.retry) {
		p.retry = time.Time{}
		if !p.accepting {
			p.accept()
		}
	}
	if !p.deadline.IsZero() && !p.now.Before(p.deadline) {
		p.deadline = time.Time{}
		for _, c := range p.at {
			if c != nil {
				p.close(c)
			}
		}
	}
}

// broken tells whether an error ends a connection, or only the order that met it.
func broken(err error) bool {
	return !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.ECANCELED) && !errors.Is(err, unix.EINTR) &&
		!errors.Is(err, unix.EAGAIN)
}
