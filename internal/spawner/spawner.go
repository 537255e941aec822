//go:build linux

// Package spawner forks a Go program, which Go itself does not offer, as a C server forks: the child goes on where its
// parent is, with a copy of its memory, and no program is started. Here are both ends: Run is what the spawner does, a
// process of its own, and Process is how another one asks it for children.
//
//	server:   Start ─▶ Fork: a connection ─▶ ... pid ... wait4 (the child is the server's own, see CLONE_PARENT)
//	spawner:           recvmsg ─▶ clone ─▶ send its pid ─▶ recvmsg ...
//	child:                          └──▶ serve ─▶ exit
//
// Fork copies memory and one thread. What other threads were about to do is copied as it stands: a lock that one of
// them holds is never released in the child, and a thread that waits for work is in a list and does not exist. That is
// why fork without exec is outside what Go's runtime promises: it always has a second thread, its monitor, which takes
// the scheduler's lock at each look. So the spawner first forks itself, and what goes on is the copy, which has one
// thread and so nobody who could hold a lock. What that one fork may have caught shows when the copy uses the
// scheduler for the first time: it says that it is ready only afterwards, and until then it can be replaced. From there
// on all is as in C: one thread forks, and no lock is held.
//
// What the spawner must not have is in Run, what a child can't do in Child. All of this rests on how the runtime of Go
// 1.26 is made, so it is an experiment, and whoever uses it watches over the children: see Stuck.
package spawner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// channel is the spawner's end of the socket by which it is asked, and answers.
const channel = 3

// Child is what a child does with its connection; keep says whether the connection may live on. It returns the exit
// status. It runs as the only thread of its process and without the runtime's monitor: a goroutine that computes is
// not interrupted for others, and while one is in a system call the others wait. What it must not do is lock a
// goroutine to its thread: the runtime would hand its processor to a thread that is in its list from before the fork,
// and wait for ever.
type Child func(connection int, keep bool) (status int)

// Run is the whole of a spawner, in a program that Start has started. It ends when the other end of its channel does,
// and returns an error if this process can't be one: memory can be copied, but a poller or a timer of the runtime would
// be shared or lost. Warm is what children would otherwise do each for itself: it is called once, in the process that
// is copied.
func Run(warm func(), child Child) error {
	s := &loop{server: unix.Getppid(), child: child}
	signal.Ignore(unix.SIGINT, unix.SIGTERM) // said to the whole group: the server says what its children are to do
	if err := alone(); err != nil {
		return err
	}
	copied, err := s.split()
	if err != nil || !copied {
		return err
	}
	runtime.Gosched() // takes the scheduler's lock, or hangs here, where it can be seen
	warm()
	_ = compact() // or children are dearer
	if err := alone(); err != nil {
		return err
	}
	if s.answer(ready) != 0 {
		return nil // nobody is there any more
	}
	for s.receive() {
		pid := s.clone()
		if pid == 0 {
			s.become()
		}
		_, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(s.connection()), 0, 0)
		if s.answer(pid) != 0 {
			break
		}
	}
	return nil
}

// ready is what a spawner says in the end of its start; a pid is larger and an error smaller.
const ready = 0

// alone tells whether this process can be copied: no goroutine but this one, and no poller. A child would have the
// timers too, and share the poller with all others.
func alone() error {
	if n := runtime.NumGoroutine(); n > 1 {
		return fmt.Errorf("this program can't fork itself: it has %d goroutines already", n)
	}
	names, err := descriptors()
	if err != nil {
		return fmt.Errorf("look for a poller: %w", err)
	}
	for _, name := range names {
		if to, err := os.Readlink("/proc/self/fd/" + name); err == nil && to == "anon_inode:[eventpoll]" {
			return errors.New("this program can't fork itself: it has a poller already; was it started with a " +
				"standard error that does not block?")
		}
	}
	return nil
}

// descriptors lists what is open. The package os would begin a poller for that.
func descriptors() (names []string, err error) {
	fd, err := unix.Open("/proc/self/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var entries [4096]byte
	for {
		n, err := unix.ReadDirent(fd, entries[:])
		if err != nil || n == 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(entries[:n], -1, names)
	}
}

// loop is a spawner's state. It is made once: a spawner that allocated would grow.
type loop struct {
	server int // pid
	child  Child

	keep    [1]byte
	vector  unix.Iovec
	rights  [24]byte // unix.CmsgSpace(4)
	message unix.Msghdr
	reply   [4]byte
}

// split goes on in a copy of this process that has only this thread; the first ends. The copy says who it is while it
// can't hang yet.
func (s *loop) split() (copied bool, err error) {
	pid := s.clone()
	switch {
	case pid < 0:
		return false, fmt.Errorf("fork: %w", unix.Errno(-pid))
	case pid > 0:
		return false, nil
	}
	s.follow()
	self, _, _ := unix.RawSyscall(unix.SYS_GETPID, 0, 0, 0)
	return s.answer(int(self)) == 0, nil
}

// clone forks. The child is one of this process's parent (CLONE_PARENT), which can wait for it.
func (s *loop) clone() (pid int) {
	r, _, errno := unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return -int(errno)
	}
	return int(r)
}

// follow sees to it that this process does not outlive the server: a signal comes when the thread ends that has started
// the spawner. If it has ended already, nobody is left to say so.
func (s *loop) follow() {
	_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0, 0)
	if parent, _, _ := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); errno != 0 || int(parent) != s.server {
		exit(1)
	}
}

// become makes of a copy of the spawner a child.
func (s *loop) become() {
	s.follow()
	_, _, _ = unix.RawSyscall(unix.SYS_CLOSE, channel, 0, 0)
	exit(s.child(s.connection(), s.keep[0] != 0))
}

func exit(status int) {
	for {
		_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(status), 0, 0)
	}
}

// receive waits for a connection to fork for; false: the server is gone.
func (s *loop) receive() bool {
	for {
		s.vector = unix.Iovec{Base: &s.keep[0], Len: 1}
		s.message = unix.Msghdr{Iov: &s.vector, Iovlen: 1, Control: &s.rights[0]}
		s.message.SetControllen(len(s.rights))
		n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, channel, uintptr(unsafe.Pointer(&s.message)),
			unix.MSG_CMSG_CLOEXEC)
		switch {
		case errno == unix.EINTR:
		case errno != 0 || n != 1:
			return false
		case s.connection() >= 0:
			return true
		default: // there was no room for one more descriptor
			if s.answer(-int(unix.EMFILE)) != 0 {
				return false
			}
		}
	}
}

// connection is the descriptor that came with the last message; -1: none.
func (s *loop) connection() int {
	if int(s.message.Controllen) < len(s.rights)-4 {
		return -1
	}
	return int(int32(binary.NativeEndian.Uint32(s.rights[unix.SizeofCmsghdr:])))
}

// answer sends a pid, or the negative number of an error.
func (s *loop) answer(pid int) unix.Errno {
	binary.NativeEndian.PutUint32(s.reply[:], uint32(int32(pid)))
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, channel, uintptr(unsafe.Pointer(&s.reply[0])),
		uintptr(len(s.reply)), unix.MSG_NOSIGNAL, 0, 0)
	return errno
}
