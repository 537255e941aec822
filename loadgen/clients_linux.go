package loadgen

// A client of a partly open load makes its way through a slot like this; in a closed loop it never leaves, and in an
// open one it leaves after its first request.
//
//	arrive ──▶ ask ──▶ (an answer) ──▶ after ──▶ resume: it thinks ──▶ ask ...
//	                                     └────▶ it leaves, and the slot is free

// arrive gives the arrival that is due to c, which is free.
func (t *thread) arrive(c *conn) {
	at := t.due
	if !t.plan.open { // a client of a session load has thought
		t.give(c, at)
		return
	}
	if t.plan.partly {
		c.left = t.schedule.requests
	}
	if t.plan.partly || t.plan.mix.share > 0 {
		c.thoughts = thoughts(t.plan.seed, t.schedule.client)
	}
	t.advance()
	t.ask(c, at)
}

// ask gives c a request that an open loop intends to send.
func (t *thread) ask(c *conn, intended int64) {
	t.choose(c)
	if intended >= t.plan.begin {
		t.intend(c.slow)
	}
	t.give(c, intended)
}

// after returns the moment at which c goes on after a request that has ended now: at once, or when its client has
// thought. A client with sessions thinks without the connection. A client of a partly open load leaves instead when it
// has all its answers, after an error, and when it would think beyond the window; then nothing is left of its visit, and
// the slot is free at once.
func (t *thread) after(c *conn, failed bool, now int64) int64 {
	switch {
	case c.client != nil:
		t.leave(c, now)
		return now
	case t.clients != nil:
		return now
	case !t.plan.partly:
		return now + t.plan.think.draw(&c.thoughts)
	}
	if c.left--; c.left > 0 && !failed {
		if at := now + t.plan.think.draw(&c.thoughts); at < t.plan.end {
			return at
		}
	}
	c.left = 0
	return now
}

// resume lets c, which has no request, go on at a moment, or in the next turn of the loop if that is past.
func (t *thread) resume(c *conn, at int64) {
	c.free = at
	if at > t.now {
		t.agenda.push(c)
		return
	}
	t.again.push(c)
}

// held is the number of an open loop's requests that are due before end and are not sent.
func (t *thread) held(end int64) uint64 {
	if !t.plan.open {
		return 0
	}
	return t.schedule.before(end, t.due) + t.overdue(end)
}

// overdue is the number of clients in the middle of a visit whose next request is due before end and is not sent.
func (t *thread) overdue(end int64) (n uint64) {
	if !t.plan.partly {
		return 0
	}
	for i := range t.conns {
		if c := &t.conns[i]; !c.busy && c.left > 0 && c.free < end {
			n++
		}
	}
	return n
}

// allAnswered reports whether an open loop has all answers, and nothing to ask before end.
func (t *thread) allAnswered(end int64) bool {
	return t.inFlight == 0 && t.due == never && t.overdue(end) == 0
}

// giveUp ends an open loop's request that was due and could not be sent.
func (t *thread) giveUp(intended int64, slow bool, now int64) {
	if intended >= t.plan.begin {
		t.intend(slow)
		t.censor(now-intended, slow)
	}
}
