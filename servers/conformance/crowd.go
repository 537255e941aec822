//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

var crowdProperties = []Property{
	{Name: "crowd", Asks: "1,000 connections are all served", Heavy: true, check: crowd},
	{Name: "admission", Asks: "what its queue has no place for is answered 503, in order, and the connection goes on",
		check: admission},
	{Name: "silent-crowd", Asks: "10,000 connections that say nothing leave others answered", Process: true, Heavy: true,
		check: silentCrowd},
	{Name: "descriptors", Asks: "a flood that takes all descriptors neither ends the server nor has it spin",
		Process: true, Heavy: true, check: descriptors},
}

// crowd opens 1,000 connections before the first is asked anything. Where there are fewer places, the others wait in
// the backlog, and each is served when those before it have left. Who sheds load may refuse some of what comes at once.
func crowd(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	const all = 1000
	atOnce, request, rounds := all, hello, 2
	if !p.refuses() {
		atOnce, request, rounds = min(all, backlog()), bye, 1
	}
	if p.spawns() {
		rounds = 1 // each costs a process
	}
	want, _ := t.reference(request)
	took := 0 // requests
	for served := 0; served < all; served += atOnce {
		var clients []*client
		defer func() { closeAll(clients) }()
		for range min(atOnce, all-served) {
			c, err := t.dial()
			if err != nil {
				return fmt.Errorf("connection %d: %w", served+len(clients)+1, err)
			}
			clients = append(clients, c)
		}
		for range rounds {
			for i, c := range clients {
				if err := c.send(request); err != nil {
					return fmt.Errorf("client %d: %w", served+i+1, err)
				}
			}
			for i, c := range clients {
				right, err := t.expectOrRefused(c, request, want)
				if err != nil {
					return fmt.Errorf("client %d: %w", served+i+1, err)
				}
				if right {
					took++
				}
			}
		}
		closeAll(clients)
	}
	if least := t.settings.Workers; took < least {
		return fmt.Errorf("%d requests were answered, and all others refused: want %d at least", took, least)
	}
	return nil
}

// backlog is how many connections the kernel lets wait for accept: Go asks for as many as it may.
func backlog() int {
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return 128
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 1 {
		return 128
	}
	return n
}

// silentCrowd opens as many connections as it may, all of which say nothing, to a server that has a process of its own,
// and descriptors of its own with it. Who accepts them all serves others meanwhile; who has them wait, when they have
// left.
func silentCrowd(p *probe) error {
	many, scaled, err := p.crowdSize()
	if err != nil {
		return err
	}
	t, err := p.start(Settings{MaxConns: many + crowdRoom/2})
	if err != nil {
		return err
	}
	var silent, served []*client
	defer func() { closeAll(silent); closeAll(served) }()
	if p.refuses() {
		if served, err = t.openMany(4); err != nil {
			return err
		}
	}
	for range many {
		c, err := t.dial()
		if err != nil {
			return fmt.Errorf("connection %d of %d: %w", len(silent)+1, many, err)
		}
		silent = append(silent, c)
	}
	if p.refuses() {
		for i, c := range served {
			if err := errors.Join(t.ask(c, hello), t.visit(hello)); err != nil {
				return fmt.Errorf("client %d beside %d silent ones: %w", i, many, err)
			}
		}
	}
	for i, c := range silent {
		if i%2 == 0 {
			_ = c.vanish() // the server may have been quicker
		}
	}
	closeAll(silent)
	if err := p.eventually(func() error { return t.visit(hello) }); err != nil {
		return fmt.Errorf("after %d silent ones have left: %w", many, err)
	}
	p.found = fmt.Sprintf("%d connections that say nothing%s leave others answered", many, scaled)
	return nil
}

// crowdRoom is for whoever is not of the crowd, and for other descriptors of this process and the server's.
const crowdRoom = 256

// crowdSize is how many connections there can be, and what scaled their number down.
func (p *probe) crowdSize() (many int, scaled string, err error) {
	const all = 10_000
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, "", fmt.Errorf("the limit of descriptors: %w", err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, "", err
	}
	many = all
	for _, bound := range []struct {
		most  int
		of    string
		holds bool
	}{
		{p.subject.Crowd, "as this check was told", p.subject.Crowd > 0},
		{int(min(limit.Cur, all+1<<20)) - len(open) - crowdRoom, "by the client's limit of descriptors", true},
		{int(min(limit.Max, all+1<<20)) - crowdRoom, "by the server's limit of descriptors", true},
		{backlog() - crowdRoom, "by the backlog: net.core.somaxconn", !p.refuses()},
	} {
		if bound.holds && bound.most < many {
			many, scaled = bound.most, fmt.Sprintf(" (of %d, scaled down %s)", all, bound.of)
		}
	}
	if many < 1 {
		return 0, "", skipped("too few descriptors for a crowd" + scaled)
	}
	return many, scaled, nil
}

// descriptors takes a server's descriptors away in two ways: by a flood above the limit that it has known from the
// beginning, and by a limit that sinks while it runs, so that accept fails whatever the server had planned.
func descriptors(p *probe) error {
	settings := Settings{Descriptors: 300, Workers: 400}
	if p.isolates() {
		settings.Workers = 8 // each has a limit of its own
	}
	t, err := p.start(settings)
	if err != nil {
		return err
	}
	if err := t.visit(hello); err != nil {
		return err
	}
	var early []*client
	defer func() { closeAll(early) }()
	if p.refuses() { // elsewhere it would have to wait for the flood
		if early, err = t.openMany(1); err != nil {
			return err
		}
	}
	if err := t.flood(900, early, head("GET /read?file=f15&offset=3&count=5000")); err != nil {
		return err
	}
	if err := p.eventually(func() error { return t.visit(hello) }); err != nil {
		return fmt.Errorf("after the flood: %w", err)
	}
	spare := 0
	if p.refuses() { // a last few: who sees them dwindle may refuse in time
		spare = 40
	}
	lift, err := t.exhaust(spare)
	defer lift()
	if err != nil {
		return err
	}
	if p.spawns() {
		early = nil // no process can be started for it
	}
	if err := t.flood(100, early, hello); err != nil {
		return fmt.Errorf("when accept has no descriptor: %w", err)
	}
	lift()
	if err := p.eventually(func() error { return t.visit(hello) }); err != nil {
		return fmt.Errorf("after accept had no descriptor: %w", err)
	}
	return nil
}

// flood opens n connections at once and looks at the server's CPU time while they wait. Who was there early is then
// answered, and the flood leaves.
func (t *target) flood(n int, early []*client, request string) error {
	const window = 500 * time.Millisecond
	var clients []*client
	defer func() { closeAll(clients) }()
	for range min(n, backlog()) {
		c, err := t.dial()
		if err != nil {
			return fmt.Errorf("connection %d: %w", len(clients)+1, err)
		}
		clients = append(clients, c)
	}
	before, err := t.cpuTime()
	if err != nil {
		return err
	}
	passed := time.NewTimer(window) // the time over which the CPU is looked at
	defer passed.Stop()
	select {
	case <-passed.C:
	case <-t.done:
		return fmt.Errorf("the flood ended the server (%v)", t.err)
	case <-t.probe.ctx.Done():
		return t.probe.ctx.Err()
	}
	after, err := t.cpuTime()
	if err != nil {
		return err
	}
	if used := after - before; used > window/2 {
		return fmt.Errorf("%v of CPU in %v while there was nothing to do", used, window)
	}
	for _, c := range early {
		if err := t.ask(c, request); err != nil {
			return fmt.Errorf("a client that was there before the flood: %w", err)
		}
	}
	return nil
}

// exhaust sinks the limit of each process until lift is called, so that but a few descriptors can still be opened; one
// that is only starting is left alone, see polls.
func (t *target) exhaust(spare int) (lift func(), err error) {
	was := map[int]unix.Rlimit{}
	lift = func() {
		for pid, limit := range was {
			_ = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil) // it may have ended
		}
	}
	err = each(t.Pid, func(proc procfs.Proc) error {
		open, err := proc.FileDescriptors()
		if err != nil {
			return err
		}
		if proc.PID != t.Pid && !polls(proc) {
			return nil
		}
		most := uint64(0) // the lowest free number is given first
		for free := spare; free > 0 || slices.Contains(open, uintptr(most)); most++ {
			if !slices.Contains(open, uintptr(most)) {
				free--
			}
		}
		var limit unix.Rlimit
		if err := unix.Prlimit(proc.PID, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
			return fmt.Errorf("the limit of descriptors of process %d: %w", proc.PID, err)
		}
		was[proc.PID] = limit
		limit.Cur = most
		if err := unix.Prlimit(proc.PID, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
			return fmt.Errorf("lower the limit of descriptors of process %d: %w", proc.PID, err)
		}
		return nil
	})
	return lift, err
}

// polls tells whether a process has its epoll instance. One of a pool that has none yet is about to make it, since Go's
// runtime does so as a program starts, and could not live without.
func polls(proc procfs.Proc) bool {
	targets, err := proc.FileDescriptorTargets()
	return err == nil && slices.Contains(targets, "anon_inode:[eventpoll]")
}
