//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
)

// prefork is a pool of processes, started in advance, each of which is the iterative server (Stevens, UNIX Network
// Programming, chapter 30; Apache's prefork).
//
//	parent:    listen -> start the workers -> wait for one to end -> start another
//	worker 1:  accept -> read -> handler -> write -> ... -> close -> accept
//	worker 2:  accept -> read -> ...
//
// How connections reach the workers: accept=shared, all block in accept on one listening socket, and the kernel wakes
// one; accept=reuseport, each has a listening socket of its own, which outlives it and goes to its successor;
// accept=pass, the parent accepts and hands each connection to an idle worker, through a Unix socket.
//
// Strength: a crash costs one client its connection; nothing is shared, so nothing is locked; what a worker leaks is
// gone when it is replaced (worker-conns). Where it breaks: a silent client keeps a worker, a worker costs megabytes,
// and each change from one to another is a context switch. With a queue each, a client may wait for a busy worker while
// others are idle; where the parent passes connections, it does work for each.
func prefork(ctx context.Context, cfg Config, _ fasthttp.RequestHandler) error {
	sockets := 1
	if cfg.Accept == ReusePort {
		sockets = cfg.Workers
	}
	lfds, addr, err := listenMany(&cfg, sockets)
	if err != nil {
		return err
	}
	defer closeSockets(lfds)
	p, err := newPool(&cfg, cfg.Workers, lfds)
	if err != nil {
		return fmt.Errorf("prefork: %w", err)
	}
	defer p.close()
	for _, lfd := range lfds {
		if err := bounds(lfd, cfg.IdleTimeout); err != nil {
			return fmt.Errorf("listen on %s: %w", addr, err)
		}
	}
	if cfg.Accept == Pass {
		d, err := newPasser(p, lfds[0])
		if err != nil {
			return fmt.Errorf("prefork: %w", err)
		}
		defer d.close()
	}
	if cfg.MinSpare > 0 {
		p.begin = min(cfg.MinSpare, cfg.Workers)
		p.control = spareControl(p, cfg.MinSpare, cfg.MaxSpare)
	}
	return p.run(ctx, func() { cfg.Ready(addr) })
}

// preforkMember is a worker: the iterative server, but for where it gets its connections.
func preforkMember(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	in, ctx, err := inherit(ctx, &cfg)
	if err != nil {
		return fmt.Errorf("prefork: %w", err)
	}
	quietMonitor()
	var open roster
	defer open.close()
	defer onStop(ctx, func() {
		in.slot.State.Store(scoreboard.Retiring)
		open.stop(cfg.StopTimeout)
	})()
	next := in.accept
	if cfg.Accept == Pass {
		if err := bounds(in.channel, cfg.IdleTimeout); err != nil {
			return fmt.Errorf("prefork: %w", err)
		}
		next = in.take
	}
	for served := 1; in.idle(cfg.Accept == Pass); served++ {
		fd, err := next()
		if err != nil {
			return nil // it is to end
		}
		in.slot.Accepts.Add(1)
		in.slot.State.CompareAndSwap(scoreboard.Idle, scoreboard.Busy) // or, chosen to end, it serves this one yet
		c := &bareSock{sock: sock{fd: fd, patience: bare}, idle: cfg.IdleTimeout}
		open.add(c, 0)
		pump(c, cfg.session(h), &cfg, in.slot, &open)
		if served == cfg.WorkerConns {
			break
		}
	}
	return nil
}

// errRetired says that a worker was chosen to end while it was idle.
var errRetired = errors.New("retired")

// accept waits for the next connection. It returns an error when the worker is to end.
func (in *inherited) accept() (int, error) {
	for call := bareAccept; ; call = waitAccept {
		fd, err := call(in.listeners[0])
		switch {
		case err == nil:
			return fd, nil
		case in.retired():
			return -1, errRetired
		case errors.Is(err, unix.EAGAIN): // nobody came within the bounds
		case !acceptAgain(err):
			return -1, err
		}
	}
}

func waitAccept(lfd int) (int, error) { return accept4(lfd, unix.SOCK_CLOEXEC) }

// spareControl is what Apache's prefork does once in a second.
func spareControl(p *pool, least, most int) func() {
	rate := 1
	return func() {
		idle := 0
		for slot := range p.members {
			if s := p.board.Slot(slot).State.Load(); s == scoreboard.Idle || s == scoreboard.Starting {
				idle++
			}
		}
		var start, end int
		start, end, rate = spare(idle, p.alive, rate, least, most, len(p.members))
		for slot := 0; slot < len(p.members) && start > 0; slot++ {
			if _, waits := p.due[slot]; p.members[slot] == nil && !waits {
				p.restart(slot)
				start--
			}
		}
		for slot := len(p.members) - 1; slot >= 0 && end > 0; slot-- {
			if p.members[slot] != nil && p.retire(p.members[slot]) {
				end--
			}
		}
	}
}

// spareRate is the most workers that are started in one second.
const spareRate = 32

// spare says how many workers to start and to end, as Apache's prefork does (perform_idle_server_maintenance): while
// fewer than least are idle it starts one, then twice as many in each second; while more than most are idle it ends one
// a second. A most of 0 is none.
func spare(idle, alive, rate, least, most, size int) (start, end, nextRate int) {
	switch {
	case most > 0 && idle > most:
		return 0, 1, 1
	case idle < least && alive < size:
		return min(rate, size-alive), 0, min(2*rate, spareRate)
	}
	return 0, 0, 1
}
