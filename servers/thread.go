//go:build linux

package servers

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// thread gives every connection a kernel thread of its own, which is created for it and ends with it.
//
//	main thread:        accept -> create a thread -> accept -> ...
//	thread of client 1: read -> handler -> write -> read ...   asleep in the kernel while nothing arrives
//	thread of client 2: read -> ...
//
// Strength: straight code, and the kernel sees all: a request that computes or blocks stops nobody. Where it breaks:
// each client, silent or not, costs two stacks (one in the kernel), each change of client a context switch, and each
// short connection the birth and the death of a thread.
func thread(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	lfd, addr, err := listen(&cfg)
	if err != nil {
		return err
	}
	defer unix.Close(lfd)
	if cfg.Alone {
		quietMonitor()
	}
	debug.SetMaxThreads(cfg.MaxConns + ownThreads)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var open roster
	defer open.close()
	defer onStop(ctx, func() {
		open.stop(cfg.StopTimeout)
		_ = unix.Shutdown(lfd, unix.SHUT_RD)
	})()
	slot := cfg.Board.Slot(0)
	var threads sync.WaitGroup
	var lingering atomic.Int32 // refused connections
	defer threads.Wait()
	cfg.Ready(addr)
	for {
		c := new(sock)
		if c.accept(lfd, &cfg, slot) != nil {
			return nil // only the stop shuts the listening socket down
		}
		if open.add(c, cfg.MaxConns) {
			s := cfg.session(h) // not by the thread: its stack would grow for it
			threads.Go(func() {
				runtime.LockOSThread() // and it stays locked: the thread ends with the goroutine
				pump(c, s, &cfg, slot, &open)
			})
			continue
		}
		slot.Refusals.Add(1)
		_, _ = c.Write(refuse()) // an empty socket takes it whole
		if lingering.Add(1) > refusedLinger {
			_ = c.Close()
			lingering.Add(-1)
			continue
		}
		threads.Go(func() {
			linger(c)
			_ = c.Close()
			lingering.Add(-1)
		})
	}
}

// ownThreads is how many threads the program may have beside those of connections: as many as Go lets a program have
// by default, above which it takes it for mad and aborts it. The limit stays, since threads may end after their server.
const ownThreads = 10_000
