package state

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A head is at the start of the memory and has a page to itself.
type head struct {
	magic, sessions, idle uint64 // of the creator; constant
	used                  atomic.Int64
	swept                 atomic.Int64 // when the last count began, on the shared clock
}

// The layout of the memory: the head, and the slots behind it.
const (
	magic    = 0x62616c7265767231 // of this layout
	headSize = 4096               // bytes
	slotSize = 128
	firstFd  = 100 // the table's descriptor, or the next that is free: no child has so many of its own
)

var _ [slotSize]byte = [unsafe.Sizeof(slot{})]byte{}

// CreateTable makes a table for about l.Sessions sessions, 256 bytes each, in memory that has no name and ends with the
// last process that has it. Every process that is started from now on can inherit it, see Fd.
func CreateTable(l Limits) (*Table, error) {
	if l.Sessions < 1 || l.Sessions > 1<<30 || l.Idle <= 0 {
		return nil, fmt.Errorf("a table of %d sessions, each for %v: give 1 to %d, for longer than nothing",
			l.Sessions, l.Idle, 1<<30)
	}
	size := tableSize(l)
	low, err := unix.MemfdCreate("serverlab-sessions", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memory for %d sessions: memfd_create: %w", l.Sessions, err)
	}
	defer unix.Close(low)
	if err := unix.Ftruncate(low, int64(size)); err != nil {
		return nil, fmt.Errorf("memory for %d sessions: make it %d bytes: %w", l.Sessions, size, err)
	}
	// Memory that became shorter would kill whoever touches what is gone.
	if _, err := unix.FcntlInt(uintptr(low), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW); err != nil {
		return nil, fmt.Errorf("memory for %d sessions: keep its size: %w", l.Sessions, err)
	}
	fd, err := unix.FcntlInt(uintptr(low), unix.F_DUPFD, firstFd)
	if err != nil {
		return nil, fmt.Errorf("memory for %d sessions: a descriptor from %d: %w", l.Sessions, firstFd, err)
	}
	t, err := mapTable(fd, size, l)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	t.head.magic, t.head.sessions, t.head.idle = magic, uint64(l.Sessions), uint64(l.Idle)
	return t, nil
}

// InheritTable finds the table that this process's parent made, by its descriptor. The limits are the parent's too.
func InheritTable(fd int, l Limits) (*Table, error) {
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return nil, fmt.Errorf("session table at descriptor %d: %w: give the number that the parent made", fd, err)
	}
	if l.Sessions < 1 || s.Size != int64(tableSize(l)) {
		return nil, fmt.Errorf("session table at descriptor %d: %d bytes are not those of %d sessions: "+
			"give the parent's number and limits", fd, s.Size, l.Sessions)
	}
	t, err := mapTable(fd, int(s.Size), l)
	if err != nil {
		return nil, err
	}
	if h := t.head; h.magic != magic || h.sessions != uint64(l.Sessions) || h.idle != uint64(l.Idle) {
		t.release()
		return nil, fmt.Errorf("session table at descriptor %d: it is no table, or one with other limits: "+
			"give the parent's number and limits", fd)
	}
	return t, nil
}

func tableSize(l Limits) int { return headSize + 2*max(l.Sessions, probes)*slotSize }

func mapTable(fd, size int, l Limits) (*Table, error) {
	memory, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes for %d sessions: %w", size, l.Sessions, err)
	}
	t := &Table{
		limits: l, fd: fd, memory: memory,
		head:  (*head)(unsafe.Pointer(&memory[0])),
		slots: unsafe.Slice((*slot)(unsafe.Pointer(&memory[headSize])), (size-headSize)/slotSize),
		pid:   uint64(os.Getpid()),
		alive: alive,
	}
	t.now = t.clock
	if err := t.setClock(); err != nil {
		t.release()
		return nil, err
	}
	return t, nil
}

// release takes the memory away from this process: for tests, since a server has its table until it ends.
func (t *Table) release() { _ = unix.Munmap(t.memory) }

// Fd returns the table's descriptor, which every process that this one starts has at the same number, provided that it
// is among the files that ForkExec is given: that takes the numbers after the highest of those for itself.
func (t *Table) Fd() int { return t.fd }

// alive tells whether a process exists; one that has died and that its parent has not yet waited for does.
func alive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

// setClock finds what CLOCK_MONOTONIC, which all processes of a machine share, says at a moment of this process, and
// clock what it says now: Go measures by the same clock, but does not show it, and asking the kernel takes longer.
func (t *Table) setClock() error {
	for {
		t.epoch = time.Now()
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
		}
		if time.Since(t.epoch) < time.Millisecond { // else this process was stopped in between
			t.base = time.Duration(ts.Nano())
			return nil
		}
	}
}

func (t *Table) clock() int64 { return int64(t.base + time.Since(t.epoch)) }
