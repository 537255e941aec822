//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// orphanPatience is how long a worker may live on when its server is dead. After that it is killed and counted. It is
// more than a pool that ends needs on a busy machine: whoever is still there does not want to end.
const orphanPatience = 2 * time.Second

// busyLook is for how long workers are looked at in order to find one that has work.
const busyLook = 5 * time.Millisecond

// faulty is a server under load to which something is done: it, one of its workers, or the store of its sessions is
// killed by SIGKILL, and a server or a store is started again at the same address.
//
//	begin: kill ──▶ dead, all of it ──▶ returns: the fault has happened
//	                          └──▶ start again ──▶ ready: wait returns
type faulty struct {
	kind     string
	patience time.Duration // with orphans
	store    *redis
	servers  []*server // all that were started; the last one is the one that runs
	again    func() (*server, error)

	mu   sync.Mutex    // held from begin until what was killed is ready again
	over bool          // the load has ended: it is too late for a fault
	did  results.Fault // Begun is how long it took to find whom to kill, seconds
	err  error
}

// server is the one that runs.
func (f *faulty) server() *server { return f.servers[len(f.servers)-1] }

// begin does it, and returns when what was killed is dead. It starts it again meanwhile.
func (f *faulty) begin() {
	f.mu.Lock()
	if f.over {
		f.mu.Unlock()
		return
	}
	if f.err = f.kill(); f.err != nil || f.kind == faultWorker {
		f.mu.Unlock()
		return
	}
	go func() {
		defer f.mu.Unlock()
		f.err = f.restart()
	}()
}

// wait waits until what was begun is done. Nothing is begun after it.
func (f *faulty) wait() (results.Fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	return f.did, f.err
}

func (f *faulty) kill() error {
	begun := time.Now()
	switch s := f.server(); f.kind {
	case faultServer:
		if err := killProcess(s.cmd.Process.Pid); err != nil {
			return fmt.Errorf("kill the server: %w", err)
		}
		f.did.Lived, f.did.Stray, f.did.Orphans = s.bury(f.patience)
	case faultWorker:
		pid, ok := s.tree.Busiest(busyLook)
		if !ok {
			return errors.New("kill a worker: the server has none")
		}
		if group, err := unix.Getpgid(pid); err != nil || group != s.cmd.Process.Pid {
			return errors.New("kill a worker: it has ended by itself meanwhile")
		}
		f.did.Begun = time.Since(begun).Seconds()
		if err := killProcess(pid); err != nil {
			return fmt.Errorf("kill a worker: %w", err)
		}
	case faultStore:
		f.store.stop()
	}
	return nil
}

// restart starts again what was killed.
func (f *faulty) restart() error {
	begun := time.Now()
	if f.kind == faultStore {
		if err := f.store.start(context.Background()); err != nil {
			return err
		}
	} else {
		s, err := f.again()
		if err != nil {
			return fmt.Errorf("start the server again: %w", err)
		}
		f.servers = append(f.servers, s)
	}
	took := time.Since(begun).Seconds()
	f.did.Restart = &took
	return nil
}

// killProcess kills a process and returns when it is dead, whoever may have to reap it.
func killProcess(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd_open of process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return fmt.Errorf("SIGKILL to process %d: %w", pid, err)
	}
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1) // readable when it is dead
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// bury waits until the workers of a dead server have ended by themselves, at most for patience, and kills the rest then.
// It returns for how many seconds the last one lived on, how many requests they answered meanwhile, and how many had to
// be killed.
func (s *server) bury(patience time.Duration) (lived float64, stray uint64, orphans int) {
	<-s.ended
	died, group := time.Now(), s.cmd.Process.Pid
	answered := s.answered()
	var fired atomic.Bool // before that, a worker that dies of SIGKILL has asked the kernel for it: see PR_SET_PDEATHSIG
	killer := time.AfterFunc(patience, func() {
		fired.Store(true)
		_ = unix.Kill(-group, unix.SIGKILL)
	})
	defer killer.Stop()
	for { // they are this process's children now: see reapOrphans
		var status unix.WaitStatus
		_, err := unix.Wait4(-group, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil: // ECHILD: nobody is left
			_ = s.hold.Close() // the pipe's other end is gone
			return time.Since(died).Seconds(), s.answered() - answered, orphans
		case fired.Load() && status.Signaled() && status.Signal() == unix.SIGKILL:
			orphans++
		}
	}
}

// answered is how many requests it has answered so far.
func (s *server) answered() uint64 {
	if s.board == nil {
		return 0
	}
	return s.board.Sum().Requests
}

// count adds up what all servers have counted of themselves.
func (f *faulty) count(to *results.Server) {
	for _, s := range f.servers {
		sum := s.board.Sum()
		to.Accepts += sum.Accepts
		to.Requests += sum.Requests
		to.Refusals += sum.Refusals
		to.Drops += sum.Drops
		to.Sessions += sum.Sessions
		to.Forks += sum.Forks
		to.Stuck += sum.Stuck
		to.Respawns += sum.Respawns
	}
}

// close lets go of what is kept of the servers, which have all ended.
func (f *faulty) close() {
	for _, s := range f.servers {
		_ = s.board.Close() // it was only read
	}
}
