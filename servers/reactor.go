//go:build linux

package servers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
)

// reactor is what every architecture with a loop of its own stands on: the connections, who owns which descriptor, and
// who waits for what since when. The loop itself is in epoll.go, where it can be read beside what it calls, and what a
// connection goes through is in peer.go; what to do with a readable one is the architecture's.
type reactor struct {
	cfg  Config
	slot *scoreboard.Slot
	lfd  int
	addr net.Addr
	ep   int
	wake int      // eventfd: written to when the server is to stop
	at   []source // who owns a descriptor

	batch  int        // most connections taken in one turn
	events uint32     // EPOLLEXCLUSIVE, if other processes wait on the same listening socket
	others func() int // connections of processes that share the limit; nil: there are none

	readable func(*peer)    // a connection has input, or its turn to go on has come
	in       [64 << 10]byte // what one read fills: it is answered, or kept by the session, before the next

	waiting[*peer]
	open     int       // connections, lingering ones included
	retry    time.Time // when to listen again after descriptors ran out
	stopping bool
	deadline time.Time // when stopping cuts what is left
}

// source is the owner of a descriptor.
type source interface {
	ready(events uint32)
	cut() // the time for stopping is over: let go
}

func newReactor(cfg Config) (*reactor, error) {
	lfd, addr, err := listen(&cfg)
	if err != nil {
		return nil, err
	}
	return reactorOn(cfg, lfd, addr, cfg.Board.Slot(0))
}

// reactorOn takes over a listening socket.
func reactorOn(cfg Config, lfd int, addr net.Addr, slot *scoreboard.Slot) (*reactor, error) {
	if err := unix.SetNonblock(lfd, true); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	r := &reactor{cfg: cfg, slot: slot, lfd: lfd, addr: addr, batch: 64}
	var err error
	if r.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, errors.Join(fmt.Errorf("create epoll: %w", err), unix.Close(lfd))
	}
	if r.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, errors.Join(fmt.Errorf("create eventfd: %w", err), unix.Close(lfd), unix.Close(r.ep))
	}
	r.waiting = newWaiting(&r.cfg, r.close, r.tooSlow)
	return r, nil
}

// begin watches the listening socket, and the eventfd by which the loop is told to stop.
func (r *reactor) begin() error {
	err := errors.Join(r.watch(r.wake, unix.EPOLLIN, stopper{r}), r.listen())
	if err != nil {
		return err
	}
	r.now = time.Now()
	return nil
}

// end closes what is not a connection's.
func (r *reactor) end() {
	if !r.stopping { // the loop could not begin, or failed
		_ = unix.Close(r.lfd)
	}
	_ = unix.Close(r.wake)
	_ = unix.Close(r.ep)
}

// interrupt tells the loop to stop; it may be called from any goroutine.
func (r *reactor) interrupt() { ring(r.wake) }

// ring adds to an eventfd, which wakes a loop that watches it.
func ring(eventfd int) {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_ = write(eventfd, one[:])
}

// own notes who owns a descriptor.
func (r *reactor) own(fd int, s source) {
	for fd >= len(r.at) {
		r.at = append(r.at, make([]source, len(r.at)+64)...)
	}
	r.at[fd] = s
}

// watch has epoll report events of a descriptor to its owner.
func (r *reactor) watch(fd int, events uint32, s source) error {
	r.own(fd, s)
	if err := epollCtl(r.ep, unix.EPOLL_CTL_ADD, fd, events); err != nil {
		r.at[fd] = nil
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	return nil
}

// forget takes a descriptor off the watch.
func (r *reactor) forget(fd int) {
	r.at[fd] = nil
	_ = epollCtl(r.ep, unix.EPOLL_CTL_DEL, fd, 0)
}

// listener owns the listening socket.
type listener struct{ r *reactor }

func (l listener) ready(uint32) {
	r := l.r
	for range r.batch { // then others have their turn
		fd, err := acceptNow(r.lfd)
		switch { // any other is said of one connection: accept(2) passes on its pending network errors
		case err == 0:
			r.accepted(fd)
		case err == unix.EAGAIN:
			return
		case exhausted(err): // watching on would report the connection again and again
			r.deaf()
			r.retry = r.now.Add(retryAccept)
			return
		}
	}
}

// listen watches the listening socket; deaf stops that.
func (r *reactor) listen() error { return r.watch(r.lfd, unix.EPOLLIN|r.events, listener{r}) }

func (r *reactor) deaf() { r.forget(r.lfd) }

func (r *reactor) accepted(fd int) {
	p := &peer{r: r, fd: fd}
	p.place.who = p
	r.own(fd, p)
	r.slot.Accepts.Add(1)
	if all := r.count(1); all > r.cfg.MaxConns {
		r.slot.Refusals.Add(1)
		if all > r.cfg.MaxConns+refusedLinger {
			_, _ = send(fd, refuse()) // an empty socket takes it whole
			r.close(p)
			return
		}
		p.out, p.closing = refuse(), true
		r.flush(p)
		return
	}
	r.idle.join(&p.place, r.now)
	r.readable(p) // the request is often there already, and who is served at once needs no watching
}

// count notes that a connection was opened, or closed by -1, and returns how many are open, those of other processes
// included.
func (r *reactor) count(by int) int {
	r.open += by
	r.slot.Open.Store(int64(r.open))
	if r.others != nil {
		return r.open + r.others()
	}
	return r.open
}

// stopper owns the eventfd that says that ctx has ended.
type stopper struct{ r *reactor }

func (s stopper) ready(uint32) {
	r := s.r
	r.forget(r.wake)
	r.deaf()
	_ = unix.Close(r.lfd)
	r.retry = time.Time{}
	r.stopping, r.deadline = true, r.now.Add(r.cfg.StopTimeout)
	for _, s := range r.at {
		p, ok := s.(*peer)
		if !ok || p.busy || p.place.line == &r.lingering {
			continue
		}
		if p.session != nil {
			p.session.CloseAfter()
		}
		if p.place.line == &r.idle && len(p.out) == 0 {
			r.readable(p) // a request that has arrived is in hand
		}
		if !p.busy && p.place.line != &r.lingering && len(p.out) == 0 && !p.more {
			r.close(p)
		}
	}
}

func (l listener) cut() {}
func (s stopper) cut()  {}

// patience is how long epoll_wait may sleep, in milliseconds; -1: for ever.
func (r *reactor) patience() int {
	next := sooner(r.waiting.next(), sooner(r.retry, r.deadline))
	if next.IsZero() {
		return -1
	}
	return int(max(0, time.Until(next)+time.Millisecond-1) / time.Millisecond)
}

func (r *reactor) expire() {
	r.timeOut()
	if !r.retry.IsZero() && !r.now.Before(r.retry) {
		r.retry = time.Time{}
		if err := r.listen(); err != nil {
			r.retry = r.now.Add(retryAccept)
		}
	}
	if !r.deadline.IsZero() && !r.now.Before(r.deadline) {
		r.deadline = time.Time{}
		for _, s := range r.at {
			if s != nil {
				s.cut()
			}
		}
	}
}
