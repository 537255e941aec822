package loadgen

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// threadWait is for how long the calling thread has been ready to run without a CPU since it began, nanoseconds: the
// second figure of its schedstat (the kernel's Documentation/scheduler/sched-stats.rst). It is -1 where the kernel does
// not tell.
func threadWait() int64 {
	fd, err := unix.Open("/proc/thread-self/schedstat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	defer unix.Close(fd)
	var text [128]byte
	n, err := unix.Read(fd, text[:])
	if err != nil {
		return -1
	}
	_, rest, _ := bytes.Cut(text[:n], []byte(" "))
	second, _, _ := bytes.Cut(rest, []byte(" "))
	ns, err := strconv.ParseInt(string(second), 10, 64)
	if err != nil {
		return -1
	}
	return ns
}
