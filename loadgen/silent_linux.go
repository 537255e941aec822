package loadgen

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// silent holds the connections that never send. They have an epoll instance of their own, which nobody looks at while
// the window lasts, so they cost the load generator nothing then.
type silent struct {
	poller     *poller
	fds        []int32 // -1: not open
	connecting []bool
	pending    int
	open       int
	failed     [kinds]uint64    // could not be opened
	reads      func(i int) bool // connection i waits for what it has asked for; nil: none does
}

// Silent connections are opened a few at a time, with a pause after each, so that they don't overrun a backlog: the
// kernel drops what does, and tries again a second later.
const (
	silentBatch = 64
	silentPause = time.Millisecond
)

// openSilent opens n connections to p's target, within limit in all; their sources follow those of first busy ones.
func openSilent(ctx context.Context, p *plan, sources sources, first, n int, limit time.Duration,
	reads func(i int) bool) (*silent, error) {
	poller, err := newPoller(256)
	if err != nil {
		return nil, err
	}
	s := &silent{poller: poller, fds: make([]int32, n), connecting: make([]bool, n), reads: reads}
	until := time.Now().Add(limit)
	next := 0
	for (next < n || s.pending > 0) && ctx.Err() == nil && time.Now().Before(until) {
		pause := time.Now().Add(silentPause)
		for stop := min(n, next+silentBatch-s.pending); next < stop; next++ {
			s.dial(p, next, sources.of(first+next))
		}
		for wait := silentPause; wait > 0 && (next < n || s.pending > 0); wait = time.Until(pause) {
			s.look(int64(wait))
		}
	}
	for i := range s.fds {
		if i >= next || s.connecting[i] {
			s.fail(i, timeout)
		}
	}
	return s, nil
}

// dial starts to open connection i.
func (s *silent) dial(p *plan, i int, from *address) {
	fd, k := open(&p.target, from, false, s.reads != nil && s.reads(i))
	s.fds[i], s.connecting[i] = fd, true
	s.pending++
	if k == none && watch(s.poller.fd, unix.EPOLL_CTL_ADD, fd, int32(i), 0, readable|writable) != 0 {
		k = descriptors // or what else the kernel has too little of to watch one more
	}
	if k != none {
		s.fail(i, k)
	}
}

// fail gives connection i up, which could not be opened.
func (s *silent) fail(i int, k kind) {
	if s.connecting[i] {
		s.pending--
	}
	s.failed[k]++
	s.shut(i)
}

// addErrors adds those that could not be opened to the errors of a load: what this side lacks by its own name, all
// others, which the server did not take, by another one.
func (s *silent) addErrors(errors map[string]uint64, name string) {
	for k, n := range s.failed {
		switch kind := kind(k); {
		case n == 0:
		case kind == ports || kind == descriptors:
			errors[kind.String()] += n
		default:
			errors[name] += n
		}
	}
}

func (s *silent) shut(i int) {
	if s.fds[i] > 0 {
		shut(s.fds[i])
	}
	s.fds[i], s.connecting[i] = -1, false
}

// look takes note of what has happened, after waiting for it for at most ns nanoseconds.
func (s *silent) look(ns int64) {
	for n := s.poller.wait(ns); n > 0; n = s.poller.poll() {
		for _, ev := range s.poller.ready[:n] {
			i := int(ev.Fd)
			if s.fds[i] < 0 {
				continue
			}
			if s.connecting[i] {
				if errno := socketError(s.fds[i]); errno != 0 || ev.Events&writable == 0 {
					s.fail(i, connectKind(errno))
					continue
				}
				s.connecting[i] = false
				s.pending--
				s.open++
			}
			asked := s.reads != nil && s.reads(i)
			if ev.Events&ended != 0 || ev.Events&unix.EPOLLIN != 0 && !asked { // an end, or words that nobody asked for, such as a refusal
				s.open--
				s.shut(i)
			}
		}
	}
}

// close closes them all.
func (s *silent) close() {
	for i := range s.fds {
		s.shut(i)
	}
	s.poller.close()
}
