//go:build linux

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// nullAnswer is what the null server says to everybody.
const nullAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"

// endOfHeader is all that it looks for in a request.
var endOfHeader = []byte("\r\n\r\n")

// ServeNull is the server that does nothing: one epoll loop that counts the ends of headers and answers each with
// fixed bytes, without parsing. What the load generator reaches against it is the generator's own ceiling on this
// machine. Without keepalive it closes after the first answer. It serves until ctx ends.
func ServeNull(ctx context.Context, keepalive bool, out io.Writer) error {
	door, err := openDoor()
	if err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	defer door.close()
	fmt.Fprintf(out, "listening %s\n", door.ln.Addr())
	var events [256]unix.EpollEvent
	for ctx.Err() == nil {
		n, err := unix.EpollWait(door.epoll, events[:], 50)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("null server: epoll_wait: %w", err)
		}
		door.serve(events[:max(n, 0)], func(fd int) bool { return nullTurn(fd, keepalive) })
	}
	return nil
}

// nullTurn reads what is there and answers it; false ends the connection.
func nullTurn(fd int, keepalive bool) bool {
	asked, open := readRequests(fd)
	for range asked {
		if _, err := unix.Write(fd, []byte(nullAnswer)); err != nil || !keepalive {
			return false
		}
	}
	return open
}

// readRequests counts the requests that end in what has come on a connection.
func readRequests(fd int) (asked int, open bool) {
	var in [4 << 10]byte
	n, err := unix.Read(fd, in[:])
	if errors.Is(err, unix.EAGAIN) {
		return 0, true
	}
	return bytes.Count(in[:max(n, 0)], endOfHeader), n > 0
}

// door is a listening socket and an epoll instance that watches it and all that have come through it.
type door struct {
	ln    net.Listener
	file  *os.File // keeps fd open
	fd    int      // of ln, its own; not blocking
	epoll int
}

func openDoor() (d *door, err error) {
	d = &door{epoll: -1}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return d, err
	}
	if d.file, err = d.ln.(*net.TCPListener).File(); err != nil {
		return d, err
	}
	d.fd = int(d.file.Fd()) // it makes the descriptor blocking each time it is called
	if err = unix.SetNonblock(d.fd, true); err != nil {
		return d, fmt.Errorf("listening socket: %w", err)
	}
	if d.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return d, fmt.Errorf("open an epoll instance: %w", err)
	}
	return d, d.watch(d.fd)
}

func (d *door) watch(fd int) error {
	return unix.EpollCtl(d.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// serve calls turn for each connection that is ready, and for each new one; turn says whether it stays open.
func (d *door) serve(events []unix.EpollEvent, turn func(fd int) bool) {
	for _, e := range events {
		fd := int(e.Fd)
		if fd != d.fd {
			if !turn(fd) {
				_ = unix.Close(fd)
			}
			continue
		}
		for {
			c, _, err := unix.Accept4(d.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != nil {
				break
			}
			_ = unix.SetsockoptInt(c, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			if !turn(c) || d.watch(c) != nil {
				_ = unix.Close(c)
			}
		}
	}
}

func (d *door) close() {
	if d.ln != nil {
		d.ln.Close()
	}
	if d.file != nil {
		d.file.Close()
	}
	if d.epoll >= 0 {
		unix.Close(d.epoll)
	}
}
