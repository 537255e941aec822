//go:build linux

package servers

import (
	"context"
	"fmt"
	"net"
	"runtime"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// symped is a process per CPU, each of which is the event loop of epoll: symmetric multiple processes, event-driven
// (Pariag et al., EuroSys 2007; nginx).
//
//	parent:     listen -> start the loops -> wait for one to end -> start another
//	process 1:  epoll_wait -> accept, read -> handler -> write      on CPU 1, or wherever it finds one
//	process 2:  epoll_wait -> accept, read -> ...
//
// Strength: as many CPUs as there are, without a lock or a shared cache line, and a crash costs only the clients of one
// process. Where it breaks: a connection stays where it was accepted, so one process may have too much to do while
// another has nothing; a handler that waits stops all clients of its process; what one learns the others don't know.
//
// By default each has a listening socket of its own (accept=reuseport): the kernel spreads connections evenly, whatever
// the processes are doing. With one for all (accept=shared, EPOLLEXCLUSIVE) an idle process takes a connection sooner
// than a busy one, but often it is always the same that is idle first.
func symped(ctx context.Context, cfg Config, _ fasthttp.RequestHandler) error {
	loops := cfg.Loops
	if loops == 0 {
		loops = runtime.NumCPU()
	}
	cfg.Board.Set("loops", fmt.Sprint(loops)) // also of those that get nothing to do
	sockets := loops
	if cfg.Accept == Shared {
		sockets = 1
	}
	lfds, addr, err := listenMany(&cfg, sockets)
	if err != nil {
		return err
	}
	defer closeSockets(lfds)
	p, err := newPool(&cfg, loops, lfds)
	if err != nil {
		return fmt.Errorf("symped: %w", err)
	}
	defer p.close()
	p.procs = oneThread(cfg)
	return p.run(ctx, func() { cfg.Ready(addr) })
}

// sympedMember is one of the loops.
func sympedMember(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	in, ctx, err := inherit(ctx, &cfg)
	if err != nil {
		return fmt.Errorf("symped: %w", err)
	}
	r, err := reactorOn(cfg, in.listeners[0], nil, in.slot)
	if err != nil {
		return err
	}
	if cfg.Accept == Shared {
		r.events, r.batch = unix.EPOLLEXCLUSIVE, 1 // or the first to wake would take all who are there
	}
	r.others = in.others
	r.cfg.Ready = func(net.Addr) { in.idle(false) }
	r.feed(h)
	return r.run(ctx)
}

// others counts the connections of the other processes of the pool. Two that count at the same time may both find the
// last place taken, and refuse; they never both take it.
func (in *inherited) others() (n int) {
	for i := range in.board.Slots() {
		if i != in.own {
			n += int(in.board.Slot(i).Open.Load())
		}
	}
	return n
}
