//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/internal/spawner"
	"serverlab/servers/http1"
	"serverlab/servers/worker"
)

// process spawns a fresh process for each request, as inetd does and CGI did.
//
//	parent:  epoll_wait -> accept
//	                    -> connection is readable -> spawn a worker, its descriptor 0 is the connection
//	                    -> worker has ended       -> reap it; keep the connection or close it
//	worker:  read one request -> handler -> write -> exit
//
// How a worker comes to be: spawn=exec starts a program for each; spawn=fork, an experiment, copies one that is there,
// as C servers do: see forked.go.
//
// Strength: nothing that a request does outlives it or reaches another: a crash costs the request that caused it and no
// other. Where it breaks: a request costs the start of a program. At most cfg.Workers are alive; more requests wait. No
// more of them start at the same time than there are CPUs: programs that start side by side on one CPU take each
// other's place in its caches.
//
// Go cannot safely fork itself without exec (the child would have one of the runtime's threads and the locks of all),
// so the worker is a program of its own that rebuilds the handler from its flags, and h is not called here.
func process(ctx context.Context, cfg Config, _ fasthttp.RequestHandler) error {
	if len(cfg.Worker) == 0 {
		return errors.New("process: no worker program is named; build it with `make build`, or name it by --worker")
	}
	if err := unix.Access(cfg.Worker[0], unix.X_OK); err != nil {
		return fmt.Errorf("process: worker program %s: %w; build it with `make build`, or name it by --worker",
			cfg.Worker[0], err)
	}
	r, err := newReactor(cfg)
	if err != nil {
		return err
	}
	parent := &parent{reactor: r, cfg: cfg, cpus: runtime.NumCPU()}
	parent.begin, r.readable = parent.exec, parent.readable
	if parent.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		r.end()
		return fmt.Errorf("create timerfd: %w", err)
	}
	defer unix.Close(parent.timer)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if cfg.Spawn == Fork {
		forks, err := newForker(parent)
		if err != nil {
			r.end()
			return fmt.Errorf("process: %w", err)
		}
		defer forks.close()
	}
	return r.run(ctx)
}

// parent is the process that owns the connections. It never reads from one.
type parent struct {
	*reactor
	cfg   Config
	alive int
	queue []*peer            // readable connections that wait for a worker to end
	begin func(*child) error // starts a worker: fills in its pid and pidfd

	cpus     int
	starting []*child // have not ended, nor been seen to have started
	timer    int      // timerfd: time to look at workers
	timed    bool     // it is set
}

// child is a worker that is alive, owned by the descriptor that tells of its end.
type child struct {
	parent *parent
	peer   *peer
	pid    int
	pidfd  int
	begun  time.Time
	stuck  bool // at the last look, see forked.go
}

// readable finds out whether there is a request or the end of the connection, without taking anything.
func (p *parent) readable(c *peer) {
	var one [1]byte
	n, _, err := unix.Recvfrom(c.fd, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	switch {
	case n > 0:
		c.busy = true
		c.place.leave()
		p.expect(c, 0)
		p.queue = append(p.queue, c)
		p.serveQueue()
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		p.expect(c, unix.EPOLLIN)
	default:
		p.close(c)
	}
}

func (p *parent) serveQueue() {
	for len(p.queue) > 0 && p.alive < p.cfg.Workers {
		if len(p.starting) >= p.cpus && p.pace() {
			return
		}
		c := p.queue[0]
		p.queue = slices.Delete(p.queue, 0, 1)
		if err := p.spawn(c); err != nil {
			p.cfg.Log.Warn("no worker could be started", "err", err)
			p.slot.Drops.Add(1)
			if errors.Is(err, spawner.ErrLost) { // a worker may have it all the same
				c.busy = false
				p.close(c)
				continue
			}
			_ = unix.SetNonblock(c.fd, true) // spawn may have left it otherwise
			c.busy, c.out, c.closing = false, http1.ErrorAnswer(503, "no worker could be started: try again later"), true
			p.flush(c)
		}
	}
}

// The bounds of waiting for a worker that starts: how often to look at it, and when not to wait for it any more.
const (
	startLook = 3 * time.Millisecond
	startMost = 20 * time.Millisecond
)

// pace sets the timer after which starting workers are looked at.
func (p *parent) pace() bool { return p.timed || p.alarm(startLook, pacer{p}) }

// alarm sets the timer, whose owner is told; false: it can't be had.
func (p *parent) alarm(after time.Duration, owner source) bool {
	if (p.timer >= len(p.at) || p.at[p.timer] == nil) && p.watch(p.timer, unix.EPOLLIN|unix.EPOLLET, owner) != nil {
		return false
	}
	in := unix.ItimerSpec{Value: unix.NsecToTimespec(after.Nanoseconds())}
	p.timed = unix.TimerfdSettime(p.timer, 0, &in, nil) == nil
	return p.timed
}

// pacer owns the timer.
type pacer struct{ p *parent }

// ready finds those that have started: their request is no longer in the socket.
func (t pacer) ready(uint32) {
	p := t.p
	p.timed = false
	p.starting = slices.DeleteFunc(p.starting, func(w *child) bool {
		return !unread(w.peer.fd) || p.now.Sub(w.begun) > startMost
	})
	p.serveQueue()
}

func (t pacer) cut() {}

// workerEnv spares a program that ends after one request what pays off only later.
var workerEnv = []string{"GOGC=off", "GOMAXPROCS=1"}

func (p *parent) spawn(c *peer) error {
	w := &child{parent: p, peer: c, begun: p.now}
	if err := p.begin(w); err != nil {
		return err
	}
	if err := p.watch(w.pidfd, unix.EPOLLIN, w); err != nil { // nobody would tell of its end
		_ = unix.Kill(w.pid, unix.SIGKILL)
		_, _ = unix.Wait4(w.pid, nil, 0, nil)
		return errors.Join(err, unix.Close(w.pidfd))
	}
	p.alive++
	return nil
}

// exec starts a program.
func (p *parent) exec(w *child) (err error) {
	argv := p.cfg.Worker
	if p.cfg.KeepAlive && !p.stopping {
		argv = append(slices.Clone(argv), "--keepalive")
	}
	// A Go program whose standard input does not block begins by setting up its poller. Nobody here waits on it now.
	if err := unix.SetNonblock(w.peer.fd, false); err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	w.pid, err = syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env: workerEnv,
		// It takes the numbers after the highest of these for itself: what is inherited must be among them.
		Files: append([]uintptr{uintptr(w.peer.fd), 2, 2}, p.cfg.Inherit...),
		// Nobody answers for a parent that was killed. The signal follows the thread that starts them: process keeps it.
		Sys: &syscall.SysProcAttr{PidFD: &w.pidfd, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	p.starting = append(p.starting, w)
	return nil
}

// ready reaps the worker. Its exit status says what became of the connection; a worker that died has lost its own
// request, and its client sees the connection close.
func (w *child) ready(uint32) {
	var status unix.WaitStatus
	if _, err := unix.Wait4(w.pid, &status, 0, nil); err != nil {
		w.parent.cfg.Log.Warn("worker could not be reaped", "pid", w.pid, "err", err)
	}
	p, c := w.parent, w.peer
	p.at[w.pidfd] = nil
	_ = unix.Close(w.pidfd) // takes it off epoll
	p.alive--
	p.starting = slices.DeleteFunc(p.starting, func(s *child) bool { return s == w })
	c.busy = false
	switch {
	case !status.Exited():
		p.cfg.Log.Warn("worker died", "pid", w.pid, "status", fmt.Sprintf("%#x", int(status)))
		p.close(c)
	case status.ExitStatus() == worker.Answered:
		p.slot.Requests.Add(1)
		p.idle.join(&c.place, p.now)
		p.readable(c) // the next request may be there already
		if p.stopping && c.place.line == &p.idle {
			p.close(c) // it is not
		}
	default:
		if status.ExitStatus() == worker.AnsweredAndClosed {
			p.slot.Requests.Add(1)
		}
		p.close(c)
	}
	p.serveQueue()
}

// cut ends a worker that did not end in time.
func (w *child) cut() {
	_ = unix.PidfdSendSignal(w.pidfd, unix.SIGKILL, nil, 0)
	for _, c := range w.parent.queue {
		w.parent.close(c)
	}
	w.parent.queue = nil
}
