package results

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock takes the file for this process until it is closed. The kernel gives it back when the process ends in any way,
// so no stale lock is left behind.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}
