// Package http1 is HTTP/1.1 without I/O: bytes in, bytes out. Every architecture feeds the same session, so all pay
// for the same parser and the same response writer, which are fasthttp's; they differ only in who reads and writes,
// and when.
//
//	bytes read --> Next: where does the request end? --> fasthttp's parser --> RequestCtx
//	bytes to write <-- fasthttp's response writer <-- Answer: the handler <-------'
//
// The session finds the end of the header, reads the body and decides whether the connection lives on; fasthttp
// parses only complete headers. Where the two do not agree about a request it is answered 400 and the connection
// ends: two readers of one byte stream that disagree are how requests are smuggled.
package http1

import "github.com/valyala/fasthttp"

// Status is what Next found.
type Status uint8

const (
	// More means that all input was consumed and the request is not complete.
	More Status = iota
	// Ready means that a request is complete: call Answer.
	Ready
	// Continue means that the client waits for leave to send its body: Answer gives it, then call Next again.
	Continue
	// Close means that the connection must end: Answer gives the last bytes to send, which may be none.
	Close
)

// Limits bound what one session may hold, in bytes. A field that is not positive means its default; 1 GiB is the most.
type Limits struct {
	// Header bounds the request line and the header together, and each other block of lines: a trailer, and the
	// extensions of all chunks.
	Header int
	// Body bounds the body of one request.
	Body int
	// Output bounds what one Feed appends. It is soft: Feed stops after the answer that reaches it.
	Output int
}

// DefaultLimits are 8 KiB of header, 1 MiB of body and 64 KiB of output.
func DefaultLimits() Limits { return Limits{Header: 8 << 10, Body: 1 << 20, Output: 64 << 10} }

// Session is the protocol state of one connection; it never touches a socket. It has one owner at a time and may move
// between goroutines if one hands it to the next. One request is in flight at a time, so answers keep their order.
// Between requests it holds no buffer and no RequestCtx: a silent connection costs this struct only.
type Session struct {
	handler  fasthttp.RequestHandler
	hold     func(*fasthttp.RequestCtx) bool
	ctx      *fasthttp.RequestCtx // the request at hand, from the end of its header to its answer
	block    *buffer              // the block of lines at hand, if its input came in more than one piece
	kept     *buffer              // input that Feed has consumed and not used
	failure  *failure             // what was wrong with the input
	requests uint64
	limits   limits
	left     int32  // bytes of the body, or of the chunk, that are still to come
	chunkExt int32  // bytes of chunk extensions in this request
	work     uint32 // bytes scanned and copied so far, modulo 2^32: must stay linear in the input
	phase    phase
	after    phase // what follows the phase continueDue
	head     head
	closing  bool // every answer from now on is the last
	unread   bool // the session ended before its input did
	held     bool // Feed has stopped before the request that is ready
}

// limits are Limits in half the space.
type limits struct{ header, body, output int32 }

// failure is an error answer.
type failure struct {
	status int
	reason string
}

// phase is what the session expects next.
type phase uint8

const (
	inHeader phase = iota
	inBody
	inChunkSize
	inChunk
	inChunkEnd
	inTrailer
	continueDue
	requestReady
	requestRefused // ready too, but not for the handler
	failed
	closed
)

// NewSession returns the session of a new connection. It reads nothing and holds nothing until input arrives.
func NewSession(h fasthttp.RequestHandler, limits Limits) *Session {
	return &Session{handler: h, limits: limits.complete()}
}

// complete puts the default where a field is not positive.
func (l Limits) complete() limits {
	d := DefaultLimits()
	or := func(n, otherwise int) int32 {
		if n <= 0 {
			n = otherwise
		}
		return int32(min(n, 1<<30))
	}
	return limits{or(l.Header, d.Header), or(l.Body, d.Body), or(l.Output, d.Output)}
}

// Next consumes input until a request is Ready, More input is needed, Continue is due, or the connection must Close,
// and returns how many bytes it consumed. It never consumes past the end of the request that is Ready, and keeps no
// reference to in. With More and with Close it has consumed everything.
func (s *Session) Next(in []byte) (n int, st Status) {
	for n < len(in) || s.phase >= continueDue {
		switch s.phase {
		case continueDue:
			return n, Continue
		case requestReady, requestRefused:
			return n, Ready
		case failed, closed:
			return len(in), Close
		case inBody, inChunk:
			n += s.readBody(in[n:])
		default:
			n += s.readLines(in[n:])
		}
	}
	return n, More
}

// readBody takes what in has of the body, or of the chunk, and returns how many bytes that is.
func (s *Session) readBody(in []byte) int {
	n := min(int(s.left), len(in))
	s.ctx.Request.AppendBody(in[:n])
	s.work += uint32(n)
	s.left -= int32(n)
	if s.left == 0 {
		if s.phase == inChunk {
			s.phase = inChunkEnd
		} else {
			s.phase = requestReady
		}
	}
	return n
}

// Feed consumes all of in and appends the answers to dst. Past limits.Output it stops with more set and keeps the
// rest: call it again with nil to go on. With closing set the connection ends when out is sent; later input is
// ignored. See also Hold.
func (s *Session) Feed(dst, in []byte) (out []byte, more, closing bool) {
	out = dst
	if s.kept != nil {
		in = s.keep(in)
	}
	for {
		n, st := s.Next(in)
		in = in[n:]
		if st == More {
			s.dropKept()
			return out, false, false
		}
		if st == Ready && s.hold != nil && !s.held && s.hold(s.ctx) {
			s.held = true
			s.keepRest(in)
			return out, true, false
		}
		s.held = false
		if out, closing = s.Answer(out); closing {
			s.unread = s.unread || len(in) > 0
			return out, false, true
		}
		if len(out)-len(dst) >= int(s.limits.output) && len(in) > 0 {
			s.keepRest(in)
			return out, true, false
		}
	}
}

// Hold has Feed stop, with more set, before it answers a request of which f says so: Held then reports true, and the
// next Feed, perhaps by another goroutine, begins with that request.
func (s *Session) Hold(f func(*fasthttp.RequestCtx) bool) { s.hold = f }

// Held reports whether Feed has stopped before a request because of Hold.
func (s *Session) Held() bool { return s.held }

// Refuse has the next Feed answer the request that is held with 503 and a line of text, and not ask the handler. The
// connection lives on, as after any answer, and Requests does not count it. Without a request that is held it does
// nothing.
func (s *Session) Refuse() {
	if s.held {
		s.phase = requestRefused
	}
}

// keepRest keeps what Feed leaves of its input.
func (s *Session) keepRest(in []byte) {
	switch {
	case len(in) == 0:
		s.dropKept()
	case s.kept == nil:
		s.keep(in)
	default:
		s.kept.at = len(s.kept.b) - len(in)
	}
}

// keep adds in to the kept input and returns all of it that is unused.
func (s *Session) keep(in []byte) []byte {
	if s.kept == nil {
		s.kept = getBuffer()
	}
	// Moving the rest to the front only when it is the smaller half keeps the cost linear.
	k := s.kept
	if k.at > len(k.b)/2 {
		k.b, k.at = k.b[:copy(k.b, k.b[k.at:])], 0
		s.work += uint32(len(k.b))
	}
	k.b = append(k.b, in...)
	s.work += uint32(len(in))
	return k.b[k.at:]
}

// Partial reports whether a request has begun and is not complete, so that the read time-out applies and not the
// idle one.
func (s *Session) Partial() bool {
	return s.block != nil || s.phase > inHeader && s.phase <= continueDue
}

// CloseAfter makes the next answer the last: it says "Connection: close" and ends the session. It may be called
// before the first request (no keep-alive) or at any time later (the server is stopping).
func (s *Session) CloseAfter() { s.closing = true }

// Unread reports whether the session has ended before its input did: by an error answer, whose client may still be
// sending, or with input left over. A connection that is closed now could lose the answer to a reset (RFC 9112,
// section 9.6), so close its writing side first and read on for a while.
func (s *Session) Unread() bool { return s.unread }

// Requests is how many requests the handler has answered.
func (s *Session) Requests() uint64 { return s.requests }

// Release gives every pooled part back when the connection ends early. The session takes no input afterwards.
func (s *Session) Release() { s.end(closed) }

// fail ends the session with an error answer, which Answer will give.
func (s *Session) fail(status int, reason string) {
	s.end(failed)
	s.failure = &failure{status, reason}
}

// end gives every pooled part back and enters a last phase.
func (s *Session) end(last phase) {
	s.phase = last
	s.dropBlock()
	s.dropKept()
	if s.ctx != nil {
		putCtx(s.ctx)
		s.ctx = nil
	}
}

func (s *Session) dropBlock() {
	if s.block != nil {
		putBuffer(s.block)
		s.block = nil
	}
}

func (s *Session) dropKept() {
	if s.kept != nil {
		putBuffer(s.kept)
		s.kept = nil
	}
}
