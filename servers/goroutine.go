//go:build linux

package servers

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// goroutine gives every connection a user-level thread. The code reads as if each blocked; beneath it the runtime's
// poller is an event loop, and a few kernel threads carry all of them.
//
//	goroutine of client 1: read -> handler -> write -> park ... read ->   parked while nothing arrives
//	goroutine of client 2: read -> ...
//	runtime:               epoll_wait -> unpark whoever can go on
//
// Strength: straight code, any number of clients, and a request that waits stops nobody. Where it breaks: a stack for
// each silent client, a scheduler between the event and the handler, and a thread more for each call that blocks in
// the kernel.
func goroutine(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	ln, addr, err := listenParked(&cfg)
	if err != nil {
		return err
	}
	defer ln.Close()
	var open roster
	defer open.close()
	defer onStop(ctx, func() {
		open.stop(cfg.StopTimeout)
		_ = unix.Shutdown(int(ln.Fd()), unix.SHUT_RD) // wakes whoever accepts
	})()
	slot := cfg.Board.Slot(0)
	var conns sync.WaitGroup
	var lingering atomic.Int32 // refused ones
	defer conns.Wait()
	cfg.Ready(addr)
	for {
		c, err := ln.accept(&cfg)
		if err != nil {
			if acceptAgain(err) {
				continue
			}
			return nil // only the stop shuts the listening socket down
		}
		slot.Accepts.Add(1)
		if open.add(c, cfg.MaxConns) {
			c.talk = talk{c: c, s: cfg.session(h), cfg: &cfg, slot: slot, roster: &open}
			conns.Go(c.serve)
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

// serve is the life of one connection. RawConn.Read is its loop: it calls converse at once, and again whenever
// something has arrived; in between the goroutine is parked.
func (c *parked) serve() {
	err := c.raw.Read(c.converse)
	c.giveUp(err)
	c.end()
}

// converse reads, has the handler answer, and writes, until nothing is left to read: false parks the goroutine.
//
// A loop around net.Conn.Read would be as straight, but would try to read once more after each answer, only to be
// told that there is nothing: a system call in three. The kernel says with each read whether anything is left.
func (c *parked) converse(uintptr) (over bool) {
	for {
		in, left, err := c.read()
		if err == unix.EAGAIN {
			return c.setPatience(c.patience()) != nil
		}
		if err != nil {
			return true
		}
		answered := c.s.Requests()
		over = c.turn(in)
		buffers.Put(in)
		if over {
			return true
		}
		// Only what was written tells that the client is gone; without an answer another read must.
		if !left && c.s.Requests() > answered {
			return c.setPatience(c.patience()) != nil
		}
	}
}

// turnAway refuses a connection that is not in the roster.
func turnAway(c *parked) {
	if _, err := c.Write(refuse()); err == nil {
		linger(c)
	}
	_ = c.Close()
}
