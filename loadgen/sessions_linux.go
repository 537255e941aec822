package loadgen

import (
	"math/rand/v2"
	"strconv"
	"sync"

	"serverlab/internal/corpus"
)

// The clients of a session load are virtual: they outlive connections, and there may be many more of them. A
// connection that gets a request takes the client that has waited longest, and gives it back with the answer.
//
//	stateful:        ┌──▶ opening ──▶ reading ──▶ ... ──▶ reading ──▶ closing ──┐
//	                 └──────────────────────── next file ◀──────────────────────┘
//	stateless, soft: reading from offset 0 to the end, next file
//
// A stateful read is not idempotent: where one gets no answer, nobody knows whether the server has moved the cursor, or
// is still going to. Until the session ends its client accepts, once for each such read, an answer that has skipped
// what that read was about; everything else is a wrong position.

// step is what a client does next.
type step uint8

const (
	reading step = iota
	opening
	closing
)

// client is one of them.
type client struct {
	next   *client // that has become free after this one
	ready  int64   // where clients think: when it has thought
	spot   int32   // in the agenda of those that think
	file   int32   // number of the file
	step   step
	named  bool  // it has a session
	unsure int32 // reads of this session without an answer that may have moved the cursor, or may do so yet
	cursor int64 // offset that it reads next
	end    int64 // offset at which it is through with the file
	id     sessionID
	random rand.PCG
}

// sessions is what all clients share. Nobody writes to it while the load goes on.
type sessions struct {
	sessionTexts
	stateful, soft bool
	count          int64 // bytes that each read asks for
	files          [corpus.Files]servedFile
	longest        int // request, bytes
}

type servedFile struct {
	name    string
	content []byte
}

// served holds all files that are served, once.
var served = sync.OnceValue(func() (all [corpus.Files]servedFile) {
	for i := range all {
		all[i] = servedFile{corpus.Name(i), make([]byte, corpus.Size)}
		corpus.At(all[i].name, 0, all[i].content)
	}
	return all
})

func newSessions(c *Config, texts sessionTexts) *sessions {
	return &sessions{
		sessionTexts: texts,
		stateful:     c.Sessions.State == Stateful,
		soft:         c.Sessions.State == Soft,
		count:        int64(c.Sessions.Read),
		files:        served(),
		longest:      max(len(texts.open), len(texts.next), len(texts.read), len(texts.close)) + 128,
	}
}

// request appends what v asks for to b.
func (s *sessions) request(b []byte, v *client) []byte {
	switch {
	case v.step == opening:
		b = append(b, "POST /open?file="...)
		b = append(b, s.files[v.file].name...)
		b = append(b, s.open...)
	case v.step == closing:
		b = append(b, s.close...)
	case s.stateful:
		b = append(b, s.next...)
	default:
		b = append(b, "GET /read?file="...)
		b = append(b, s.files[v.file].name...)
		b = append(b, "&offset="...)
		b = strconv.AppendInt(b, v.cursor, 10)
		b = append(b, s.read...)
	}
	if v.named {
		b = append(b, "Cookie: session="...)
		b = append(b, v.id[:]...)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// anew turns v to another file, at its beginning. A stateful client forgets its session.
func (s *sessions) anew(v *client) {
	v.file = int32(v.random.Uint64() % corpus.Files)
	v.cursor, v.end, v.unsure = 0, corpus.Size, 0
	if s.stateful {
		v.step, v.named = opening, false
	}
}

// judge says what is wrong with the whole answer r to what v has asked, and lets v go on from there.
func (s *sessions) judge(v *client, r *response) kind {
	k := s.status(v, r.status)
	if k == none {
		k = s.body(v, r)
	}
	switch {
	case k == none:
		s.proceed(v, r)
	case k == unavailable || r.status >= 500:
		s.unanswered(v)
	case s.stateful:
		s.anew(v)
	}
	return k
}

// status judges an answer's status.
func (s *sessions) status(v *client, status int) kind {
	switch {
	case status == 200:
		return none
	case status == 503:
		return unavailable
	case status == 410 && s.stateful && v.step != opening:
		return lostSession
	}
	return wrongStatus
}

// body judges an answer of status 200.
func (s *sessions) body(v *client, r *response) kind {
	t := r.told
	switch {
	case !t.named && (v.step == opening || s.soft && !v.named):
		return noSession
	case v.step != reading:
		return none
	}
	steps, ok := s.steps(v, t.offset)
	switch {
	case !ok || steps > int64(v.unsure):
		return wrongPosition
	case r.body != int64(len(t.want)):
		return wrongLength
	case r.differs:
		return wrongBody
	}
	return none
}

// steps tells how many reads a position is ahead of v's cursor, if it can be reached by whole ones.
func (s *sessions) steps(v *client, position int64) (n int64, ok bool) {
	ahead := position - v.cursor
	if ahead < 0 || position > corpus.Size {
		return 0, false
	}
	return (ahead + s.count - 1) / s.count, ahead%s.count == 0 || position == corpus.Size
}

// proceed moves v on after a right answer.
func (s *sessions) proceed(v *client, r *response) {
	t := r.told
	if t.named && (s.stateful || s.soft) { // whoever is given another name uses that from now on
		v.named, v.id = true, t.id
	}
	switch v.step {
	case opening:
		v.step = reading
	case closing:
		s.anew(v)
	case reading:
		steps, _ := s.steps(v, t.offset)
		v.unsure -= int32(steps)
		v.cursor = t.offset + r.body
		switch {
		case v.cursor < v.end:
		case s.stateful:
			v.step = closing
		default:
			s.anew(v)
		}
	}
}

// unanswered takes note that nobody knows what has come of v's request, and reports whether that makes its position
// ambiguous. What reads by offset simply asks again; a session whose opening or closing failed is left to the server.
func (s *sessions) unanswered(v *client) (ambiguous bool) {
	switch {
	case !s.stateful:
		return false
	case v.step == reading:
		v.unsure++
		return true
	}
	s.anew(v)
	return false
}

// clients are those of a thread.
type clients struct {
	*sessions
	all         []client
	first, last *client         // that are free and do not think, in the order in which they became so
	thinking    agenda[*client] // all free ones, where clients think
	think       Think

	opened, closed, ambiguous uint64 // in the window
}

// newClients makes every n-th of the clients, from share on: the same ones for any number of threads. Each gets its
// first file, of which it reads only a part, so that they do not open and close in step, and begins in the midst of its
// thinking.
func newClients(c *Config, s *sessions, share, n int) *clients {
	k := &clients{sessions: s, think: c.Think}
	k.all = make([]client, (c.Sessions.Clients-share+n-1)/n)
	k.thinking = make(agenda[*client], 0, len(k.all))
	for i := range k.all {
		v := &k.all[i]
		number := i*n + share
		v.random = thoughts(c.Seed, uint64(number))
		s.anew(v)
		v.end = min(corpus.Size, s.count*int64(1+v.random.Uint64()%uint64((corpus.Size+s.count-1)/s.count)))
		v.ready = c.Think.rest(number, c.Sessions.Clients, &v.random)
		k.wait(v)
	}
	return k
}

// haveClients gives t's connections what they need for clients with sessions.
func (t *thread) haveClients(k *clients) {
	t.clients = k
	most := k.longest
	out, about := make([]byte, len(t.conns)*most), make([]told, len(t.conns))
	for i := range t.conns {
		c := &t.conns[i]
		c.free = 0 // it is the clients that think
		c.out = out[i*most : i*most : (i+1)*most]
		c.answer.told = &about[i]
	}
}

// thinks reports whether a client lets time pass before it asks again, so that a connection may have to wait for one.
func (k *clients) thinks() bool { return k.think.Mean > 0 }

// wait has v, which is free, wait for a connection, or first think until v.ready.
func (k *clients) wait(v *client) {
	if k.thinks() {
		k.thinking.push(v)
		return
	}
	v.next = nil
	if k.last == nil {
		k.first = v
	} else {
		k.last.next = v
	}
	k.last = v
}

// take returns the client that has waited longest. There is one: there are as many clients as connections.
func (k *clients) take() (v *client) {
	if k.thinks() {
		v = k.thinking[0]
		k.thinking.take(v)
		return v
	}
	v = k.first
	if k.first = v.next; k.first == nil {
		k.last = nil
	}
	return v
}

// serve gives c, which is about to send, a client and its request.
func (t *thread) serve(c *conn) {
	k := t.clients
	v := k.take()
	if k.thinks() {
		t.due = k.thinking.next()
	}
	c.client = v
	c.out = k.request(c.out[:0], v)
	about := c.answer.told
	about.file, about.count = nil, k.count
	if v.step == reading {
		about.file = k.files[v.file].content
	}
}

// leave takes the client from c, whose request has ended.
func (t *thread) leave(c *conn, now int64) {
	k, v := t.clients, c.client
	c.client = nil
	if k.thinks() {
		v.ready = now + k.think.draw(&v.random)
	}
	k.wait(v)
	if k.thinks() {
		t.due = k.thinking.next()
	}
}

// judge says what is wrong with c's answer, which is complete; in tells whether it belongs to the window.
func (t *thread) judge(c *conn, in bool) kind {
	v := c.client
	if v == nil {
		return t.plan.check.judge(&c.answer)
	}
	did, unsure := v.step, v.unsure
	k := t.clients.judge(v, &c.answer)
	if in {
		switch {
		case v.unsure > unsure:
			t.clients.ambiguous++
		case k == none && did == opening:
			t.clients.opened++
		case k == none && did == closing:
			t.clients.closed++
		}
	}
	return k
}

// broken takes note that c's request has failed. One that was not sent as a whole has no effect.
func (t *thread) broken(c *conn, in bool) {
	if c.client != nil && c.written == len(c.out) && t.clients.unanswered(c.client) && in {
		t.clients.ambiguous++
	}
}
