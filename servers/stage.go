//go:build linux

package servers

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// stage is a bounded queue and the kernel threads that serve it: a part of a server through which connections pass.
// Whoever is in it belongs to it alone.
type stage[T, U any] struct {
	nice    int // of its threads, above that of the process
	work    func(T) U
	next    func(U) // may wait: then this stage works the less, and its queue fills
	threads sync.WaitGroup
	door    [2]int // pipe: a knock for each thread that is to wake

	mu      sync.Mutex
	room    sync.Cond // somebody has left
	queue   []T       // a ring
	first   int       // who has waited longest
	waiting int
	inside  int // waiting, or being worked on
	asleep  int // threads for whom there is no knock in the pipe
}

// knock wakes a thread. Its length tells it in a trace of system calls from what else is said through pipes.
var knock = [2]byte{}

// openStage starts so many threads, so much nicer than the process is (nice(2)), for so many more in the queue.
func openStage[T, U any](threads, nice, queue int, work func(T) U, next func(U)) (*stage[T, U], error) {
	s := &stage[T, U]{nice: nice, work: work, next: next, queue: make([]T, threads+queue)}
	s.room.L = &s.mu
	if err := unix.Pipe2(s.door[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("create pipe: %w", err)
	}
	for range threads {
		s.threads.Go(s.serve)
	}
	return s, nil
}

// close ends the threads, when nobody is left in the stage or comes any more.
func (s *stage[T, U]) close() {
	_ = unix.Close(s.door[1])
	s.threads.Wait()
	_ = unix.Close(s.door[0])
}

// offer hands v over, unless the stage is full: as many as it has threads are worked on, and the queue has no place.
// To count both together admits the same whether or not the threads have taken up yet what they will.
func (s *stage[T, U]) offer(v T) bool {
	s.mu.Lock()
	if s.inside == len(s.queue) {
		s.mu.Unlock()
		return false
	}
	s.enter(v)
	return true
}

// put waits for a place.
func (s *stage[T, U]) put(v T) {
	s.mu.Lock()
	for s.inside == len(s.queue) {
		s.room.Wait()
	}
	s.enter(v)
}

// enter gives the lock back.
func (s *stage[T, U]) enter(v T) {
	s.queue[(s.first+s.waiting)%len(s.queue)] = v
	s.waiting++
	s.inside++
	wake := s.asleep > 0
	if wake {
		s.asleep--
	}
	s.mu.Unlock()
	if wake {
		_ = write(s.door[1], knock[:])
	}
}

// serve is one thread, which ends with it, being locked still.
func (s *stage[T, U]) serve() {
	runtime.LockOSThread()
	if s.nice > 0 {
		giveWay(s.nice)
	}
	for v, ok := s.take(); ok; v, ok = s.take() {
		done := s.work(v)
		s.mu.Lock()
		s.inside-- // before it goes on: a client that has its answer, and asks again, finds the place free
		s.mu.Unlock()
		s.room.Signal()
		s.next(done)
	}
}

// giveWay makes the calling thread nicer by so much than it is. Everybody may.
func giveWay(nice int) {
	const caller, most = 0, 19
	if was, err := unix.Getpriority(unix.PRIO_PROCESS, caller); err == nil { // 20 less the nice value
		_ = unix.Setpriority(unix.PRIO_PROCESS, caller, min(20-was+nice, most))
	}
}

// take returns who has waited longest; it is not ok when the server ends. A thread that finds nobody sleeps in read(2).
// Behind a Go channel each would be woken by another thread, which the runtime has find out that the goroutine is
// locked to this one: 14 % more CPU for a request that blocks for 5 ms, 40 % for one that reads a file at hand.
func (s *stage[T, U]) take() (v T, ok bool) {
	for {
		s.mu.Lock()
		if s.waiting > 0 {
			v, s.queue[s.first] = s.queue[s.first], v
			s.first = (s.first + 1) % len(s.queue)
			s.waiting--
			s.mu.Unlock()
			return v, true
		}
		s.asleep++
		s.mu.Unlock()
		var heard [len(knock)]byte
		n, err := unix.Read(s.door[0], heard[:])
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Read(s.door[0], heard[:])
		}
		if n == 0 || err != nil {
			return v, false
		}
	}
}
