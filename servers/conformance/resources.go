//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sync/errgroup"

	"serverlab/servers"
)

var resourceProperties = []Property{
	{Name: "leaks", Asks: "descriptors, threads, children and memory are given back", Process: true, check: leaks},
	{Name: "threads", Asks: "a pool has its threads, blocked in accept; a loop has few; no more workers than allowed",
		Process: true, check: threads},
	{Name: "descriptors", Asks: "a flood that takes all descriptors neither ends the server nor has it spin",
		Process: true, check: descriptors},
}

// bigRequests ask for more than any socket takes.
var bigRequests = strings.Repeat(head("GET /read?file=f12&offset=0&count=1048576"), 30)

// holding is what a server holds at one moment.
type holding struct {
	descriptors       []string // what they are open on
	threads, children int
	memory            uint64 // PSS, bytes
}

// sockets counts the descriptors that are sockets: those that it listens on, and its connections.
func (h holding) sockets() (n int) {
	for _, d := range h.descriptors {
		if strings.HasPrefix(d, "socket:") {
			n++
		}
	}
	return n
}

func holdings(pid int) (h holding, err error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return h, err
	}
	if h.descriptors, err = proc.FileDescriptorTargets(); err != nil {
		return h, err
	}
	stat, err := proc.Stat()
	if err != nil {
		return h, err
	}
	rollup, err := proc.ProcSMapsRollup()
	if err != nil {
		return h, err
	}
	h.threads, h.memory, h.children = stat.NumThreads, rollup.Pss, len(group(pid))-1
	return h, nil
}

// group lists the processes of a process group that are alive or not reaped.
func group(pgid int) (pids []int) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil // no /proc, nothing to see
	}
	for _, proc := range all {
		if stat, err := proc.Stat(); err == nil && stat.PGRP == pgid { // an error: it has just ended
			pids = append(pids, proc.PID)
		}
	}
	return pids
}

// peakMemory is the most that a process has ever had resident, bytes.
func peakMemory(pid int) (uint64, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	status, err := proc.NewStatus()
	return status.VmHWM, err
}

// leaks has clients of all manners come and go, and compares what the server holds then with what it held when some
// had come and gone already.
func leaks(p *probe) error {
	t, err := p.start(Settings{MaxConns: 500})
	if err != nil {
		return err
	}
	many := 1000
	if p.spawns() {
		many = 200 // each costs a process
	}
	fresh, err := holdings(t.Pid)
	if err != nil {
		return err
	}
	if err := t.traffic(many / 5); err != nil {
		return err
	}
	before, err := p.quiet(t.Pid, fresh)
	if err != nil {
		return fmt.Errorf("after %d connections: %w", many/5, err)
	}
	if err := t.traffic(many); err != nil {
		return err
	}
	return p.eventually(func() error {
		now, err := p.quiet(t.Pid, fresh)
		if err != nil {
			return fmt.Errorf("after %d connections more: %w", many, err)
		}
		what := ""
		switch { // threads of the runtime do not end, and it may have needed some more; memory goes up and down
		case len(now.descriptors) > len(before.descriptors):
			what = "descriptors"
		case now.threads > before.threads+16:
			what = "threads"
		case now.memory > before.memory+64<<20:
			what = "memory"
		default:
			return nil
		}
		return fmt.Errorf("after %d connections more: %s: %+v, before: %+v", many, what, now, before)
	})
}

// quiet waits until a server has no connection and no child, and says what it holds then. Fresh is what it held before
// the first connection.
func (p *probe) quiet(pid int, fresh holding) (now holding, err error) {
	err = p.eventually(func() (err error) {
		if now, err = holdings(pid); err == nil && (now.sockets() > fresh.sockets() || now.children > 0) {
			err = fmt.Errorf("%d connections and %d children are left", now.sockets()-fresh.sockets(), now.children)
		}
		return err
	})
	return now, err
}

// traffic is n connections, four at a time: most are ordinary clients, some vanish or are malformed.
func (t *target) traffic(n int) error {
	var clients errgroup.Group
	for k := range 4 {
		clients.Go(func() error {
			for i := k; i < n; i += 4 {
				if err := t.someClient(i); err != nil {
					return fmt.Errorf("connection %d: %w", i, err)
				}
			}
			return nil
		})
	}
	return clients.Wait()
}

func (t *target) someClient(i int) error {
	switch i % 8 {
	case 0:
		return t.converse(bye, whole, false)
	case 1:
		return t.converse(head("GET /read?file=f13&offset=77&count=20000"), whole, true)
	case 2:
		return t.converse(malformedSamples[i%len(malformedSamples)].in, whole, true)
	case 3:
		c, err := t.dial()
		if err != nil {
			return err
		}
		if err := c.send("GET /?wait=1ms HT"); err != nil {
			return err
		}
		return c.vanish()
	}
	return t.visit(hello)
}

// threads looks at the threads of those that promise something about them.
func threads(p *probe) error {
	switch {
	case p.subject.Arch.Pool && p.subject.Arch.Unit == servers.Thread:
		return poolThreads(p)
	case p.subject.Arch.Unit == servers.Loop:
		return loopThreads(p)
	case p.spawns():
		return workerProcesses(p)
	}
	return skipped("this architecture promises no number of kernel threads")
}

// poolThreads counts the threads that are blocked in accept4.
func poolThreads(p *probe) error {
	const workers = 24
	t, err := p.start(Settings{Workers: workers})
	if err != nil {
		return err
	}
	clients, err := t.openMany(4)
	defer func() { closeAll(clients) }()
	if err != nil {
		return err
	}
	return p.eventually(func() error {
		for call, want := range map[int]int{syscall.SYS_ACCEPT4: workers - len(clients), syscall.SYS_READ: len(clients)} {
			n, err := threadsIn(t.Pid, call)
			if err != nil {
				return skipped(err.Error())
			}
			if n < want {
				return fmt.Errorf("%d threads are in system call %d, want %d", n, call, want)
			}
		}
		return nil
	})
}

// workerProcesses counts the processes while more requests are made than there may be workers.
func workerProcesses(p *probe) error {
	const workers, clients = 2, 12
	t, err := p.start(Settings{Workers: workers})
	if err != nil {
		return err
	}
	var visits errgroup.Group
	for range clients {
		visits.Go(func() error { return t.visit(head("GET /?wait=20ms")) })
	}
	served := make(chan error, 1)
	go func() { served <- visits.Wait() }()
	most := 0
	for {
		select {
		case err := <-served:
			if err == nil && most == 0 {
				err = errors.New("no worker process was seen")
			}
			return err
		default:
		}
		n := len(group(t.Pid)) - 1
		if most = max(most, n); n > workers {
			return fmt.Errorf("%d worker processes, with --workers=%d", n, workers)
		}
	}
}

// threadsIn counts the threads of a process that are in a system call.
func threadsIn(pid, call int) (n int, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	if err != nil {
		return 0, err
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			return 0, fmt.Errorf("what the threads wait for can't be read here: %w", err)
		}
		first, _, _ := strings.Cut(string(text), " ")
		if first == strconv.Itoa(call) {
			n++
		}
	}
	return n, nil
}

// loopThreads compares the number of threads with one client and with 500.
func loopThreads(p *probe) error {
	const many = 500
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	clients, err := t.openMany(1)
	defer func() { closeAll(clients) }()
	if err != nil {
		return err
	}
	before, err := holdings(t.Pid)
	if err != nil {
		return err
	}
	more, err := t.openMany(many)
	clients = append(clients, more...)
	if err != nil {
		return err
	}
	now, err := holdings(t.Pid)
	// The runtime starts threads of its own, as many as there are CPUs at the most.
	if err == nil && now.threads > before.threads+runtime.NumCPU()+4 {
		err = fmt.Errorf("%d threads with one client, %d with %d", before.threads, now.threads, many)
	}
	return err
}

// descriptors floods a server that may have few descriptors, and looks at its CPU time meanwhile.
func descriptors(p *probe) error {
	const limit, flood, window = 300, 900, 500 * time.Millisecond
	t, err := p.start(Settings{Descriptors: limit, Workers: 400})
	if err != nil {
		return err
	}
	var clients []*client
	defer func() { closeAll(clients) }()
	if p.refuses() {
		if clients, err = t.openMany(1); err != nil {
			return err
		}
	} else if err := t.visit(hello); err != nil {
		return err
	}
	for range min(flood, backlog()) {
		c, err := t.dial()
		if err != nil {
			return fmt.Errorf("connection %d: %w", len(clients)+1, err)
		}
		clients = append(clients, c)
	}
	before, err := cpuTime(t.Pid)
	if err != nil {
		return err
	}
	passed := time.NewTimer(window) // the time over which the CPU is looked at
	defer passed.Stop()
	select {
	case <-passed.C:
	case <-t.done:
		return fmt.Errorf("the flood ended the server (%v)", t.err)
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
	after, err := cpuTime(t.Pid)
	if err != nil {
		return err
	}
	if used := after - before; used > window/2 {
		return fmt.Errorf("%v of CPU in %v while there was nothing to do", used, window)
	}
	if p.refuses() {
		if err := t.ask(clients[0], head("GET /read?file=f15&offset=3&count=5000")); err != nil {
			return fmt.Errorf("a client that was there before the flood: %w", err)
		}
	}
	closeAll(clients)
	if err := p.eventually(func() error { return t.visit(hello) }); err != nil {
		return fmt.Errorf("after the flood: %w", err)
	}
	return nil
}

// cpuTime is what a process has used, to a clock tick of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	stat, err := proc.Stat()
	return time.Duration(stat.CPUTime() * float64(time.Second)), err
}
