package servers

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"serverlab/internal/uring"
)

// needsPidfd tells whether a parent can wait for its children in an event loop, and for each by itself.
func needsPidfd() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return missing("pidfd_open(2)", "5.3", err)
	}
	return unix.Close(fd)
}

// needsUring tells whether the kernel takes orders by io_uring, which some switch off, and many a container forbids.
func needsUring() error {
	switch err := uring.Available(); {
	case err == nil:
		return nil
	case errors.Is(err, uring.ErrSwitchedOff):
		return fmt.Errorf("io_uring(7) is %w", err)
	default:
		return missing("io_uring(7)", uring.Since, err)
	}
}

// missing says why a feature of the kernel can't be had.
func missing(feature, since string, err error) error {
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%s needs Linux %s or newer, and a container that lets it through: %w", feature, since, err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s is blocked by the container: %w", feature, err)
	}
	return fmt.Errorf("%s: %w", feature, err)
}
