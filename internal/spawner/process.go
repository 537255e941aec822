//go:build linux

package spawner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Process is a spawner, as the process sees it that has started it.
type Process struct {
	pid     int
	channel int

	keep    [1]byte
	vector  unix.Iovec
	rights  []byte // the control message, which ends with the descriptor
	message unix.Msghdr
	reply   [4]byte
}

// patience is how long a spawner may take to start, or to fork. Tests have less.
var patience = 10 * time.Second

// starts is how often a spawner is started that says nothing: see Run for what it may have caught.
const starts = 3

// errSilent is an ErrLost of one that still runs.
var errSilent = fmt.Errorf("%w in time", ErrLost)

// After these errors the spawner is to be closed, and another to be started.
var (
	ErrGone = errors.New("the spawner has ended")       // nothing was asked of it
	ErrLost = errors.New("the spawner does not answer") // whether there is a child nobody knows
)

// Start starts a spawner: a program that calls Run. The descriptors that are named are open in it and in its children.
// It ends when the thread does that has called this, and so do its children.
func Start(argv, env []string, inherit []uintptr) (s *Process, err error) {
	for range starts {
		if s, err = startOnce(argv, env, inherit); !errors.Is(err, errSilent) {
			break
		}
	}
	return s, err
}

func startOnce(argv, env []string, inherit []uintptr) (*Process, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("start a spawner: socketpair: %w", err)
	}
	s := &Process{channel: pair[0], rights: unix.UnixRights(0)}
	if err := s.start(argv, env, pair[1], inherit); err != nil {
		return nil, errors.Join(fmt.Errorf("start a spawner, %s: %w", argv[0], err), unix.Close(s.channel))
	}
	return s, nil
}

// start takes the other end of the channel over.
func (s *Process) start(argv, env []string, theirs int, inherit []uintptr) error {
	first, err := s.exec(argv, env, theirs, inherit)
	_ = unix.Close(theirs) // or its end would never be seen
	if err != nil {
		return err
	}
	pid, err := s.listen() // of the copy: see Run
	if err != nil {
		_ = unix.Kill(first, unix.SIGKILL)
	}
	reap(first)
	if err != nil {
		return err
	}
	s.pid = pid
	if answer, err := s.listen(); err != nil || answer != ready {
		s.kill()
		if err == nil {
			err = ErrGone
		}
		return err
	}
	return nil
}

func (s *Process) exec(argv, env []string, theirs int, inherit []uintptr) (pid int, err error) {
	tv := unix.NsecToTimeval(patience.Nanoseconds())
	if err := unix.SetsockoptTimeval(s.channel, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return 0, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	return syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: env,
		Files: append([]uintptr{null.Fd(), 2, 2, uintptr(theirs)}, inherit...),
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}})
}

// Fork has the spawner fork a child for a connection, and returns its pid: it is a child of the calling process, which
// must wait for it. It fails with ErrGone, ErrLost, or the error of clone(2).
func (s *Process) Fork(connection int, keep bool) (pid int, err error) {
	s.keep[0] = 0
	if keep {
		s.keep[0] = 1
	}
	binary.NativeEndian.PutUint32(s.rights[unix.SizeofCmsghdr:], uint32(connection))
	s.vector = unix.Iovec{Base: &s.keep[0], Len: 1}
	s.message = unix.Msghdr{Iov: &s.vector, Iovlen: 1, Control: &s.rights[0]}
	s.message.SetControllen(len(s.rights))
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(s.channel), uintptr(unsafe.Pointer(&s.message)),
			unix.MSG_NOSIGNAL)
		switch errno {
		case 0:
			return s.listen()
		case unix.EINTR:
		case unix.EPIPE, unix.ECONNRESET:
			return 0, fmt.Errorf("%w: %w", ErrGone, errno)
		default:
			return 0, fmt.Errorf("fork: pass the connection on: %w", errno)
		}
	}
}

// listen waits for an answer. The runtime is not told of the wait: it is as short as a fork. If it is long, the signals
// of the runtime interrupt it, and the kernel's bound would begin anew each time.
func (s *Process) listen() (pid int, err error) {
	var deadline time.Time
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.channel), uintptr(unsafe.Pointer(&s.reply[0])),
			uintptr(len(s.reply)), 0, 0, 0)
		switch {
		case errno == unix.EINTR && deadline.IsZero():
			deadline = time.Now().Add(patience)
			continue
		case errno == unix.EINTR && time.Now().Before(deadline):
			continue
		case errno == unix.EINTR, errno == unix.EAGAIN:
			return 0, errSilent
		case errno != 0:
			return 0, fmt.Errorf("%w: %w", ErrLost, errno)
		case int(n) < len(s.reply):
			return 0, fmt.Errorf("%w: it has ended", ErrLost)
		}
		pid = int(int32(binary.NativeEndian.Uint32(s.reply[:])))
		if pid < 0 {
			return 0, fmt.Errorf("fork: %w", unix.Errno(-pid))
		}
		return pid, nil
	}
}

// PID is the spawner's.
func (s *Process) PID() int { return s.pid }

// Close ends the spawner. Its children live on.
func (s *Process) Close() {
	_ = unix.Close(s.channel)
	s.kill()
}

func (s *Process) kill() {
	_ = unix.Kill(s.pid, unix.SIGKILL)
	reap(s.pid)
}

func reap(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
