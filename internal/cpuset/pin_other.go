//go:build !linux

package cpuset

import "errors"

var errLinux = errors.New("CPUs are pinned on Linux only")

// Allowed lists the CPUs that this process may use.
func Allowed() ([]int, error) { return nil, errLinux }

// PinProcess pins every thread of this process.
func PinProcess([]int) error { return errLinux }

// Within calls f on a thread that is pinned to cpus.
func Within([]int, func() error) error { return errLinux }
