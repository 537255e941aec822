//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
	"serverlab/servers/http1"
)

// listen opens the listening socket as a bare descriptor in blocking mode. The net package does it, so that names,
// IPv6, SO_REUSEADDR and the backlog (net.core.somaxconn) are as everywhere in Go.
func listen(cfg *Config) (fd int, bound net.Addr, err error) {
	ln, err := listenNet(cfg)
	if err != nil {
		return -1, nil, err
	}
	defer ln.Close()
	fd, err = bareSocket(ln, cfg.IdleTimeout)
	if err != nil {
		return -1, nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	return fd, ln.Addr(), nil
}

// bareSocket returns a listening socket as a descriptor of its own in blocking mode. Its connections have TCP_NODELAY,
// and reading and writing wait no longer than patience: they inherit that, so it costs them no call.
func bareSocket(ln *net.TCPListener, patience time.Duration) (int, error) {
	f, err := ln.File()
	if err != nil {
		return -1, err
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0) // Fd also makes it blocking
	if err != nil {
		return -1, err
	}
	tv := unix.NsecToTimeval(patience.Nanoseconds())
	if err := errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv),
	); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// listenNet listens without TCP's own keep-alive: a client that is silent for too long is closed by the server itself,
// and the probes would take four system calls per connection to set up. And without Multipath TCP, which Go asks for
// where it can: its connections do not inherit the time-outs of bareSocket, and each accept takes longer.
func listenNet(cfg *Config) (*net.TCPListener, error) {
	var lc net.ListenConfig
	lc.KeepAlive = -1
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), "tcp", cfg.Addr)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: %w; take another --addr (port 0 takes a free one)", cfg.Addr,
			unix.EADDRINUSE)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	return ln.(*net.TCPListener), nil
}

// accept4 is the bare system call: the client's address is not asked for.
func accept4(lfd, flags int) (int, error) {
	return result(unix.Syscall6(unix.SYS_ACCEPT4, uintptr(lfd), 0, 0, uintptr(flags), 0, 0))
}

func result(n, _ uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// retryAccept is how long nobody accepts when there is no descriptor left.
const retryAccept = 10 * time.Millisecond

// exhausted tells whether accept lacks a descriptor or memory; the connection stays in the backlog.
func exhausted(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOBUFS) ||
		errors.Is(err, unix.ENOMEM)
}

// acceptAgain tells whether accept may be tried again after err. Without descriptors it first waits: the connection
// stays in the backlog, and trying at once would only burn the CPU; all threads of a pool wait so, each for itself.
func acceptAgain(err error) bool {
	switch {
	case exhausted(err):
		time.Sleep(5 * retryAccept)
		return true
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EBADF): // shutdown(2) of the listening socket
		return false
	}
	// Everything else is said of one connection: accept(2) passes on its pending network errors.
	return !errors.Is(err, net.ErrClosed)
}

// sock is a connection on a bare descriptor in blocking mode: a thread that reads from it sleeps in the kernel.
type sock struct {
	fd       int
	patience time.Duration // SO_RCVTIMEO in force
	first    [496]byte     // what a thread waits with for the first bytes: a buffer for each would be most of its memory
}

// accept takes the next connection in blocking mode; the sock must not be in use. It returns an error only when the
// listening socket has been shut down: a client that has gone already, or a process that has no descriptor left, does
// not end a server.
func (s *sock) accept(lfd int, cfg *Config, slot *scoreboard.Slot) (err error) {
	for {
		s.fd, err = accept4(lfd, unix.SOCK_CLOEXEC)
		if err == nil {
			slot.Accepts.Add(1)
			s.patience = cfg.IdleTimeout
			return nil
		}
		if !acceptAgain(err) {
			return err
		}
	}
}

// receive waits at most d for input. The kernel keeps the bound, so while d stays the same it costs no call. A signal
// may interrupt the wait (in spite of SA_RESTART: signal(7) on SO_RCVTIMEO): then it returns with nothing read.
func (s *sock) receive(d time.Duration) (*buffer, error) {
	if s.patience != d {
		tv := unix.NsecToTimeval(max(d, time.Microsecond).Nanoseconds()) // zero would mean for ever
		if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
			return nil, err
		}
		s.patience = d
	}
	at := unsafe.Pointer(&s.first)
	n, err := result(unix.Syscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(at), uintptr(len(s.first)), 0, 0, 0))
	switch {
	case err == unix.EINTR:
		n, err = 0, nil
	case err == unix.EAGAIN:
		err = os.ErrDeadlineExceeded
	case err == nil && n == 0:
		err = io.EOF
	}
	if err != nil {
		return nil, err
	}
	b := buffers.Get().(*buffer)
	b.n = copy(b.bytes[:], s.first[:n])
	if n == len(s.first) {
		more, _ := recv(s.fd, b.bytes[n:]) // an error comes again
		b.n += more
	}
	return b, nil
}

// Write waits only when the socket does not take all at once, so that the runtime need not be told of most answers.
func (s *sock) Write(p []byte) (n int, err error) {
	for n < len(p) {
		m, errno := send(s.fd, p[n:])
		if errno == unix.EAGAIN {
			at := unsafe.Pointer(&p[n])
			var r uintptr
			r, _, errno = unix.Syscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(at), uintptr(len(p)-n),
				unix.MSG_NOSIGNAL, 0, 0)
			m = int(r)
		}
		switch errno {
		case 0:
			n += m
		case unix.EINTR:
		default:
			return n, errno
		}
	}
	return n, nil
}

func (s *sock) CloseRead() error  { return unix.Shutdown(s.fd, unix.SHUT_RD) }
func (s *sock) CloseWrite() error { return unix.Shutdown(s.fd, unix.SHUT_WR) }
func (s *sock) Close() error      { closeNow(s.fd); return nil }

func (s *sock) unread() bool { return unread(s.fd) }

// unread tells whether input waits in the socket that nobody has read: closing would then send a reset, which
// destroys an answer that is still on its way (RFC 9112, section 9.6).
func unread(fd int) bool {
	n, err := unix.IoctlGetInt(fd, unix.SIOCINQ)
	return err == nil && n > 0
}

// roster knows the open connections of a server that blocks on them, so that stopping can reach them.
type roster struct {
	stopping atomic.Bool
	mu       sync.Mutex
	open     map[transport]struct{}
	cut      *time.Timer
}

// add enters a connection unless limit is reached (0: no limit).
func (r *roster) add(c transport, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limit > 0 && len(r.open) >= limit {
		return false
	}
	if r.open == nil {
		r.open = map[transport]struct{}{}
	}
	r.open[c] = struct{}{}
	if r.stopping.Load() {
		_ = c.CloseRead()
	}
	return true
}

// remove must come before the connection is closed: its descriptor may then belong to another.
func (r *roster) remove(c transport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
}

// stop closes the reading side of every connection: what has arrived is still read and answered, whoever waits for
// more sees the end. Connections that are still open after the grace are cut.
func (r *roster) stop(grace time.Duration) {
	r.stopping.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		_ = c.CloseRead()
	}
	r.cut = time.AfterFunc(grace, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for c := range r.open {
			_ = c.CloseWrite()
		}
	})
}

// close ends what stop began, when no connection is left.
func (r *roster) close() {
	if r.cut != nil {
		r.cut.Stop()
	}
}

// onStop runs f when ctx ends, or never when the returned function is called first; that one returns when f, if
// begun, has ended.
func onStop(ctx context.Context, f func()) (release func()) {
	ended := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() { defer close(ended); f() })
	return func() {
		if !cancel() {
			<-ended
		}
	}
}

// refusedLinger is how many refused connections may linger at the same time. One more is told and closed at once: they
// must not take the descriptors of those that are served.
const refusedLinger = 64

// refuse is the answer to a connection above the limit.
func refuse() []byte {
	return http1.ErrorAnswer(503, "the server has as many connections as it takes: try again later")
}
