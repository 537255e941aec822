//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
	"serverlab/loadgen"
	"serverlab/results"
)

// DemoOptions says which servers a demonstration has.
type DemoOptions struct {
	Rows   []results.Architecture
	Split  cpuset.Split
	Server func(ServerOptions) []string // the command line of a server
}

// DemoLoad is what every server of a demonstration is sent, one request per connection.
type DemoLoad struct {
	Rate   float64 // requests per second, to each; 0: nothing at all
	Path   string  // such as /?wait=5ms
	Silent int     // clients of each that never send
}

// Demo is servers side by side, each under a load of its own. It belongs to the goroutine that has started it, which is
// kept on its thread: the kernel ends the servers with that thread, however this process dies.
type Demo struct {
	options DemoOptions
	servers []*server
	end     context.CancelFunc // of the loads
	loads   sync.WaitGroup

	mu    sync.Mutex
	turn  int // number of the load, so that what an earlier one still has to say is not heard
	rows  []results.DemoRow
	fault error // of a load
}

// What a demonstration does. A load that has gone on for demoLength begins anew: it sets memory aside for each step.
const (
	demoStep        = 250 * time.Millisecond
	demoLength      = 5 * time.Minute
	demoConnections = 64
	demoTimeout     = 5 * time.Second
)

// StartDemo starts the servers and returns when all are ready. They are sent nothing until Load is called. Stop must be
// called, by the same goroutine, whenever the error is nil.
func StartDemo(ctx context.Context, o DemoOptions) (*Demo, error) {
	runtime.LockOSThread()
	runtime.GOMAXPROCS(len(o.Rows) + 3) // the loads keep a processor each
	d := &Demo{options: o, servers: make([]*server, len(o.Rows)), end: func() {}}
	if err := reapOrphans(); err != nil {
		return nil, err
	}
	if err := cpuset.PinProcess(o.Split.Client); err != nil {
		return nil, err
	}
	for i, r := range o.Rows {
		d.rows = append(d.rows, results.DemoRow{Name: r.Label, Lecture: r.Lecture, Step: demoStep.Seconds()})
		if err := d.start(ctx, i, ""); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", r.Name, err), d.Stop())
		}
	}
	return d, nil
}

// start starts the server of a row, at an address that is kept where it had one.
func (d *Demo) start(ctx context.Context, i int, addr string) (err error) {
	argv := d.options.Server(ServerOptions{Architecture: d.options.Rows[i].Name, Addr: addr})
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	d.servers[i], err = startAs(ctx, attr, argv, d.options.Split.Server, "")
	return err
}

// Load replaces the load. What the rows were before stays in their last minute.
func (d *Demo) Load(l DemoLoad) {
	d.end()
	d.loads.Wait()
	var ctx context.Context
	ctx, d.end = context.WithCancel(context.Background())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn++
	for i := range d.rows {
		d.rows[i].Fresh = 0
		if l.Rate > 0 {
			turn, c := d.turn, d.config(i, l)
			c.Watch = func(p loadgen.Progress) { d.take(i, turn, p.Points) }
			d.loads.Go(func() { d.run(ctx, c) })
		}
	}
}

func (d *Demo) config(i int, l DemoLoad) loadgen.Config {
	cpus := d.options.Split.Client
	return loadgen.Config{URL: "http://" + d.servers[i].addr + l.Path, Connections: demoConnections, Threads: 1,
		CPUs: []int{cpus[i%len(cpus)]}, Duration: demoLength, Rate: l.Rate, Seed: uint64(i + 1), Silent: l.Silent,
		Timeout: demoTimeout, Step: demoStep,
		Check: loadgen.Check{Status: 200, Length: int64(len(greeting)), Body: []byte(greeting)}}
}

// run loads a server until ctx ends. One that is not there yet is asked again.
func (d *Demo) run(ctx context.Context, c loadgen.Config) {
	defer func() {
		if r := recover(); r != nil { // the terminal must be put right before anybody dies
			d.fail(fmt.Errorf("panic in a load: %v", r))
		}
	}()
	for ctx.Err() == nil {
		_, err := loadgen.Run(ctx, c)
		if err == nil || ctx.Err() != nil {
			continue
		}
		// Killed while it was being connected to, a server resets; after that, the kernel refuses for it.
		if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ECONNRESET) {
			d.fail(err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(demoStep):
		}
	}
}

func (d *Demo) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = errors.Join(d.fault, err)
}

// take keeps the points of a row.
func (d *Demo) take(i, turn int, points []results.Point) {
	kept := make([]results.Point, len(points))
	for k, p := range points { // theirs are valid for now only
		kept[k] = results.Point{Requests: p.Requests, Errors: p.Errors, Shed: p.Shed, InFlight: p.InFlight,
			Waiting: p.Waiting, Response: results.NewPacked()}
		if p.Response.Count() > 0 {
			kept[k].Response.Merge(p.Response.PackedHistogram)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if turn == d.turn {
		d.rows[i].Add(kept)
	}
}

// Rows returns what was measured so far, and why a load has ended by itself, if one has.
func (d *Demo) Rows() ([]results.DemoRow, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rows := make([]results.DemoRow, len(d.rows))
	for i, r := range d.rows {
		r.Points = append([]results.Point(nil), r.Points...)
		r.Down = d.servers[i].gone()
		rows[i] = r
	}
	return rows, d.fault
}

// Kill kills (SIGKILL) a worker process of each server, or the server itself where it has none, and says in a line whom.
// A server that was killed is there again only after Revive.
func (d *Demo) Kill() string {
	var workers, whole, none []string
	for i, s := range d.servers {
		name := d.options.Rows[i].Label
		switch {
		case s.gone():
			none = append(none, name)
		case d.options.Rows[i].Processes == "":
			whole = append(whole, name)
			_ = s.cmd.Process.Kill() // fails only if it has ended already
		case killWorker(s):
			workers = append(workers, name)
		default:
			none = append(none, name)
		}
	}
	var said []string
	for _, one := range []struct {
		what  string
		names []string
	}{{"a worker of", workers}, {"all of", whole}, {"nobody of", none}} {
		if len(one.names) > 0 {
			said = append(said, one.what+" "+strings.Join(one.names, ", "))
		}
	}
	return "killed: " + strings.Join(said, "; ")
}

// killWorker kills one process below a server's own, if there is one. A worker may live for a millisecond only, so it is
// held by a descriptor: its number can't become somebody else's between the look and the signal.
func killWorker(s *server) bool {
	for range 20 {
		for _, pid := range s.tree.Descendants() {
			fd, err := unix.PidfdOpen(pid, 0)
			if err != nil {
				continue // it has ended
			}
			ours := slices.Contains(s.tree.Descendants(), pid)
			killed := ours && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil
			_ = unix.Close(fd)
			if killed {
				return true
			}
		}
	}
	return false
}

// Revive starts every server again that has ended, where it was.
func (d *Demo) Revive(ctx context.Context) error {
	for i, s := range d.servers {
		if !s.gone() {
			continue
		}
		s.kill() // and whom it has left behind
		if err := d.start(ctx, i, s.addr); err != nil {
			d.servers[i] = s
			return fmt.Errorf("start %s again: %w", d.options.Rows[i].Name, err)
		}
	}
	return nil
}

// Stop ends loads and servers and waits until nothing is left of them.
func (d *Demo) Stop() error {
	defer runtime.UnlockOSThread()
	d.end()
	d.loads.Wait()
	for _, s := range d.servers {
		if s != nil {
			s.kill()
		}
	}
	return nil
}
