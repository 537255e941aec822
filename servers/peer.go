//go:build linux

package servers

import (
	"golang.org/x/sys/unix"

	"serverlab/servers/http1"
)

// peer is a connection of a reactor. A silent one is this struct and nothing else: it gets a session with its first
// input.
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

// expect changes what a connection waits for. Events 0 takes it off the watch.
func (r *reactor) expect(p *peer, events uint32) {
	if p.interest == events {
		return
	}
	op := unix.EPOLL_CTL_MOD
	switch {
	case p.interest == 0:
		op = unix.EPOLL_CTL_ADD
	case events == 0:
		op = unix.EPOLL_CTL_DEL
	}
	p.interest = events
	if err := epollCtl(r.ep, op, p.fd, events); err != nil { // out of kernel memory or of epoll watches
		r.cfg.Log.Warn("connection given up", "err", err)
		r.close(p)
	}
}

// cut closes a connection. One that is in other hands is only told: its owner brings it back.
func (p *peer) cut() {
	if p.busy {
		_ = unix.Shutdown(p.fd, unix.SHUT_RDWR)
		return
	}
	p.r.close(p)
}

// ready goes on with what the connection waits for.
func (p *peer) ready(uint32) {
	switch {
	case p.busy: // what it has to say must wait
		p.r.expect(p, 0)
	case p.place.line == &p.r.lingering:
		p.r.drain(p)
	case len(p.out) > 0:
		p.r.flush(p)
	default:
		p.r.readable(p)
	}
}

// read takes what has arrived, for the session: nothing when that has answers to go on with. When it is not ok there is
// nothing to do, now or ever.
func (r *reactor) read(p *peer) (input []byte, ok bool) {
	if p.more {
		return nil, true
	}
	switch n, err := recv(p.fd, r.in[:]); {
	case n > 0:
		return r.in[:n], true
	case err == unix.EAGAIN, err == unix.EINTR:
		r.expect(p, unix.EPOLLIN)
	default: // the end, or a connection that broke
		r.close(p)
	}
	return nil, false
}

// answer writes what the session gave. What the socket does not take is kept with the connection, and so is the rest
// where there are more answers: they wait for their turn, as if the socket were full.
func (r *reactor) answer(p *peer, out []byte, answered uint64) {
	r.slot.Requests.Add(answered)
	n, err := 0, unix.Errno(0)
	if len(out) > 0 {
		n, err = send(p.fd, out)
	}
	r.sent(p, out[n:], err, answered > 0)
}

// sent goes on after an answer, or as much of it as the socket took: the rest is left. A new request may have begun.
func (r *reactor) sent(p *peer, left []byte, err unix.Errno, begun bool) {
	switch {
	case err != 0 && err != unix.EAGAIN && err != unix.EINTR:
		r.close(p)
	case len(left) > 0 || p.more:
		p.out = append([]byte(nil), left...)
		r.idle.join(&p.place, r.now)
		r.expect(p, unix.EPOLLOUT)
	case p.closing:
		r.finish(p)
	default:
		r.await(p, begun)
	}
}

// flush writes what is left of an answer. When the socket takes no more, it waits for that and for nothing else: a
// client that does not read its answers is not read from either.
func (r *reactor) flush(p *peer) {
	for len(p.out) > 0 {
		n, err := send(p.fd, p.out)
		switch err {
		case 0:
			p.out = p.out[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			r.idle.join(&p.place, r.now)
			r.expect(p, unix.EPOLLOUT)
			return
		default:
			r.close(p)
			return
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
	switch n, err := recv(p.fd, r.in[:]); {
	case err == unix.EAGAIN, err == unix.EINTR, n > 0:
	default:
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

// close may be called again.
func (r *reactor) close(p *peer) {
	if p.fd < 0 {
		return
	}
	p.place.leave()
	if p.session != nil {
		p.session.Release()
	}
	r.at[p.fd] = nil
	closeNow(p.fd) // takes it off epoll too; one that a child holds as well is not on it
	p.fd = -1
	r.count(-1)
}
