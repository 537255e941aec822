package loadgen

import (
	"container/heap"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/corpus"
	"serverlab/results"
)

// fileServer is a file service in virtual time, in any of its three states. It answers each request after a
// millisecond. meddle may change what it does with one.
type fileServer struct {
	*simulated
	state    string
	sessions map[string]*fileCursor
	ids      int
	meddle   func(s *fileServer, q *fileRequest)

	requests                                    map[string]int // by path
	opened, closed, lost, anonymous, unanswered int
	byID                                        map[string]int // requests with that cookie
	broken                                      map[int32]bool // sockets that will end
	about                                       *fileCursor    // the session that is meddled with
	meddled                                     int            // how often
	clients                                     int
}

type fileCursor struct {
	file   string
	offset int
	number int // from 1
}

// fileRequest is a request, and what meddle wants to be done with it.
type fileRequest struct {
	k              int // from 0, of all requests
	path, id       string
	file           string
	offset, count  int
	from           *fileCursor // of a read: what is read; nil: it has no session
	skip           int         // bytes that the cursor moves beside those that are read
	wrongOffset    int         // added to the offset that the answer names
	otherFile      string      // that is read in place of the right one
	short          int         // bytes that are missing from the answer
	rename, hide   bool        // the answer gives the session another name; the answer says nothing of it
	status         int         // in place of what it does
	ignored, cut   bool        // it isn't carried out, and the connection ends; ... it is, and the connection ends
	slow           time.Duration
	answer, cookie string
}

func newFileServer(state string, meddle func(s *fileServer, q *fileRequest)) *fileServer {
	return &fileServer{simulated: &simulated{}, state: state, meddle: meddle, sessions: map[string]*fileCursor{},
		requests: map[string]int{}, byID: map[string]int{}, broken: map[int32]bool{}}
}

func (s *fileServer) send(fd int32, p []byte) (int, unix.Errno) {
	q := &fileRequest{k: s.sent}
	s.sent++
	line, rest, _ := strings.Cut(string(p), " HTTP/1.1\r\n")
	u, err := url.Parse(line[strings.IndexByte(line, ' ')+1:])
	if err != nil {
		panic(err)
	}
	q.path, q.file = u.Path, u.Query().Get("file")
	q.offset, _ = strconv.Atoi(u.Query().Get("offset"))
	q.count, _ = strconv.Atoi(u.Query().Get("count"))
	if _, after, ok := strings.Cut(rest, "Cookie: session="); ok {
		q.id = after[:32]
	}
	if s.state == Stateful && q.path == "/read" {
		q.from = s.sessions[q.id]
	}
	s.requests[q.path]++
	s.byID[q.id]++
	if s.meddle != nil {
		s.meddle(s, q)
	}
	at := s.now + 1e6 + int64(q.slow)
	if !q.ignored {
		s.carryOut(q)
	}
	if q.cut || q.ignored {
		s.unanswered++
		s.broken[fd] = true
		heap.Push(&s.coming, simEvent{at, s.sent, fd, unix.EPOLLIN | unix.EPOLLRDHUP, ""})
		return len(p), 0
	}
	heap.Push(&s.coming, simEvent{at, s.sent, fd, unix.EPOLLIN, q.answer})
	return len(p), 0
}

func (s *fileServer) receive(fd int32, p []byte) (int, unix.Errno) {
	if s.broken[fd] {
		return 0, 0
	}
	return s.simulated.receive(fd, p)
}

func (s *fileServer) newID() string {
	s.ids++
	return fmt.Sprintf("%032x", s.ids)
}

// carryOut does what q asks for, and makes its answer.
func (s *fileServer) carryOut(q *fileRequest) {
	session := s.sessions[q.id]
	switch {
	case q.status != 0:
		s.reply(q, q.status, "no\n")
	case s.state == Stateful && q.path == "/open":
		id := s.newID()
		s.opened++
		s.sessions[id] = &fileCursor{file: q.file, number: s.opened}
		if !q.hide {
			q.cookie = id
		}
		s.reply(q, 200, fmt.Sprintf("opened %s, %d bytes\n", q.file, corpus.Size))
	case s.state == Stateful && session == nil:
		s.lost++
		s.reply(q, 410, "no such session\n")
	case q.path == "/close":
		delete(s.sessions, q.id)
		s.closed++
		s.reply(q, 200, "closed\n")
	default:
		if s.state == Soft && q.id == "" {
			s.anonymous++
			if !q.hide {
				q.cookie = s.newID()
			}
		}
		s.read(q)
	}
}

func (s *fileServer) read(q *fileRequest) {
	file, offset := q.file, q.offset
	if q.from != nil {
		file, offset = q.from.file, q.from.offset
		q.from.offset = min(corpus.Size, max(0, offset+q.count+q.skip))
	}
	if q.rename {
		q.cookie = s.newID()
		if q.from != nil {
			s.sessions[q.cookie] = q.from
			delete(s.sessions, q.id)
		}
	}
	if q.otherFile != "" {
		file = q.otherFile
	}
	n, _ := strconv.Atoi(file[1:])
	body := served()[n].content[offset : offset+min(q.count, corpus.Size-offset)-q.short]
	s.reply(q, 200, string(body), fmt.Sprintf("X-Offset: %d\r\n", offset+q.wrongOffset))
}

func (s *fileServer) reply(q *fileRequest, status int, body string, fields ...string) {
	if q.hide {
		fields = nil
	}
	if q.cookie != "" {
		fields = append(fields, "Set-Cookie: session="+q.cookie+"; Path=/; HttpOnly\r\n")
	}
	q.answer = fmt.Sprintf("HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n", status, strings.Join(fields, ""),
		len(body)) + body
}

// sessionConfig is a load of five clients on two connections: 250 reads on each, of a sixteenth of a file.
func sessionConfig(state string) Config {
	return Config{Connections: 2, KeepAlive: true, Duration: 250 * time.Millisecond, Timeout: 20 * time.Millisecond,
		Seed: 3, Sessions: Sessions{State: state, Clients: 5, Read: corpus.Size / 16}}
}

// sessionLoad runs it, and checks what must be so in any case.
func sessionLoad(t *testing.T, c Config, s *fileServer) *results.Load {
	t.Helper()
	s.clients = c.Sessions.Clients
	l := simulate(t, c, s)
	if l.Sessions == nil || l.Sessions.State != s.state || l.Sessions.Lost != l.Errors[ErrLost] {
		t.Fatalf("%+v, errors %v", l.Sessions, l.Errors)
	}
	if l.Response.Count() != int64(l.Requests+l.Censored) {
		t.Errorf("%d response times, %d requests, %d censored", l.Response.Count(), l.Requests, l.Censored)
	}
	return l
}
