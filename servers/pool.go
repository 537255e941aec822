//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
)

// pool is a group of processes that all run the Member of one row: started in advance, watched, replaced when they end,
// stopped. One loop of the parent does it all. Go cannot safely fork without exec, so each is the same program again,
// by the command line cfg.Member, and what it has of its parent are descriptors: see inherited.
//
//	parent: epoll_wait --> a channel has ended: reap that process, start another in its slot
//	                   --> a member says that it is idle
//	                   --> stop: tell all, wait, kill who is left
type pool struct {
	cfg       *Config
	board     *scoreboard.Board // a slot per process
	listeners []int

	// What a kind of pool wants otherwise; a nil function is left out.
	give    func(slot int) []int     // the listening sockets that a member inherits
	begin   int                      // how many are started at first
	procs   int                      // GOMAXPROCS of a member
	idle    func(*member)            // one is ready, or ready again
	gone    func(*member)            // one has ended
	round   func() (again time.Time) // comes after the events of each turn, and again by itself
	control func()                   // comes once in a second

	members           []*member // by slot; nil: nobody is there
	alive, ready      int
	due               map[int]time.Time // slots that wait for their next process
	at                map[int32]*member // by channel
	ep, wake, devnull int
	serving, stopping bool
	tick, deadline    time.Time
}

// member is a process of a pool, as its parent sees it.
type member struct {
	slot, pid, channel int
	began              time.Time
	ready, retired     bool
}

// brake is the least time between two starts in a slot whose process did not end well, so that a program that can't
// run, or a request that ends it and is repeated, does not have the parent do nothing but start it.
const brake = time.Second

// nudge is a signal that the runtime takes for its own and ignores: it only interrupts a system call, so that a member
// sees at once that its channel has ended.
const nudge = unix.SIGURG

func newPool(cfg *Config, size int, listeners []int) (*pool, error) {
	p := &pool{cfg: cfg, board: cfg.Board, listeners: listeners, begin: size, procs: 1, members: make([]*member, size),
		due: map[int]time.Time{}, at: map[int32]*member{},
		ep: -1, wake: -1, devnull: -1}
	p.give = func(slot int) []int { // all have the same, or each its own
		at := slot % len(listeners)
		return listeners[at : at+1]
	}
	if len(cfg.Member) == 0 {
		return nil, errors.New("no program is named that the processes of the pool run")
	}
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	if most := int(min(limit.Cur, 1<<20)) - len(listeners) - ownDescriptors; err == nil && size > most {
		return nil, fmt.Errorf("%d processes need %d descriptors more than are allowed: run `ulimit -n %d` first, or "+
			"have fewer --workers", size, size-most, limit.Cur+uint64(size-most))
	}
	if p.board.File() == nil || p.board.Slots() < size { // nobody looks at it, but the pool itself must
		if p.board, err = scoreboard.Share(size); err != nil {
			return nil, err
		}
	}
	if err := p.open(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// open opens what the loop needs.
func (p *pool) open() (err error) {
	if p.devnull, err = unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	if p.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("create epoll: %w", err)
	}
	if p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("create eventfd: %w", err)
	}
	return p.watch(p.wake, unix.EPOLLIN)
}

// ownDescriptors are what the parent needs beside a channel to each member.
const ownDescriptors = 32

func (p *pool) watch(fd int, events uint32) error {
	e := unix.EpollEvent{Events: events, Fd: int32(fd)}
	if err := unix.EpollCtl(p.ep, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	return nil
}

// run starts the pool, calls serving when all that were started at first are ready, and returns when ctx has ended and
// no process is left.
func (p *pool) run(ctx context.Context, serving func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer onStop(ctx, func() { _, _ = unix.Write(p.wake, []byte{7: 1}) })()
	p.cfg.Board.Set("gomaxprocs-member", fmt.Sprint(p.procs))
	var failed error
	for slot := range p.begin {
		if failed = p.start(slot); failed != nil {
			p.stop()
			break
		}
	}
	p.tick = time.Now().Add(time.Second)
	var events [64]unix.EpollEvent
	for again := (time.Time{}); !p.stopping || p.alive > 0; {
		n, err := unix.EpollWait(p.ep, events[:], p.patience(again))
		if err != nil && !errors.Is(err, unix.EINTR) {
			p.kill()
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			switch m := p.at[e.Fd]; {
			case int(e.Fd) == p.wake:
				p.stop()
			case m != nil:
				if err := p.hear(m); err != nil && !p.serving {
					failed = err // the first processes could not start: neither could others
					p.stop()
				}
			}
		}
		if !p.serving && !p.stopping && p.ready >= p.begin {
			p.serving = true
			serving()
		}
		p.timers(time.Now())
		again = time.Time{}
		if p.round != nil && p.serving && !p.stopping {
			again = p.round()
		}
	}
	return failed
}

// patience is how long epoll_wait may sleep, in milliseconds; -1: for ever.
func (p *pool) patience(next time.Time) int {
	next = sooner(next, p.deadline)
	for _, at := range p.due {
		next = sooner(next, at)
	}
	if p.control != nil && p.serving && !p.stopping { // as timers has it, or a tick in the past would never go by
		next = sooner(next, p.tick)
	}
	if next.IsZero() {
		return -1
	}
	return int(max(0, time.Until(next)+time.Millisecond-1) / time.Millisecond)
}

func (p *pool) timers(now time.Time) {
	for slot, at := range p.due {
		if !now.Before(at) {
			delete(p.due, slot)
			p.restart(slot)
		}
	}
	if p.control != nil && p.serving && !p.stopping && !now.Before(p.tick) {
		p.control()
		p.tick = now.Add(time.Second)
	}
	if !p.deadline.IsZero() && !now.Before(p.deadline) {
		p.deadline = time.Time{}
		p.kill()
	}
}

// start starts a process in a slot that is free.
func (p *pool) start(slot int) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a channel to a process: %w", err)
	}
	m := &member{slot: slot, channel: pair[0], began: time.Now()}
	files := []uintptr{uintptr(p.devnull), 2, 2, uintptr(pair[1]), p.board.File().Fd()}
	listeners := p.give(slot)
	for _, fd := range listeners {
		files = append(files, uintptr(fd))
	}
	files = append(files, p.cfg.Inherit...) // ForkExec takes the numbers after the highest of these for itself
	if err = errors.Join(unix.SetNonblock(m.channel, true), p.watch(m.channel, unix.EPOLLIN)); err == nil {
		p.board.Slot(slot).State.Store(scoreboard.Starting)
		m.pid, err = syscall.ForkExec(p.cfg.Member[0], p.cfg.Member,
			&syscall.ProcAttr{Env: p.memberEnv(slot, len(listeners)), Files: files,
				// Nobody answers for a parent that was killed. The signal follows the thread that starts: run keeps it.
				Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}})
	}
	_ = unix.Close(pair[1])
	if err != nil {
		p.board.Slot(slot).State.Store(scoreboard.Free)
		return errors.Join(fmt.Errorf("start %s: %w", p.cfg.Member[0], err), unix.Close(m.channel))
	}
	p.members[slot], p.at[int32(m.channel)] = m, m
	p.alive++
	return nil
}

// restart starts a process in a slot whose last one has ended; if that fails it is tried again.
func (p *pool) restart(slot int) {
	if p.stopping {
		return
	}
	if err := p.start(slot); err != nil {
		p.cfg.Log.Warn("no process could be started", "err", err)
		p.due[slot] = time.Now().Add(brake)
	}
}

// memberEnv tells a process what it inherits. GODEBUG spares the system calls of which the runtime knows nothing the
// signals by which it would preempt them.
func (p *pool) memberEnv(slot, listeners int) []string {
	debug := "asyncpreemptoff=1"
	var own []string
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		switch {
		case name == "GODEBUG" && value != "":
			debug = value + "," + debug
		case name != "GODEBUG" && name != "GOMAXPROCS" && name != inheritedVariable:
			own = append(own, e)
		}
	}
	return append(own, "GODEBUG="+debug, fmt.Sprintf("GOMAXPROCS=%d", p.procs),
		fmt.Sprintf("%s=%d,%d", inheritedVariable, slot, listeners))
}

// hear reads what a member says: a byte each time that it is ready for a connection; or the end, when its process has
// ended. It returns an error if that was not a good one.
func (p *pool) hear(m *member) error {
	var said [8]byte
	n, err := unix.Read(m.channel, said[:])
	switch {
	case n > 0:
		if !m.ready {
			m.ready = true
			p.ready++
		}
		if p.idle != nil {
			p.idle(m)
		}
		return nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	}
	return p.reap(m)
}

// reap waits for a process whose channel has ended, and sees to the next in its slot.
func (p *pool) reap(m *member) error {
	var status unix.WaitStatus
	var err error
	for {
		if _, err = unix.Wait4(m.pid, &status, 0, nil); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	slot := p.board.Slot(m.slot)
	slot.State.Store(scoreboard.Free)
	slot.Open.Store(0)
	if p.cfg.CountSessions != nil { // they have ended with its memory
		slot.Sessions.Store(0)
	}
	if p.gone != nil {
		p.gone(m)
	}
	_ = unix.Close(m.channel) // takes it off epoll
	p.members[m.slot] = nil
	delete(p.at, int32(m.channel))
	p.alive--
	switch {
	case err != nil:
		err = fmt.Errorf("wait for process %d: %w", m.pid, err)
	case status.Signaled():
		err = fmt.Errorf("process %d of the pool died of signal %d (%v)", m.pid, status.Signal(), status.Signal())
	case status.ExitStatus() != 0:
		err = fmt.Errorf("process %d of the pool ended with exit code %d", m.pid, status.ExitStatus())
	case !m.ready:
		err = fmt.Errorf("process %d of the pool ended before it was ready", m.pid)
	}
	if p.stopping {
		return nil
	}
	if err != nil {
		p.cfg.Log.Warn("a process is replaced", "err", err)
	}
	switch at := m.began.Add(brake); {
	case m.retired:
	case err != nil && time.Now().Before(at):
		p.due[m.slot] = at
	default:
		p.restart(m.slot)
	}
	return err
}

// retire has a member end that is idle, and tells whether it was. It takes no connection more, or but the one that it
// is just accepting.
func (p *pool) retire(m *member) bool {
	if !m.retired {
		m.retired = p.board.Slot(m.slot).State.CompareAndSwap(scoreboard.Idle, scoreboard.Retiring)
		return m.retired
	}
	return false
}

// stop tells all members to answer what is in hand and to end.
func (p *pool) stop() {
	if p.stopping {
		return
	}
	p.stopping, p.deadline = true, time.Now().Add(p.cfg.StopTimeout)
	_ = unix.EpollCtl(p.ep, unix.EPOLL_CTL_DEL, p.wake, nil)
	clear(p.due)
	for _, fd := range p.listeners {
		_ = unix.Shutdown(fd, unix.SHUT_RD) // wakes every process that waits in accept
	}
	for _, m := range p.at {
		_ = unix.Shutdown(m.channel, unix.SHUT_WR)
		_ = unix.Kill(m.pid, nudge)
	}
}

// kill ends what is left.
func (p *pool) kill() {
	for _, m := range p.at {
		_ = unix.Kill(m.pid, unix.SIGKILL) // it has not been waited for: the number is its own
	}
}

// close comes after run, or instead of it.
func (p *pool) close() {
	for _, m := range p.at { // the loop has failed
		_, _ = unix.Wait4(m.pid, nil, 0, nil)
		_ = unix.Close(m.channel)
	}
	_ = unix.Close(p.devnull)
	_ = unix.Close(p.wake)
	_ = unix.Close(p.ep)
	if p.board != p.cfg.Board {
		_ = p.board.Close()
	}
}
