package servers

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What can't be had is told apart: a kernel that is too old, a container that forbids, and anything else.
func TestMissing(t *testing.T) {
	for errno, want := range map[unix.Errno]string{
		unix.ENOSYS: "pidfd_open(2) needs Linux 5.3 or newer",
		unix.EINVAL: "pidfd_open(2) needs Linux 5.3 or newer",
		unix.EPERM:  "pidfd_open(2) is blocked by the container",
		unix.EACCES: "pidfd_open(2) is blocked by the container",
		unix.EMFILE: "pidfd_open(2): too many open files",
	} {
		err := missing("pidfd_open(2)", "5.3", errno)
		if !strings.HasPrefix(err.Error(), want) || !errors.Is(err, errno) {
			t.Errorf("%v is told as %q, want %q", errno, err, want)
		}
	}
}
