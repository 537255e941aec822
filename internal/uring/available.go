//go:build linux

package uring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Since is the first Linux that has all that this package uses.
const Since = "6.1"

// switchFile is where an administrator forbids io_uring: 1 to all but root and a group, 2 to everybody.
const switchFile = "/proc/sys/kernel/io_uring_disabled"

// Available returns nil where a ring can be had, and otherwise why not: the error of io_uring_setup(2), and whether an
// administrator has switched it off.
func Available() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, err := New(1, 1)
	if err != nil {
		set, _ := os.ReadFile(switchFile) // it came with Linux 6.6
		return explain(err, string(bytes.TrimSpace(set)))
	}
	return r.Close()
}

// explain says what to make of the error of New, with what is in the switchFile.
func explain(err error, set string) error {
	if errors.Is(err, unix.EPERM) && (set == "1" || set == "2") {
		return fmt.Errorf("switched off by sysctl kernel.io_uring_disabled=%s: %w", set, err)
	}
	return err
}
