//go:build linux

package proc

import (
	"time"

	"golang.org/x/sys/unix"
)

// Busiest watches the descendants of the root for a while and returns the one that used most CPU time in it; ok is
// false where there is none. Of several that used as much, it is any.
func (t *Tree) Busiest(watch time.Duration) (pid int, ok bool) {
	before := map[int]int64{}
	for _, pid := range descendants(t.root) {
		if ns, err := cpuClock(pid); err == nil {
			before[pid] = ns
		}
	}
	time.Sleep(watch)
	most := int64(-1)
	for p, began := range before {
		if ns, err := cpuClock(p); err == nil && ns-began > most {
			pid, ok, most = p, true, ns-began
		}
	}
	return pid, ok
}

// cpuClock is the CPU time that another process has used, nanoseconds: clock_getcpuclockid(3),
// include/linux/posix-timers.h (CPUCLOCK_SCHED is 2).
func cpuClock(pid int) (int64, error) {
	var ts unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|2), &ts)
	return ts.Nano(), err
}
