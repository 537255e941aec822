//go:build linux

// Package uring is io_uring(7) without a library. A program writes what it wants done into one ring in memory that it
// shares with the kernel, and reads from another what has been done; one system call hands over and waits, however many
// operations there are.
//
//	program: Accept, Receive, Send ... --> submission ring --.
//	                                                         Enter --> kernel
//	program: Completion(0 ... Ready)   <-- completion ring <-'
//
// A ring belongs to one kernel thread: New, and everything after it, must be called by a goroutine that is locked to
// its thread. The kernel then takes no lock, and does its part of the work within Enter and never in between
// (IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_DEFER_TASKRUN: Linux 6.1).
package uring

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is a pair of rings.
type Ring struct {
	fd      int
	rings   []byte // both rings
	entries []byte // what the submission ring's indices point at
	err     error  // of handing over entries when there was no room for more

	sqHead, sqTail *uint32 // the kernel moves the head, we move the tail
	sq             []entry
	tail           uint32 // ours: what is written, and perhaps not handed over yet
	cqHead, cqTail *uint32
	cq             []Completion

	limit unix.Timespec // for the kernel to read: how long to wait
	wait  waitArg
}

// entry is struct io_uring_sqe.
type entry struct {
	op, flags   uint8
	ioprio      uint16
	fd          int32
	off, addr   uint64
	len         uint32
	opFlags     uint32
	data        uint64
	group       uint16
	personality uint16
	fileIndex   int32
	_           [2]uint64
}

// Completion is what has become of an operation: struct io_uring_cqe.
type Completion struct {
	Data   uint64 // as it was given with the operation
	Result int32  // what the system call of that name would return; -errno for an error
	Flags  uint32
}

// More reports whether the operation goes on: further completions will come.
func (c Completion) More() bool { return c.Flags&cqeMore != 0 }

// Buffer is the number of the buffer that the kernel has taken for what it received, if it took one.
func (c Completion) Buffer() (id int, ok bool) { return int(c.Flags >> 16), c.Flags&cqeBuffer != 0 }

// Err is the error of a Result below zero.
func (c Completion) Err() error {
	if c.Result < 0 {
		return unix.Errno(-c.Result)
	}
	return nil
}

// params is struct io_uring_params.
type params struct {
	sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle, features, wqFD uint32
	_                                                                      [3]uint32
	sq                                                                     struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

// waitArg is struct io_uring_getevents_arg.
type waitArg struct {
	sigmask     uint64
	sigmaskSize uint32
	_           uint32
	ts          uint64
}

// The constants of linux/io_uring.h.
const (
	setupCQSize       = 1 << 3
	setupSubmitAll    = 1 << 7
	setupCoopTaskrun  = 1 << 8
	setupSingleIssuer = 1 << 12
	setupDeferTaskrun = 1 << 13

	enterGetEvents = 1 << 0
	enterExtArg    = 1 << 3

	offsetRings   = 0
	offsetEntries = 0x10000000

	cqeBuffer = 1 << 0
	cqeMore   = 1 << 1
)

// New makes rings for so many submissions and completions, both powers of two. There may be more of both: when there is
// no room for an operation, those before it are handed over first, and the kernel keeps completions that find no room.
func New(submissions, completions int) (*Ring, error) {
	p := params{cqEntries: uint32(completions),
		flags: setupCQSize | setupSubmitAll | setupCoopTaskrun | setupSingleIssuer | setupDeferTaskrun}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(submissions), uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("io_uring_setup: %w", errno)
	}
	r := &Ring{fd: int(fd)}
	size := max(int(p.sq.array+4*p.sqEntries), int(p.cq.cqes)+int(p.cqEntries)*int(unsafe.Sizeof(Completion{})))
	var err error
	if r.rings, err = mapShared(r.fd, offsetRings, size); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if r.entries, err = mapShared(r.fd, offsetEntries, int(p.sqEntries)*int(unsafe.Sizeof(entry{}))); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	word := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[offset])) }
	r.sqHead, r.sqTail, r.cqHead, r.cqTail = word(p.sq.head), word(p.sq.tail), word(p.cq.head), word(p.cq.tail)
	r.sq = unsafe.Slice((*entry)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	r.cq = unsafe.Slice((*Completion)(unsafe.Pointer(&r.rings[p.cq.cqes])), p.cqEntries)
	for i := range p.sqEntries {
		*word(p.sq.array + 4*i) = i // entries are handed over in the order in which they lie
	}
	return r, nil
}

func mapShared(fd int, offset int64, size int) ([]byte, error) {
	b, err := unix.Mmap(fd, offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map a ring of io_uring: %w", err)
	}
	return b, nil
}

// Close gives the rings up. The kernel ends what is still going on, but not at once.
func (r *Ring) Close() error {
	var errs []error
	for _, m := range [][]byte{r.entries, r.rings} {
		if m != nil {
			errs = append(errs, unix.Munmap(m))
		}
	}
	return errors.Join(append(errs, unix.Close(r.fd))...)
}

// next is the entry to write the next operation into.
func (r *Ring) next() *entry {
	if r.tail-atomic.LoadUint32(r.sqHead) == uint32(len(r.sq)) {
		if _, _, errno := r.enter(unix.RawSyscall6, 0, 0); errno != 0 && r.err == nil {
			r.err = errno
		}
		if r.tail-atomic.LoadUint32(r.sqHead) == uint32(len(r.sq)) {
			return new(entry) // Enter reports why
		}
	}
	e := &r.sq[r.tail&uint32(len(r.sq)-1)]
	*e = entry{}
	r.tail++
	return e
}

// rawPatience is how long Enter waits without telling the runtime: a busy program never needs longer, and whoever waits
// for its processor, or to stop the world, can bear it.
const rawPatience = time.Millisecond

// Enter hands over all operations that were asked for since, and waits until something is complete, at most for
// patience: 0 does not wait, below 0 is for ever. It may return before, with nothing complete.
func (r *Ring) Enter(patience time.Duration) error {
	first := rawPatience
	if patience >= 0 {
		first = min(first, patience)
	}
	_, _, errno := r.enter(unix.RawSyscall6, first, enterGetEvents)
	if first != patience && r.Ready() == 0 && r.err == nil && (errno == 0 || errno == unix.ETIME) {
		_, _, errno = r.enter(unix.Syscall6, patience, enterGetEvents)
	}
	switch {
	case r.err != nil:
		return fmt.Errorf("io_uring_enter: %w", r.err)
	case errno != 0 && errno != unix.ETIME && errno != unix.EINTR:
		return fmt.Errorf("io_uring_enter: %w", errno)
	}
	return nil
}

func (r *Ring) enter(call func(_, _, _, _, _, _, _ uintptr) (_, _ uintptr, _ unix.Errno), patience time.Duration,
	flags uintptr) (_, _ uintptr, _ unix.Errno) {
	atomic.StoreUint32(r.sqTail, r.tail)
	waitFor := uintptr(0)
	r.wait = waitArg{}
	if patience != 0 {
		waitFor = 1
	}
	if patience > 0 {
		r.limit = unix.NsecToTimespec(patience.Nanoseconds())
		r.wait.ts = uint64(uintptr(unsafe.Pointer(&r.limit))) // r is on the heap and does not move
	}
	return call(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(r.tail-atomic.LoadUint32(r.sqHead)), waitFor,
		flags|enterExtArg, uintptr(unsafe.Pointer(&r.wait)), unsafe.Sizeof(r.wait))
}

// Ready is how many operations are complete and not yet Seen.
func (r *Ring) Ready() int { return int(atomic.LoadUint32(r.cqTail) - atomic.LoadUint32(r.cqHead)) }

// Completion is one of those that are Ready, from 0.
func (r *Ring) Completion(i int) Completion {
	return r.cq[(atomic.LoadUint32(r.cqHead)+uint32(i))&uint32(len(r.cq)-1)]
}

// Seen gives the places of the first n completions back.
func (r *Ring) Seen(n int) { atomic.StoreUint32(r.cqHead, atomic.LoadUint32(r.cqHead)+uint32(n)) }
