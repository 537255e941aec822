//go:build linux

package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
	"serverlab/results"
)

// ServeObserver reads the clock as fast as it can, on some CPUs, and keeps the gaps between two readings: times at
// which it could not run, since the host had taken the CPU, or another program. It looks from the first byte of in to the
// second one, and writes what it saw to out when in ends, as JSON: null, if it could not look.
//
// Where client and server have all CPUs there are, it must share theirs. So its threads are of the scheduling class
// SCHED_IDLE, sched(7): whoever else wakes up takes the CPU from them at once, at the cost of one context switch. That
// the measured threads' own work makes gaps too matters little, at a few µs for a request. Within the loops of client
// and server, which spin as well, it would see nothing but the short times in which they do. It is a process of its own
// because a Go program now and then waits for all of its threads, and such a one may keep it waiting for long. A side
// effect is welcome: a CPU that is never idle does not have to be woken, which on a virtual machine takes some 50 µs,
// and is the host's affair.
func ServeObserver(cpus []int, in io.Reader, out io.Writer) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(len(cpus) + 2)) // one for each eye, and one for the caller
	var state atomic.Int32
	var done sync.WaitGroup
	eyes := make([]eye, len(cpus))
	for i, cpu := range cpus {
		eyes[i].gaps = results.NewHistogram()
		done.Go(func() { eyes[i].open(cpu, &state) })
	}
	span, err := between(in, &state)
	state.Store(over)
	done.Wait()
	if err != nil {
		return fmt.Errorf("observer: %w", err)
	}
	return json.NewEncoder(out).Encode(together(eyes, span))
}

// between moves the state as in says, and returns how long the eyes have looked.
func between(in io.Reader, state *atomic.Int32) (span time.Duration, err error) {
	var begun time.Time
	for i := range 3 {
		var b [1]byte
		switch _, err := io.ReadFull(in, b[:]); {
		case errors.Is(err, io.EOF):
			return span, nil
		case err != nil:
			return span, err
		case i == 0:
			begun = time.Now()
			state.Store(looking)
		case i == 1:
			state.Store(waiting)
			span = time.Since(begun)
		}
	}
	return span, errors.New("it was told to begin and to end already")
}

// eye is one thread of an observer.
type eye struct {
	gaps  results.Histogram
	blind bool // it may not look: not pinned, or not of that class
}

// The states of an observer.
const (
	waiting = iota
	looking
	over
)

// leastGap is the shortest one that is kept, nanoseconds: reading the clock takes less.
const leastGap = 5e3

// open looks from one CPU.
func (e *eye) open(cpu int, state *atomic.Int32) {
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	idle := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
	if e.blind = cpuset.Pin(0, []int{cpu}) != nil || unix.SchedSetAttr(0, &idle, 0) != nil; !e.blind {
		e.look(state, time.Now)
	}
}

// look reads the clock until it is over.
func (e *eye) look(state *atomic.Int32, clock func() time.Time) {
	last := clock()
	for s := state.Load(); s != over; s = state.Load() {
		now := clock()
		if gap := int64(now.Sub(last)); s == looking && gap >= leastGap {
			_ = e.gaps.RecordValue(min(gap, results.HistogramMax))
		}
		last = now
	}
}

// stalls are the gaps that an observer saw in a time.
type stalls struct {
	Gaps results.Histogram `json:"gaps"` // of all its CPUs, nanoseconds
	Span float64           `json:"span"` // seconds
}

// together is what the eyes saw in a time; nil if one of them could not look.
func together(eyes []eye, span time.Duration) *stalls {
	all := results.NewHistogram()
	for _, e := range eyes {
		if e.blind {
			return nil
		}
		all.Merge(e.gaps.Histogram)
	}
	if span <= 0 {
		return nil
	}
	return &stalls{Gaps: all, Span: span.Seconds()}
}

// observer is a started ServeObserver.
type observer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out bytes.Buffer
}

// observe starts one.
func observe(argv []string) (o *observer, err error) {
	o = &observer{cmd: exec.Command(argv[0], argv[1:]...)}
	o.cmd.Stdout = &o.out
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is not for it: it ends when its input does
	if o.in, err = o.cmd.StdinPipe(); err == nil {
		err = o.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start an observer: %w", err)
	}
	return o, nil
}

// edge tells it that the window begins, or ends.
func (o *observer) edge() { _, _ = o.in.Write([]byte{'\n'}) } // if it has ended, end tells

// end ends the observer and returns what it saw; nil if it could not look.
func (o *observer) end() (s *stalls, err error) {
	_ = o.in.Close() // as for edge
	if err = o.cmd.Wait(); err == nil {
		err = json.Unmarshal(o.out.Bytes(), &s)
	}
	if err != nil {
		return nil, fmt.Errorf("observe the host: %w", err)
	}
	return s, nil
}

// passages is how often a request and its answer need a CPU on each side: to be sent and to be received.
const passages = 2

// quantile is the q-quantile of the delay that the gaps alone mean for a request, seconds: whoever comes at a random
// moment finds a gap of length g with probability g/span, and waits for what is left of it, so with probability
// (g-x)/span for longer than x. 1 is the longest gap. Where nobody looked it is nil.
func (s *stalls) quantile(q float64) *float64 {
	if s == nil {
		return nil
	}
	if s.Gaps.Count() == 0 {
		return new(float64)
	}
	bars := s.Gaps.Distribution()
	longer := func(x float64) (p float64) {
		for _, b := range bars {
			p += passages * float64(b.Count) * max(0, float64(b.To)-x) / (s.Span * 1e9)
		}
		return p
	}
	lo, hi := 0.0, float64(s.Gaps.Max())
	for range 50 { // by halves: longer falls as x grows
		if mid := (lo + hi) / 2; longer(mid) > 1-q {
			lo = mid
		} else {
			hi = mid
		}
	}
	hi /= 1e9
	return &hi
}
