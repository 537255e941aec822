//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
)

// inherited is what a process of a pool has from its parent:
//
//	descriptor 3      the channel, a Unix socket: it says by a byte that it is ready for a connection, and is given one
//	                  if connections are passed; that it has ended is the order to stop, or the end of the parent
//	descriptor 4      the scoreboard
//	descriptor 5 …    listening sockets, unless connections are passed
//	$SERVERLAB_POOL   its slot, and the number of listening sockets
//
// All else it has from its command line.
type inherited struct {
	channel   int
	slot      *scoreboard.Slot
	board     *scoreboard.Board
	listeners []int
	own       int // its slot's number
	greeted   bool
	message   passed // by which connections come, if they are passed
}

const (
	inheritedChannel   = 3
	inheritedBoard     = 4
	inheritedListeners = 5
	inheritedVariable  = "SERVERLAB_POOL"
)

// lastResort is how long a process may take beyond Config.StopTimeout before it is ended from within: its parent would
// have done that, but is gone.
const lastResort = time.Second

// inherit takes over what the parent left. The context ends with ctx, by a signal to this process, or when the parent
// says so or is no more, however it died: the kernel closes its end of the channel.
func inherit(ctx context.Context, cfg *Config) (*inherited, context.Context, error) {
	in := &inherited{channel: inheritedChannel}
	var listeners int
	if _, err := fmt.Sscanf(os.Getenv(inheritedVariable), "%d,%d", &in.own, &listeners); err != nil {
		return nil, nil, errors.New("this is a process of a pool: only `serverlab serve` can start it")
	}
	var err error
	if in.board, err = scoreboard.Inherit(inheritedBoard); err != nil {
		return nil, nil, err
	}
	in.slot = in.board.Slot(in.own)
	if cfg.CountSessions != nil {
		cfg.CountSessions(&in.slot.Sessions)
	}
	for i := range listeners {
		in.listeners = append(in.listeners, inheritedListeners+i)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		hangUp := []unix.PollFd{{Fd: int32(in.channel), Events: unix.POLLRDHUP}}
		for {
			if _, err := unix.Poll(hangUp, -1); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		time.AfterFunc(cfg.StopTimeout+lastResort, func() { os.Exit(1) })
		for _, fd := range in.listeners {
			_ = unix.Shutdown(fd, unix.SHUT_RD) // nobody is to listen any more
		}
		cancel()
	}()
	return in, ctx, nil
}

// idle says that the process is ready for a connection; false: it is to end instead. The parent must be told when it
// hands connections out.
func (in *inherited) idle(tell bool) bool {
	if !in.slot.State.CompareAndSwap(scoreboard.Starting, scoreboard.Idle) &&
		!in.slot.State.CompareAndSwap(scoreboard.Busy, scoreboard.Idle) {
		return false
	}
	if !tell && in.greeted {
		return true
	}
	in.greeted = true
	_, err := unix.Write(in.channel, []byte{1})
	return err == nil
}

// retired tells whether the parent has chosen this process to end for want of work.
func (in *inherited) retired() bool { return in.slot.State.Load() == scoreboard.Retiring }

// bare bounds the system calls of which the runtime is not told. To tell it costs more than a request: the thread's
// processor is taken away and given back at each call, by a second thread. Nothing else of the worker has to run while
// its client is silent for a moment; who is silent for longer is waited for as usual, so that the runtime can do its
// work and rest.
const bare = time.Second

// bareSock is the connection of a process that serves one at a time. SO_RCVTIMEO and SO_SNDTIMEO, of which accept4
// inherits the listening socket's, bound its bare calls.
type bareSock struct {
	sock
	idle time.Duration // without progress in sending, when a client is given up
}

func bareAccept(lfd int) (int, error) {
	return result(unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(lfd), 0, 0, unix.SOCK_CLOEXEC, 0, 0))
}

// bounds has calls on a socket, and on those that it accepts, return after the time that a bare call may take; one that
// sends after idle at the latest.
func bounds(fd int, idle time.Duration) error {
	receive, send := unix.NsecToTimeval(bare.Nanoseconds()), unix.NsecToTimeval(min(bare, idle).Nanoseconds())
	return errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &receive),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &send))
}

// receive waits at most d for input: first by a bare call, then as any other does.
func (s *bareSock) receive(d time.Duration) (*buffer, error) {
	if d < bare || s.patience != bare {
		return s.sock.receive(d)
	}
	b := buffers.Get().(*buffer)
	n, errno := rawIO(unix.SYS_RECVFROM, s.fd, b.bytes[:], 0)
	var err error = errno
	switch {
	case n > 0:
		b.n = n
		return b, nil
	case errno == 0:
		err = io.EOF
	case errno == unix.EAGAIN, errno == unix.EINTR:
		buffers.Put(b)
		if b, err = s.sock.receive(max(d-bare, time.Microsecond)); err == nil {
			tv := unix.NsecToTimeval(bare.Nanoseconds())
			if unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv) == nil {
				s.patience = bare
			}
		}
		return b, err
	}
	buffers.Put(b)
	return nil, err
}

// Write gives a client up that takes nothing of its answer for as long as it may be idle.
func (s *bareSock) Write(p []byte) (n int, err error) {
	for n < len(p) {
		m, errno := rawIO(unix.SYS_SENDTO, s.fd, p[n:], unix.MSG_NOSIGNAL)
		switch errno {
		case 0:
			n += m
		case unix.EINTR:
		case unix.EAGAIN:
			room := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}
			ready, err := unix.Poll(room, int(max(s.idle-bare, 0)/time.Millisecond))
			if err != nil && !errors.Is(err, unix.EINTR) || err == nil && ready == 0 {
				return n, os.ErrDeadlineExceeded
			}
		default:
			return n, errno
		}
	}
	return n, nil
}
