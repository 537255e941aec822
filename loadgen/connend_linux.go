package loadgen

// How a connection of a slot ends, and the request that is on it.

// fail ends c's request, if it has one, or its connection with an error. Nothing is sent twice: the slot goes on with
// its next request.
func (t *thread) fail(c *conn, k kind, now int64) {
	// Who sends what nobody asked for would do it again at once.
	away := c.fd < 0 || c.connecting
	rest := away || k == connectFailed || !c.busy
	t.shut(c)
	at := now
	if c.busy {
		at = c.intended
		c.harmed = c.harmed || c.crash
	}
	t.stepTo(now)
	in := t.counts(at, now)
	t.broken(c, in)
	if in {
		t.erred(c, k)
		if k == timeout && c.busy && !c.crash {
			t.censor(now-c.intended, c.slow)
		}
	}
	c.away = away
	t.release(c)
	at = t.after(c, true, now)
	if rest {
		at += restTime
	}
	t.resume(c, at)
}

// lost ends a connection that the server has closed while no request was on it, so this is no error. An idle one is
// opened again, that of a client who thinks when its next request is due.
func (t *thread) lost(c *conn, now int64) {
	t.shut(c)
	if c.list != &t.idle {
		return
	}
	t.release(c)
	if !c.used {
		now += restTime
	}
	t.resume(c, now)
}

// release takes c out of where it waits and ends its request.
func (t *thread) release(c *conn) {
	c.remove()
	t.agenda.take(c)
	if c.busy {
		t.account(t.now)
		t.inFlight--
	}
	c.busy, c.crash, c.slow = false, false, false
}

// shut closes c's connection. The kernel takes it out of the epoll instance.
func (t *thread) shut(c *conn) {
	if c.fd >= 0 {
		t.network.shut(c.fd)
	}
	c.fd, c.connecting = -1, false
}
