//go:build linux

package servers

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pollable is what the runtime's poller watches: an *os.File, or a connection of the net package.
type pollable interface {
	io.WriteCloser
	syscall.Conn
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// parked is a connection on the runtime's poller: a goroutine that waits for it is parked, and holds no buffer. Nobody
// but that goroutine closes the descriptor, so it may call the kernel directly, with calls that never block.
type parked struct {
	talk // none if it is refused
	fd   int
	conn pollable
	raw  syscall.RawConn
	idle time.Duration // without progress in writing

	readUntil time.Duration // the deadline in force, on the clock of now
}

// newParked returns conn as a transport. A broken conn fails at its first use.
func newParked(conn pollable, cfg *Config) *parked {
	c := &parked{fd: -1, conn: conn, idle: cfg.IdleTimeout}
	var err error
	if c.raw, err = conn.SyscallConn(); err == nil {
		_ = c.raw.Control(func(fd uintptr) { c.fd = int(fd) })
	}
	return c
}

// parkedListener is a listening socket on the runtime's poller.
type parkedListener struct {
	*os.File
	raw syscall.RawConn
	try func(fd uintptr) bool
	fd  int // what try has accepted, or err
	err error
}

// listenParked opens the listening socket.
func listenParked(cfg *Config) (*parkedListener, net.Addr, error) {
	lfd, addr, err := listen(cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(lfd, true); err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	// Have the kernel tell with each read what is left. Connections inherit it; where it is unknown they find out by
	// trying.
	_ = unix.SetsockoptInt(lfd, unix.IPPROTO_TCP, unix.TCP_INQ, 1)
	ln := &parkedListener{File: os.NewFile(uintptr(lfd), "listening socket")}
	if ln.raw, err = ln.SyscallConn(); err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	ln.try = func(lfd uintptr) bool {
		ln.fd, ln.err = accept4(int(lfd), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		return ln.err != unix.EAGAIN
	}
	return ln, addr, nil
}

// accept waits for the next connection. As an os.File it is half as heavy as one of the net package, which asks for
// both addresses.
func (ln *parkedListener) accept(cfg *Config) (*parked, error) {
	if err := ln.raw.Read(ln.try); err != nil {
		return nil, err
	}
	if ln.err != nil {
		return nil, ln.err
	}
	f := os.NewFile(uintptr(ln.fd), "connection")
	raw, err := f.SyscallConn()
	return &parked{fd: ln.fd, conn: f, raw: raw, idle: cfg.IdleTimeout}, err
}

// read takes what has arrived, if anything has (otherwise EAGAIN), into a buffer; left is false if that was all.
func (c *parked) read() (b *buffer, left bool, err error) {
	b = buffers.Get().(*buffer)
	var control [24]byte // for one message, with the number of bytes left, or 1 at the end of the input (TCP_INQ)
	var iov unix.Iovec
	iov.Base = &b.bytes[0]
	iov.SetLen(len(b.bytes))
	for {
		msg := unix.Msghdr{Iov: &iov, Iovlen: 1, Control: &control[0]}
		msg.SetControllen(len(control))
		b.n, err = result(unix.RawSyscall(unix.SYS_RECVMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&msg)), 0))
		switch {
		case err == unix.EINTR:
			continue
		case err == nil && b.n == 0:
			err = io.EOF
		}
		if err != nil {
			buffers.Put(b)
			return nil, false, err
		}
		left = msg.Controllen == 0 || binary.NativeEndian.Uint32(control[unix.SizeofCmsghdr:]) != 0
		return b, left, nil
	}
}

// setPatience bounds the next wait for input. While the bound in force is about the same it costs no timer, which
// would be more than the parser; the time-out may so come a sixteenth sooner.
func (c *parked) setPatience(d time.Duration) error {
	at := now()
	if rest := c.readUntil - at; rest >= d-d/16 && rest <= d {
		return nil
	}
	c.readUntil = at + d
	return c.conn.SetReadDeadline(epoch.Add(c.readUntil))
}

// receive waits at most d for input.
func (c *parked) receive(d time.Duration) (b *buffer, err error) {
	if err := c.setPatience(d); err != nil {
		return nil, err
	}
	werr := c.raw.Read(func(uintptr) bool {
		b, _, err = c.read()
		return err != unix.EAGAIN
	})
	if werr != nil {
		return nil, werr
	}
	return b, err
}

// Write gives up on a client that takes no more of its answer for as long as it may be idle. Nearly always the socket
// takes all at once.
func (c *parked) Write(p []byte) (n int, err error) {
	n, err = result(unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0))
	if err == unix.EAGAIN || err == unix.EINTR {
		n, err = 0, nil
	}
	for n < len(p) && err == nil {
		if err = c.conn.SetWriteDeadline(time.Now().Add(c.idle)); err == nil {
			var m int
			m, err = c.conn.Write(p[n:min(len(p), n+64<<10)])
			n += m
		}
	}
	return n, err
}

func (c *parked) CloseRead() error  { return unix.Shutdown(c.fd, unix.SHUT_RD) }
func (c *parked) CloseWrite() error { return unix.Shutdown(c.fd, unix.SHUT_WR) }
func (c *parked) Close() error      { return c.conn.Close() }
func (c *parked) unread() bool      { return unread(c.fd) }
