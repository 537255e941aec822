package results

import (
	"slices"
	"strconv"
	"strings"
)

// runtimeCalls are those that Go's runtime makes for itself: memory, threads, signals, time, and its poller. Within a
// request no architecture here makes one of them on its own account.
var runtimeCalls = []string{"futex", "nanosleep", "clock_nanosleep", "sched_yield", "sched_getaffinity", "sigaltstack",
	"tgkill", "timer_create", "timer_settime", "timer_delete", "setitimer", "getpid", "gettid", "madvise", "mmap",
	"munmap", "mprotect", "mincore", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "getrandom",
	"restart_syscall", "epoll_create1", "eventfd2"}

// folder tells the calls of an architecture from those of the runtime. It is shown all calls of a trace in turn, since
// who is whose thread and what an epoll instance watches is said long before the request.
type folder struct {
	mark    TraceMark
	peer    string       // how a descriptor of the traced connection ends
	process map[int]int  // of a thread
	order   []int        // processes as they were started
	born    map[int]bool // threads that were started within the mark as processes of their own
	stage   map[int]stage
	pollers map[epollKey]*poller
}

// stage is how far a spawned process has come.
type stage int

const (
	forked   stage = iota
	executed       // it runs a program of its own
	serving        // which has come to the connection
)

type epollKey struct{ process, fd int }

// poller is an epoll instance.
type poller struct {
	runtime bool             // Go's own
	wake    int              // its eventfd, by which the runtime wakes the thread that waits
	sockets map[int]struct{} // of TCP, that it watches
}

func newFolder(all []Syscall, m TraceMark) *folder {
	f := &folder{mark: m, peer: "->" + m.Client + "]", process: map[int]int{}, born: map[int]bool{},
		stage: map[int]stage{}, pollers: map[epollKey]*poller{}}
	if len(all) > 0 {
		f.process[all[0].Thread] = all[0].Thread
		f.order = append(f.order, all[0].Thread)
	}
	for i := range all { // a clone begins before its child does anything
		c := &all[i]
		started := child(c)
		if f.process[c.Thread] == 0 { // not seen to be started: a process of its own
			f.process[c.Thread] = c.Thread
			f.order = append(f.order, c.Thread)
		}
		switch {
		case started == 0:
		case f.newThread(c):
			f.process[started] = f.process[c.Thread]
		default:
			f.process[started] = started
			f.order = append(f.order, started)
			f.born[started] = c.Begin >= m.Begin && c.Begin <= m.End
		}
	}
	return f
}

// child is the number of the thread or process that a call started, 0 where it started none.
func child(c *Syscall) int {
	switch c.Name {
	case "clone", "clone3", "fork", "vfork":
		n, err := strconv.Atoi(c.Result)
		if err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// newThread tells whether a call starts a thread of the same process.
func (f *folder) newThread(c *Syscall) bool {
	return child(c) != 0 && strings.Contains(c.Args, "CLONE_THREAD")
}

// touches tells whether a call has to do with the traced connection.
func (f *folder) touches(c *Syscall) bool {
	return strings.Contains(c.Args, f.peer) || strings.Contains(c.Result, f.peer)
}

// startup tells whether a call is a spawned program's own affair: the process was started for this request, and what it
// executes has not come to the connection yet.
func (f *folder) startup(c *Syscall) bool {
	process := f.process[c.Thread]
	switch {
	case !f.born[process] || c.Kind != KindCall || f.stage[process] == serving:
		return false
	case c.Name == "execve":
		f.stage[process] = executed
		return false
	case f.touches(c) && (f.stage[process] != executed || c.Name != "fcntl"): // the runtime asks what 0, 1 and 2 are
		if f.stage[process] == executed {
			f.stage[process] = serving
		}
		return false
	}
	return true
}

// watch learns which epoll instances are the runtime's and what they watch.
func (f *folder) watch(c *Syscall) {
	if c.Name == "close" {
		for key, p := range f.pollers {
			if key.process == f.process[c.Thread] {
				delete(p.sockets, number0(c.Args))
			}
		}
	}
	if c.Name != "epoll_ctl" {
		return
	}
	parts := strings.SplitN(c.Args, ", ", 4)
	if len(parts) < 4 {
		return
	}
	key, fd := epollKey{f.process[c.Thread], number0(parts[0])}, number0(parts[2])
	p := f.pollers[key]
	if p == nil {
		// The runtime's poller begins with its own eventfd, and knows it by an address, not by its number.
		own := strings.Contains(parts[2], "[eventfd]") && !strings.Contains(parts[3], "u64="+strconv.Itoa(fd)+"}")
		p = &poller{runtime: own, wake: -1, sockets: map[int]struct{}{}}
		if own {
			p.wake = fd
		}
		f.pollers[key] = p
	}
	switch {
	case parts[1] == "EPOLL_CTL_DEL":
		delete(p.sockets, fd)
	case parts[1] == "EPOLL_CTL_ADD" && strings.Contains(parts[2], "<TCP"):
		p.sockets[fd] = struct{}{}
	}
}

// noise tells whether a call is the runtime's.
func (f *folder) noise(c *Syscall) bool {
	process := f.process[c.Thread]
	switch {
	case c.Kind == KindExit:
		return false
	case c.Kind == KindSignal, slices.Contains(runtimeCalls, c.Name), strings.HasPrefix(c.Name, "rt_sig"):
		return true
	case strings.HasPrefix(c.Result, "-1 EINTR"), strings.HasPrefix(c.Result, "? ERESTART"):
		return true // one of its signals interrupted the call, which is made again
	case f.touches(c):
		return false
	case strings.Contains(c.Args, "</sys/fs/cgroup/"), strings.Contains(c.Args, "</proc/self/"):
		return true // how many CPUs are there now?
	case strings.HasPrefix(c.Name, "epoll_") && strings.Contains(c.Name, "wait"):
		p := f.pollers[epollKey{process, number0(c.Args)}]
		return c.Result == "0" || p != nil && p.runtime && len(p.sockets) == 0
	case c.Name == ringCall:
		return strings.HasPrefix(c.Result, "-1 ETIME") // it has waited a while, for nothing
	case c.Name == "epoll_ctl":
		parts := strings.SplitN(c.Args, ", ", 4)
		p := f.pollers[epollKey{process, number0(c.Args)}]
		return p != nil && p.runtime && len(parts) == 4 && number0(parts[2]) == p.wake
	case c.Name == "read" || c.Name == "write":
		for key, p := range f.pollers {
			if key.process == process && p.wake == number0(c.Args) && strings.Contains(c.Args, "[eventfd]") {
				return true
			}
		}
	}
	return false
}

// number0 is the number with which a text begins, -1 where it does not.
func number0(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil {
		return -1
	}
	return n
}
