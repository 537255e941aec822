//go:build linux

package servers

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// goroutine gives every connection a user-level thread. The code reads as if each blocked; beneath it the runtime's
// poller is an event loop, and a few kernel threads carry all of them.
//
//	goroutine of client 1: read -> handler -> write -> read ...   parked while nothing arrives
//	goroutine of client 2: read -> ...
//	runtime:               epoll_wait -> unpark whoever can go on
//
// Strength: straight code, any number of clients, and a request that waits stops nobody. Where it breaks: a stack for
// each silent client, a scheduler between the event and the handler, and a thread more for each call that blocks in
// the kernel.
func goroutine(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	ln, err := listenNet(&cfg)
	if err != nil {
		return err
	}
	var open roster
	defer open.close()
	defer onStop(ctx, func() {
		open.stop(cfg.StopTimeout)
		_ = ln.Close()
	})()
	slot := cfg.Board.Slot(0)
	var conns sync.WaitGroup
	var lingering atomic.Int32 // refused ones
	defer conns.Wait()
	cfg.Ready(ln.Addr())
	for {
		tcp, err := ln.AcceptTCP()
		if err != nil {
			if acceptAgain(err) {
				continue
			}
			return nil // only the stop closes the listening socket
		}
		slot.Accepts.Add(1)
		c := newParked(tcp, &cfg)
		if open.add(c, cfg.MaxConns) {
			conns.Go(func() { pump(c, cfg.session(h), &cfg, slot, &open) })
			continue
		}
		slot.Refusals.Add(1)
		if lingering.Add(1) > refusedLinger {
			_, _ = c.Write(refuse()) // an empty socket takes it whole
			_ = c.Close()
			lingering.Add(-1)
			continue
		}
		conns.Go(func() {
			turnAway(c)
			lingering.Add(-1)
		})
	}
}

// turnAway refuses a connection that is not in the roster.
func turnAway(c *parked) {
	if _, err := c.Write(refuse()); err == nil {
		linger(c)
	}
	_ = c.Close()
}

// parked is a connection on the runtime's poller. Reading goes through its raw descriptor, so that a goroutine takes a
// buffer only when there is input: who waits for a silent client holds none.
type parked struct {
	*net.TCPConn
	raw  syscall.RawConn
	idle time.Duration
	try  func(fd uintptr) bool
	in   *buffer // what try has read, or err
	err  error

	readUntil, writeUntil time.Time // the deadlines in force
}

func newParked(tcp *net.TCPConn, cfg *Config) *parked {
	c := &parked{TCPConn: tcp, idle: cfg.IdleTimeout}
	c.raw, c.err = tcp.SyscallConn()
	c.try = c.read // once, for each evaluation of a method value allocates
	return c
}

// receive waits at most d for input.
func (c *parked) receive(d time.Duration) (*buffer, error) {
	if c.err != nil {
		return nil, c.err
	}
	if err := renew(&c.readUntil, d, c.SetReadDeadline); err != nil {
		return nil, err
	}
	if err := c.raw.Read(c.try); err != nil {
		return nil, err
	}
	if c.err != nil {
		return nil, c.err
	}
	return c.in, nil
}

// renew sets a deadline d from now unless the one in force is about that already: a timer for each read and each write
// would cost more than the parser. It may so come a sixteenth of d sooner.
func renew(until *time.Time, d time.Duration, set func(time.Time) error) error {
	now := time.Now()
	if rest := until.Sub(now); rest >= d-d/16 && rest <= d {
		return nil
	}
	*until = now.Add(d)
	return set(*until)
}

// read is one attempt; false parks the goroutine until the descriptor is readable.
func (c *parked) read(fd uintptr) bool {
	b := buffers.Get().(*buffer)
	for {
		n, err := unix.Read(int(fd), b.bytes[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			buffers.Put(b)
			return false
		case err == nil && n == 0:
			err = io.EOF
		}
		if b.n, c.in, c.err = n, b, err; err != nil {
			buffers.Put(b)
			c.in = nil
		}
		return true
	}
}

// Write gives up on a client that takes no more of its answer for as long as it may be idle.
func (c *parked) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if err = renew(&c.writeUntil, c.idle, c.SetWriteDeadline); err == nil {
			var m int
			m, err = c.TCPConn.Write(p[n:min(len(p), n+64<<10)])
			n += m
		}
	}
	return n, err
}

func (c *parked) unread() (yes bool) {
	err := c.raw.Control(func(fd uintptr) { yes = unread(int(fd)) })
	return err == nil && yes
}
