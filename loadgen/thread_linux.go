package loadgen

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// plan is what all threads share. But for stop nobody writes it while the load goes on.
type plan struct {
	target    address
	request   []byte
	crash     []byte
	check     *expected
	timeout   int64
	spin      int64
	nodelay   bool
	open      bool // open loop
	partly    bool // ... in which clients come and go
	think     Think
	seed      uint64
	keepAlive bool
	sessions  *sessions // nil: each request is the same
	mix       mix
	fault     fault

	base       time.Time    // the load begins here: all moments are nanoseconds since then
	begin, end int64        // of the window
	step       int64        // of the series; 0: the usual one
	grace      int64        // for the answers of an open loop after end
	stop       atomic.Int64 // 0, or the moment of an early end
}

// meter counts what is reported as a difference between the edges of the window.
type meter struct {
	cpu, spun, wait int64 // nanoseconds; wait: ready to run without a CPU
	in, out, opened uint64
	right           uint64  // answers, whenever they were intended
	flown           float64 // requests in flight x nanoseconds
}

func (m meter) minus(o meter) meter {
	return meter{m.cpu - o.cpu, m.spun - o.spun, m.wait - o.wait, m.in - o.in, m.out - o.out, m.opened - o.opened,
		m.right - o.right, m.flown - o.flown}
}

func (m meter) plus(o meter) meter { return m.minus(meter{}.minus(o)) }

// thread is one loop with its connections. All that it needs is allocated before it starts.
type thread struct {
	plan    *plan
	network network
	conns   []conn
	buffer  []byte
	known   known

	waiting fifo // for an answer or a connection, in the order of their deadlines
	idle    fifo // an open loop's: free, and open if connections are kept
	again   fifo // to go on with in the next turn
	agenda  agenda[*conn]
	clients *clients // of a session load

	schedule arrivals
	// due is the open loop's next arrival; never, if there is none before the end. Where clients with sessions think, it
	// is the moment at which the next one has thought.
	due      int64
	now      int64 // the clock as it was last read
	edge     int64 // the next moment of the run at which cross is called
	crashAt  int64 // never, but for one thread
	crashDue bool
	// crashSent is when it was sent; 0: not yet.
	crashSent int64
	inFlight  int
	flownAt   int64 // up to when meter.flown counts

	begun, over bool // the window
	meter       meter
	atBegin     meter
	window      meter // the difference, when the window is over

	series                  series
	lag, firstByte, connect recorder
	slow                    seldom
	audit                   audit
	stall                   stall

	intended, censored, backlog uint64
	shedTime                    int64 // nanoseconds between sending and 503, of all that was shed in the window

	failed    uint64 // since the fault
	recovered int64  // when the first right answer to a request after the fault came; 0: not yet

	status [1000]uint64
}

// clock returns the nanoseconds since the load began.
func (t *thread) clock() int64 {
	t.now = t.network.clock()
	t.stall.look(t.now)
	return t.now
}

// account brings meter.flown up to now, before the number of requests in flight changes.
func (t *thread) account(now int64) {
	t.meter.flown += float64(t.inFlight) * float64(now-t.flownAt)
	t.flownAt = now
}

// counts reports whether a request that was intended at one moment and ends now belongs to the window.
func (t *thread) counts(intended, now int64) bool {
	if t.plan.open {
		now = intended
	}
	return now >= t.plan.begin && now < t.plan.end
}

// run loads the server until the end.
func (t *thread) run() {
	t.edge = t.plan.begin
	t.due = never
	switch {
	case t.plan.open:
		t.due = 0
		t.advance()
	case t.clients != nil:
		t.due = t.clients.thinking.next()
	}
	for i := range t.conns {
		t.resume(&t.conns[i], t.conns[i].free)
	}
	for t.clock() < 0 && t.plan.stop.Load() == 0 {
		t.network.wait(-t.now)
	}
	for {
		ready := t.turn()
		for i := range ready {
			ev := &ready[i]
			if ev.Fd < 0 {
				continue // woken to stop
			}
			if c := &t.conns[ev.Fd]; c.fd >= 0 && c.tag == ev.Pad {
				t.event(c, ev.Events)
			}
			if t.due <= t.now {
				t.dispatch()
			}
		}
		now := t.clock()
		if t.plan.stop.Load() != 0 {
			t.finish(now)
			return
		}
		for now >= t.edge {
			t.cross()
		}
		t.stepTo(now)
		if t.over && (!t.plan.open || t.edge == never || t.allAnswered(t.plan.end)) {
			t.finish(now)
			return
		}
		t.goOn(now)
	}
}

// turn returns the events that are ready. If there is none, it waits for one, at most until there is something else to
// do.
func (t *thread) turn() (ready []unix.EpollEvent) {
	if t.again.head != nil {
		return t.network.wait(0)
	}
	now := t.clock()
	limit := min(t.edge, t.series.ends, t.crashAt)
	if c := t.waiting.head; c != nil {
		limit = min(limit, c.deadline)
	}
	next := int64(never) // intended moment for which a connection is free
	if t.idle.head != nil {
		next = t.due
	}
	next = min(next, t.agenda.next())
	if next > limit {
		t.stall.expected = limit
		return t.network.wait(limit - now)
	}
	if ns := next - t.plan.spin - now; ns > 0 {
		t.stall.expected = now + ns
		return t.network.wait(ns)
	}
	from := now
	for ready = t.network.wait(0); len(ready) == 0 && t.clock() < next; {
		ready = t.network.wait(0)
	}
	t.meter.spun += max(0, min(t.now, next)-from)
	return ready
}

// stepTo ends every step of the series that is over by now. Nothing has happened since the last call, so what is in
// flight now was in flight when each of them ended.
func (t *thread) stepTo(now int64) {
	for s := &t.series; now >= s.ends; s.ends += s.step {
		s.closeStep(t.inFlight, max(0, s.ends-t.due), false)
		t.audit.next()
	}
}

// cross acts on an edge of the run: the window begins, it ends, or the time after it is over.
func (t *thread) cross() {
	t.account(t.edge)
	switch t.meter.cpu, t.meter.wait = t.network.cpu(); {
	case !t.begun:
		t.begun, t.atBegin, t.edge = true, t.meter, t.plan.end
	case !t.over:
		t.over, t.window, t.edge = true, t.meter.minus(t.atBegin), t.plan.end+t.plan.grace
		t.backlog = t.held(t.plan.end)
	default:
		t.edge = never
	}
}

// startsPerTurn bounds how many connections are opened before events are looked at again.
const startsPerTurn = 256

// goOn does what has become due by now.
func (t *thread) goOn(now int64) {
	for c := t.waiting.head; c != nil && c.deadline <= now; c = t.waiting.head {
		t.fail(c, timeout, now)
	}
	if now >= t.crashAt {
		t.crashAt, t.crashDue = never, now < t.plan.end
	}
	for t.agenda.next() <= now {
		c := t.agenda[0]
		t.agenda.take(c)
		t.again.push(c)
	}
	for range startsPerTurn {
		c := t.again.head
		if c == nil {
			break
		}
		c.remove()
		t.freed(c, c.free)
	}
	t.dispatch()
}

// dispatch sends what is due as long as a connection is idle, longest idle first.
func (t *thread) dispatch() {
	for c := t.idle.head; c != nil && (t.due <= t.now || t.crashDue); c = t.idle.head {
		c.remove()
		if t.crashDue {
			t.crashDue, c.crash = false, true
			t.give(c, t.now)
			continue
		}
		t.arrive(c)
	}
}

// advance moves the schedule on.
func (t *thread) advance() {
	if t.due = t.schedule.next(); t.due >= t.plan.end {
		t.due = never
	}
}

// finish closes what is open and records what is still unanswered. An early end cuts the window short.
func (t *thread) finish(now int64) {
	begin, end := t.plan.begin, t.plan.end
	if stop := t.plan.stop.Load(); stop != 0 {
		end = min(end, stop)
	}
	if !t.over && t.begun {
		t.account(now)
		t.meter.cpu, t.meter.wait = t.network.cpu()
		t.window = t.meter.minus(t.atBegin)
		t.backlog = t.held(end)
	}
	for ; t.plan.open && t.due < end; t.advance() {
		r := thoughts(t.plan.seed, t.schedule.client)
		t.giveUp(t.due, t.plan.mix.draw(&r), now)
	}
	for i := range t.conns {
		c := &t.conns[i]
		switch {
		case !c.busy && c.left > 0 && c.free < end:
			t.giveUp(c.free, t.plan.mix.draw(&c.thoughts), now)
		case !c.busy:
		case c.crash:
			c.harmed = true
		case t.plan.open && c.intended >= begin && c.intended < end:
			t.censor(now-c.intended, c.slow)
		case !t.plan.open && !c.served && t.begun && c.intended < end:
			t.censor(end-c.intended, c.slow)
		}
		t.shut(c)
	}
	t.series.closeStep(t.inFlight, max(0, now-t.due), true)
}

// censor records a request without an answer at the time that it has waited.
func (t *thread) censor(ns int64, slow bool) {
	if slow {
		t.slow.censored++
		t.slow.response.record(ns)
		return
	}
	t.censored++
	t.series.response.record(ns)
}
