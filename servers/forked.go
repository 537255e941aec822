//go:build linux

package servers

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/spawner"
)

// forker is how the row process comes to its workers with spawn=fork: it asks a spawner, a worker program that has
// started once and copies itself for each connection that it is passed.
//
//	parent:   connection is readable -> pass it to the spawner -> be told the worker's pid -> watch it, as any other
//	spawner:  recvmsg -> clone -> send
//	worker:   read one request -> handler -> write -> exit
//
// Strength: no program is loaded and no runtime started, and the first pages of memory are those of the spawner. Where
// it breaks: Go's runtime does not promise that it works, see package spawner. So nothing is believed: a spawner that
// gives no answer is replaced, and a worker that can't end is killed; both are logged and counted.
type forker struct {
	*parent
	spawner *spawner.Process // nil: it is to be started
	started bool             // once: whoever comes now is a substitute
}

func newForker(p *parent) (*forker, error) {
	f := &forker{parent: p}
	p.begin = f.fork
	return f, f.start()
}

func (f *forker) start() (err error) {
	f.spawner, err = spawner.Start(append(slices.Clone(f.cfg.Worker), "--forks"), workerEnv, f.cfg.Inherit)
	if err == nil && f.started {
		f.slot.Respawns.Add(1)
	}
	f.started = f.started || err == nil
	return err
}

func (f *forker) close() {
	if f.spawner != nil {
		f.spawner.Close()
		f.spawner = nil
	}
}

// fork has a worker forked. A spawner that had ended before it was asked is replaced at once.
func (f *forker) fork(w *child) (err error) {
	for range 2 {
		if f.spawner == nil {
			if err = f.start(); err != nil {
				return err
			}
		}
		w.pid, err = f.spawner.Fork(w.peer.fd, f.cfg.KeepAlive && !f.stopping)
		lost := errors.Is(err, spawner.ErrLost)
		if lost || errors.Is(err, spawner.ErrGone) {
			f.cfg.Log.Warn("the spawner is replaced", "pid", f.spawner.PID(), "err", err)
			f.close()
		}
		if lost || !errors.Is(err, spawner.ErrGone) {
			break
		}
	}
	if err != nil {
		return err
	}
	f.slot.Forks.Add(1)
	if w.pidfd, err = unix.PidfdOpen(w.pid, 0); err != nil {
		_ = unix.Kill(w.pid, unix.SIGKILL)
		_, _ = unix.Wait4(w.pid, nil, 0, nil)
		return fmt.Errorf("watch worker %d: %w", w.pid, err)
	}
	if !f.timed {
		f.alarm(stuckLook, watchdog{f})
	}
	return nil
}

// stuckLook is how often workers are looked at: one that is found stuck at two looks in a row is killed.
const stuckLook = time.Second

// watchdog owns the timer where workers are forked.
type watchdog struct{ f *forker }

// ready looks at the workers that have lived for longer than most do.
func (d watchdog) ready(uint32) {
	f := d.f
	f.timed = false
	for _, s := range f.at {
		if w, ok := s.(*child); ok && f.now.Sub(w.begun) >= stuckLook/2 {
			f.look(w)
		}
	}
	if f.alive > 0 {
		f.alarm(stuckLook, d)
	}
}

func (d watchdog) cut() {}

// look kills a worker that can't end any more. Where the system does not tell, it is one that has lived for longer than
// any request can take to come and any client to accept its answer, and as long again for the handler.
func (f *forker) look(w *child) {
	stuck, err := spawner.Stuck(w.pid)
	switch {
	case err != nil:
		stuck = f.now.Sub(w.begun) > 2*(f.cfg.ReadTimeout+f.cfg.IdleTimeout)
	case stuck && !w.stuck:
		w.stuck = true
		return
	}
	if w.stuck = stuck; stuck {
		f.cfg.Log.Warn("worker is killed: it hangs", "pid", w.pid, "since", f.now.Sub(w.begun).Round(time.Millisecond))
		f.slot.Stuck.Add(1)
		_ = unix.PidfdSendSignal(w.pidfd, unix.SIGKILL, nil, 0)
	}
}
