//go:build linux

package servers

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"serverlab/internal/scoreboard"
	"serverlab/servers/http1"
)

// transport is what pump needs of a connection: a bare descriptor that blocks, or one on the runtime's poller.
type transport interface {
	// receive waits at most d for input and returns it in a buffer that it took when there was some: who waits for
	// a silent client holds none.
	receive(d time.Duration) (*buffer, error)
	io.WriteCloser
	CloseRead() error
	CloseWrite() error
	unread() bool // input waits that nobody has read
}

// buffer is what one read fills, and where the answers to it are put together. Servers share a pool of them.
type buffer struct {
	n     int
	bytes [16 << 10]byte
	out   []byte
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// pump serves one connection until it ends, for every architecture that blocks on one connection:
//
//	read -> Feed -> write -> read -> ... -> close
func pump(c transport, s *http1.Session, cfg *Config, slot *scoreboard.Slot, r *roster) {
	t := talk{c: c, s: s, cfg: cfg, slot: slot, roster: r}
	defer t.end()
	for {
		in, err := c.receive(t.patience())
		if err != nil {
			t.giveUp(err)
			return
		}
		over := t.turn(in)
		buffers.Put(in)
		if over {
			return
		}
	}
}

// talk is one connection that is being served.
type talk struct {
	c       transport
	s       *http1.Session
	cfg     *Config
	slot    *scoreboard.Slot
	roster  *roster
	begun   time.Duration // when the request that is still incomplete began, on the clock of now
	lingers bool          // input is left, and an answer that it must not destroy is on its way
}

// now is a clock for time-outs: only its differences mean anything, and it takes half as long to read as time.Now.
func now() time.Duration { return time.Since(epoch) }

var epoch = time.Now()

// patience is how long the next input may take.
func (t *talk) patience() time.Duration {
	if t.s.Partial() {
		return t.begun + t.cfg.ReadTimeout - now() // bounds the request, not the read
	}
	return t.cfg.IdleTimeout
}

// turn feeds the session what was read and writes its answers, piece by piece when there are many. It reports whether
// the connection is over.
func (t *talk) turn(in *buffer) (over bool) {
	s := t.s
	idle, answered := !s.Partial(), s.Requests()
	if t.roster.stopping.Load() {
		s.CloseAfter() // the roster has closed the reading side: what has arrived is the last
	}
	input, more := in.bytes[:in.n], true
	var err error
	for more && err == nil {
		before := s.Requests()
		in.out, more, over = s.Feed(in.out[:0], input)
		input = nil
		t.slot.Requests.Add(s.Requests() - before)
		if len(in.out) > 0 {
			_, err = t.c.Write(in.out)
		}
	}
	if cap(in.out) > 256<<10 { // a rare large answer is not kept
		in.out = nil
	}
	if s.Partial() && (idle || s.Requests() > answered) {
		t.begun = now()
	}
	t.lingers = over && err == nil && (s.Unread() || t.c.unread())
	return over || err != nil
}

// giveUp is for a connection that could not be read from: a client that was too slow is told.
func (t *talk) giveUp(err error) {
	if t.s.Partial() && errors.Is(err, os.ErrDeadlineExceeded) {
		_, err := t.c.Write(http1.ErrorAnswer(408, "the request took too long to arrive"))
		t.lingers = err == nil
	}
}

// end closes the connection.
func (t *talk) end() {
	t.s.Release()
	if t.lingers {
		linger(t.c)
	}
	t.roster.remove(t.c)
	_ = t.c.Close()
}

// The bounds of lingering.
const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
)

// linger closes the writing side and reads on for a while: if unread input were left at the close, the kernel would
// send a reset, and that destroys the answer on its way (RFC 9112, section 9.6).
func linger(c transport) {
	if c.CloseWrite() != nil {
		return
	}
	deadline := now() + lingerTime
	for seen := 0; seen < lingerBytes; {
		b, err := c.receive(deadline - now())
		if err != nil {
			return
		}
		seen += b.n
		buffers.Put(b)
	}
}
