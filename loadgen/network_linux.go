package loadgen

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// network is the world as a thread sees it: a clock, sockets, and a way to wait for both. The kernel is one; the tests
// have another one, in virtual time, where every answer comes at a moment that can be computed.
type network interface {
	// String says how it waits.
	String() string
	// clock is the time since the load began; cpu is the CPU time of the calling thread, and how long it was ready to
	// run without a CPU (always -1 where that is not known); nanoseconds.
	clock() int64
	cpu() (used, waited int64)

	// wait returns what is ready among the sockets that are watched: at once where something is, else after at most ns
	// nanoseconds, or earlier. What it returns is overwritten by the next call.
	wait(ns int64) []unix.EpollEvent
	// watch registers a socket (EPOLL_CTL_ADD), or changes what it is registered for, and reports anew what is ready.
	watch(op uintptr, fd, index, tag int32, events uint32) unix.Errno

	// open begins to open a connection to the server; the others are the calls of those names.
	open(from *address) (fd int32, k kind)
	socketError(fd int32) unix.Errno
	send(fd int32, p []byte) (int, unix.Errno)
	receive(fd int32, p []byte) (int, unix.Errno)
	shut(fd int32)
}

// kernel is the real network.
type kernel struct {
	*poller
	plan *plan
	wake int // an eventfd: written to when the load is to stop
}

// newKernel opens an epoll instance, and in it the descriptor that wakes it.
func newKernel(p *plan, events int) (k *kernel, err error) {
	k = &kernel{plan: p}
	if k.poller, err = newPoller(events); err != nil {
		return nil, err
	}
	if k.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		k.poller.close()
		return nil, fmt.Errorf("open an eventfd: %w", err)
	}
	if errno := watch(k.fd, unix.EPOLL_CTL_ADD, int32(k.wake), -1, 0, readable); errno != 0 {
		k.close()
		return nil, fmt.Errorf("watch an eventfd: %w", errno)
	}
	return k, nil
}

func (k *kernel) close() {
	k.poller.close()
	unix.Close(k.wake)
}

func (k *kernel) clock() int64              { return int64(time.Since(k.plan.base)) }
func (k *kernel) cpu() (used, waited int64) { return threadCPU(), threadWait() }

func (k *kernel) wait(ns int64) []unix.EpollEvent { return k.ready[:k.poller.wait(ns)] }

func (k *kernel) watch(op uintptr, fd, index, tag int32, events uint32) unix.Errno {
	return watch(k.fd, op, fd, index, tag, events)
}

func (k *kernel) open(from *address) (int32, kind) {
	return open(&k.plan.target, from, k.plan.nodelay, false)
}
func (k *kernel) socketError(fd int32) unix.Errno { return socketError(fd) }
func (k *kernel) send(fd int32, p []byte) (int, unix.Errno) {
	return send(fd, p)
}
func (k *kernel) receive(fd int32, p []byte) (int, unix.Errno) {
	return receive(fd, p)
}
func (k *kernel) shut(fd int32) { shut(fd) }
