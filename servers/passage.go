//go:build linux

package servers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
)

// passage is how the accepting thread of a pool hands connections to the others: a pipe for each direction, so that
// whoever waits, waits in the kernel, and the kernel wakes one. Through one go the numbers of connections, through the
// other a byte from each thread that is idle.
//
//	acceptor: read idle -> accept -> write conns        thread: write idle -> read conns -> serve
type passage struct{ conns, idle [2]int }

func newPassage() (*passage, error) {
	p := new(passage)
	if err := unix.Pipe2(p.conns[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	if err := unix.Pipe2(p.idle[:], unix.O_CLOEXEC); err != nil {
		return nil, errors.Join(fmt.Errorf("make a pipe: %w", err), unix.Close(p.conns[0]), unix.Close(p.conns[1]))
	}
	return p, nil
}

func (p *passage) close() {
	for _, fd := range []int{p.conns[0], p.idle[0], p.idle[1]} {
		_ = unix.Close(fd)
	}
}

// pass hands connections over until the listening socket is shut down. Then threads that wait see the end.
func (p *passage) pass(lfd int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer unix.Close(p.conns[1])
	for {
		if through(unix.Read, p.idle[0], make([]byte, 1)) != nil {
			return
		}
		var number [4]byte
		for {
			fd, err := accept4(lfd, unix.SOCK_CLOEXEC)
			if err == nil {
				binary.NativeEndian.PutUint32(number[:], uint32(fd))
				break
			}
			if !acceptAgain(err) {
				return
			}
		}
		if through(unix.Write, p.conns[1], number[:]) != nil {
			return
		}
	}
}

// take says that a thread is idle and waits for a connection. It returns an error when there will be no more.
func (p *passage) take(c *sock, cfg *Config, slot *scoreboard.Slot) error {
	var number [4]byte
	if err := through(unix.Write, p.idle[1], number[:1]); err != nil {
		return err
	}
	if err := through(unix.Read, p.conns[0], number[:]); err != nil {
		return err
	}
	slot.Accepts.Add(1)
	c.fd, c.patience = int(binary.NativeEndian.Uint32(number[:])), cfg.IdleTimeout
	return nil
}

// through reads or writes all of a few bytes: a pipe does not divide them.
func through(call func(int, []byte) (int, error), fd int, p []byte) error {
	for {
		n, err := call(fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err == nil && n == 0:
			return io.EOF
		}
		return err
	}
}
