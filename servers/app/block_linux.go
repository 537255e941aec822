package app

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// blockInKernel sleeps in a system call, as a thread that waits for a disk does: the runtime's timers know nothing of
// it. Signals of the runtime interrupt it, so it goes on with what remains.
func blockInKernel(d time.Duration) {
	rest := unix.NsecToTimespec(d.Nanoseconds())
	for errors.Is(unix.Nanosleep(&rest, &rest), unix.EINTR) {
	}
}
