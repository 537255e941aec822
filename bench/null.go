//go:build linux

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// nullAnswer is what the null server says to everybody.
const nullAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"

// ServeNull is the server that does nothing: one epoll loop that counts the ends of headers and answers each with
// fixed bytes, without parsing. What the load generator reaches against it is the generator's own ceiling on this
// machine. Without keepalive it closes after the first answer. It serves until ctx ends.
func ServeNull(ctx context.Context, keepalive bool, out io.Writer) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	defer f.Close()
	lfd := int(f.Fd())
	if err := unix.SetNonblock(lfd, true); err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	defer unix.Close(ep)
	add := func(fd int) error {
		return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	if err := add(lfd); err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	fmt.Fprintf(out, "listening %s\n", ln.Addr())
	var events [256]unix.EpollEvent
	for ctx.Err() == nil {
		n, err := unix.EpollWait(ep, events[:], 50)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("null server: epoll_wait: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			fd := int(e.Fd)
			if fd != lfd {
				if !nullTurn(fd, keepalive) {
					_ = unix.Close(fd)
				}
				continue
			}
			for {
				c, _, err := unix.Accept4(lfd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
				if err != nil {
					break
				}
				_ = unix.SetsockoptInt(c, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
				if !nullTurn(c, keepalive) || add(c) != nil {
					_ = unix.Close(c)
				}
			}
		}
	}
	return nil
}

// nullTurn reads what is there and answers it; false ends the connection.
func nullTurn(fd int, keepalive bool) bool {
	var in [4 << 10]byte
	n, err := unix.Read(fd, in[:])
	if errors.Is(err, unix.EAGAIN) {
		return true
	}
	if n <= 0 {
		return false
	}
	for range bytes.Count(in[:n], []byte("\r\n\r\n")) {
		if _, err := unix.Write(fd, []byte(nullAnswer)); err != nil || !keepalive {
			return false
		}
	}
	return true
}
