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

// transport is what pump needs of a connection: a bare descriptor that blocks, or one of the net package's on the
// runtime's poller.
type transport interface {
	// receive waits at most d for input and returns it in a buffer that it took when there was some: who waits for
	// a silent client holds none.
	receive(d time.Duration) (*buffer, error)
	io.WriteCloser
	CloseRead() error
	CloseWrite() error
	unread() bool // input waits that nobody has read
}

// buffer is what one read fills. Servers share a pool of them.
type buffer struct {
	n     int
	bytes [16 << 10]byte
}

var (
	buffers = sync.Pool{New: func() any { return new(buffer) }}
	outputs = sync.Pool{New: func() any { return new([]byte) }}
)

// pump serves one connection until it ends, for every architecture that blocks on one connection:
//
//	read -> Feed -> write -> read -> ... -> close
func pump(c transport, s *http1.Session, cfg *Config, slot *scoreboard.Slot, r *roster) {
	defer func() {
		s.Release()
		r.remove(c)
		_ = c.Close()
	}()
	var begun time.Time // of the request that is still incomplete
	for {
		patience := cfg.IdleTimeout
		if s.Partial() {
			patience = cfg.ReadTimeout - time.Since(begun) // bounds the request, not the read
		}
		in, err := c.receive(patience)
		if err != nil {
			if s.Partial() && errors.Is(err, os.ErrDeadlineExceeded) {
				_, _ = c.Write(http1.ErrorAnswer(408, "the request took too long to arrive"))
				linger(c)
			}
			return
		}
		idle, answered := !s.Partial(), s.Requests()
		if r.stopping.Load() {
			s.CloseAfter() // the roster has closed the reading side: what has arrived is the last
		}
		closing, err := turn(c, s, in.bytes[:in.n], slot)
		buffers.Put(in)
		if s.Partial() && (idle || s.Requests() > answered) {
			begun = time.Now()
		}
		if err != nil || closing {
			if err == nil && (s.Unread() || c.unread()) {
				linger(c)
			}
			return
		}
	}
}

// turn feeds the session and writes its answers, piece by piece when there are many.
func turn(w io.Writer, s *http1.Session, in []byte, slot *scoreboard.Slot) (closing bool, err error) {
	p := outputs.Get().(*[]byte)
	out, more := *p, true
	defer func() {
		if cap(out) <= 256<<10 { // a rare large answer is not kept
			*p = out
			outputs.Put(p)
		}
	}()
	for more && err == nil {
		before := s.Requests()
		out, more, closing = s.Feed(out[:0], in)
		in = nil
		slot.Requests.Add(s.Requests() - before)
		if len(out) > 0 {
			_, err = w.Write(out)
		}
	}
	return closing, err
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
	deadline := time.Now().Add(lingerTime)
	for seen := 0; seen < lingerBytes; {
		b, err := c.receive(time.Until(deadline))
		if err != nil {
			return
		}
		seen += b.n
		buffers.Put(b)
	}
}
