//go:build linux

// Package worker is what a process does that was spawned for one request: its connection is a descriptor that it
// inherited, and its life ends with the answer. It is apart from package servers because a process pays for all that
// it links, at every start.
package worker

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/servers/http1"
)

// The exit status of a worker tells its parent what became of the connection.
const (
	Answered          = 0 // one request was answered; the connection may live on
	AnsweredAndClosed = 1 // one request was answered; the connection must end
	NotAnswered       = 2 // the client left, was too slow, or sent what is no request
)

// Config is the part of a server's policy that concerns one request.
type Config struct {
	KeepAlive   bool          // the parent keeps the connection for more requests
	ReadTimeout time.Duration // until the request is complete
	SendTimeout time.Duration // without progress in taking the answer
	Limits      http1.Limits
}

// inputSize is how much input is looked at at a time, in bytes.
const inputSize = 16 << 10

// Serve answers one request from the connection fd and returns the worker's exit status. It takes exactly that request
// from the socket and leaves what follows to the next worker: it looks at the input first (MSG_PEEK), asks the session
// how much belongs to the request, and then reads that much. Input is looked at in the buffer in.
func Serve(fd int, cfg Config, h fasthttp.RequestHandler, in []byte) int {
	s := http1.NewSession(h, cfg.Limits)
	if !cfg.KeepAlive {
		s.CloseAfter()
	}
	c := conn{fd: fd, deadline: time.Now().Add(cfg.ReadTimeout)}
	if err := c.prepare(cfg); err != nil {
		return NotAnswered
	}
	var out []byte
	for {
		n, err := c.peek(in)
		if err != nil {
			if s.Partial() && errors.Is(err, unix.EAGAIN) {
				_ = c.write(http1.ErrorAnswer(408, "the request took too long to arrive"))
				c.linger(in)
			}
			return NotAnswered
		}
		used, status := s.Next(in[:n])
		if err := c.take(in[:used]); err != nil {
			return NotAnswered
		}
		if status == http1.More {
			continue
		}
		var closing bool
		out, closing = s.Answer(out[:0])
		if c.write(out) != nil {
			return NotAnswered
		}
		switch status {
		case http1.Ready:
			if !closing {
				return Answered
			}
			if n > used || c.pending() {
				c.linger(in)
			}
			return AnsweredAndClosed
		case http1.Close:
			c.linger(in)
			return NotAnswered
		}
	}
}

// conn is the inherited connection.
type conn struct {
	fd       int
	deadline time.Time
}

// prepare makes the descriptor block: the parent's loop had it otherwise.
func (c conn) prepare(cfg Config) error {
	if err := unix.SetNonblock(c.fd, false); err != nil {
		return err
	}
	tv := unix.NsecToTimeval(cfg.SendTimeout.Nanoseconds())
	return unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
}

// peek waits for input and leaves it where it is. At the deadline it returns EAGAIN, at the end of the input EPIPE.
// The request is nearly always there already, so it waits only when a first look finds nothing.
func (c conn) peek(p []byte) (int, error) {
	n, err := c.look(p, unix.MSG_DONTWAIT)
	if !errors.Is(err, unix.EAGAIN) {
		return n, err
	}
	tv := unix.NsecToTimeval(max(time.Until(c.deadline), time.Microsecond).Nanoseconds())
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return 0, err
	}
	return c.look(p, 0)
}

func (c conn) look(p []byte, flags int) (int, error) {
	for {
		n, _, err := unix.Recvfrom(c.fd, p, unix.MSG_PEEK|flags)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err == nil && n == 0:
			return 0, unix.EPIPE
		}
		return n, err
	}
}

// take reads what peek has seen: it is there, so one read gets it all.
func (c conn) take(p []byte) error {
	for len(p) > 0 {
		n, err := unix.Read(c.fd, p)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		p = p[max(n, 0):]
	}
	return nil
}

func (c conn) write(p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(c.fd, p)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		p = p[max(n, 0):]
	}
	return nil
}

func (c conn) pending() bool {
	n, err := unix.IoctlGetInt(c.fd, unix.SIOCINQ)
	return err == nil && n > 0
}

// The bounds of lingering. Pieces are not counted: a client may send small ones.
const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
)

// linger closes the writing side and reads on for a while: unread input at the close would make the kernel
// send a reset, which destroys the answer on its way (RFC 9112, section 9.6).
func (c conn) linger(p []byte) {
	if unix.Shutdown(c.fd, unix.SHUT_WR) != nil {
		return
	}
	c.deadline = time.Now().Add(lingerTime)
	for seen := 0; seen < lingerBytes && time.Now().Before(c.deadline); {
		n, err := c.peek(p)
		if err != nil || c.take(p[:n]) != nil {
			return
		}
		seen += n
	}
}
