//go:build linux

package uring

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestExplain(t *testing.T) {
	for set, switchedOff := range map[string]bool{"": false, "0": false, "1": true, "2": true} {
		err := explain(unix.EPERM, set)
		if !errors.Is(err, unix.EPERM) || errors.Is(err, ErrSwitchedOff) != switchedOff ||
			strings.Contains(err.Error(), "io_uring_disabled="+set) != switchedOff {
			t.Errorf("with %q: %v", set, err)
		}
	}
	if err := explain(unix.ENOSYS, "2"); err != unix.ENOSYS {
		t.Errorf("ENOSYS becomes %v", err)
	}
}

// forbid has the kernel answer a system call of this process with an error, as a container does: seccomp(2).
func forbid(call int, errno unix.Errno) error {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(call), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&filter)))
	if e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	return nil
}

// Where a container forbids a part of io_uring, that is told, and not found out by a server: each call is forbidden to
// a process of its own.
func TestAvailableWhereForbidden(t *testing.T) {
	if call := os.Getenv("URING_FORBID"); call != "" { // such a process
		n, _ := strconv.Atoi(call)
		errno, _ := strconv.Atoi(os.Getenv("URING_ERRNO"))
		if err := forbid(n, unix.Errno(errno)); err != nil {
			fmt.Println("skip:", err)
			return
		}
		fmt.Println("it says:", Available())
		return
	}
	if err := Available(); err != nil {
		t.Skip(err)
	}
	for call, name := range map[int]string{unix.SYS_IO_URING_SETUP: "io_uring_setup",
		unix.SYS_IO_URING_REGISTER: "io_uring_register", unix.SYS_IO_URING_ENTER: "io_uring_enter"} {
		for _, errno := range []unix.Errno{unix.EPERM, unix.ENOSYS} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestAvailableWhereForbidden$")
			cmd.Env = append(os.Environ(), "URING_FORBID="+strconv.Itoa(call), "URING_ERRNO="+strconv.Itoa(int(errno)))
			said, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v: %s", name, err, said)
			}
			if strings.HasPrefix(string(said), "skip:") {
				t.Skipf("%s", said)
			}
			if want := fmt.Sprintf("it says: %s: %v\n", name, errno); !strings.HasPrefix(string(said), want) {
				t.Errorf("with %v of %s %q; want %q", errno, name, said, want)
			}
		}
	}
}
