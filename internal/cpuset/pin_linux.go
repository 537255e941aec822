package cpuset

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Allowed lists the CPUs that this process may use.
func Allowed() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("ask which CPUs may be used: %w", err)
	}
	var ids []int
	for id := range len(set) * 64 {
		if set.IsSet(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Pin lets a thread run on the given CPUs only; tid 0 is the calling thread.
func Pin(tid int, cpus []int) error {
	var set unix.CPUSet
	for _, id := range cpus {
		set.Set(id)
	}
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("pin to CPUs %v: %w", cpus, err)
	}
	return nil
}

// PinProcess pins every thread of this process; those that are created later inherit it.
func PinProcess(cpus []int) error {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list own threads: %w", err)
	}
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if err := Pin(tid, cpus); err != nil && !errors.Is(err, unix.ESRCH) { // a thread that has ended meanwhile
			return err
		}
	}
	return nil
}

// Within calls f on a thread that is pinned to cpus; a process that f starts inherits that.
func Within(cpus []int, f func() error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("ask which CPUs may be used: %w", err)
	}
	if err := Pin(0, cpus); err != nil {
		return err
	}
	defer func() {
		if e := unix.SchedSetaffinity(0, &before); e != nil {
			err = errors.Join(err, fmt.Errorf("unpin: %w", e))
		}
	}()
	return f()
}
