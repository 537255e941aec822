package loadgen

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Go's own timers can't pace below a millisecond on Linux: the runtime's poller rounds a shorter wait up. So a thread
// sleeps in epoll_pwait2, which takes nanoseconds, with its timer slack set to one nanosecond (it is 50 µs otherwise),
// and spends the last stretch before an intended moment in a busy wait, if it was given one. Every deadline is a
// moment since the load began and no distance, so a late wake-up delays nothing that comes after it.
//
// Calls that don't wait go round Go's scheduler (RawSyscall): they are over before it could gain anything. So do short
// waits, because the scheduler's monitor, which takes the processor away from a thread that waits, then wakes every
// 20 µs for a while: that was 3 % of a CPU. GOMAXPROCS leaves the others a processor, and the signal by which the
// runtime stops a thread ends the wait. Only the rest of a long wait goes through the scheduler.
const shortWait = 5 * int64(time.Millisecond)

// poller is an epoll instance and its way of waiting.
type poller struct {
	fd     int
	ready  []unix.EpollEvent
	coarse bool // the kernel is older than 5.11: whole milliseconds, rounded up
	limit  unix.Timespec
}

func newPoller(events int) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open an epoll instance: %w", err)
	}
	p := &poller{fd: fd, ready: make([]unix.EpollEvent, events)}
	_, errno := p.call(0, true)
	p.coarse = errno == unix.ENOSYS
	return p, nil
}

// poll returns how many of p.ready are filled, without waiting.
func (p *poller) poll() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.ready[0])),
		uintptr(len(p.ready)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// wait returns as poll does, but waits for an event, for no longer than ns nanoseconds. It may come back early.
func (p *poller) wait(ns int64) int {
	if ns <= 0 {
		return p.poll()
	}
	n, _ := p.call(min(ns, shortWait), true)
	if n == 0 && ns > shortWait {
		n, _ = p.call(ns-shortWait, false)
	}
	return n
}

// call waits in the kernel. A signal ends it with an error and no event: the caller's caller looks at its deadlines
// and comes again.
func (p *poller) call(ns int64, short bool) (n int, errno unix.Errno) {
	// x/sys has no function for epoll_pwait2. limit is part of p, which is on the heap and does not move.
	p.limit = unix.NsecToTimespec(ns)
	number, limit := uintptr(unix.SYS_EPOLL_PWAIT2), uintptr(unsafe.Pointer(&p.limit))
	if p.coarse {
		ms := (ns + int64(time.Millisecond) - 1) / int64(time.Millisecond)
		number, limit = unix.SYS_EPOLL_PWAIT, uintptr(min(ms, 1<<30))
	}
	var r uintptr
	if short {
		r, _, errno = unix.RawSyscall6(number, uintptr(p.fd), uintptr(unsafe.Pointer(&p.ready[0])),
			uintptr(len(p.ready)), limit, 0, 0)
	} else {
		r, _, errno = unix.Syscall6(number, uintptr(p.fd), uintptr(unsafe.Pointer(&p.ready[0])),
			uintptr(len(p.ready)), limit, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

func (p *poller) close() { unix.Close(p.fd) }

// String says how p waits, for the record.
func (p *poller) String() string {
	if p.coarse {
		return "epoll_pwait, whole milliseconds"
	}
	return "epoll_pwait2"
}

// pin makes the calling goroutine's thread its own, on one CPU if cpu is not negative. The goroutine ends still
// locked, so the thread goes with it and no other goroutine inherits the settings.
func pin(cpu int) error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set the timer slack: %w", err)
	}
	if cpu < 0 {
		return nil
	}
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin a thread to CPU %d: %w; is it there, and may this process use it?", cpu, err)
	}
	return nil
}

// threadCPU is the CPU time of the calling thread, in nanoseconds.
func threadCPU() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return t.Nano()
}
