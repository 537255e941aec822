//go:build linux

package servers

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of a loop. None of them can block, so they are made raw: the runtime is not told, which saves what
// it does around a call that may block, and its monitor does not come 2,000 times a second to take the processor
// away from a thread that it has seen in nothing but system calls for 10 ms.

// recv reads from a socket, without the way through the file layer that read(2) takes.
func recv(fd int, b []byte) (n int, err unix.Errno) {
	return rawIO(unix.SYS_RECVFROM, fd, b, unix.MSG_DONTWAIT)
}

// send writes to a socket.
func send(fd int, b []byte) (n int, err unix.Errno) {
	return rawIO(unix.SYS_SENDTO, fd, b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// write writes to an eventfd, or to a pipe that is almost empty.
func write(fd int, b []byte) error {
	if _, err := rawIO(unix.SYS_WRITE, fd, b, 0); err != 0 {
		return err
	}
	return nil
}

func rawIO(call uintptr, fd int, b []byte, flags uintptr) (n int, err unix.Errno) {
	r, _, err := unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		flags, 0, 0)
	if err != 0 {
		return 0, err
	}
	return int(r), 0
}

// acceptNow takes a connection from a listening socket that does not block; the connection does not either.
func acceptNow(lfd int) (fd int, err unix.Errno) {
	r, _, err := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(lfd), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	return int(r), err
}

// closeNow closes a connection: with no SO_LINGER set, the kernel sends on what is left by itself.
func closeNow(fd int) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// epollCtl changes what epoll watches.
func epollCtl(ep, op, fd int, events uint32) error {
	e := unix.EpollEvent{Events: events, Fd: int32(fd)}
	if _, _, err := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(ep), uintptr(op), uintptr(fd),
		uintptr(unsafe.Pointer(&e)), 0, 0); err != 0 {
		return err
	}
	return nil
}

// rawPatience is how long a loop waits without telling the runtime, in milliseconds: a busy one never needs longer,
// and whoever waits for the loop's processor, or to stop the world, can bear it.
const rawPatience = 1

// epollWait waits for events, at most for patience in milliseconds, -1: for ever.
func epollWait(ep int, events []unix.EpollEvent, patience int) (n int, err error) {
	first := rawPatience
	if patience >= 0 {
		first = min(first, patience)
	}
	r, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(first), 0, 0)
	switch {
	case errno != 0:
		return 0, errno
	case r > 0 || first == patience:
		return int(r), nil
	}
	n, err = unix.EpollWait(ep, events, patience)
	return max(n, 0), err
}
