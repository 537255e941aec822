//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// longestWait bounds how long the delayed server does not look whether it is to stop, in nanoseconds.
const longestWait = 50e6

// delayed is the null server that takes its time: one epoll loop, a queue of answers in the order in which they are
// due, and a precise wait for the next of them.
//
//	read ──▶ due(k, now) ──▶ queue ──▶ wait: epoll_pwait2, or spin ──▶ write
//
// Strength: it knows the distribution of its answers, and how late each was. Where it breaks: nobody is refused, and
// answers that are asked for at once on one connection may overtake each other.
type delayed struct {
	door  *door
	delay Delay
	seed  uint64
	base  time.Time // the first request
	asked uint64
	queue queue
	tags  []uint32          // by descriptor: how many connections it has been
	late  results.Histogram // from when an answer was due until it was written
	seen  int64             // when it last looked at its clock
	lost  int64             // for how long it did not run though it never sleeps, nanoseconds
	limit unix.Timespec
	spin  bool // it has a CPU of its own and never sleeps, or the kernel can't wait for nanoseconds
}

// Lateness is what a delayed server says of itself at its end: how long after they were due its answers were written,
// in seconds.
type Lateness struct {
	Answers int64   `json:"answers"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
	Lost    float64 `json:"lost"` // for how long it did not run, in seconds, if it never sleeps
}

// leastGap is the shortest time without a look at the clock that counts as lost, in nanoseconds: a turn of the loop may
// take that long.
const leastGap = 100e3

// ServeDelayed serves as ServeNull does, with keep-alive, and each answer has a delay of its own. With spin it never
// sleeps: a CPU that is idle has to be woken, which on a virtual machine takes some 50 µs, and is the host's affair. It
// serves until ctx ends, and then writes its Lateness to told, as a line of JSON.
func ServeDelayed(ctx context.Context, delay Delay, seed uint64, spin bool, out, told io.Writer) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // one for this loop, which never gives it back, and one for others
	runtime.LockOSThread()                          // for good: the thread's timer slack is not what others expect
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("delayed server: set the timer slack: %w", err)
	}
	door, err := openDoor()
	if err != nil {
		return fmt.Errorf("delayed server: %w", err)
	}
	defer door.close()
	s := &delayed{door: door, delay: delay, seed: seed, spin: spin, base: time.Now(), late: results.NewHistogram()}
	fmt.Fprintf(out, "listening %s\n", door.ln.Addr())
	events := make([]unix.EpollEvent, 256)
	for ctx.Err() == nil {
		n, err := s.wait(events)
		if err != nil {
			return fmt.Errorf("delayed server: epoll_pwait2: %w", err)
		}
		now := s.clock()
		if gap := now - s.seen; s.spin && s.asked > 0 && gap > leastGap {
			s.lost += gap
		}
		s.seen = now
		s.door.serve(events[:n], s.take)
		s.answer()
	}
	return json.NewEncoder(told).Encode(s.lateness())
}

func (s *delayed) clock() int64 { return int64(time.Since(s.base)) }

// take reads the requests of a connection and puts their answers into the queue; false ends the connection.
func (s *delayed) take(fd int) bool {
	for fd >= len(s.tags) {
		s.tags = append(s.tags, 0)
	}
	asked, open := readRequests(fd)
	if asked > 0 && s.asked == 0 {
		s.base, s.seen = time.Now(), 0
	}
	now := s.clock()
	for range asked {
		s.queue.push(pending{due: s.delay.due(s.seed, s.asked, now), fd: int32(fd), tag: s.tags[fd]})
		s.asked++
	}
	if !open {
		s.tags[fd]++
	}
	return open
}

// answer writes all that is due.
func (s *delayed) answer() {
	for {
		p, ok := s.queue.pop(s.clock())
		if !ok {
			return
		}
		if s.tags[p.fd] != p.tag {
			continue // who asked has left
		}
		if _, err := unix.Write(int(p.fd), []byte(nullAnswer)); err != nil {
			s.tags[p.fd]++
			_ = unix.Close(int(p.fd))
			continue
		}
		_ = s.late.RecordValue(min(s.clock()-p.due, results.HistogramMax))
	}
}

// wait returns how many events are ready, at once if there are some, and no later than the next answer is due. It goes
// round Go's scheduler, which would take the processor away from a thread that waits, and let it queue for another.
func (s *delayed) wait(events []unix.EpollEvent) (int, error) {
	ns := max(0, min(s.queue.next()-s.clock(), longestWait))
	if s.spin { // the loop comes again
		ns = 0
	}
	s.limit = unix.NsecToTimespec(ns)
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(s.door.epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(unsafe.Pointer(&s.limit)), 0, 0)
	switch {
	case errno == unix.ENOSYS:
		s.spin = true
		n, err := unix.EpollWait(s.door.epoll, events, 0)
		if errors.Is(err, unix.EINTR) {
			return 0, nil
		}
		return max(n, 0), err
	case errno == unix.EINTR:
		return 0, nil
	case errno != 0:
		return 0, errno
	}
	return int(n), nil
}

func (s *delayed) lateness() Lateness {
	at := func(q float64) float64 { return float64(s.late.ValueAtQuantile(q)) / 1e9 }
	return Lateness{Answers: s.late.Count(), P50: at(50), P99: at(99), Max: float64(s.late.Max()) / 1e9,
		Lost: float64(s.lost) / 1e9}
}
