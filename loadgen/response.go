package loadgen

import (
	"bytes"
	"crypto/sha256"
	"hash"
)

// Limits of an answer's text. A body has none: the request's timeout bounds it.
const (
	maxHeader = 64 << 10 // status line, header and trailer, interim answers included
	maxLine   = 256      // of a line that is understood: status, length, encoding, connection, chunk size
)

// parsed is what feed has found.
type parsed uint8

const (
	more parsed = iota // the answer goes on
	done               // the answer is complete
	bad                // this is no answer
)

// state is the part of an answer that comes next.
type state uint8

const (
	inStatus state = iota
	inHeader
	inBody       // need bytes are left
	inChunkSize  // the line before a chunk
	inChunk      // need bytes are left
	inChunkEnd   // the empty line after a chunk
	inTrailer    // lines after the last chunk
	inUntilClose // the body ends with the connection
)

// response is an answer as it arrives, in pieces of any size: the outcome does not depend on where they were cut. It
// holds no more of it than what must wait for the next piece, and that apart, so ten thousand of them are small.
type response struct {
	head    bool  // set by the owner: answers to HEAD have no body
	state   state // all that follows is reset before each request
	version byte  // the minor one: '0' or '1'
	chunked bool
	coded   bool // another transfer encoding than chunked came last: the body ends with the connection
	closing bool // the server closes after this answer
	keeping bool // it says that it does not, though it speaks HTTP/1.0
	differs bool // the body is not the one that was expected
	settled bool // differs tells all there is to tell
	tooLong bool // the line that was cut is longer than what is kept of it
	status  int
	length  int64 // Content-Length; -1 before one was seen
	need    int64
	body    int64 // bytes of body so far
	header  int   // bytes of header so far
	part    int   // length of kept.part
	kept    *kept // nil until it is needed
	told    *told // set by the owner; nil: the server is not asked for sessions
}

// kept is what a connection keeps of an answer that came in pieces. It is made when it is first needed, and stays.
type kept struct {
	part [maxLine]byte // the beginning of a line that was cut
	text []byte        // the body so far, for a regular expression
	hash hash.Hash     // of the body so far
	sum  [sha256.Size]byte
}

func (r *response) memory() *kept {
	if r.kept == nil {
		r.kept = new(kept)
	}
	return r.kept
}

// reset makes r ready for the next answer.
func (r *response) reset() {
	r.state = inStatus
	r.chunked, r.coded, r.closing, r.keeping = false, false, false, false
	r.differs, r.settled, r.tooLong = false, false, false
	r.status, r.length, r.need, r.body, r.header, r.part = 0, -1, 0, 0, 0, 0
	if r.told != nil {
		r.told.forget()
	}
}

// feed takes the next bytes of the answer and returns how many of them belong to it. It holds the body against e.
func (r *response) feed(p []byte, e *expected) (n int, _ parsed) {
	for {
		switch r.state {
		case inBody, inChunk:
			k := min(r.need, int64(len(p)-n))
			r.look(p[n:n+int(k)], e, r.state == inBody && k == r.need)
			n += int(k)
			r.need -= k
			if r.need > 0 {
				return n, more
			}
			if r.state == inBody {
				r.settle(e)
				return n, done
			}
			r.state = inChunkEnd
		case inUntilClose:
			r.look(p[n:], e, false)
			return len(p), more
		}
		k, line, whole := r.line(p[n:])
		n += k
		if r.header > maxHeader || r.tooLong && (r.state == inChunkSize || r.state == inChunkEnd) {
			return n, bad
		}
		if !whole {
			return n, more
		}
		if st := r.take(line); st != more {
			r.settle(e)
			return n, st
		}
	}
}

// eof tells what the end of the connection makes of the answer.
func (r *response) eof(e *expected) parsed {
	if r.state == inUntilClose {
		r.settle(e)
		return done
	}
	return more
}

// mustClose reports whether the connection can't be used after this answer, which is complete.
func (r *response) mustClose() bool {
	return r.closing || r.state == inUntilClose || r.version == '0' && !r.keeping
}

// line returns the next line of p without its end, and how much of p it took. A line that p ends in the middle of is
// kept until the rest is there.
func (r *response) line(p []byte) (n int, line []byte, whole bool) {
	end := bytes.IndexByte(p, '\n')
	n = end + 1
	if end < 0 {
		n = len(p)
	}
	if r.state != inChunkSize && r.state != inChunkEnd {
		r.header += n // a chunk's own lines are bounded one by one: a long body has many
	}
	if end >= 0 && r.part == 0 { // the usual case: nothing is copied
		r.tooLong = n > maxLine
		line = p[:min(n, maxLine)]
	} else if n > 0 {
		part := &r.memory().part
		k := copy(part[r.part:], p[:n])
		r.part += k
		r.tooLong = r.tooLong || k < n
		line = part[:r.part]
	}
	if end < 0 {
		return n, nil, false
	}
	r.part = 0
	if !r.tooLong {
		line = line[:len(line)-1]
		if k := len(line) - 1; k >= 0 && line[k] == '\r' {
			line = line[:k]
		}
	}
	return n, line, true
}

// take acts on a line. Where it is too long, only its beginning is there.
func (r *response) take(line []byte) parsed {
	long := r.tooLong
	r.tooLong = false
	switch r.state {
	case inStatus:
		return r.takeStatus(line, long)
	case inHeader:
		if len(line) == 0 {
			return r.endHeader()
		}
		return r.takeField(line, long)
	case inChunkSize:
		return r.takeChunkSize(line, long)
	case inChunkEnd:
		if len(line) != 0 {
			return bad
		}
		r.state = inChunkSize
	case inTrailer:
		if len(line) == 0 {
			return done
		}
	}
	return more
}

// takeStatus reads "HTTP/1.1 200 OK". The reason may be missing.
func (r *response) takeStatus(line []byte, long bool) parsed {
	if long || len(line) < 12 || string(line[:7]) != "HTTP/1." || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return bad
	}
	a, b, c := line[9]-'0', line[10]-'0', line[11]-'0'
	if r.version = line[7]; r.version != '0' && r.version != '1' || a < 1 || a > 9 || b > 9 || c > 9 {
		return bad
	}
	r.status = int(a)*100 + int(b)*10 + int(c)
	r.state = inHeader
	return more
}

// takeField reads the three fields that frame an answer and skips the others.
func (r *response) takeField(line []byte, long bool) parsed {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 && long {
		return more // the name alone is longer than any that matters
	}
	if colon < 1 || line[0] <= ' ' { // no name, or a folded line, which RFC 9112 forbids servers to send
		return bad
	}
	name := line[:colon]
	switch {
	case len(name) == 14 && fold(name, "content-length"):
		v, ok := decimal(trim(line[colon+1:]))
		if long || !ok || r.length >= 0 && r.length != v {
			return bad
		}
		r.length = v
	case len(name) == 17 && fold(name, "transfer-encoding"):
		if long {
			return bad
		}
		for list := line[colon+1:]; ; { // the last one frames the body
			item, rest, again := bytes.Cut(list, comma)
			if item = trim(item); len(item) > 0 {
				r.chunked = fold(item, "chunked")
				r.coded = !r.chunked && !fold(item, "identity")
			}
			if list = rest; !again {
				break
			}
		}
	case len(name) == 10 && fold(name, "connection"):
		if long {
			return bad
		}
		for list := line[colon+1:]; ; {
			item, rest, again := bytes.Cut(list, comma)
			item = trim(item)
			r.closing = r.closing || fold(item, "close")
			r.keeping = r.keeping || fold(item, "keep-alive")
			if list = rest; !again {
				break
			}
		}
	case r.told != nil:
		r.told.take(name, trim(line[colon+1:]))
	}
	return more
}

var comma = []byte(",")

// endHeader decides how the body is framed: RFC 9112, section 6.3.
func (r *response) endHeader() parsed {
	if r.told != nil && r.status == 200 {
		r.told.aim()
	}
	switch {
	case r.status == 101:
		return bad // nobody asked for another protocol
	case r.status < 200: // an interim answer: the real one follows, and the bound on the header spans both
		used := r.header
		r.reset()
		r.header = used
	case r.head || r.status == 204 || r.status == 304:
		return done
	case r.chunked:
		r.state = inChunkSize
	case r.coded || r.length < 0:
		r.state = inUntilClose
	case r.length == 0:
		return done
	default:
		r.state, r.need = inBody, r.length
	}
	return more
}

// takeChunkSize reads "1a3f;extension".
func (r *response) takeChunkSize(line []byte, long bool) parsed {
	var size int64
	digits := 0
	for ; digits < len(line); digits++ {
		d := hexDigit(line[digits])
		if d < 0 {
			break
		}
		if size >= 1<<58 {
			return bad
		}
		size = size<<4 | d
	}
	rest := trim(line[digits:])
	if long || digits == 0 || len(rest) > 0 && rest[0] != ';' {
		return bad
	}
	if size == 0 {
		r.state = inTrailer
	} else {
		r.state, r.need = inChunk, size
	}
	return more
}

func hexDigit(c byte) int64 {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int64(c|0x20-'a') + 10
	}
	return -1
}

// decimal reads a number of at most 18 digits, so that it can't overflow.
func decimal(p []byte) (n int64, ok bool) {
	if len(p) == 0 || len(p) > 18 {
		return 0, false
	}
	for _, c := range p {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// trim cuts blanks off both ends.
func trim(p []byte) []byte {
	for len(p) > 0 && (p[0] == ' ' || p[0] == '\t') {
		p = p[1:]
	}
	for len(p) > 0 && (p[len(p)-1] == ' ' || p[len(p)-1] == '\t') {
		p = p[:len(p)-1]
	}
	return p
}

// fold reports whether p is lower, which is in lower case, in any case.
func fold(p []byte, lower string) bool {
	if len(p) != len(lower) {
		return false
	}
	for i := range len(p) {
		c := p[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
