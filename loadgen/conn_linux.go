package loadgen

import (
	"math/rand/v2"

	"golang.org/x/sys/unix"
)

// A connection slot goes round like this; a slot outlives the connections that it holds one after the other.
//
//	           give                    dial             write            read
//	free ───────────────▶ busy:  closed ────▶ connecting ────▶ connected ────▶ answered ──▶ free
//	 ▲                      │
//	 └── again / agenda ◀───┴── fail (an error, a timeout)
//
// With keep-alive it is still connected when it is free. In an open loop it is then kept in the list of idle ones, and
// opened beforehand, so that a request that becomes due finds it ready.
type conn struct {
	fd         int32 // -1: closed
	index      int32 // in its thread
	tag        int32 // number of the connection in this slot: an event of an earlier one is not for this one
	list       *fifo // that it is in, and its neighbours there
	prev, next *conn

	events     uint32 // that the socket is registered for; 0: not registered
	connecting bool
	busy       bool // it has a request
	crash      bool // ... which is the one that crashes or blocks a worker
	slow       bool // ... which is the seldom one of a mix
	used       bool // the connection has carried an answer
	served     bool // the slot got a right answer, at any time
	harmed     bool // the slot saw an error in the window, or its crash request got no answer
	away       bool // no connection could be opened the last time
	written    int  // bytes of the request

	spot     int32    // in the agenda
	left     int32    // partly open: requests to come of the visit, with the one that it has
	thoughts rand.PCG // of the client

	free     int64 // when the slot became free, or is going to
	intended int64 // when the request was meant to be sent
	sent     int64 // when its sending began
	first    int64 // when the first byte of its answer came; 0: not yet
	deadline int64
	from     *address // nil: the kernel chooses
	client   *client  // of a session load, whose request it is
	out      []byte   // ... and that request
	answer   response
}

// fifo is a list of connections in the order of their entry. A connection is in one list at most.
type fifo struct{ head, tail *conn }

func (l *fifo) push(c *conn) {
	c.list, c.prev, c.next = l, l.tail, nil
	if l.tail == nil {
		l.head = c
	} else {
		l.tail.next = c
	}
	l.tail = c
}

// remove takes c out of the list that it is in, if any.
func (c *conn) remove() {
	l := c.list
	if l == nil {
		return
	}
	if c.prev == nil {
		l.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.list, c.prev, c.next = nil, nil, nil
}

// Every socket is registered once, edge-triggered, so that the kernel has no list to walk for those that were served
// already. A short read then tells that the socket is drained, unless the end of the stream was reported with it.
const (
	readable = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET
	writable = unix.EPOLLOUT
	ended    = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// restTime is how long a slot rests after a connection that could not be opened, in nanoseconds, and in a closed loop
// after a request that was shed: 503 comes at once, and a client that asked again at once, as no real one does, would
// have the server do little else than refuse. In an open loop the schedule says when to ask.
const restTime = 10e6

// maxReads bounds the reads of one event, so that a flood on one connection can't starve the others.
const maxReads = 16

// freed takes c, which has no request, at the moment since which it has none: it gets its next one, or waits for it.
func (t *thread) freed(c *conn, at int64) {
	c.free = at
	switch {
	case c.left > 0: // of a visit
		t.ask(c, at)
	case c.fd < 0 && t.plan.open && t.plan.keepAlive && !t.plan.partly:
		t.dialIdle(c)
	case t.crashDue:
		t.crashDue, c.crash = false, true
		t.give(c, at)
	case !t.plan.open && (t.clients == nil || !t.clients.thinks()):
		t.choose(c)
		t.give(c, at)
	case t.due <= at:
		t.arrive(c)
	default:
		t.idle.push(c)
	}
}

// give starts a request on c, which is free.
func (t *thread) give(c *conn, intended int64) {
	now := t.clock()
	t.account(now)
	c.busy, c.intended, c.sent, c.first, c.written = true, intended, now, 0, 0
	c.answer.reset()
	if t.clients != nil {
		t.serve(c)
	}
	c.deadline = now + t.plan.timeout
	t.waiting.push(c)
	t.inFlight++
	if c.crash {
		t.crashSent = now
	} else if t.counts(intended, now) {
		t.lag.record(now - max(intended, c.free))
		t.audit.sent(now)
	}
	if c.fd < 0 && !t.dial(c) {
		return
	}
	t.write(c)
}

// dial starts to open a connection for c.
func (t *thread) dial(c *conn) bool {
	fd, k := t.network.open(c.from)
	if k != none {
		t.fail(c, k, t.clock())
		return false
	}
	c.fd, c.connecting, c.used, c.events = fd, true, false, 0
	c.tag++
	return true
}

// dialIdle opens a connection beforehand.
func (t *thread) dialIdle(c *conn) {
	c.deadline = t.clock() + t.plan.timeout
	t.waiting.push(c)
	if t.dial(c) {
		t.watch(c, readable|writable)
	}
}

// watch registers c's socket for events, if it is not registered for them already.
func (t *thread) watch(c *conn, events uint32) {
	if events&^c.events == 0 {
		return
	}
	op := uintptr(unix.EPOLL_CTL_ADD)
	if c.events != 0 {
		op = unix.EPOLL_CTL_MOD
	}
	c.events |= events
	if errno := t.network.watch(op, c.fd, c.index, c.tag, c.events); errno != 0 {
		t.fail(c, connectFailed, t.clock())
	}
}

// write sends what the socket takes of c's request. It does so even where the connection is not known to be open:
// over loopback it usually is by then.
func (t *thread) write(c *conn) {
	out := t.text(c)
	for c.written < len(out) {
		n, errno := t.network.send(c.fd, out[c.written:])
		if errno == unix.EAGAIN {
			t.watch(c, readable|writable)
			return
		}
		if errno != 0 {
			k := reset
			if c.connecting {
				k = connectKind(errno)
			}
			t.fail(c, k, t.clock())
			return
		}
		if c.connecting {
			c.connecting, c.away = false, false
			t.meter.opened++
			if now := t.clock(); t.counts(c.intended, now) {
				t.connect.record(now - c.sent)
			}
		}
		c.written += n
		t.meter.out += uint64(n)
	}
	t.watch(c, readable)
}

// event acts on what epoll reports of c's connection.
func (t *thread) event(c *conn, events uint32) {
	switch {
	case c.connecting && !c.busy:
		if errno := t.network.socketError(c.fd); errno != 0 {
			t.fail(c, connectKind(errno), t.clock())
			return
		}
		if events&writable == 0 {
			return
		}
		c.connecting, c.away = false, false
		t.meter.opened++
		c.remove()
		t.freed(c, t.clock())
	case c.busy && events&(writable|ended) != 0 && c.written < len(t.text(c)):
		t.write(c) // which meets the error, if there is one
	}
	if c.fd >= 0 && !c.connecting && events&(unix.EPOLLIN|ended) != 0 {
		t.read(c, events)
	}
}

// text is the request that c has.
func (t *thread) text(c *conn) []byte {
	switch {
	case c.crash:
		return t.plan.crash
	case t.clients != nil:
		return c.out
	case c.slow:
		return t.plan.mix.request
	}
	return t.plan.request
}

// read takes what has come on c's connection.
func (t *thread) read(c *conn, events uint32) {
	for range maxReads {
		n, errno := t.network.receive(c.fd, t.buffer)
		now := t.clock()
		switch {
		case errno == unix.EAGAIN:
			return
		case !c.busy && (errno != 0 || n == 0):
			t.lost(c, now)
			return
		case errno != 0:
			t.fail(c, reset, now)
			return
		case n == 0 && c.answer.eof(t.plan.check) == done:
			t.answered(c, now, true)
			return
		case n == 0:
			t.fail(c, closed, now)
			return
		}
		t.meter.in += uint64(n)
		if !c.busy { // nothing was asked
			t.fail(c, malformed, now)
			return
		}
		whole := c.first == 0
		if whole {
			c.first = now
			if t.known.recall(t.buffer[:n], &c.answer) {
				t.answered(c, now, events&ended != 0)
				return
			}
		}
		used, what := c.answer.feed(t.buffer[:n], t.plan.check)
		if whole && what == done && used == n && t.clients == nil { // to another client the same may mean something else
			t.known.learn(t.buffer[:n], &c.answer)
		}
		switch {
		case what == bad || what == done && used < n:
			t.fail(c, malformed, now)
			return
		case what == done:
			t.answered(c, now, events&ended != 0)
			return
		case n < len(t.buffer) && events&ended == 0:
			return
		}
	}
	// There may be more, and no edge will tell: registering anew does.
	if errno := t.network.watch(unix.EPOLL_CTL_MOD, c.fd, c.index, c.tag, c.events); errno != 0 {
		t.fail(c, connectFailed, t.clock())
	}
}

// answered takes c's answer, which is complete. The server has closed the connection already if ended is set.
func (t *thread) answered(c *conn, now int64, ended bool) {
	t.stepTo(now)
	in := t.counts(c.intended, now)
	if in {
		t.status[c.answer.status]++
	}
	k := t.judge(c, in)
	switch {
	case c.crash: // any answer will do: it is none of the load's
	case k == shed && in:
		t.shed(c, now)
	case k != none && in:
		t.erred(c, k)
	case k == none:
		c.served = true
		if !c.slow {
			t.meter.right++
		}
		if t.plan.fault.set {
			t.recovers(c, now)
		}
		if in {
			t.took(c, now)
		}
	}
	at := t.after(c, k != none, now)
	if k == shed && !t.plan.open {
		at = max(at, now+restTime)
	}
	old := int32(-1)
	leaves := t.plan.partly && c.left == 0
	if ended || leaves || !t.plan.keepAlive || c.answer.mustClose() || c.written < len(t.text(c)) {
		old, c.fd = c.fd, -1
	}
	c.used = true
	t.release(c)
	if at > now || old < 0 && !t.plan.open {
		t.resume(c, at) // after the other answers of this turn: none waits for requests to be sent
	} else {
		t.freed(c, now)
	}
	if old >= 0 {
		t.network.shut(old) // only now, so that its cost delays nothing
	}
}

// shed counts c's request, to which 503 came now. How soon is no response time: with such short ones among them, a
// server would look the faster, the more it turns away.
func (t *thread) shed(c *conn, now int64) {
	t.series.open.errors[shed]++
	t.shedTime += now - c.sent
	c.harmed = true
}

// took records the times of c's answer, which is right and came now.
func (t *thread) took(c *conn, now int64) {
	if c.slow {
		t.slow.took(c, now)
		return
	}
	t.series.open.requests++
	t.series.response.record(now - c.intended)
	t.series.service.record(now - c.sent)
	t.firstByte.record(c.first - c.sent)
	t.audit.served(now - c.sent)
}
