package loadgen

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// slow holds the connections of slow clients. One goroutine attends to them while the load goes on, a part of them at a
// time, so that it never holds up a loading thread for long.
type slow struct {
	*silent
	line    []byte // of a request whose header never ends
	request []byte // of who reads
	sent    []int  // bytes of line
	every   time.Duration

	held          atomic.Int64 // open ones
	written, read uint64
	began         int64 // held when the window began
}

// slowParts are the parts of a round: each client has its turn in one of them.
const slowParts = 10

// openSlow opens the slow clients of a run, and lets each begin.
func openSlow(ctx context.Context, r *run) (*slow, error) {
	c := &r.Config
	u, err := c.target()
	if err != nil {
		return nil, err
	}
	s := &slow{sent: make([]int, c.Slow.Clients), every: cmp.Or(c.Slow.Every, slowUsual)}
	whole := c.request(u, u.RequestURI())
	s.line = append(whole[:len(whole)-len(c.Body)-2], "X-Slow: "...) // the empty line never comes
	reads := func(int) bool { return false }
	if c.Slow.Path != "" {
		s.request = c.request(u, c.Slow.Path)
		reads = func(i int) bool { return i%2 == 1 }
	}
	s.silent, err = openSilent(ctx, r.plan, r.sources, c.Connections+c.Silent, c.Slow.Clients, c.Timeout, reads)
	if err != nil {
		return nil, err
	}
	for i, fd := range s.fds {
		if fd >= 0 && reads(i) {
			if n, errno := send(fd, s.request); errno != 0 || n < len(s.request) {
				s.leave(i)
			}
		}
	}
	for part := range slowParts {
		s.turn(part)
	}
	return s, nil
}

// leave gives up client i, whose connection the server has closed.
func (s *slow) leave(i int) {
	s.open--
	s.shut(i)
}

// turn lets the clients of a part go on by a byte.
func (s *slow) turn(part int) {
	var b [1]byte
	for i := part; i < len(s.fds); i += slowParts {
		fd := s.fds[i]
		if fd < 0 {
			continue
		}
		if s.reads(i) {
			n, errno := receive(fd, b[:])
			switch {
			case errno == unix.EAGAIN:
			case errno != 0 || n == 0:
				s.leave(i)
			default:
				s.read++
			}
			continue
		}
		b[0] = 'a'
		if s.sent[i] < len(s.line) {
			b[0] = s.line[s.sent[i]]
		}
		n, errno := send(fd, b[:])
		switch {
		case errno == unix.EAGAIN:
		case errno != 0:
			s.leave(i)
		default:
			s.sent[i] += n
			s.written += uint64(n)
		}
	}
	s.look(0)
	s.held.Store(int64(s.open))
}

// going lets the clients go on until the function that it returns is called.
func (s *slow) going() (end func()) {
	if len(s.fds) == 0 {
		return func() {}
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(s.every / slowParts)
		defer tick.Stop()
		for part := 0; ; part = (part + 1) % slowParts {
			select {
			case <-tick.C:
				s.turn(part)
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}

// begin takes note of how many are open when the window begins.
func (s *slow) begin() { s.began = s.held.Load() }

// record is what became of them when the load has ended; nil: there were none.
func (s *slow) record() *results.Slow {
	if len(s.fds) == 0 {
		return nil
	}
	return &results.Slow{Clients: int(s.began), Closed: int(s.began) - min(s.open, int(s.began)), Written: s.written,
		Read: s.read}
}
