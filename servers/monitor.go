//go:build linux

package servers

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// quietMonitor has the runtime's monitor (sysmon) take the CPU from nobody: SCHED_BATCH and nice 19, sched(7). It looks
// after threads that are blocked in the kernel, up to 50,000 times a second: it takes the processors of blocked threads
// away, so that each must find another when it wakes. Where there are processors for all that is work for nothing. By
// scripts/versus.sh, in turn with and without, 64 clients on open connections: a pool of threads took 1.37 and 1.18 times
// the CPU of threads in C, a pool of processes, each with a monitor of its own, 2.3 and 1.3 times that of processes in C;
// 512 threads had a p99 of 89 and 7 ms. (SCHED_IDLE does no better, and such a thread gets so little of a busy CPU that a
// killed process needs up to a second for its end: only then do its clients see their connections close.)
//
// It is the first thread that a Go program creates, so of those after the main thread it has the lowest number, unless
// the numbers have begun anew: then it is left alone. Where this is not allowed, all goes on as before.
func quietMonitor() {
	main := os.Getpid()
	monitor := 0
	entries, _ := os.ReadDir("/proc/self/task")
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil && id > main && (monitor == 0 || id < monitor) {
			monitor = id
		}
	}
	if monitor != 0 {
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Nice: 19}
		_ = unix.SchedSetAttr(monitor, &attr, 0)
	}
}
