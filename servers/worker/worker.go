//go:build linux

// Package worker is what a process does that was spawned for one request: its connection is a descriptor that it
// inherited, and its life ends with the answer. It is apart from package servers because a process pays for all that
// it links, at every start.
package worker

import (
	"errors"
	"time"
	"unsafe"

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

// memorySize is how many bytes of memory Serve takes for input and output, and outputSize is the output's part, which
// grows where an answer is larger. Both are one piece, so that a small request and its answer lie in the same page: a
// forked process pays for each page that it writes to.
const (
	memorySize = 16 << 10
	outputSize = 2 << 10
)

// Serve answers one request from the connection fd and returns the worker's exit status. It takes exactly that request
// from the socket and leaves what follows to the next worker: it looks at the input first (MSG_PEEK), asks the session
// how much belongs to the request, and then reads that much. Of memory it needs memorySize bytes.
func Serve(fd int, cfg Config, h fasthttp.RequestHandler, memory []byte) int {
	s := http1.NewSession(h, cfg.Limits)
	if !cfg.KeepAlive {
		s.CloseAfter()
	}
	c := conn{fd: fd, readTimeout: cfg.ReadTimeout, sendTimeout: cfg.SendTimeout}
	out, in := memory[:0:outputSize], memory[outputSize:]
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
			if n > used || c.pending(in) {
				c.linger(in)
			}
			return AnsweredAndClosed
		case http1.Close:
			c.linger(in)
			return NotAnswered
		}
	}
}

// now is the time, for one who asks once: the kernel is asked, of which the runtime need not be told.
func now() time.Time {
	var t unix.Timespec
	_, _, _ = unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&t)), 0)
	return time.Unix(t.Unix())
}

// conn is the inherited connection. What it is asked for is nearly always there already, and there is room for what it
// is to send, so each call is first made so that it can't wait: the runtime need not be told of such a one, and nothing
// is to be set before it.
type conn struct {
	fd                       int
	readTimeout, sendTimeout time.Duration
	deadline                 time.Time // of the input, from when it is first waited for
	blocks                   bool      // for as long as the timeouts say: the parent's loop had it otherwise
}

// block makes the descriptor block.
func (c *conn) block() error {
	if c.blocks {
		return nil
	}
	c.blocks = true
	tv := unix.NsecToTimeval(c.sendTimeout.Nanoseconds())
	return errors.Join(unix.SetNonblock(c.fd, false), unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv))
}

// peek waits for input and leaves it where it is. At the deadline it returns EAGAIN, at the end of the input EPIPE.
func (c *conn) peek(p []byte) (int, error) {
	n, err := c.look(p)
	if !errors.Is(err, unix.EAGAIN) {
		return n, err
	}
	if c.deadline.IsZero() {
		c.deadline = time.Now().Add(c.readTimeout)
	}
	tv := unix.NsecToTimeval(max(time.Until(c.deadline), time.Microsecond).Nanoseconds())
	if err := errors.Join(c.block(), unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)); err != nil {
		return 0, err
	}
	for {
		n, _, err := unix.Recvfrom(c.fd, p, unix.MSG_PEEK)
		if !errors.Is(err, unix.EINTR) {
			return n, ended(n, err)
		}
	}
}

// look is peek without waiting.
func (c *conn) look(p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), ended(int(n), nil)
}

// ended makes an error of the end of the input.
func ended(n int, err error) error {
	if err == nil && n == 0 {
		return unix.EPIPE
	}
	return err
}

// take reads what peek has seen: it is there, so one read gets it all.
func (c *conn) take(p []byte) error {
	for len(p) > 0 {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)))
		switch {
		case errno == 0 && n > 0:
			p = p[n:]
		case errno == 0: // the client has reset the connection
			return unix.EPIPE
		case errno != unix.EINTR:
			return errno
		}
	}
	return nil
}

func (c *conn) write(p []byte) error {
	for len(p) > 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			p = p[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			return c.writeSlowly(p)
		default:
			return errno
		}
	}
	return nil
}

// writeSlowly writes as the client makes room.
func (c *conn) writeSlowly(p []byte) error {
	if err := c.block(); err != nil {
		return err
	}
	for len(p) > 0 {
		n, err := unix.Write(c.fd, p)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		p = p[max(n, 0):]
	}
	return nil
}

// pending reports whether there is more input already.
func (c *conn) pending(p []byte) bool {
	n, err := c.look(p[:1])
	return err == nil && n > 0
}

// The bounds of lingering. Pieces are not counted: a client may send small ones.
const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
)

// linger closes the writing side and reads on for a while: unread input at the close would make the kernel
// send a reset, which destroys the answer on its way (RFC 9112, section 9.6).
func (c *conn) linger(p []byte) {
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
