//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"serverlab/servers"
)

var resourceProperties = []Property{
	{Name: "leaks", Asks: "descriptors, threads, children and memory are given back", Process: true, check: leaks},
	{Name: "threads", Asks: "a pool has its workers, blocked in accept; a loop has few threads; no more than allowed",
		Process: true, check: threads},
}

// bigRequests ask for more than any socket takes.
var bigRequests = strings.Repeat(head("GET /read?file=f12&offset=0&count=1048576"), 30)

// leaks has clients of all manners come and go, and compares what the server holds then with what it held when some
// had come and gone already.
func leaks(p *probe) error {
	t, err := p.start(Settings{MaxConns: 500})
	if err != nil {
		return err
	}
	many := 1000
	if p.spawns() {
		many = 200 // each costs a process
	}
	if err := t.traffic(many / 5); err != nil {
		return err
	}
	before, err := t.quiet()
	if err != nil {
		return fmt.Errorf("after %d connections: %w", many/5, err)
	}
	if err := t.traffic(many); err != nil {
		return err
	}
	return p.eventually(func() error {
		now, err := t.quiet()
		if err != nil {
			return fmt.Errorf("after %d connections more: %w", many, err)
		}
		if what := before.grown(now); what != "" {
			return fmt.Errorf("after %d connections more: %s", many, what)
		}
		return nil
	})
}

// grown says what there is more of than before. Threads of the runtime do not end, and it may have needed some more, up
// to one for each of its processors, of which no architecture wants more than 80; memory goes up and down; a pool may
// keep more processes than it had, to each of which the first holds a line, and each of them opens what it needs when
// it first needs it.
func (h holding) grown(now holding) string {
	more := max(0, now.processes-h.processes)
	switch {
	case len(now.descriptors) > len(h.descriptors)+4*more:
		return fmt.Sprintf("descriptors: %v, before: %v", now.descriptors, h.descriptors)
	case len(now.workers) > len(h.workers)+8:
		return fmt.Sprintf("descriptors of a worker: %v, before: %v", now.workers, h.workers)
	case now.threads > h.threads+max(100, 16*now.processes):
		return fmt.Sprintf("%d threads, before: %d", now.threads, h.threads)
	case now.memory > h.memory+64<<20+uint64(more)*(h.memory/uint64(h.processes)):
		return fmt.Sprintf("%d MB of memory, before: %d", now.memory>>20, h.memory>>20)
	}
	return ""
}

// quiet waits until a server has no connection and no process beyond those of its pool, and says what it holds then.
func (t *target) quiet() (now holding, err error) {
	pool := t.probe.pool(t.settings)
	err = t.probe.eventually(func() (err error) {
		now, err = t.holdings()
		switch {
		case err != nil:
		case now.connections > 0 || now.processes > 1+pool:
			err = fmt.Errorf("%d connections and %d children are left", now.connections, now.processes-1)
		case pool > 0 && len(now.workers) == 0:
			err = errors.New("no process of the pool has begun")
		}
		return err
	})
	return now, err
}

// traffic is n connections, four at a time: most are ordinary clients, some vanish or are malformed.
func (t *target) traffic(n int) error {
	var clients errgroup.Group
	for k := range 4 {
		clients.Go(func() error {
			for i := k; i < n; i += 4 {
				if err := t.someClient(i); err != nil {
					return fmt.Errorf("connection %d: %w", i, err)
				}
			}
			return nil
		})
	}
	return clients.Wait()
}

func (t *target) someClient(i int) error {
	switch i % 8 {
	case 0:
		return t.converse(bye, whole, false)
	case 1:
		return t.converse(head("GET /read?file=f13&offset=77&count=20000"), whole, true)
	case 2:
		return t.converse(malformedSamples[i%len(malformedSamples)].in, whole, true)
	case 3:
		c, err := t.dial()
		if err != nil {
			return err
		}
		if err := c.send("GET /?wait=1ms HT"); err != nil {
			return err
		}
		return c.vanish()
	}
	return t.visit(hello)
}

// threads looks at the processes and threads of those that promise something about them.
func threads(p *probe) error {
	arch := p.subject.Arch
	switch {
	case p.spawns():
		return workerProcesses(p)
	case arch.Pool && !p.refuses():
		return poolOf(p)
	case arch.Unit == servers.Loop || arch.Pool:
		return loops(p)
	case arch.Unit == servers.Thread && p.refuses():
		return threadEach(p)
	}
	return skipped("this architecture promises no number of kernel threads")
}

// poolOf counts the workers of a pool that wait for a connection, in accept or, where connections are passed to them,
// wherever they are passed; and those that wait for their client.
func poolOf(p *probe) error {
	const workers, busy = 24, 4
	t, err := p.start(Settings{Workers: workers})
	if err != nil {
		return err
	}
	clients, err := t.openMany(busy)
	defer func() { closeAll(clients) }()
	if err != nil {
		return err
	}
	idle := workers - busy
	if p.subject.Variant.MinSpare > 0 {
		idle = p.subject.Variant.MinSpare
	}
	waiting := []int{syscall.SYS_ACCEPT4}
	if p.subject.Variant.Accept == servers.Pass {
		waiting = []int{syscall.SYS_RECVMSG, syscall.SYS_READ} // on a socket, or on a pipe
	}
	return p.eventually(func() error {
		for _, want := range []struct {
			calls []int
			n     int
		}{{waiting, idle}, {[]int{syscall.SYS_READ, syscall.SYS_RECVFROM}, busy}} {
			n, err := t.threadsIn(want.calls...)
			if err != nil {
				return err
			}
			if n < want.n {
				return fmt.Errorf("%d threads are in system call %v, want %d", n, want.calls, want.n)
			}
		}
		if n := t.children(); p.isolates() && (n > workers || n < idle+busy) {
			return fmt.Errorf("%d worker processes, want %d to %d", n, idle+busy, workers)
		}
		return nil
	})
}

// threadEach counts the threads that wait for a client: one for each that is there, and none for those that have left.
func threadEach(p *probe) error {
	const many = 40
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	reading := func(want int) error {
		return p.eventually(func() error {
			n, err := t.threadsIn(syscall.SYS_READ, syscall.SYS_RECVFROM)
			if err == nil && n != want {
				err = fmt.Errorf("%d threads wait for a client, want %d", n, want)
			}
			return err
		})
	}
	clients, err := t.openMany(1)
	defer func() { closeAll(clients) }()
	if err != nil {
		return err
	}
	others, err := t.threadsIn(syscall.SYS_READ, syscall.SYS_RECVFROM)
	if err != nil {
		return err
	}
	others-- // who reads standard input, say
	more, err := t.openMany(many)
	clients = append(clients, more...)
	if err != nil {
		return err
	}
	if err := reading(others + 1 + many); err != nil {
		return err
	}
	closeAll(clients)
	return reading(others)
}

// workerProcesses counts the processes while more requests have begun than there may be workers, and while they end.
func workerProcesses(p *probe) error {
	const workers, many = 2, 12
	t, err := p.start(Settings{Workers: workers})
	if err != nil {
		return err
	}
	want, _ := t.reference(hello)
	var clients []*client
	defer func() { closeAll(clients) }()
	for range many {
		c, err := t.dial()
		if err != nil {
			return err
		}
		clients = append(clients, c)
		if err := c.send(hello[:len(hello)/2]); err != nil {
			return err
		}
	}
	wrong := func(n int) error { return fmt.Errorf("%d worker processes, with --workers=%d", n, workers) }
	if err := p.eventually(func() error { // those who have begun wait for their clients
		if n := t.children() - p.spawners(); n != workers {
			return wrong(n)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, c := range clients {
		if err := c.send(hello[len(hello)/2:]); err != nil {
			return err
		}
	}
	for _, c := range clients {
		if err := c.expect(want); err != nil {
			return err
		}
		if n := t.children() - p.spawners(); n > workers {
			return wrong(n)
		}
	}
	return nil
}

// loops compares the number of threads with one client and with 500, and counts the processes of who has a pool.
func loops(p *probe) error {
	const many = 500
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	one, err := t.openMany(1)
	defer func() { closeAll(one) }()
	if err != nil {
		return err
	}
	before, err := t.holdings()
	if err != nil {
		return err
	}
	clients, err := t.openMany(many)
	defer func() { closeAll(clients) }()
	if err != nil {
		return err
	}
	now, err := t.holdings()
	// The runtime starts threads of its own, as many as there are CPUs at the most.
	most := before.threads + before.processes*(runtime.NumCPU()+4)
	if p.subject.Arch.Sheds {
		most += t.settings.Workers // not all threads of its stages may have begun
	}
	if err == nil && now.threads > most {
		err = fmt.Errorf("%d threads with one client, %d with %d", before.threads, now.threads, many)
	}
	if pool := p.pool(t.settings); err == nil && p.isolates() && now.processes != 1+pool {
		err = fmt.Errorf("%d processes, want %d with a loop each and their parent", now.processes, pool)
	}
	return err
}
