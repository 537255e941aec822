//go:build linux

// Package uring is io_uring(7) without a library. A program writes what it wants done into one ring in memory that it
// shares with the kernel, and reads from another what has been done; one system call hands over and waits, however many
// operations there are.
//
//	program: Accept, Receive, Send ... --> submission ring --.
//	                                                         Enter --> kernel
//	program: what Enter returns        <-- completion ring <-'
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
	sqFlags        *uint32 // what the kernel has to say
	sq             []entry
	tail           uint32 // ours: what is written, and perhaps not handed over yet
	cqHead, cqTail *uint32
	cq             []Completion
	done           []Completion // what Enter returns

	limit     unix.Timespec // for the kernel to read: how long to wait
	wait      waitArg
	call, raw systemCall // how the kernel is entered; a test may stand in between
}

// systemCall is unix.Syscall6 or unix.RawSyscall6.
type systemCall func(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, errno unix.Errno)

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

	overflowed = 1 << 1 // in sqFlags

	offsetRings   = 0
	offsetEntries = 0x10000000

	cqeBuffer = 1 << 0
	cqeMore   = 1 << 1
)

// New makes rings for so many submissions and completions, both powers of two. There may be more of both: when there is
// no room for an operation, those before it are handed over first, and the kernel keeps completions that find no room
// until Enter fetches them.
func New(submissions, completions int) (*Ring, error) {
	p := params{cqEntries: uint32(completions),
		flags: setupCQSize | setupSubmitAll | setupCoopTaskrun | setupSingleIssuer | setupDeferTaskrun}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(submissions), uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("io_uring_setup: %w", errno)
	}
	r := &Ring{fd: int(fd), call: unix.Syscall6, raw: unix.RawSyscall6}
	size := max(int(p.sq.array+4*p.sqEntries), int(p.cq.cqes)+int(p.cqEntries)*int(unsafe.Sizeof(Completion{})))
	var err error
	if r.rings, err = mapShared(r.fd, offsetRings, size); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if r.entries, err = mapShared(r.fd, offsetEntries, int(p.sqEntries)*int(unsafe.Sizeof(entry{}))); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	word := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[offset])) }
	r.sqHead, r.sqTail, r.sqFlags = word(p.sq.head), word(p.sq.tail), word(p.sq.flags)
	r.cqHead, r.cqTail = word(p.cq.head), word(p.cq.tail)
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
	if r.left() == uint32(len(r.sq)) {
		if errno := r.submit(r.raw, 0, 0); errno != 0 {
			r.err = errno
			return new(entry) // Enter reports why
		}
	}
	e := &r.sq[r.tail&uint32(len(r.sq)-1)]
	*e = entry{}
	r.tail++
	return e
}

// left is how many operations are not handed over.
func (r *Ring) left() uint32 { return r.tail - atomic.LoadUint32(r.sqHead) }

// rawPatience is how long Enter waits without telling the runtime: a busy program never needs longer, and whoever waits
// for its processor, or to stop the world, can bear it.
const rawPatience = time.Millisecond

// Enter hands over all operations that were asked for since, and waits until something is complete, at most for
// patience: 0 does not wait, below 0 is for ever. It returns all that is complete, in that order, and also what had no
// room in the ring; until the next Enter this may be read. It may return before, with nothing complete.
func (r *Ring) Enter(patience time.Duration) ([]Completion, error) {
	r.done = r.done[:0]
	first := rawPatience
	if patience >= 0 {
		first = min(first, patience)
	}
	errno := r.submit(r.raw, first, enterGetEvents)
	r.collect()
	if first != patience && len(r.done) == 0 && (errno == 0 || errno == unix.ETIME) {
		errno = r.submit(r.call, patience, enterGetEvents)
		r.collect()
	}
	for fine(errno) && atomic.LoadUint32(r.sqFlags)&overflowed != 0 { // now there is room
		errno = r.submit(r.raw, 0, enterGetEvents)
		r.collect()
	}
	switch {
	case r.err != nil:
		return r.done, fmt.Errorf("io_uring_enter: %w", r.err)
	case !fine(errno):
		return r.done, fmt.Errorf("io_uring_enter: %w", errno)
	}
	return r.done, nil
}

// fine tells whether a call has only ended early: its time was over, a signal came, or (before Linux 6.3) completions
// had no room.
func fine(errno unix.Errno) bool {
	return errno == 0 || errno == unix.ETIME || errno == unix.EINTR || errno == unix.EBUSY
}

// mostTries bounds how often, a rawPatience apart, the kernel is asked to take operations for which it has no memory.
const mostTries = 1000

// submit enters the kernel until it has taken all operations: it may take a part, or none with EAGAIN, while it has no
// memory for more. Only in the call that hands over the last it waits.
func (r *Ring) submit(call systemCall, patience time.Duration, flags uintptr) unix.Errno {
	errno := r.enter(call, patience, flags)
	for tries := 0; r.left() > 0 && (errno == 0 || errno == unix.EAGAIN && tries < mostTries); {
		if errno == unix.EAGAIN {
			tries++
			time.Sleep(rawPatience)
		}
		errno = r.enter(call, patience, flags)
	}
	return errno
}

func (r *Ring) enter(call systemCall, patience time.Duration, flags uintptr) unix.Errno {
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
	_, _, errno := call(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(r.left()), waitFor, flags|enterExtArg,
		uintptr(unsafe.Pointer(&r.wait)), unsafe.Sizeof(r.wait))
	return errno
}

// collect copies what is complete, and gives its places in the ring back.
func (r *Ring) collect() {
	head, tail := atomic.LoadUint32(r.cqHead), atomic.LoadUint32(r.cqTail)
	for ; head != tail; head++ {
		r.done = append(r.done, r.cq[head&uint32(len(r.cq)-1)])
	}
	atomic.StoreUint32(r.cqHead, head)
}
