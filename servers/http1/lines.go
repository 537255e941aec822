package http1

import (
	"bytes"
	"strings"
)

// readLines takes from in what belongs to the block of lines at hand: a header, the size line of a chunk, the CRLF
// after a chunk, or a trailer. It returns how many bytes it consumed: all of in unless the block is complete.
//
// A block that lies whole in the input is used in place. Otherwise it is gathered in a pooled buffer, whose length and
// mark remember where the scan stopped, so that no byte is scanned twice however small the pieces.
func (s *Session) readLines(in []byte) int {
	limit := int(s.limits.header)
	if s.phase == inChunkEnd {
		limit = len("\r\n")
	}
	b, old, line := in, 0, 0
	if s.block != nil {
		old, line = len(s.block.b), s.block.at
		more := in[:min(len(in), limit+1-old)]
		s.block.b = append(s.block.b, more...)
		s.work += uint32(len(more))
		b = s.block.b
	}
	for at := old; ; {
		i := bytes.IndexByte(b[at:min(len(b), limit)], '\n')
		if i < 0 {
			s.work += uint32(len(b) - at)
			if len(b) > limit {
				s.tooLong()
				return len(in)
			}
			if s.block == nil {
				s.block = getBuffer()
				s.block.b = append(s.block.b, in...)
				s.work += uint32(len(in))
			}
			s.block.at = line
			return len(in)
		}
		s.work += uint32(i + 1)
		at += i + 1
		text := b[line:at]
		line = at
		// A line ends in CRLF, and a CR is nowhere else: others take a bare CR or LF for the end of a line.
		if cr := bytes.IndexByte(text, '\r'); cr < 0 || cr != len(text)-2 {
			s.fail(400, "a line does not end in CRLF, or a CR stands within it")
			return len(in)
		}
		if s.takeLine(b[:at], text[:len(text)-2]) {
			s.dropBlock()
			return at - old
		}
		if s.phase == failed {
			return len(in)
		}
	}
}

// takeLine judges one complete line, the last of block and given without its CRLF, and reports whether the block is
// complete with it. It fails the session if the line, or the block, is wrong.
func (s *Session) takeLine(block, line []byte) (complete bool) {
	switch s.phase {
	case inHeader:
		switch {
		case len(line) == 0 && len(block) == 2:
			// Some clients send a CRLF too many after a body: one is ignored (RFC 9112, 2.2).
			if s.head.blank {
				s.fail(400, "empty request line")
				return false
			}
			s.head.blank = true
			return true
		case len(line) == 0:
			s.takeHeader(block)
			return true
		case len(line)+2 == len(block):
			s.takeRequestLine(line)
		default:
			s.takeField(line)
		}
		return false
	case inChunkSize:
		s.takeChunkSize(line)
		return true
	case inChunkEnd:
		s.phase = inChunkSize
		if len(line) != 0 {
			s.fail(400, "a chunk is longer than its size")
		}
		return true
	default: // inTrailer
		if len(line) == 0 {
			s.takeTrailer(block)
			return true
		}
		if fieldColon(line) < 0 {
			s.fail(400, "malformed trailer line")
		}
		return false
	}
}

// tooLong fails the session: the block at hand is above its limit.
func (s *Session) tooLong() {
	switch s.phase {
	case inHeader:
		s.fail(431, "request header too large")
	case inTrailer:
		s.fail(431, "request trailer too large")
	case inChunkEnd:
		s.fail(400, "a chunk is longer than its size")
	default:
		s.fail(400, "chunk size line too long")
	}
}

// takeChunkSize reads the line "SIZE[;EXTENSIONS]" of a chunk. Extensions are ignored, but bounded: otherwise one
// byte of body could come with a whole line of them.
func (s *Session) takeChunkSize(line []byte) {
	size, digits := 0, 0
	for ; digits < len(line) && hexDigit(line[digits]) >= 0; digits++ {
		size = min(size<<4|hexDigit(line[digits]), 1<<40) // far above any limit, far below overflow
	}
	ext := line[digits:]
	if digits == 0 || !validChunkExt(ext) {
		s.fail(400, "malformed chunk size line")
		return
	}
	if s.chunkExt += int32(len(ext)); s.chunkExt > s.limits.header {
		s.fail(400, "chunk extensions too long")
		return
	}
	if size > int(s.limits.body)-len(s.ctx.Request.Body()) {
		s.fail(413, "request body too large")
		return
	}
	s.left = int32(size)
	s.phase = inChunk
	if size == 0 {
		s.phase = inTrailer
	}
}

// validChunkExt accepts nothing, blanks, or a semicolon and what follows it, without control characters.
func validChunkExt(ext []byte) bool {
	blank := true
	for _, c := range ext {
		switch {
		case c == ' ' || c == '\t':
		case c == ';':
			blank = false
		case blank || c < ' ' || c == 0x7f:
			return false
		}
	}
	return true
}

// fieldColon returns the index of the colon of a header or trailer line, or -1 if the line does not begin with a
// field name and a colon: a folded line, a blank before the colon, a name that is no token.
func fieldColon(line []byte) int {
	for i, c := range line {
		if !tokenByte[c] {
			if c == ':' && i > 0 {
				return i
			}
			break
		}
	}
	return -1
}

// tokenByte tells the characters of a token (RFC 9110, 5.6.2).
var tokenByte = func() (is [256]bool) {
	for c := range is {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		is[c] = c < 0x80 && (letter || isDigit(byte(c)) || strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0)
	}
	return is
}()

// hexDigit returns the value of a hexadecimal digit, or -1.
func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
