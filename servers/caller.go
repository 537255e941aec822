//go:build linux

package servers

import (
	"golang.org/x/sys/unix"

	"serverlab/internal/uring"
	"serverlab/servers/http1"
)

// caller is a connection of a proactor. A silent one is this struct and an order to receive.
type caller struct {
	p        *proactor
	fd       int
	number   int            // in proactor.at
	session  *http1.Session // nil until input comes, and when only the end is awaited
	out      []byte         // answers; while they are being sent they belong to the kernel
	taken    int            // bytes of out that the socket has taken
	held     []byte         // input that came while answers could not be sent
	more     bool           // the session has more answers
	closing  bool           // after out
	surplus  bool           // input came that nobody reads
	answered bool           // a request, since it was last awaited

	queued    bool // it is to be sent to in this turn
	sending   bool // the kernel has an order to send when the socket takes more
	receiving bool // the kernel has an order to receive
	deaf      bool // that one is canceled, and not ended yet
	gone      bool // closed, once the kernel lets go of it
	place     place[*caller]
}

// id is what an order of a connection carries.
func (c *caller) id(kind uint64) uint64 { return uint64(c.number)<<kindBits | kind }

// busy tells whether a connection has something to do as soon as its answers are sent.
func (c *caller) busy() bool {
	return c.more || c.closing || len(c.held) > 0 || !c.receiving || c.session.Partial()
}

// received takes input, or learns of its end.
func (p *proactor) received(c *caller, done uring.Completion) {
	c.receiving = done.More()
	c.deaf = c.deaf && c.receiving
	id, ok := done.Buffer()
	switch {
	case c.gone:
	case done.Result > 0:
		p.take(c, p.buffers.Bytes(id, int(done.Result)))
	case len(c.out) == 0 && (done.Err() == nil || broken(done.Err())):
		p.close(c)
	}
	if ok {
		p.buffers.Return(id)
	}
	switch {
	case c.gone:
		p.letGo(c)
	case !c.receiving && len(c.out) == 0: // otherwise when that is sent; also to learn of the end once more
		p.receive(c)
	}
}

// take is for input.
func (p *proactor) take(c *caller, input []byte) {
	switch {
	case c.place.line == &p.lingering: // thrown away
	case c.closing:
		c.surplus = true
	case c.more, c.sending, len(c.held) > 0, len(c.out) >= mostOutput:
		c.held = append(c.held, input...)
		if c.receiving && !c.deaf { // a client that does not take its answers is not read from either
			c.deaf = true
			p.ring.Cancel(c.id(receiveDone), c.id(cancelFailed))
		}
	default:
		p.feed(c, input)
	}
}

// feed answers what can be answered: the work of the loop.
func (p *proactor) feed(c *caller, input []byte) {
	if c.session == nil {
		c.session = p.cfg.session(p.handler)
		if p.stopping {
			c.session.CloseAfter()
		}
	}
	if c.out == nil {
		c.out = p.buffer()
	}
	before := c.session.Requests()
	c.out, c.more, c.closing = c.session.Feed(c.out, input)
	if n := c.session.Requests() - before; n > 0 {
		c.answered = true
		p.slot.Requests.Add(n)
	}
	if len(c.out) > 0 || c.more || c.closing {
		p.enqueue(c)
		return
	}
	p.recycle(c)
	p.await(c)
}

// enqueue has answers sent at the end of the turn, with those of the others.
func (p *proactor) enqueue(c *caller) {
	if !c.queued {
		c.queued = true
		p.queue = append(p.queue, c)
		p.idle.join(&c.place, p.now)
	}
}

// sent is told that the socket has taken more of an answer.
func (p *proactor) sent(c *caller, done uring.Completion) {
	c.sending = false
	switch {
	case c.gone:
		p.letGo(c)
	case p.took(c, done):
		p.done(c)
	}
}

// took notes what the socket has taken, and reports whether that was all. The rest waits until it takes more.
func (p *proactor) took(c *caller, done uring.Completion) bool {
	if err := done.Err(); err == nil {
		c.taken += int(done.Result)
	} else if broken(err) {
		p.close(c)
		return false
	}
	if c.taken == len(c.out) {
		return true
	}
	c.sending = true
	p.idle.join(&c.place, p.now)
	p.ring.Send(c.fd, c.out[c.taken:], c.id(sendDone))
	return false
}

// done goes on when all answers are sent.
func (p *proactor) done(c *caller) {
	p.recycle(c)
	switch {
	case c.closing:
		p.finish(c)
	case c.more || len(c.held) > 0:
		held := c.held
		c.held = nil
		p.feed(c, held)
	default:
		p.await(c)
	}
}

// await waits for the next request, or for the rest of one that has begun: then the time runs from its beginning.
func (p *proactor) await(c *caller) {
	switch {
	case c.session == nil || !c.session.Partial():
		p.idle.join(&c.place, p.now)
	case c.answered || c.place.line != &p.reading: // bounds the request, not the read
		p.reading.join(&c.place, p.now)
	}
	c.answered = false
	if p.stopping {
		_ = unix.Shutdown(c.fd, unix.SHUT_RD)
	}
	p.receive(c)
}

// receive orders input: a piece at first, and of whoever stays beyond that once for all. A client that leaves after one
// request has nothing to be canceled, which would cost more than a second order.
func (p *proactor) receive(c *caller) {
	switch {
	case c.receiving:
		return
	case p.cfg.KeepAlive && c.session != nil:
		p.ring.Receive(c.fd, p.buffers, c.id(receiveDone))
	default:
		p.ring.ReceiveOnce(c.fd, p.buffers, c.id(receiveDone))
	}
	c.receiving = true
}

// finish closes a connection after its last answer; see reactor.finish.
func (p *proactor) finish(c *caller) {
	allRead := c.session != nil && !c.session.Unread() && !c.surplus && !unread(c.fd)
	if allRead || unix.Shutdown(c.fd, unix.SHUT_WR) != nil {
		p.close(c)
		return
	}
	p.lingering.join(&c.place, p.now)
	p.receive(c)
}

// tooSlow ends a connection whose request did not arrive in time.
func (p *proactor) tooSlow(c *caller) {
	c.session.Release()
	c.session = nil
	c.out, c.closing = http1.ErrorAnswer(408, "the request took too long to arrive"), true
	p.enqueue(c)
}

// close may be called again.
func (p *proactor) close(c *caller) {
	if c.gone {
		return
	}
	c.gone = true
	c.place.leave()
	if c.session != nil {
		c.session.Release()
	}
	if c.receiving || c.sending {
		p.ring.CancelAll(c.fd, c.id(closeFailed))
	}
	p.letGo(c)
}

// letGo gives back what a closed connection has, when the kernel is done with it. Another may then have its number: no
// completion is to come that carries it, but perhaps of a cancel that failed, and that does no harm.
func (p *proactor) letGo(c *caller) {
	if c.receiving || c.sending || p.at[c.number] != c {
		return
	}
	p.ring.CloseDescriptor(c.fd, closeFailed)
	p.at[c.number] = nil
	p.free = append(p.free, c.number)
	p.count(-1)
}

// buffer is one for answers.
func (p *proactor) buffer() []byte {
	last := len(p.spare) - 1
	if last < 0 {
		return make([]byte, 0, 1<<10)
	}
	b := p.spare[last]
	p.spare = p.spare[:last]
	return b
}

// recycle takes the buffer of answers that are sent.
func (p *proactor) recycle(c *caller) {
	if cap(c.out) > 0 && cap(c.out) <= 256<<10 && len(p.spare) < spareBuffers { // a rare large answer is not kept
		p.spare = append(p.spare, c.out[:0])
	}
	c.out, c.taken = nil, 0
}
