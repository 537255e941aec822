//go:build linux

package spawner

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a huge page, in bytes: what one entry of a page table can stand for in place of 512.
const hugePage = 2 << 20

// compact moves the program's code and constants to huge pages, as far as they fill some. For each page that is mapped
// the kernel does something in a fork and again in the end of a child, and of a file's pages, if it leaves them out, a
// child takes a fault for every few that it runs through. With a handful of entries in place of some 550 a child costs
// a fifth less. It fails, and leaves all as it was, where the kernel has no huge pages to give.
//
// The code is exchanged beneath who runs it, so nobody else may: Run calls it in the copy, which is one thread.
func compact() error {
	from, to, err := program()
	if err != nil {
		return err
	}
	from, to = upTo(hugePage, from), to&^(hugePage-1)
	if from >= to {
		return fmt.Errorf("less than %d MiB of code and constants", hugePage>>20)
	}
	size := to - from
	room, err := unix.Mmap(-1, 0, int(size+hugePage), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(room)))
	at := upTo(hugePage, start)
	if err = copyCode(room[at-start:][:size], from); err == nil {
		_, _, errno := unix.RawSyscall6(unix.SYS_MREMAP, at, size, size, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED, from, 0)
		if errno != 0 {
			err = fmt.Errorf("mremap: %w", errno)
		}
	}
	return errors.Join(err, unix.Munmap(room)) // where pages were moved away there is nothing left to unmap
}

func upTo(multiple, n uintptr) uintptr { return (n + multiple - 1) / multiple * multiple }

// copyCode makes of memory huge pages with what is at an address, that can be executed.
func copyCode(memory []byte, from uintptr) error {
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // they come with the first byte, or by the call below
	self, err := unix.Open("/proc/self/mem", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/proc/self/mem: %w", err)
	}
	defer unix.Close(self)
	if n, err := unix.Pread(self, memory, int64(from)); n < len(memory) {
		return errors.Join(fmt.Errorf("/proc/self/mem: %d bytes of %d", n, len(memory)), err)
	}
	if err := unix.Madvise(memory, unix.MADV_COLLAPSE); err != nil {
		return fmt.Errorf("huge pages: %w", err)
	}
	return unix.Mprotect(memory, unix.PROT_READ|unix.PROT_EXEC)
}

// program finds where code and constants are: the mapping that this function is in, and those that adjoin it and can't
// be written to either.
func program() (from, to uintptr, err error) {
	text, err := read("/proc/self/maps")
	if err != nil {
		return 0, 0, fmt.Errorf("/proc/self/maps: %w", err)
	}
	here, _, _, _ := runtime.Caller(0)
	for line := range strings.Lines(string(text)) { // 00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus-daemon
		place, more, _ := strings.Cut(line, " ")
		low, high, _ := strings.Cut(place, "-")
		start, err1 := strconv.ParseUint(low, 16, 64)
		end, err2 := strconv.ParseUint(high, 16, 64)
		if err := errors.Join(err1, err2); err != nil {
			return 0, 0, fmt.Errorf("/proc/self/maps: %w", err)
		}
		switch {
		case uintptr(start) <= here && here < uintptr(end):
			from, to = uintptr(start), uintptr(end)
		case uintptr(start) == to && strings.HasPrefix(more, "r-"):
			to = uintptr(end)
		}
	}
	return from, to, nil
}

// read reads a file. The package os would begin a poller for that.
func read(name string) (text []byte, err error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	piece := make([]byte, 8<<10)
	for {
		n, err := unix.Read(fd, piece)
		if err != nil || n == 0 {
			return text, err
		}
		text = append(text, piece[:n]...)
	}
}
