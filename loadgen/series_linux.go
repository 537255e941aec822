package loadgen

import (
	"cmp"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// series is what a thread records as the window goes along, in steps of equal length. When a step ends, its histograms
// are packed into memory that was set aside beforehand and that nobody moves, so that others may read the steps that
// have ended while the load goes on: no lock, and nothing is allocated.
type series struct {
	step              int64 // nanoseconds
	ends              int64 // when the open step ends
	open              point // the step that is open, and its histograms
	response, service recorder

	points []point
	ended  atomic.Int64 // of points: what has ended, and stays as it is
	arena  []byte
	used   int
}

// point is a step: histograms lie in the arena, response times from one place on and service times from the next.
type point struct {
	requests                uint64
	errors                  [kinds]uint32 // and what was shed
	inFlight                int
	waiting                 int64
	response, service, next int
}

// Steps are as long as asked for, else stepLength, and longer where there were more than mostSteps.
const (
	stepLength = 100 * time.Millisecond
	mostSteps  = 36_000
	stepUsual  = 64 << 10 // bytes set aside for each; pages that nobody writes to take no memory
	arenaMost  = 1 << 30
)

// prepare makes room for a window from begin to end and for the answers that come until after, in steps of a length;
// 0: the usual one.
func (s *series) prepare(begin, end, after, step int64) (err error) {
	s.step = max(cmp.Or(step, int64(stepLength)), (end-begin+mostSteps-1)/mostSteps)
	s.ends = begin + s.step
	s.response, s.service = newRecorder(), newRecorder()
	n := int((after-begin)/s.step) + 2
	s.points = make([]point, n)
	s.arena, err = unix.Mmap(-1, 0, min(n*stepUsual, arenaMost)+4*packedMost, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("set memory aside for the series: %w", err)
	}
	return nil
}

// closeStep ends the open step. Where the memory set aside might not do for its histograms, they stay open and end with
// the last step, whose place is kept; so nothing is lost but the quantiles of the steps between.
func (s *series) closeStep(inFlight int, waiting int64, last bool) {
	n := int(s.ended.Load())
	switch {
	case last && s.open == point{} && s.response.up == 0 && s.service.up == 0:
		return
	case !last && n == len(s.points)-1:
		return
	}
	p := s.open
	p.inFlight, p.waiting = inFlight, waiting
	p.response, p.service, p.next = s.used, s.used, s.used
	if last || len(s.arena)-s.used >= 4*packedMost {
		p.service += len(s.response.pack(s.arena[p.response:p.response]))
		p.next = p.service + len(s.service.pack(s.arena[p.service:p.service]))
	}
	s.used = p.next
	s.points[n] = p
	s.open = point{}
	s.ended.Add(1)
}

// merge adds step i to a point of the result, and its errors to a sum by kind. It reads only what stays as it is.
func (s *series) merge(i int, into *results.Point, errors map[string]uint64) {
	p := &s.points[i]
	into.Requests += p.requests
	for k, n := range p.errors {
		switch {
		case kind(k) == shed:
			into.Shed += uint64(n)
		case n > 0:
			into.Errors += uint64(n)
			errors[kind(k).String()] += uint64(n)
		}
	}
	into.InFlight += p.inFlight
	into.Waiting = max(into.Waiting, time.Duration(p.waiting).Seconds())
	unpack(s.arena[p.response:p.service], into.Response.RecordValues)
	unpack(s.arena[p.service:p.next], into.Service.RecordValues)
}

func (s *series) close() {
	if s.arena != nil {
		_ = unix.Munmap(s.arena) // can't fail: it is what Mmap has returned
		s.arena = nil
	}
}
