//go:build linux

package spawner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Stuck tells whether a process hangs for certain: all of its threads wait in futex(2) without a time limit, so nobody
// is left to wake the others. (Memory that it shares with other processes could hold the futex: nobody here waits on
// such.) A process that is about to begin another call may look the same for a moment: look twice. It fails where the
// system does not tell, for want of rights say: proc_pid_syscall(5).
func Stuck(pid int) (bool, error) { return stuckIn(filepath.Join("/proc", strconv.Itoa(pid), "task")) }

func stuckIn(tasks string) (bool, error) {
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return false, fmt.Errorf("threads of a worker: %w", err)
	}
	seen := 0
	for _, thread := range threads {
		text, err := os.ReadFile(filepath.Join(tasks, thread.Name(), "syscall"))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH): // it has ended meanwhile
			continue
		case err != nil:
			return false, fmt.Errorf("what a worker waits for: %w", err)
		case !waitsForEver(string(text)):
			return false, nil
		}
		seen++
	}
	return seen > 0, nil
}

// waitsForEver reads a line such as "202 0x5581e0 0x80 0x0 0x0 0x0 0x0 0x7ffc... 0x46...": number and arguments of the
// system call, or "running".
func waitsForEver(line string) bool {
	words := strings.Fields(line)
	if len(words) < 5 || words[0] != strconv.Itoa(unix.SYS_FUTEX) {
		return false
	}
	operation, err := strconv.ParseUint(words[2], 0, 64)
	const wait, waitBitset, command = 0, 9, 0x7f // FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_CMD_MASK
	operation &= command
	return err == nil && (operation == wait || operation == waitBitset) && words[4] == "0x0"
}
