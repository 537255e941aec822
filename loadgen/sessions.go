package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"serverlab/internal/corpus"
)

// The states of the file service, as they stand in Sessions.State.
const (
	Stateless = "stateless"
	Soft      = "soft"
	Stateful  = "stateful"
)

// Bounds of a session load.
const (
	maxClients = 1 << 20
	readUsual  = 4096
)

// validateSessions checks what clients with sessions can be asked for, and what they can't.
func (c *Config) validateSessions(u *url.URL) error {
	s := &c.Sessions
	if s.State == "" {
		if s.Clients != 0 || s.Read != 0 {
			return errors.New("clients and read: only clients with sessions have them; give a state")
		}
		return nil
	}
	clients := s.Clients
	if clients == 0 {
		clients = c.Connections
	}
	query := u.Query()
	switch {
	case s.State != Stateless && s.State != Soft && s.State != Stateful:
		return fmt.Errorf("session %.20q: give stateless, soft or stateful", s.State)
	case clients < c.Connections || clients > maxClients:
		return fmt.Errorf("clients %d: give a number from that of the connections, %d, to %d", clients, c.Connections,
			maxClients)
	case s.Read < 0 || s.Read > corpus.Size:
		return fmt.Errorf("read %d: give a number of bytes from 1 to %d", s.Read, corpus.Size)
	case c.Arrivals == "partly":
		return errors.New("arrivals partly: clients with sessions stay; give poisson, constant or a closed loop")
	case u.Path != "" && u.Path != "/":
		return fmt.Errorf("url %q: clients with sessions ask for paths of their own; give it with the path /", c.URL)
	case query.Has("file") || query.Has("offset") || query.Has("count"):
		return fmt.Errorf("url %q: file, offset and count are the clients' own", c.URL)
	case c.Method != "" && c.Method != "GET" || c.Body != nil:
		return errors.New("method and body: clients with sessions send their own")
	case c.Check.asks():
		return errors.New("check: clients with sessions check each byte themselves; leave it out")
	case c.Crash != "":
		return errors.New("crash path: clients with sessions do not send it; set a fault")
	case c.hasHeader("cookie"):
		return errors.New("header Cookie: clients with sessions send their own")
	}
	return nil
}

// asks reports whether c says what a right answer is.
func (c *Check) asks() bool {
	return c.Status != 0 || c.Statuses != nil || c.Length > 0 || c.Body != nil || c.SHA256 != nil || c.Regexp != nil ||
		c.File
}

// told is what an answer of the file service tells beside its body, and what the body must be. The owner sets file and
// count before the request; the rest is forgotten between answers.
type told struct {
	file  []byte // all of the file that a read is about; nil: the request is no read
	count int64  // that is asked for

	offset int64 // X-Offset: where the body begins; -1: it does not say
	named  bool  // it names a session
	id     sessionID
	want   []byte // what the body must be; nil: anything
}

// sessionID is the text that names a session: 32 lower-case hexadecimal digits.
type sessionID [32]byte

func (t *told) forget() { t.offset, t.named, t.want = -1, false, nil }

// take reads the two fields that matter to a session. A value that can't be understood tells nothing.
func (t *told) take(name, value []byte) {
	switch {
	case len(name) == 8 && fold(name, "x-offset"):
		if n, ok := decimal(value); ok {
			t.offset = n
		}
	case len(name) == 10 && fold(name, "set-cookie"):
		pair, _, _ := bytes.Cut(value, semicolon)
		id, ok := bytes.CutPrefix(trim(pair), sessionName)
		if t.named = ok && len(id) == len(t.id); !t.named {
			return
		}
		for _, c := range id {
			t.named = t.named && ('0' <= c && c <= '9' || 'a' <= c && c <= 'f')
		}
		copy(t.id[:], id)
	}
}

var (
	semicolon   = []byte(";")
	sessionName = []byte("session=")
)

// aim finds what the body must be: what the file holds from the offset on that the answer itself names. Whether that
// is the right offset is another question.
func (t *told) aim() {
	if size := int64(len(t.file)); t.file != nil && t.offset >= 0 && t.offset <= size {
		t.want = t.file[t.offset:min(size, t.offset+t.count)]
	}
}

// sessionTexts are the parts of requests that stay the same, for one URL.
type sessionTexts struct {
	open  string // after the file's name; like all others without the cookie and the empty line at the end
	next  string // a stateful read, all of it
	read  string // another read, after its offset
	close string
}

func (c *Config) sessionTexts(u *url.URL) (s sessionTexts) {
	more, begin := "", ""
	if u.RawQuery != "" {
		more, begin = "&"+u.RawQuery, "?"+u.RawQuery
	}
	tail := func(method string) string {
		own := *c
		own.Method, own.Body = method, nil
		text := string(own.request(u, "/"))
		return strings.TrimSuffix(strings.TrimPrefix(text, method+" /"), "\r\n")
	}
	count := fmt.Sprintf("count=%d", c.Sessions.Read) + more + tail("GET")
	s.open = more + tail("POST")
	s.next = "GET /read?" + count
	s.read = "&" + count
	s.close = "POST /close" + begin + tail("POST")
	return s
}
