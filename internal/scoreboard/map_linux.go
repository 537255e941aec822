package scoreboard

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// memoryFile is a file without a name.
func memoryFile(label string) (*os.File, error) {
	fd, err := unix.MemfdCreate(label, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), label), nil
}

func mapFile(f *os.File, size int, write bool) ([]byte, error) {
	prot := syscall.PROT_READ
	if write {
		prot |= syscall.PROT_WRITE
	}
	return syscall.Mmap(int(f.Fd()), 0, size, prot, syscall.MAP_SHARED)
}

// unmap leaves plain memory to the garbage collector: Munmap refuses what Mmap did not give.
func unmap(mem []byte) error {
	if err := syscall.Munmap(mem); err != nil && err != syscall.EINVAL {
		return err
	}
	return nil
}
