//go:build linux

package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
	"serverlab/servers"
	"serverlab/servers/app"
)

// poolProperty checks what is asked of pools of processes only, row by row.
func poolProperty(t *testing.T, check func(*probe) error, rows ...string) {
	for _, row := range rows {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			arch, variant, err := servers.Lookup(row)
			if err != nil {
				t.Fatal(err)
			}
			s := Subject{Arch: arch, Variant: variant, Start: Child(program, row, files), Files: files}
			verify(t, s, Property{Name: t.Name(), Asks: t.Name(), check: check})
		})
	}
}

// workers are the processes of a pool, without their parent.
func (t *target) workers() []int {
	return slices.DeleteFunc(group(t.Pid), func(pid int) bool { return pid == t.Pid })
}

// awaitEnds waits until processes have ended, children of this one or not.
func (p *probe) awaitEnds(pids []int) error {
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // it has ended already
		}
		ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := 0, error(unix.EINTR)
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Poll(ended, int(p.patience.Milliseconds()/2))
		}
		_ = unix.Close(fd)
		if n != 1 {
			return fmt.Errorf("process %d has not ended (%v)", pid, err)
		}
	}
	return nil
}

// A parent that is killed leaves nobody who goes on answering, neither those who are busy nor those who wait for a
// silent client or for any.
func TestKilledParentLeavesNobody(t *testing.T) {
	poolProperty(t, func(p *probe) error {
		t, err := p.start(Settings{Workers: 4})
		if err != nil {
			return err
		}
		silent, err := t.open()
		if err != nil {
			return err
		}
		defer silent.Close()
		var load errgroup.Group
		busy, ended := make(chan struct{}), make(chan error, 1)
		once := sync.OnceFunc(func() { close(busy) })
		for range 8 { // some may wait for the silent client's worker
			load.Go(func() error { return t.untilEnd(false, once) })
		}
		go func() { ended <- load.Wait() }()
		select {
		case <-busy:
		case err := <-ended:
			return fmt.Errorf("nobody was served (%w)", err)
		}
		pids := t.workers()
		t.expectEnd = true
		if err := syscall.Kill(t.Pid, syscall.SIGKILL); err != nil {
			return err
		}
		if err := errors.Join(p.awaitEnds(pids), <-ended); err != nil {
			return err
		}
		<-t.done
		if c, err := net.Dial("tcp", t.Addr); err == nil {
			return errors.Join(errors.New("somebody still listens"), c.Close())
		}
		return nil
	}, "prefork", "prefork:accept=reuseport", "prefork:accept=pass", "symped")
}

// Workers are replaced after so many connections, and no client notices.
func TestWorkersAreReplaced(t *testing.T) {
	poolProperty(t, func(p *probe) error {
		t, err := p.start(Settings{Workers: 3})
		if err != nil {
			return err
		}
		first := t.workers()
		var clients errgroup.Group
		for range 4 {
			clients.Go(func() error {
				for i := range 50 {
					if err := t.visit(hello); err != nil {
						return fmt.Errorf("visit %d: %w", i, err)
					}
				}
				return nil
			})
		}
		if err := clients.Wait(); err != nil {
			return err
		}
		for _, pid := range t.workers() {
			if slices.Contains(first, pid) {
				return fmt.Errorf("process %d is still there after 200 connections, 7 for each", pid)
			}
		}
		return nil
	}, "prefork:worker-conns=7", "prefork:accept=reuseport:worker-conns=7", "prefork:accept=pass:worker-conns=7",
		"prefork:min-spare=2:worker-conns=7")
}

// With spare workers asked for, a pool grows with its clients and shrinks when they have left.
func TestSpareWorkers(t *testing.T) {
	poolProperty(t, func(p *probe) error {
		t, err := p.start(Settings{Workers: 10})
		if err != nil {
			return err
		}
		count := func(least, most int) error {
			return p.eventually(func() error {
				if n := t.children(); n < least || n > most {
					return fmt.Errorf("%d worker processes, want %d to %d", n, least, most)
				}
				return nil
			})
		}
		if err := count(2, 2); err != nil {
			return err
		}
		clients, err := t.openMany(4)
		defer func() { closeAll(clients) }()
		if err != nil {
			return err
		}
		if err := count(6, 10); err != nil {
			return fmt.Errorf("with 4 clients: %w", err)
		}
		closeAll(clients)
		if err := count(2, 3); err != nil {
			return fmt.Errorf("when they have left: %w", err)
		}
		return t.visit(hello)
	}, "prefork:min-spare=2:max-spare=3", "prefork:accept=pass:min-spare=2:max-spare=3")
}

// More clients than workers are all served, one after the other.
func TestMoreClientsThanWorkers(t *testing.T) {
	poolProperty(t, func(p *probe) error {
		t, err := p.start(Settings{Workers: 2})
		if err != nil {
			return err
		}
		var clients errgroup.Group
		for range 40 {
			clients.Go(func() error { return t.visit(head("GET /?wait=2ms")) })
		}
		return clients.Wait()
	}, "prefork", "prefork:accept=pass")
}

// A worker that crashes is replaced, though there is no other: the second crash too, so soon after the start.
func TestCrashedWorkerIsReplaced(t *testing.T) {
	poolProperty(t, func(p *probe) error {
		t, err := p.start(Settings{Workers: 1, AllowChaos: true})
		if err != nil {
			return err
		}
		for range 2 {
			before := t.workers()
			c, err := t.dial()
			if err != nil {
				return err
			}
			defer c.Close()
			if err := errors.Join(c.send(head("GET /chaos/exit")), p.awaitEnds(before)); err != nil {
				return err
			}
			if err := t.visit(hello); err != nil {
				return fmt.Errorf("a client after the crash: %w", err)
			}
		}
		return nil
	}, "prefork", "prefork:accept=pass", "symped:loops=1")
}

// A listening socket of its own outlives its worker: who waits in its queue is served by the next.
func TestQueueOutlivesWorker(t *testing.T) {
	poolProperty(t, func(p *probe) error {
		t, err := p.start(Settings{Workers: 2})
		if err != nil {
			return err
		}
		holding, err := t.openMany(2)
		defer func() { closeAll(holding) }()
		if err != nil {
			return err
		}
		var waiting []*client
		defer func() { closeAll(waiting) }()
		for range 8 {
			c, err := t.dial()
			if err != nil {
				return err
			}
			waiting = append(waiting, c)
			if err := c.send(bye); err != nil {
				return err
			}
		}
		for _, pid := range t.workers() {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				return err
			}
		}
		want, _ := t.reference(bye)
		for i, c := range waiting {
			if err := c.expect(want); err != nil {
				return fmt.Errorf("client %d, who waited when the workers died: %w", i, err)
			}
		}
		return nil
	}, "prefork:accept=reuseport")
}

// What each worker has accepted and served can be read from the board that the server was given.
func TestServedPerWorker(t *testing.T) {
	const workers, visits = 3, 30
	for _, row := range []string{"prefork", "prefork:accept=reuseport", "prefork:accept=pass"} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			arch, variant, err := servers.Lookup(row)
			if err != nil {
				t.Fatal(err)
			}
			board, err := scoreboard.Share(workers)
			if err != nil {
				t.Fatal(err)
			}
			defer board.Close()
			cfg := servers.DefaultConfig()
			cfg.Variant, cfg.Workers, cfg.Board = variant, workers, board
			cfg.Member = []string{program, "member", "--arch=" + row, "--files=" + files}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			addr, ended := make(chan string, 1), make(chan error, 1)
			cfg.Ready = func(a net.Addr) { addr <- a.String() }
			go func() { ended <- arch.Serve(ctx, cfg, app.New(app.Options{})) }()
			var at string
			select {
			case at = <-addr:
			case err := <-ended:
				t.Fatal(err)
			}
			for range visits {
				c, err := net.Dial("tcp", at)
				if err == nil {
					_, err = c.Write([]byte(bye))
				}
				if err == nil {
					_ = c.SetDeadline(time.Now().Add(patience))
					_, err = c.Read(make([]byte, 1))
				}
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
			}
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			per, sum := board.PerSlot(), board.Sum()
			for i, c := range per {
				if c.Accepts != c.Requests { // each connection carries one request, and its worker counts both
					t.Errorf("worker %d: %+v", i, c)
				}
			}
			if sum.Accepts != visits || sum.Requests != visits {
				t.Errorf("%+v, want %d connections and requests", per, visits)
			}
		})
	}
}
