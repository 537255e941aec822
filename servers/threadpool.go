//go:build linux

package servers

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// threadpool starts a fixed set of kernel threads, each serving one connection at a time. With accept=shared each also
// accepts for itself:
//
//	thread 1: accept -> read -> handler -> write -> close -> accept
//	thread 2: accept -> read -> ...            all blocked in accept on one listening socket; the kernel wakes one
//
// With accept=pass one thread accepts, when another is idle, and hands the connection over:
//
//	acceptor: wait for an idle thread -> accept -> pass ---.
//	thread 1: take  <--------------------------------------'-> read -> handler -> write -> close -> idle -> take
//
// Strength: as plain as the iterative server, but only as many clients wait as there are threads too few; no thread is
// created while a client waits. Where it breaks: a silent client keeps a thread, so N silent clients stop a pool of N;
// each thread costs a stack and each change of thread a context switch; to pass a connection costs one more.
func threadpool(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	lfd, addr, err := listen(&cfg)
	if err != nil {
		return err
	}
	defer unix.Close(lfd)
	var open roster
	defer open.close()
	defer onStop(ctx, func() {
		open.stop(cfg.StopTimeout)
		_ = unix.Shutdown(lfd, unix.SHUT_RD) // wakes every thread that waits in accept; close would wake none
	})()
	next := func(c *sock, i int) error { return c.accept(lfd, &cfg, cfg.Board.Slot(i)) }
	var p *passage
	if cfg.Accept == Pass {
		if p, err = newPassage(); err != nil {
			return fmt.Errorf("threadpool: %w", err)
		}
		defer p.close()
		next = func(c *sock, i int) error { return p.take(c, &cfg, cfg.Board.Slot(i)) }
	}
	if cfg.Alone {
		quietMonitor()
	}
	var threads, started sync.WaitGroup
	started.Add(cfg.Workers)
	for i := range cfg.Workers {
		threads.Go(func() {
			runtime.LockOSThread() // a kernel thread of its own, and blocking calls on it
			defer runtime.UnlockOSThread()
			started.Done()
			c := new(sock)
			for next(c, i) == nil { // only the stop ends it
				open.add(c, 0)
				pump(c, cfg.session(h), &cfg, cfg.Board.Slot(i), &open)
			}
		})
	}
	started.Wait()
	cfg.Ready(addr)
	if p != nil {
		p.pass(lfd)
	}
	threads.Wait()
	return nil
}
