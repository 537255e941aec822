//go:build linux

package servers

import (
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
	"serverlab/servers/http1"
)

// reactor is what every architecture with a loop of its own stands on: the connections, who owns which descriptor, and
// who waits for what since when. The loop itself is in epoll.go, where it can be read beside what it calls; what to do
// with a readable connection is the architecture's.
type reactor struct {
	cfg  Config
	slot *scoreboard.Slot
	lfd  int
	addr net.Addr
	ep   int
	wake int      // eventfd: written to when the server is to stop
	at   []source // by descriptor

	readable func(*peer) // a connection has input, or its turn to go on has come

	now                      time.Time
	idle, reading, lingering line[*peer]
	open                     int       // connections, lingering ones included
	retry                    time.Time // when to listen again after descriptors ran out
	stopping                 bool
	deadline                 time.Time // when stopping cuts what is left
}

// source is the owner of a descriptor.
type source interface {
	ready(events uint32)
	cut() // the time for stopping is over: let go
}

// peer is a connection of a reactor.
type peer struct {
	r        *reactor
	fd       int
	session  *http1.Session // of an architecture that answers in the loop
	out      []byte         // of an answer: what the socket would not take yet
	more     bool           // the session has more answers
	closing  bool           // after out
	busy     bool           // in other hands: neither watched nor timed out
	interest uint32         // what epoll watches for; 0: not watched
	place    place[*peer]
}

func newReactor(cfg Config) (*reactor, error) {
	lfd, addr, err := listen(&cfg)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(lfd, true); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	r := &reactor{cfg: cfg, slot: cfg.Board.Slot(0), lfd: lfd, addr: addr}
	if r.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, errors.Join(fmt.Errorf("create epoll: %w", err), unix.Close(lfd))
	}
	if r.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, errors.Join(fmt.Errorf("create eventfd: %w", err), unix.Close(lfd), unix.Close(r.ep))
	}
	r.idle = line[*peer]{patience: cfg.IdleTimeout, expired: r.close}
	r.reading = line[*peer]{patience: cfg.ReadTimeout, expired: r.tooSlow}
	r.lingering = line[*peer]{patience: lingerTime, expired: r.close}
	return r, nil
}

// begin watches the listening socket, and the eventfd by which the loop is told to stop.
func (r *reactor) begin() error {
	err := errors.Join(r.watch(r.wake, unix.EPOLLIN, stopper{r}), r.watch(r.lfd, unix.EPOLLIN, listener{r}))
	if err != nil {
		return err
	}
	r.now = time.Now()
	return nil
}

func (r *reactor) end() {
	if !r.stopping { // the loop could not begin, or failed
		_ = unix.Close(r.lfd)
	}
	_ = unix.Close(r.wake)
	_ = unix.Close(r.ep)
}

// interrupt tells the loop to stop; it may be called from any goroutine.
func (r *reactor) interrupt() {
	one := [8]byte{7: 1} // any number but zero will do, whatever the byte order
	_, _ = unix.Write(r.wake, one[:])
}

// watch has epoll report events of a descriptor to its owner.
func (r *reactor) watch(fd int, events uint32, s source) error {
	for fd >= len(r.at) {
		r.at = append(r.at, make([]source, len(r.at)+64)...)
	}
	r.at[fd] = s
	e := unix.EpollEvent{Events: events, Fd: int32(fd)}
	if err := unix.EpollCtl(r.ep, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		r.at[fd] = nil
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	return nil
}

// expect changes what a connection waits for. Events 0 takes it off the watch.
func (r *reactor) expect(p *peer, events uint32) {
	if p.interest == events {
		return
	}
	var err error
	e := unix.EpollEvent{Events: events, Fd: int32(p.fd)}
	switch {
	case p.interest == 0:
		err = r.watch(p.fd, events, p)
	case events == 0:
		r.at[p.fd] = nil
		err = unix.EpollCtl(r.ep, unix.EPOLL_CTL_DEL, p.fd, nil)
	default:
		err = unix.EpollCtl(r.ep, unix.EPOLL_CTL_MOD, p.fd, &e)
	}
	p.interest = events
	if err != nil { // out of kernel memory or of epoll watches: this connection can't be served
		r.cfg.Log.Warn("connection given up", "err", err)
		r.close(p)
	}
}

// listener owns the listening socket.
type listener struct{ r *reactor }

func (l listener) ready(uint32) {
	r := l.r
	for range 64 { // then others have their turn
		fd, err := accept4(r.lfd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			r.accepted(fd)
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS),
			errors.Is(err, unix.ENOMEM):
			// The connection stays in the backlog. Watching on would report it again and again.
			r.deaf()
			r.retry = r.now.Add(10 * time.Millisecond)
			return
		}
	}
}

// deaf stops watching the listening socket.
func (r *reactor) deaf() {
	r.at[r.lfd] = nil
	_ = unix.EpollCtl(r.ep, unix.EPOLL_CTL_DEL, r.lfd, nil)
}

func (r *reactor) accepted(fd int) {
	p := &peer{r: r, fd: fd}
	p.place.who = p
	r.slot.Accepts.Add(1)
	r.open++
	if r.open > r.cfg.MaxConns {
		r.slot.Refusals.Add(1)
		if r.open > r.cfg.MaxConns+refusedLinger {
			_, _ = unix.Write(fd, refuse()) // an empty socket takes it whole
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

// stopper owns the eventfd that says that ctx has ended.
type stopper struct{ r *reactor }

func (s stopper) ready(uint32) {
	r := s.r
	r.at[r.wake] = nil
	_ = unix.EpollCtl(r.ep, unix.EPOLL_CTL_DEL, r.wake, nil)
	r.deaf()
	_ = unix.Close(r.lfd)
	r.retry = time.Time{}
	r.stopping, r.deadline = true, r.now.Add(r.cfg.StopTimeout)
	for _, s := range r.at {
		p, ok := s.(*peer)
		if !ok || p.place.line == &r.lingering {
			continue
		}
		if p.session != nil {
			p.session.CloseAfter()
		}
		if p.place.line == &r.idle && len(p.out) == 0 {
			r.readable(p) // a request that has arrived is in hand
		}
		if p.place.line != &r.lingering && len(p.out) == 0 && !p.more && !p.busy {
			r.close(p)
		}
	}
}

func (l listener) cut() {}
func (s stopper) cut()  {}
func (p *peer) cut()    { p.r.close(p) }

func (p *peer) ready(uint32) {
	switch {
	case p.place.line == &p.r.lingering:
		p.r.drain(p)
	case len(p.out) > 0:
		p.r.flush(p)
	default:
		p.r.readable(p)
	}
}

// flush writes what is left of an answer. When the socket takes no more, it waits for that and for nothing else: a
// client that does not read its answers is not read from either.
func (r *reactor) flush(p *peer) {
	for len(p.out) > 0 {
		n, err := unix.Write(p.fd, p.out)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			r.idle.join(&p.place, r.now)
			r.expect(p, unix.EPOLLOUT)
			return
		case err != nil:
			r.close(p)
			return
		default:
			p.out = p.out[n:]
		}
	}
	p.out = nil
	switch {
	case p.closing:
		r.finish(p)
	case p.more:
		r.readable(p)
	default:
		r.await(p, true)
	}
}

// await waits for the next request, or for the rest of one that has begun: then the time runs from its beginning.
func (r *reactor) await(p *peer, begun bool) {
	switch {
	case p.session == nil || !p.session.Partial():
		r.idle.join(&p.place, r.now)
	case begun || p.place.line != &r.reading: // bounds the request, not the read
		r.reading.join(&p.place, r.now)
	}
	r.expect(p, unix.EPOLLIN)
}

// finish closes a connection after its last answer. Were input left unread, the kernel would send a reset, which
// destroys an answer on its way (RFC 9112, section 9.6): so close the writing side, and read on for a while.
func (r *reactor) finish(p *peer) {
	if p.session != nil && !p.session.Unread() && !unread(p.fd) {
		r.close(p)
		return
	}
	if unix.Shutdown(p.fd, unix.SHUT_WR) != nil {
		r.close(p)
		return
	}
	r.lingering.join(&p.place, r.now)
	r.expect(p, unix.EPOLLIN)
}

// drain reads and discards what a lingering connection sends, until it ends.
func (r *reactor) drain(p *peer) {
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	n, err := unix.Read(p.fd, b.bytes[:])
	if n == 0 || err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
		r.close(p)
	}
}

// tooSlow ends a connection whose request did not arrive in time.
func (r *reactor) tooSlow(p *peer) {
	p.session.Release()
	p.session = nil
	p.out, p.closing = http1.ErrorAnswer(408, "the request took too long to arrive"), true
	r.flush(p)
}

func (r *reactor) close(p *peer) {
	if p.fd < 0 {
		return
	}
	p.place.leave()
	if p.session != nil {
		p.session.Release()
	}
	if p.interest != 0 {
		r.at[p.fd] = nil
	}
	_ = unix.Close(p.fd) // takes it off epoll too; one that a child holds as well is not on it
	p.fd = -1
	r.open--
}

// patience is how long epoll_wait may sleep, in milliseconds; -1: for ever.
func (r *reactor) patience() int {
	next := sooner(r.retry, r.deadline)
	for _, l := range []*line[*peer]{&r.idle, &r.reading, &r.lingering} {
		next = sooner(next, l.next())
	}
	if next.IsZero() {
		return -1
	}
	return int(max(0, time.Until(next)+time.Millisecond-1) / time.Millisecond)
}

func (r *reactor) expire() {
	for _, l := range []*line[*peer]{&r.idle, &r.reading, &r.lingering} {
		l.expire(r.now)
	}
	if !r.retry.IsZero() && !r.now.Before(r.retry) {
		r.retry = time.Time{}
		if err := r.watch(r.lfd, unix.EPOLLIN, listener{r}); err != nil {
			r.retry = r.now.Add(10 * time.Millisecond)
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
