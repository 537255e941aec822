//go:build linux

package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
	"serverlab/results"
)

// spawnRounds is how often each program is started, in turn.
const spawnRounds = 40

// spawnCost measures where the CPU time of a worker process goes, by starting programs that do only a part of it: a
// program of two instructions, a Go program with an empty main, and the worker told to return at once. Both sides are
// charged: the child by what wait4 says, the parent by the CPU clock of its thread.
func spawnCost(cpus []int, empty []string, bare string) (*results.Spawn, error) {
	dir, err := os.MkdirTemp("", "serverlab-")
	if err != nil {
		return nil, fmt.Errorf("measure the start of a process: %w", err)
	}
	defer os.RemoveAll(dir)
	tiny := filepath.Join(dir, "tiny")
	image, err := tinyProgram()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(tiny, image, 0o700); err != nil {
		return nil, fmt.Errorf("measure the start of a process: %w", err)
	}
	programs := [][]string{{tiny}, {bare}, empty}
	costs := make([][]float64, len(programs))
	err = cpuset.Within(cpus, func() error {
		for round := range spawnRounds + 1 {
			for i, argv := range programs {
				c, err := spawnOnce(argv)
				if err != nil {
					return fmt.Errorf("measure the start of a process: %w", err)
				}
				if round > 0 { // the first brings the program into memory
					costs[i] = append(costs[i], c)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, c := range costs {
		slices.Sort(c)
	}
	return &results.Spawn{Count: spawnRounds, Exec: costs[0][spawnRounds/2], Runtime: costs[1][spawnRounds/2],
		Init: costs[2][spawnRounds/2]}, nil
}

func spawnOnce(argv []string) (float64, error) {
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before); err != nil {
		return 0, err
	}
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: []string{"GOGC=off", "GOMAXPROCS=1"},
		Files: []uintptr{0, 2, 2}})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", argv[0], err)
	}
	var status syscall.WaitStatus
	var used syscall.Rusage
	for {
		if _, err = syscall.Wait4(pid, &status, 0, &used); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil || !status.Exited() || status.ExitStatus() != 0 {
		return 0, fmt.Errorf("%s: status %#x, %v", argv[0], int(status), err)
	}
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after); err != nil {
		return 0, err
	}
	return float64(after.Nano()-before.Nano()+used.Utime.Nano()+used.Stime.Nano()) / 1e9, nil
}

// tinyProgram is an executable file whose whole program is exit(0): an ELF header, one program header and the
// instructions of two lines of assembler (elf(5)).
func tinyProgram() ([]byte, error) {
	var machine uint16
	var code []byte
	switch runtime.GOARCH {
	case "amd64":
		machine = 62 // EM_X86_64
		code = []byte{
			0x31, 0xff, // xor edi, edi
			0xb8, 60, 0, 0, 0, // mov eax, SYS_exit
			0x0f, 0x05, // syscall
		}
	case "arm64":
		machine = 183 // EM_AARCH64
		code = []byte{
			0x00, 0x00, 0x80, 0xd2, // mov x0, #0
			0xa8, 0x0b, 0x80, 0xd2, // mov x8, #SYS_exit (93)
			0x01, 0x00, 0x00, 0xd4, // svc #0
		}
	default:
		return nil, fmt.Errorf("no tiny program is known for %s", runtime.GOARCH)
	}
	const base, headers = 0x400000, 64 + 56
	size := uint64(headers + len(code))
	b := []byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0} // 64 bits, little-endian, version 1
	le := binary.LittleEndian
	b = le.AppendUint16(b, 2) // ET_EXEC
	b = le.AppendUint16(b, machine)
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, base+headers) // entry
	b = le.AppendUint64(b, 64)           // program headers
	b = le.AppendUint64(b, 0)            // section headers
	b = le.AppendUint32(b, 0)            // flags
	for _, v := range []uint16{64, 56, 1, 64, 0, 0} {
		b = le.AppendUint16(b, v) // sizes and counts
	}
	b = le.AppendUint32(b, 1)   // PT_LOAD
	b = le.AppendUint32(b, 4|1) // readable, executable
	for _, v := range []uint64{0, base, base, size, size, 0x10000} {
		b = le.AppendUint64(b, v) // offset, addresses, sizes, alignment
	}
	return append(b, code...), nil
}
