//go:build linux

package exercise

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/servers/http1"
)

// What the helpers below return when nothing could be done.
var (
	errAgain   = errors.New("not now: ask poll(2) when")
	errNoRoom  = errors.New("no descriptor is left, and the connection waits in the backlog")
	refusal    = http1.ErrorAnswer(503, "the server has as many connections as it takes: try again later")
	timeoutSay = http1.ErrorAnswer(408, "the request took too long to arrive")
)

// The bounds of lingering: how long a connection may, and how many refused ones at the same time.
const (
	lingerTime   = time.Second
	mostRefused  = 64
	acceptsATime = 64                    // then others have their turn
	retryAccept  = 10 * time.Millisecond // after errNoRoom
)

// pollSet is what poll(2) looks at. It is told anew before each call, which is what is wrong with poll(2).
type pollSet struct{ fds []unix.PollFd }

// clear empties the set.
func (p *pollSet) clear() { p.fds = p.fds[:0] }

// add puts a descriptor into the set. Events is unix.POLLIN (there is input, or a connection to accept, or the end) or
// unix.POLLOUT (there is room for output).
func (p *pollSet) add(fd int, events int16) {
	p.fds = append(p.fds, unix.PollFd{Fd: int32(fd), Events: events})
}

// wait returns when one of the set is ready, or when the time until has come; the zero time never comes. Errors count
// as ready: the next read or write tells them.
func (p *pollSet) wait(until time.Time) error {
	patience := -1 // milliseconds; for ever
	if !until.IsZero() {
		patience = int(max(0, time.Until(until)+time.Millisecond-1) / time.Millisecond)
	}
	_, err := unix.Poll(p.fds, patience)
	if errors.Is(err, unix.EINTR) {
		for i := range p.fds {
			p.fds[i].Revents = 0
		}
		err = nil
	}
	if err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	return nil
}

// ready lists the descriptors that are.
func (p *pollSet) ready() (fds []int) {
	for _, f := range p.fds {
		if f.Revents != 0 {
			fds = append(fds, int(f.Fd))
		}
	}
	return fds
}

// sooner is the earlier of two times; the zero time never comes.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// accept takes the next connection and enters it in conns: with a session and IdleTimeout to go, or, above the limit,
// with a refusal to be sent. It returns errAgain when none waits, and errNoRoom.
func (s *Server) accept() (*Conn, error) {
	for {
		fd, _, err := unix.Accept4(s.Listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			return s.enter(fd), nil
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS),
			errors.Is(err, unix.ENOMEM):
			return nil, errNoRoom
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINVAL): // EINVAL: it is deaf
			return nil, errAgain
		}
		// Everything else is said of one connection, which has gone already: the next one.
	}
}

func (s *Server) enter(fd int) *Conn {
	c := &Conn{fd: fd, deadline: time.Now().Add(s.IdleTimeout)}
	s.conns[fd] = c
	s.Slot.Accepts.Add(1)
	if len(s.conns) <= s.MaxConns {
		c.session = s.Session()
		return c
	}
	s.Slot.Refusals.Add(1)
	c.out, c.closing = refusal, true
	if len(s.conns) > s.MaxConns+mostRefused { // they must not take the descriptors of those that are served
		_ = c.write() // an empty socket takes it whole
		s.close(c)
	}
	return c
}

// deafen ends the accepting of connections for good.
func (s *Server) deafen() { _ = unix.Shutdown(s.Listener, unix.SHUT_RD) }

// finish ends a connection after its last answer. Were input left unread, the kernel would send a reset, which destroys
// the answer on its way (RFC 9112, section 9.6): then it closes the writing side, and reading goes on for a while.
func (s *Server) finish(c *Conn) {
	if c.session != nil && !c.session.Unread() && !c.unread() || unix.Shutdown(c.fd, unix.SHUT_WR) != nil {
		s.close(c)
		return
	}
	c.lingering, c.deadline = true, time.Now().Add(lingerTime)
}

// expire ends a connection whose deadline has come; one in the middle of a request is told why.
func (s *Server) expire(c *Conn) {
	if c.session != nil && !c.lingering && len(c.out) == 0 && c.session.Partial() {
		c.out = timeoutSay
		if c.write() == nil {
			s.finish(c)
			return
		}
	}
	s.close(c)
}

// close ends a connection at once; more than once does no harm.
func (s *Server) close(c *Conn) {
	if s.conns[c.fd] != c {
		return
	}
	if c.session != nil {
		c.session.Release()
	}
	delete(s.conns, c.fd)
	_ = unix.Close(c.fd)
}

// read takes what has arrived, as much as p holds. It returns errAgain when there is nothing, io.EOF when the client
// has ended its side, and other errors when the connection is broken.
func (c *Conn) read(p []byte) (int, error) {
	for {
		n, err := unix.Read(c.fd, p)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return 0, errAgain
		case err != nil:
			return 0, fmt.Errorf("read: %w", err)
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// write sends of out what the socket takes, and leaves the rest there. An error means that the connection is broken.
func (c *Conn) write() error {
	for len(c.out) > 0 {
		n, err := unix.Write(c.fd, c.out)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil:
			return fmt.Errorf("write: %w", err)
		default:
			c.out = c.out[n:]
		}
	}
	return nil
}

// unread tells whether input waits in the socket.
func (c *Conn) unread() bool {
	n, err := unix.IoctlGetInt(c.fd, unix.SIOCINQ)
	return err == nil && n > 0
}
