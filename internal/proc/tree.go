//go:build linux

// Package proc charges a server for what it uses: its whole tree of processes, children that have ended included.
// There are traps: /proc/PID/status counts the switches of one thread only, /proc/PID/stat counts in ticks of 10 ms,
// and an exited child is gone from both; so live processes are asked for their CPU clock, which counts nanoseconds and
// includes threads that have ended, and only children that were reaped are counted in ticks.
package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// tick is the unit of /proc/PID/stat, seconds: USER_HZ is 100 on every architecture that Go has.
const tick = 0.01

// Tree is a process and its descendants.
type Tree struct {
	root  int
	forks bool // it had children when last seen: only then is it worth while to look for more
}

// Usage is what a tree used so far.
type Usage struct {
	CPU, User, System float64 // seconds since the root began
	Reaped            float64 // of CPU: of children that have ended
}

// Size is how large a tree is now.
type Size struct {
	PSS       uint64 // bytes: pages that several share are divided among them
	Threads   int
	Processes int
}

// NewTree returns the tree of which pid is the root.
func NewTree(pid int) (*Tree, error) {
	if _, err := procfs.NewProc(pid); err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	return &Tree{root: pid, forks: len(descendants(pid)) > 0}, nil
}

// Usage reads the clocks. It is cheap unless the tree has children.
func (t *Tree) Usage() (u Usage, err error) {
	for range 5 {
		if u, err = usage(t.root); err != nil {
			return Usage{}, err
		}
		t.forks = t.forks || u.Reaped > 0
		if !t.forks {
			return u, nil
		}
		reaped := u.Reaped
		for _, pid := range descendants(t.root) {
			c, err := usage(pid)
			if err != nil { // it ended between the look and the question
				continue
			}
			u.add(c)
		}
		// Whoever was reaped meanwhile may be in neither sum, or in both: look again.
		if after, err := usage(t.root); err != nil || after.Reaped == reaped {
			return u, err
		}
	}
	return u, nil
}

func (u *Usage) add(o Usage) {
	u.CPU += o.CPU
	u.User += o.User
	u.System += o.System
	u.Reaped += o.Reaped
}

// Sub returns what was used since earlier. User and system time are estimates that the kernel scales to the exact sum,
// so either may step back (cputime_adjust in kernel/sched/cputime.c); here none is below 0, and both together are CPU.
func (u Usage) Sub(earlier Usage) Usage {
	cpu := max(0, u.CPU-earlier.CPU)
	user := min(max(0, u.User-earlier.User), cpu)
	return Usage{cpu, user, cpu - user, u.Reaped - earlier.Reaped}
}

// usage of one process and of the children that it has reaped. The clock is exact; its division into user and system
// time follows the ticks.
func usage(pid int) (Usage, error) {
	ns, err := cpuClock(pid)
	if err != nil {
		return Usage{}, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	own := float64(ns) / 1e9
	p, err := procfs.NewProc(pid)
	if err != nil {
		return Usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	s, err := p.Stat()
	if err != nil {
		return Usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	u := Usage{CPU: own}
	if ticks := s.UTime + s.STime; ticks > 0 {
		u.User = own * float64(s.UTime) / float64(ticks)
	}
	u.System = own - u.User
	user, system := tick*float64(s.CUTime), tick*float64(s.CSTime)
	u.add(Usage{user + system, user, system, user + system})
	return u, nil
}

// Size measures memory, threads and processes. It takes milliseconds for a large tree: never call it while something
// is measured. If the kernel does not tell the memory, the error says so and the rest is right.
func (t *Tree) Size() (s Size, err error) {
	pids := append([]int{t.root}, descendants(t.root)...)
	t.forks = t.forks || len(pids) > 1
	for _, pid := range pids {
		p, e := procfs.NewProc(pid)
		if e != nil {
			continue // ended meanwhile
		}
		stat, e := p.Stat()
		if e != nil {
			continue
		}
		s.Processes++
		s.Threads += stat.NumThreads
		memory, e := p.ProcSMapsRollup()
		switch {
		case e == nil:
			s.PSS += memory.Pss
		case !errors.Is(e, fs.ErrNotExist) && !errors.Is(e, unix.ESRCH):
			err = fmt.Errorf("memory of process %d: %w", pid, e)
		}
	}
	return s, err
}

// Descriptors counts the descriptors that all processes of the tree have open.
func (t *Tree) Descriptors() (n int, err error) {
	for _, pid := range append([]int{t.root}, descendants(t.root)...) {
		p, err := procfs.NewProc(pid)
		if err != nil {
			continue // ended meanwhile
		}
		fds, err := p.FileDescriptorsLen()
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			return 0, fmt.Errorf("descriptors of process %d: %w", pid, err)
		}
		n += fds
	}
	return n, nil
}

// Descendants lists the processes of the tree below its root that are alive now.
func (t *Tree) Descendants() []int { return descendants(t.root) }

// descendants lists all live descendants of pid.
func descendants(pid int) (pids []int) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	for _, thread := range threads {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		if err != nil {
			continue
		}
		for word := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(append(pids, child), descendants(child)...)
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// Switches is the number of context switches of a tree, from what wait4 said of its ended root: threads that ended and
// children that were reaped are included.
func Switches(state *os.ProcessState) (uint64, bool) {
	r, ok := state.SysUsage().(*syscall.Rusage)
	if !ok || r == nil {
		return 0, false
	}
	return uint64(r.Nvcsw) + uint64(r.Nivcsw), true
}
