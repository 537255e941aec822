package loadgen

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"serverlab/internal/corpus"
	"serverlab/results"
)

// once meddles with the n-th read of all, from 1.
func once(n int, do func(s *fileServer, q *fileRequest)) func(s *fileServer, q *fileRequest) {
	return onceOf("/read", n, do)
}

func onceOf(path string, n int, do func(s *fileServer, q *fileRequest)) func(s *fileServer, q *fileRequest) {
	return func(s *fileServer, q *fileRequest) {
		if q.path == path && s.requests[path] == n {
			do(s, q)
		}
	}
}

// atRead meddles with the first read of some session at the k-th sixteenth of its file, and with the one after it. It
// spares the first sessions, which do not go on to the end.
func atRead(k int, do, then func(s *fileServer, q *fileRequest)) func(s *fileServer, q *fileRequest) {
	return func(s *fileServer, q *fileRequest) {
		if s.about == nil && q.from != nil && q.from.number > s.clients && q.from.offset == k*corpus.Size/16 {
			s.about = q.from
		}
		if q.from == nil || s.about != q.from {
			return
		}
		s.meddled++
		switch {
		case s.meddled == 1:
			do(s, q)
		case s.meddled == 2 && then != nil:
			then(s, q)
		}
	}
}

func wrongBy(n int) func(s *fileServer, q *fileRequest) {
	return fate(func(q *fileRequest) { q.wrongOffset = n })
}

func says503(_ *fileServer, q *fileRequest) { q.status = 503 }

// otherFile has q answered from another file.
func otherFile(q *fileRequest) {
	q.otherFile = corpus.Name(0)
	if q.file == q.otherFile || q.from != nil && q.from.file == q.otherFile {
		q.otherFile = corpus.Name(1)
	}
}

func fate(change func(q *fileRequest)) func(s *fileServer, q *fileRequest) {
	return func(_ *fileServer, q *fileRequest) { change(q) }
}

// Whatever a server does to a session, each client goes on, and what happened is counted once and under its own name.
func TestSessionOutcomes(t *testing.T) {
	drop := func(s *fileServer, q *fileRequest) { delete(s.sessions, q.id) }
	another := fate(otherFile)
	ignore := fate(func(q *fileRequest) { q.ignored = true })
	cut := fate(func(q *fileRequest) { q.cut = true })
	skip := fate(func(q *fileRequest) { q.skip = q.count })
	repeat := fate(func(q *fileRequest) { q.skip = -q.count })
	for name, test := range map[string]struct {
		meddle    func(s *fileServer, q *fileRequest)
		errors    string // as in ErrorText
		ambiguous uint64
	}{
		"all is right":                  {nil, "", 0},
		"the cursor skips a read":       {atRead(3, skip, nil), "position 1", 0},
		"... and one byte":              {atRead(3, fate(func(q *fileRequest) { q.skip = 1 }), nil), "position 1", 0},
		"the cursor stays":              {atRead(3, repeat, nil), "position 1", 0},
		"the answer names another":      {atRead(3, wrongBy(1), nil), "position 1", 0},
		"... beyond the end":            {atRead(3, wrongBy(corpus.Size), nil), "position 1", 0},
		"the answer names none":         {atRead(3, fate(func(q *fileRequest) { q.hide = true }), nil), "position 1", 0},
		"another file's bytes":          {atRead(3, another, nil), "body 1", 0},
		"too short an answer":           {atRead(3, fate(func(q *fileRequest) { q.short = 1 }), nil), "length 1", 0},
		"another client's read":         {steal, "position 2", 0}, // and that client misses it
		"a session is lost":             {atRead(3, drop, nil), "lost session 1", 0},
		"a session is lost at its end":  {onceOf("/close", 3, drop), "lost session 1", 0},
		"not carried out":               {atRead(3, ignore, nil), "closed 1", 1},
		"carried out":                   {atRead(3, cut, nil), "closed 1", 1},
		"twice not carried out":         {atRead(3, ignore, ignore), "closed 2", 2},
		"once of two times":             {atRead(3, ignore, cut), "closed 2", 2},
		"twice carried out":             {atRead(3, cut, cut), "closed 2", 2},
		"the first one":                 {atRead(0, ignore, nil), "closed 1", 1},
		"the last one, not carried out": {atRead(15, ignore, nil), "closed 1", 1},
		"the last one, carried out":     {atRead(15, cut, nil), "closed 1", 1},
		"... with its neighbour":        {atRead(14, cut, cut), "closed 2", 2},
		"carried out, then a skip":      {atRead(3, cut, skip), "closed 1, position 1", 1},
		"carried out, then a repeat":    {atRead(3, cut, repeat), "closed 1, position 1", 1},
		"carried out late":              {atRead(3, ignore, skip), "closed 1", 1},
		"lost while ambiguous":          {atRead(3, cut, drop), "closed 1, lost session 1", 1},
		"too slow":                      {atRead(3, fate(func(q *fileRequest) { q.slow = time.Hour }), nil), "timeout 1", 1},
		"the store is away":             {atRead(3, says503, nil), "unavailable 1", 1},
		"the server fails":              {atRead(3, fate(func(q *fileRequest) { q.status = 500 }), nil), "status 1", 1},
		"an answer that is wrong here":  {atRead(3, fate(func(q *fileRequest) { q.status = 404 }), nil), "status 1", 0},
		"an opening is not carried out": {onceOf("/open", 7, ignore), "closed 1", 0},
		"an opening is carried out":     {onceOf("/open", 7, cut), "closed 1", 0},
		"an opening is refused":         {onceOf("/open", 7, says503), "unavailable 1", 0},
		"an opening finds nothing":      {onceOf("/open", 7, fate(func(q *fileRequest) { q.status = 410 })), "status 1", 0},
		"an opening gives no cookie":    {onceOf("/open", 7, fate(func(q *fileRequest) { q.hide = true })), "cookie 1", 0},
		"a closing is not carried out":  {onceOf("/close", 3, ignore), "closed 1", 0},
		"a closing is carried out":      {onceOf("/close", 3, cut), "closed 1", 0},
		"a session gets a new name":     {atRead(3, fate(func(q *fileRequest) { q.rename = true }), nil), "", 0},
	} {
		for _, mode := range modesFor(name) {
			t.Run(name+", "+mode, func(t *testing.T) {
				c, s := sessionConfig(Stateful), newFileServer(Stateful, test.meddle)
				sessionModes[mode](&c)
				l := sessionLoad(t, c, s)
				if l.ErrorText() != test.errors || l.Sessions.Ambiguous != test.ambiguous {
					t.Errorf("errors %q, %d ambiguous; want %q, %d", l.ErrorText(), l.Sessions.Ambiguous, test.errors,
						test.ambiguous)
				}
				settled(t, l, s)
			})
		}
	}
}

// steal gives a client, once, what another one would read next.
func steal(s *fileServer, q *fileRequest) {
	for _, id := range slices.Sorted(maps.Keys(s.sessions)) {
		if o := s.sessions[id]; s.about == nil && q.from != nil && q.from.number > s.clients && o.number > s.clients &&
			o.offset != q.from.offset && o.offset < corpus.Size/2 {
			q.from, s.about = o, o
		}
	}
}

// sessionModes are the ways in which clients with sessions send.
var sessionModes = map[string]func(c *Config){
	"closed":         func(*Config) {},
	"per request":    func(c *Config) { c.KeepAlive = false },
	"open":           func(c *Config) { c.Rate = 1000 },
	"evenly spaced":  func(c *Config) { c.Rate, c.Arrivals, c.KeepAlive = 1500, "constant", false },
	"thinking":       func(c *Config) { c.Think = Think{2 * time.Millisecond, true} },
	"all the same":   func(c *Config) { c.Think, c.Sessions.Clients = Think{Mean: time.Millisecond}, 2 },
	"a client each":  func(c *Config) { c.Sessions.Clients = 2 },
	"twenty clients": func(c *Config) { c.Sessions.Clients, c.Connections = 20, 4 },
}

// modesFor returns the modes in which an outcome is tried: all of them where nothing goes wrong.
func modesFor(name string) []string {
	if name == "all is right" {
		return slices.Sorted(maps.Keys(sessionModes))
	}
	return []string{"closed", "per request", "open"}
}

// settled compares what was counted at either end.
func settled(t *testing.T, l *results.Load, s *fileServer) {
	t.Helper()
	o := l.Sessions
	open := uint64(o.Clients)
	if failed := l.ErrorCount() + uint64(s.unanswered); o.Opened+failed+open < uint64(s.opened) ||
		o.Opened > uint64(s.opened) || o.Closed > uint64(s.closed) || o.Closed+failed+open < uint64(s.closed) {
		t.Errorf("%d opened, %d closed, %d errors; the server counts %d and %d", o.Opened, o.Closed, l.ErrorCount(),
			s.opened, s.closed)
	}
	if l.Requests < 200 || o.Opened < 9 || o.Closed < 5 {
		t.Errorf("%d requests, %d opened, %d closed", l.Requests, o.Opened, o.Closed)
	}
}

// What names its file and its offset is asked again where it failed, and its position is never ambiguous.
func TestReadsByOffset(t *testing.T) {
	for name, test := range map[string]struct {
		meddle func(s *fileServer, q *fileRequest)
		errors string
	}{
		"all is right":           {nil, ""},
		"no answer":              {once(50, fate(func(q *fileRequest) { q.ignored = true })), "closed 1"},
		"carried out, no answer": {once(50, fate(func(q *fileRequest) { q.cut = true })), "closed 1"},
		"another offset":         {once(50, wrongBy(-1)), "position 1"},
		"another file":           {once(50, fate(otherFile)), "body 1"},
		"too short":              {once(50, fate(func(q *fileRequest) { q.short = 1 })), "length 1"},
		"lost":                   {once(50, fate(func(q *fileRequest) { q.status = 410 })), "status 1"},
		"unavailable":            {once(50, says503), "unavailable 1"},
		"a new name":             {once(50, fate(func(q *fileRequest) { q.rename = true })), ""},
	} {
		for _, state := range []string{Stateless, Soft} {
			for _, mode := range modesFor(name) {
				t.Run(fmt.Sprintf("%s, %s, %s", name, state, mode), func(t *testing.T) {
					c, s := sessionConfig(state), newFileServer(state, test.meddle)
					sessionModes[mode](&c)
					l := sessionLoad(t, c, s)
					if o := l.Sessions; l.ErrorText() != test.errors || o.Opened+o.Closed+o.Lost+o.Ambiguous != 0 {
						t.Errorf("errors %q, %+v; want %q", l.ErrorText(), o, test.errors)
					}
					if l.Requests < 200 || s.requests["/read"] != s.sent {
						t.Errorf("%d requests, the server got %v", l.Requests, s.requests)
					}
					checkCookies(t, s, l.Sessions.Clients, name)
				})
			}
		}
	}
}

// checkCookies: a client of a soft service shows the name that it was given last, one of a stateless service none.
func checkCookies(t *testing.T, s *fileServer, clients int, what string) {
	t.Helper()
	if s.state == Stateless {
		if s.byID[""] != s.sent {
			t.Errorf("%d requests of %d without a cookie", s.byID[""], s.sent)
		}
		return
	}
	ids := clients
	if what == "a new name" {
		ids++
	}
	if s.anonymous != clients || s.ids != ids || len(s.byID) != ids+1 {
		t.Errorf("%d requests without a cookie, %d names given, %d used; want %d, %d and all", s.anonymous, s.ids,
			len(s.byID)-1, clients, ids)
	}
}

// A soft service that gives no name is not one, and a client without it asks anew.
func TestSoftWithoutCookie(t *testing.T) {
	s := newFileServer(Soft, once(2, fate(func(q *fileRequest) { q.hide = true })))
	l := sessionLoad(t, sessionConfig(Soft), s)
	if l.ErrorText() != "cookie 1" || s.anonymous != 6 {
		t.Errorf("errors %q, %d requests without a cookie", l.ErrorText(), s.anonymous)
	}
}

// Clients take turns: none is served more often than another, however many there are for a connection.
func TestClientsTakeTurns(t *testing.T) {
	for mode, change := range sessionModes {
		c, s := sessionConfig(Soft), newFileServer(Soft, nil)
		change(&c)
		sessionLoad(t, c, s)
		if c.Think.Exponential {
			continue // whose thinking is short is served more often
		}
		least, most := s.sent, 0
		for id, n := range s.byID {
			if id != "" {
				least, most = min(least, n), max(most, n)
			}
		}
		if most-least > 1 {
			t.Errorf("%s: from %d to %d requests of a client", mode, least, most)
		}
	}
}

// A client that thinks leaves the connection to others, and a request that waits for one waits from the moment at which
// its client has thought.
func TestClientsThinkWithoutAConnection(t *testing.T) {
	for clients, want := range map[int]struct {
		requests uint64
		response time.Duration
	}{
		4:  {4 * 500 / 5, time.Millisecond}, // a request each 5 ms, of which it thinks for 4
		10: {2 * 500, 5*time.Millisecond - 4*time.Millisecond},
		// Ten take turns on each connection: of ten milliseconds a client thinks for four.
		20: {2 * 500, 10*time.Millisecond - 4*time.Millisecond},
	} {
		c := sessionConfig(Stateless)
		c.Sessions.Clients, c.Think, c.Duration = clients, Think{Mean: 4 * time.Millisecond}, 500*time.Millisecond
		c.Warmup = 100 * time.Millisecond
		l := sessionLoad(t, c, newFileServer(Stateless, nil))
		p50, _ := l.Response.Quantile(0.5)
		if l.Requests < want.requests-4 || l.Requests > want.requests+4 || p50 < 0.99*want.response.Seconds() ||
			p50 > 1.3*want.response.Seconds() || l.Service.Max() > 1.01e6 || l.Lag.Max() != 0 {
			t.Errorf("%d clients: %d requests, response time %v (p50), service %v, lag %v; want %d, %v", clients, l.Requests,
				p50, l.Service.Max(), l.Lag.Max(), want.requests, want.response)
		}
		if l.Backlog+l.Intended != 0 {
			t.Errorf("%d intended, %d held back, of a closed loop", l.Intended, l.Backlog)
		}
	}
}

// The same seed gives the same clients, for any number of threads; another seed others.
func TestSameClientsForAnyThreads(t *testing.T) {
	first := func(seed uint64, threads int) (files []int32) {
		c := sessionConfig(Stateful)
		c.Seed, c.Sessions.Clients = seed, 50
		files = make([]int32, 50)
		for i := range threads {
			k := newClients(&c, newSessions(&c, sessionTexts{}), i, threads)
			for j := range k.all {
				files[j*threads+i] = k.all[j].file
			}
		}
		return files
	}
	one := first(7, 1)
	if !slices.Equal(one, first(7, 3)) {
		t.Error("three threads make other clients")
	}
	if slices.Equal(one, first(8, 1)) {
		t.Error("another seed makes the same clients")
	}
	if seen := slices.Compact(slices.Sorted(slices.Values(one))); len(seen) < 10 {
		t.Errorf("50 clients begin with %d files only", len(seen))
	}
}

// Whatever a read asks for, no client waits for bytes beyond the end of its file.
func TestFirstVisitsEnd(t *testing.T) {
	for _, read := range []int{1, 4096, 5000, 600_000, corpus.Size, corpus.Size + 1} {
		c := sessionConfig(Stateful)
		c.Sessions.Clients, c.Sessions.Read = 1000, read
		for _, v := range newClients(&c, newSessions(&c, sessionTexts{}), 0, 1).all {
			if v.end < 1 || v.end > corpus.Size {
				t.Fatalf("reads of %d bytes end at %d", read, v.end)
			}
		}
	}
}

// Clients do not walk in step: when each has read half a file, some are through with their first one and some are not.
func TestClientsOutOfStep(t *testing.T) {
	c := sessionConfig(Stateful)
	c.Sessions.Clients, c.Duration = 50, 225*time.Millisecond
	if l := sessionLoad(t, c, newFileServer(Stateful, nil)); l.Requests < 400 || l.Requests > 450 || l.Sessions.Closed < 10 ||
		l.Sessions.Closed > 40 {
		t.Errorf("%d requests, %d closed", l.Requests, l.Sessions.Closed)
	}
}

// The very text of each request, with work to do and without a connection that is kept.
func TestSessionRequests(t *testing.T) {
	c := Config{URL: "http://h/?wait=5ms", Header: []string{"A: b"}, Sessions: Sessions{Read: 100, State: Stateful}}
	u, err := c.target()
	if err != nil {
		t.Fatal(err)
	}
	const host, cookie = "Host: h\r\nA: b\r\nConnection: close\r\n", "Cookie: session=" + anID + "\r\n"
	for _, test := range []struct {
		state string
		v     client
		want  string
	}{
		{Stateful, client{step: opening, file: 3}, "POST /open?file=f03&wait=5ms HTTP/1.1\r\n" + host +
			"Content-Length: 0\r\n\r\n"},
		{Stateful, client{named: true}, "GET /read?count=100&wait=5ms HTTP/1.1\r\n" + host + cookie + "\r\n"},
		{Stateful, client{step: closing, named: true}, "POST /close?wait=5ms HTTP/1.1\r\n" + host +
			"Content-Length: 0\r\n" + cookie + "\r\n"},
		{Stateless, client{file: 15, cursor: corpus.Size - 1}, "GET /read?file=f15&offset=1048575&count=100&wait=5ms " +
			"HTTP/1.1\r\n" + host + "\r\n"},
		{Soft, client{named: true}, "GET /read?file=f00&offset=0&count=100&wait=5ms HTTP/1.1\r\n" + host + cookie +
			"\r\n"},
	} {
		c.Sessions.State = test.state
		s := newSessions(&c, c.sessionTexts(u))
		copy(test.v.id[:], anID)
		if got := string(s.request(nil, &test.v)); got != test.want || len(got) > s.longest {
			t.Errorf("%q of at most %d bytes, want %q", got, s.longest, test.want)
		}
	}
}
