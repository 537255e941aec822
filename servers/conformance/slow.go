//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"serverlab/servers"
)

var slowProperties = []Property{
	{Name: "slow-client", Asks: "a client that sends byte by byte is served, and stops nobody who has a worker",
		check: slowClient},
	{Name: "slow-clients", Asks: "what slow clients do to the others is what the table says", check: slowClients},
	{Name: "slow-reader", Asks: "a client that takes an answer bit by bit gets it, and stops nobody who has a worker",
		check: slowReader},
	{Name: "reads-late", Asks: "clients that do not read do not fill the memory, and then get every answer",
		check: readsLate},
	{Name: "never-reads", Asks: "a client that never reads is given up after the idle time-out", check: neverReads},
}

// slowClient sends one byte for each whole request of another client.
func slowClient(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	if p.alone() {
		return t.converse(hello, single, false)
	}
	other, err := t.open()
	if err != nil {
		return err
	}
	defer other.Close()
	slow, err := t.open()
	if err != nil {
		return err
	}
	defer slow.Close()
	for i := range hello {
		if err := slow.send(hello[i : i+1]); err != nil {
			return err
		}
		if err := t.ask(other, hello); err != nil {
			return fmt.Errorf("the other client, after byte %d of the slow one: %w", i, err)
		}
	}
	want, _ := t.reference(hello)
	if err := slow.expect(want); err != nil {
		return fmt.Errorf("the slow client: %w", err)
	}
	return nil
}

// half is the part of a request that a slow client has sent, and rest is what it keeps back.
const (
	half = "GET / HTTP/1.1\r\nHost: confor"
	rest = "mance\r\nConnection: close\r\n\r\n"
)

// slowClients proves by experiment what the table says that clients do who have sent half a request: both whom they
// stop and whom they do not, and that all are answered in the end.
func slowClients(p *probe) error {
	const workers = 4
	t, err := p.start(Settings{Workers: workers, ReadTimeout: time.Minute})
	if err != nil {
		return err
	}
	claim := p.subject.Arch.SlowIn(p.subject.Variant)
	switch claim {
	case servers.StopsAll:
		err = t.slowOnesHold(1)
	case servers.KeepsOne:
		err = t.slowOnesHold(workers)
	case servers.KeepsQueue:
		err = t.slowOneHoldsSome()
	case servers.CostsState:
		err = t.slowOnesHoldNobody()
	default:
		return fmt.Errorf("the table says %q of slow clients: nobody knows how to prove that", claim)
	}
	if err != nil {
		return fmt.Errorf("the table says that a slow client %s: %w", claim, err)
	}
	p.found = "a slow client " + string(claim)
	return nil
}

// beSlow opens n connections that send half a request each. They come to be served in this order.
func (t *target) beSlow(n int) (slow []*client, err error) {
	for range n {
		c, err := t.dial()
		if err != nil {
			return slow, err
		}
		slow = append(slow, c)
		if err := c.send(half); err != nil {
			return slow, err
		}
	}
	return slow, nil
}

// goOn sends what a slow client has kept back, and awaits its answer and the end.
func (t *target) goOn(c *client) error {
	if err := c.send(rest); err != nil {
		return err
	}
	want, _ := t.reference(half + rest)
	if err := c.expect(want); err != nil {
		return fmt.Errorf("a slow client, when it has gone on: %w", err)
	}
	return c.Close()
}

// slowOnesHold proves that n slow clients stop everybody, and one less nobody: whoever asks then is answered after one
// of those has gone on, or has left.
func (t *target) slowOnesHold(n int) error {
	for _, leave := range []func(*client) error{t.goOn, (*client).vanish} {
		slow, err := t.beSlow(n - 1)
		defer func() { closeAll(slow) }()
		if err != nil {
			return err
		}
		for range 2 * n {
			if err := t.visit(hello); err != nil {
				return fmt.Errorf("another client beside %d slow ones: %w", n-1, err)
			}
		}
		last, err := t.beSlow(1)
		slow = append(slow, last...)
		if err != nil {
			return err
		}
		other, err := t.waiting()
		if err != nil {
			return fmt.Errorf("another client beside %d slow ones: %w", n, err)
		}
		defer other.Close()
		if err := leave(slow[0]); err != nil {
			return err
		}
		want, _ := t.reference(hello)
		if err := other.expect(want); err != nil {
			return fmt.Errorf("another client, after one of %d slow ones has gone: %w", n, err)
		}
		if err := other.Close(); err != nil {
			return err
		}
		for _, c := range slow[1:] {
			if err := t.goOn(c); err != nil {
				return err
			}
		}
	}
	return t.visit(hello)
}

// slowOneHoldsSome proves that one slow client stops those who wait for the same worker, and nobody else.
func (t *target) slowOneHoldsSome() error {
	slow, err := t.beSlow(1)
	defer func() { closeAll(slow) }()
	if err != nil {
		return err
	}
	const many = 100 // not one of which meets the slow one's worker of four: once in 10^12
	want, _ := t.reference(bye)
	var others, held []*client
	defer func() { closeAll(others) }()
	for range many {
		c, err := t.dial()
		if err != nil {
			return err
		}
		others = append(others, c)
		if err := c.send(bye); err != nil {
			return err
		}
	}
	wait := silence // for the first who is silent; the others have then waited as long
	for _, c := range others {
		waits, err := c.silent(wait)
		if err != nil {
			return err
		}
		if waits {
			held, wait = append(held, c), time.Millisecond
			continue
		}
		if err := c.expect(want); err != nil {
			return err
		}
	}
	if len(held) == 0 || len(held) == many {
		return fmt.Errorf("%d of %d others wait for a slow client, want some", len(held), many)
	}
	if err := t.goOn(slow[0]); err != nil {
		return err
	}
	for _, c := range held {
		if err := c.expect(want); err != nil {
			return fmt.Errorf("another client, after the slow one has gone on: %w", err)
		}
	}
	return nil
}

// slowOnesHoldNobody proves that many slow clients stop nobody, neither who was there before nor who comes after, and
// lose nothing by it.
func (t *target) slowOnesHoldNobody() error {
	const many = 400
	early, err := t.open()
	if err != nil {
		return err
	}
	defer early.Close()
	slow, err := t.beSlow(many)
	defer func() { closeAll(slow) }()
	if err != nil {
		return err
	}
	for range 20 {
		if err := errors.Join(t.ask(early, hello), t.visit(hello)); err != nil {
			return fmt.Errorf("another client beside %d slow ones: %w", many, err)
		}
	}
	for _, c := range slow {
		if err := t.goOn(c); err != nil {
			return err
		}
	}
	return nil
}

// slowReader takes an answer that no socket holds in small bites, and between two of them another client is served.
func slowReader(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	const large, bite = 16, 512 << 10
	in := strings.Repeat(head("GET /read?file=f09&offset=0&count=1048576"), large) + bye
	want, _ := t.reference(in)
	c, err := t.open()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.send(in); err != nil {
		return err
	}
	for at := 0; at < len(want); at += bite {
		if err := c.expect(want[at:min(len(want), at+bite)]); err != nil {
			return fmt.Errorf("the slow reader, at byte %d of %d: %w", at, len(want), err)
		}
		if p.alone() {
			continue
		}
		if err := t.visit(hello); err != nil {
			return fmt.Errorf("another client, at byte %d of %d of the slow reader: %w", at, len(want), err)
		}
	}
	if err := c.expectEnd(); err != nil {
		return fmt.Errorf("the slow reader: %w", err)
	}
	return t.visit(hello)
}

// The load of readsLate: without a bound a server would buffer their product.
const (
	lateClients  = 4
	lateRequests = 32
	lateAnswer   = 1 << 20
	lateBound    = lateClients * lateRequests * lateAnswer / 2
)

// readsLate asks for 128 MB, and for many small answers, and reads nothing while others are served; then it reads
// it all.
func readsLate(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	if err := t.visit(hello); err != nil {
		return err
	}
	before, err := t.peaks()
	if err != nil {
		return err
	}
	var late []*client
	in := strings.Repeat(head(fmt.Sprintf("GET /read?file=f08&offset=0&count=%d", lateAnswer)), lateRequests) + bye
	small := 10_000
	if p.spawns() {
		small = 100 // each costs a process
	}
	ins := append(slices.Repeat([]string{in}, lateClients), strings.Repeat(hello, small)+bye)
	var sending errgroup.Group
	defer func() { closeAll(late); _ = sending.Wait() }() // the error is that of the connection, which is read from
	for _, in := range ins {
		c, err := t.dial()
		if err != nil {
			return err
		}
		late = append(late, c)
		sending.Go(func() error { return c.send(in) })
	}
	if !p.alone() {
		for i := range 100 {
			if err := t.visit(hello); err != nil {
				return fmt.Errorf("other client %d: %w", i, err)
			}
		}
	}
	large, _ := t.reference(in)
	var readers errgroup.Group
	for i, c := range late {
		want := large
		if i == lateClients {
			want, _ = t.reference(ins[i])
		}
		readers.Go(func() error {
			defer c.Close()
			if err := c.expect(want); err != nil {
				return err
			}
			return c.expectEnd()
		})
	}
	if err := readers.Wait(); err != nil {
		return fmt.Errorf("a late reader: %w", err)
	}
	grown, err := t.grownPeak(before)
	if err == nil && grown > lateBound {
		err = fmt.Errorf("%d MB more of memory for clients that do not read", grown>>20)
	}
	return err
}

// neverReads asks for much, reads nothing and waits to be given up; so that others, who wait for it in some
// architectures, are served.
func neverReads(p *probe) error {
	t, err := p.start(Settings{IdleTimeout: 200 * time.Millisecond, Workers: 1})
	if err != nil {
		return err
	}
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.send(bigRequests); err != nil {
		return err
	}
	if err := t.visit(hello); err != nil {
		return fmt.Errorf("another client: %w", err)
	}
	// The end of the connection is behind what is not read; only sending tells. The server reads none of it.
	return p.eventually(func() error {
		if err := c.send("G"); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("the connection was not given up")
		}
		return nil
	})
}
