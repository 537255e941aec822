//go:build linux

package servers

import (
	"context"
	"runtime"
	"sync"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// threadpool starts a fixed set of kernel threads; each accepts for itself and serves one connection at a time.
//
//	thread 1: accept -> read -> handler -> write -> close -> accept
//	thread 2: accept -> read -> ...            all blocked in accept on one listening socket; the kernel wakes one
//
// Strength: as plain as the iterative server, but only as many clients wait as there are threads too few; no thread is
// created while a client waits. Where it breaks: a silent client keeps a thread, so N silent clients stop a pool of N;
// each thread costs a stack and each change of thread a context switch.
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
	var threads, started sync.WaitGroup
	started.Add(cfg.Workers)
	for i := range cfg.Workers {
		threads.Go(func() {
			runtime.LockOSThread() // a kernel thread of its own, and blocking calls on it
			defer runtime.UnlockOSThread()
			started.Done()
			slot := cfg.Board.Slot(i)
			for {
				c, err := acceptSock(lfd, &cfg, slot)
				if err != nil {
					return // only the stop shuts the listening socket down
				}
				open.add(c, 0)
				pump(c, cfg.session(h), &cfg, slot, &open)
			}
		})
	}
	started.Wait()
	cfg.Ready(addr)
	threads.Wait()
	return nil
}
