package http1

import (
	"bytes"
)

// head is what the session itself must know about the request at hand: how it is framed, and whether the connection
// lives on.
type head struct {
	blank     bool // an empty line came before the request line
	isHead    bool // the method is HEAD: the answer has no body
	http10    bool
	host      bool
	length    bool // Content-Length is there
	encoding  bool // Transfer-Encoding is there
	chunked   bool // ... and is "chunked"
	expect    bool // Expect is there
	unknown   bool // ... and is not "100-continue"
	close     bool // Connection has "close"
	keepAlive bool // Connection has "keep-alive"
}

// lives reports whether the client wants the connection to live on: HTTP/1.1 does unless it says otherwise, HTTP/1.0
// does not.
func (h *head) lives() bool { return !h.close && (!h.http10 || h.keepAlive) }

// takeRequestLine judges the version; fasthttp's parser judges the rest when the header is complete.
func (s *Session) takeRequestLine(line []byte) {
	_, version, ok := bytes.Cut(line[max(0, len(line)-len(" HTTP/1.1")):], []byte(" HTTP/"))
	if !ok || len(version) != 3 || !isDigit(version[0]) || version[1] != '.' || !isDigit(version[2]) {
		s.fail(400, "malformed request line")
		return
	}
	s.head.isHead = bytes.HasPrefix(line, []byte("HEAD "))
	switch string(version) {
	case "1.1":
	case "1.0":
		s.head.http10 = true
	default:
		s.fail(505, "only HTTP/1.1 and HTTP/1.0 are spoken here") // and line is given back
	}
}

// takeField judges the syntax of one header line and notes what the session must know.
func (s *Session) takeField(line []byte) {
	colon := fieldColon(line)
	if colon < 0 {
		s.fail(400, "malformed header line")
		return
	}
	h, value := &s.head, line[colon+1:]
	switch colon { // the length of the name: few names are compared at all
	case len("host"):
		if isWord(line[:colon], "host") {
			h.host = true
		}
	case len("expect"):
		if isWord(line[:colon], "expect") {
			h.expect = true
			h.unknown = h.unknown || !isWord(trim(value), "100-continue")
		}
	case len("connection"):
		if isWord(line[:colon], "connection") {
			h.takeConnection(value)
		}
	case len("content-length"):
		if isWord(line[:colon], "content-length") {
			h.length = true
		}
	case len("transfer-encoding"):
		if isWord(line[:colon], "transfer-encoding") {
			h.encoding = true
			h.chunked = isWord(trim(value), "chunked")
		}
	}
}

// takeConnection notes the options of a Connection header. fasthttp's parser knows only the bare value "close".
func (h *head) takeConnection(list []byte) {
	for len(list) > 0 {
		option, rest, _ := bytes.Cut(list, []byte(","))
		list = rest
		switch option = trim(option); {
		case isWord(option, "close"):
			h.close = true
		case isWord(option, "keep-alive"):
			h.keepAlive = true
		}
	}
}

// takeHeader has a complete header parsed and decides what follows it: a body, leave to send one, or the answer.
func (s *Session) takeHeader(block []byte) {
	h := &s.head
	switch {
	case !h.host && !h.http10:
		s.fail(400, "the Host header is missing")
		return
	case h.length && h.encoding:
		s.fail(400, "both Content-Length and Transfer-Encoding")
		return
	case h.encoding && !h.chunked && !h.http10:
		s.fail(501, "the only known Transfer-Encoding is chunked")
		return
	}
	s.ctx = getCtx()
	req := &s.ctx.Request
	if !parse(block, req.Header.Read) {
		s.fail(400, "malformed request header")
		return
	}
	// A target or Host that does not parse leaves the path empty; an empty path alone is no error.
	u := req.URI()
	if len(u.PathOriginal()) == 0 && u.Parse(req.Header.Host(), req.Header.RequestURI()) != nil {
		s.fail(400, "malformed request target or Host")
		return
	}
	// What the parser found must be what the lines said.
	length := req.Header.ContentLength() // -1: chunked, -2: none
	switch {
	case h.length != (length >= 0) || h.encoding != (length == -1):
		s.fail(400, "ambiguous length of the body")
		return
	case length > int(s.limits.body):
		s.fail(413, "request body too large")
		return
	case h.expect && h.unknown && !h.http10:
		s.fail(417, "the only known expectation is 100-continue")
		return
	}
	switch {
	case length == -1:
		s.phase = inChunkSize
	case length > 0:
		s.phase, s.left = inBody, int32(length)
	default:
		s.phase = requestReady
	}
	// Leave to send the body is given even where the body has arrived already: what the client reads must not depend
	// on how its bytes were split. HTTP/1.0 knows no such answer (RFC 9110, 10.1.1).
	if h.expect && !h.http10 {
		s.phase, s.after = continueDue, s.phase
	}
}

// takeTrailer has a complete trailer parsed, which fasthttp adds to the header but for names that must not come late.
func (s *Session) takeTrailer(block []byte) {
	s.phase = requestReady
	if len(block) > len("\r\n") && !parse(block, s.ctx.Request.Header.ReadTrailer) {
		s.fail(400, "malformed request trailer")
	}
}

// isDigit reports whether c is a decimal digit.
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isWord reports whether b is word, which is in lower case, whatever the case of b.
func isWord(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// trim returns b without the blanks at its ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
