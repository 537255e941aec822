//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"serverlab/internal/proc"
	"serverlab/internal/scoreboard"
	"serverlab/loadgen"
	"serverlab/results"
)

// greeting is what a right answer to "/" holds, whatever work was asked for beside it.
const greeting = "Hello, World!"

// spin is the longest busy wait before an intended moment, where the client has a CPU of its own.
const spin = 50 * time.Microsecond

// fault is something that is wrong with the server: a part of the record, where any other error ends the run.
type fault struct{ error }

// trial runs one trial: start the server, load it, stop it, and write down what both sides saw.
func (b *bench) trial(ctx context.Context, order int, p results.Planned) (results.Trial, error) {
	s := b.situation(p.Situation)
	t := results.Trial{Version: results.Version, Planned: p, Order: order, Started: time.Now().UTC()}
	runtime.GC() // of what earlier trials left, so that none is due in the window
	err := b.measure(ctx, s, &t)
	t.Seconds = time.Since(t.Started).Seconds()
	if ctx.Err() != nil {
		return t, ctx.Err()
	}
	var wrong fault
	switch {
	case errors.As(err, &wrong):
		t.Failure = err.Error()
	case err != nil:
		return t, err
	default:
		mode := perConnection
		if t.Load.KeepAlive {
			mode = keepAlive
		}
		t.Findings = findings(s, &t, b.cpus(), b.ceiling[mode])
	}
	return t, nil
}

// A trial that other programs disturbed is measured again, and in a run as many as a share of its trials: on a host that
// is never calm this has an end. Where that does not help, the other trials of the same cell are left as they come: what
// disturbs may be what is measured, 64 processes say. What decides is evidence about the host, and never the figure.
const (
	mostTries  = 3
	triesShare = 0.25
)

// calmTrial runs one trial of the plan until nothing disturbs it, or as often as it may.
func (b *bench) calmTrial(ctx context.Context, order int, p results.Planned, planned int) (results.Trial, error) {
	cell := [2]string{p.Situation, p.Architecture}
	for tries := 1; ; tries++ {
		t, err := b.trial(ctx, order, p)
		if tries > 1 {
			t.Tries = tries
		}
		switch {
		case err != nil, !disturbed(&t), b.restless[cell], float64(b.repeated) >= triesShare*float64(planned):
			return t, err
		case tries == mostTries:
			b.restless[cell] = true
			return t, nil
		}
		b.repeated++
	}
}

// disturbed tells whether other programs have spoiled a figure of a trial, or have made the load generator late that was
// not busy.
func disturbed(t *results.Trial) bool {
	busy := func(f results.Finding) bool {
		return f.Kind == "generator-bound" && slices.Contains(f.Voids, results.Throughput)
	}
	return slices.ContainsFunc(t.Findings, func(f results.Finding) bool {
		return len(f.Voids) > 0 && (f.Kind == "disturbed" ||
			f.Kind == "generator-bound" && !slices.ContainsFunc(t.Findings, busy))
	})
}

func (b *bench) measure(ctx context.Context, s results.Situation, t *results.Trial) error {
	return b.withStore(ctx, s, b.row(t.Architecture), func(o ServerOptions, store *redis) error {
		o.Chaos, o.Procs, o.MaxConns = kills(&s), s.Procs, connsFor(&s)
		if s.CPUs > 0 {
			o.CPUs = b.ServerCPUs[:min(s.CPUs, len(b.ServerCPUs))]
		}
		return b.measureWith(ctx, s, t, o, store)
	})
}

// measureWith measures a server with these options; store is its Redis, where it has one.
func (b *bench) measureWith(ctx context.Context, s results.Situation, t *results.Trial, o ServerOptions,
	store *redis) error {
	srv, err := b.launch(ctx, o)
	if err != nil {
		return fault{err}
	}
	o.Addr = srv.addr
	f := faulty{kind: s.Fault, patience: orphanPatience, store: store, servers: []*server{srv},
		again: func() (*server, error) { return b.launch(ctx, o) }}
	meter := meter{server: srv, silent: s.Silent + s.Slow, cpus: slices.Compact(slices.Sorted(slices.Values(
		slices.Concat(b.ServerCPUs, b.ClientCPUs))))}
	if s.Fault == "" {
		meter.store = store
	}
	c := b.load(s, b.row(t.Architecture), srv.addr, meter.edge)
	if s.Fault != "" {
		c.Fault, c.FaultAfter = f.begin, moment(b.Seed, t.Block)
	}
	load, err := loadgen.Run(ctx, c)
	did, faultErr := f.wait()
	srv = f.server()
	died := srv.gone()
	if s.Crash == chaosLoop { // who never answers can't be asked to stop
		srv.kill()
	}
	exit, stopErr := srv.stop()
	defer f.close()
	switch {
	case err != nil && !died:
		return fmt.Errorf("load %s: %w", t.Architecture, err)
	case err != nil:
		return fault{fmt.Errorf("load %s: %w", t.Architecture, err)}
	case faultErr != nil:
		return fault{faultErr}
	}
	t.Load = *load
	if l := t.Load.Fault; l != nil {
		l.Begun += did.Begun
		l.Restart, l.Lived, l.Stray, l.Orphans = did.Restart, did.Lived, did.Stray, did.Orphans
	}
	boardErr := b.charge(t, s, &meter, &f)
	t.Server.Exit = exit
	switch {
	case died && !kills(&s):
		return fault{fmt.Errorf("the server ended in the middle of the trial (%s): %s", exit,
			srv.errors.last("it said nothing"))}
	case stopErr != nil:
		return fault{stopErr}
	}
	return boardErr
}

// charge writes down what the server has used, and what it tells of itself.
func (b *bench) charge(t *results.Trial, s results.Situation, meter *meter, f *faulty) (err error) {
	srv := f.server()
	t.Load.Host, t.Load.Findings = nil, nil // the trial has both
	t.Server = meter.used()
	if t.Server.CPU != nil && meter.busy && s.Fault == "" { // what a fault starts again is nobody's
		foreign := meter.busyEnd - meter.busyBegin - *t.Server.CPU - t.Load.CPU
		if t.Server.StoreCPU != nil {
			foreign -= *t.Server.StoreCPU
		}
		foreign = max(0, foreign)
		t.Server.Foreign = &foreign
	}
	if switches, ok := proc.Switches(srv.cmd.ProcessState); ok {
		t.Server.Switches = &switches
	}
	f.count(&t.Server)
	t.Server.Settings, err = srv.board.Settings()
	t.Server.PerWorker = perWorker(srv.board.PerSlot(), workersOf(s, b.row(t.Architecture), t.Server.Settings))
	return err
}

// launch starts a server that tells of itself by a scoreboard.
func (b *bench) launch(ctx context.Context, o ServerOptions) (*server, error) {
	stats, remove, err := statsFile()
	if err != nil {
		return nil, err
	}
	defer remove() // who has opened it keeps it, and nothing is left however this process ends
	o.Stats = stats
	cpus := o.CPUs
	if cpus == nil {
		cpus = b.ServerCPUs
	}
	return start(ctx, b.Server(o), cpus, stats)
}

// keepsAlive tells whether a row keeps connections open in a situation. With sessions, whose clients outlive their
// connections, one that serves a connection at a time gets a connection for each request: it would serve one client only.
func keepsAlive(s results.Situation, row results.Architecture) bool {
	return s.KeepAlive && (s.State == "" || row.AtOnce != 1)
}

// workersOf is how many workers of a fixed set a row has in a situation, or event loops, which its server tells; 0: it
// has no such set.
func workersOf(s results.Situation, row results.Architecture, told map[string]string) int {
	if row.AtOnce > 1 && s.Workers > 0 {
		return s.Workers
	}
	if loops, err := strconv.Atoi(told["loops"]); err == nil {
		return loops
	}
	return row.AtOnce
}

// perWorker are the requests that each worker answered: each of a fixed set, those without a request too, otherwise up
// to the last one that had any. One worker shares with nobody.
func perWorker(slots []scoreboard.Counts, set int) (requests []uint64) {
	some := 0
	for i, c := range slots {
		if requests = append(requests, c.Requests); c.Requests > 0 {
			some = i + 1
		}
	}
	if requests = requests[:min(len(requests), max(some, set))]; some == 0 || len(requests) < 2 {
		return nil
	}
	return requests
}

// load says what a situation asks of the load generator.
func (b *bench) load(s results.Situation, row results.Architecture, addr string,
	edge func(loadgen.Edge)) loadgen.Config {
	c := loadgen.Config{
		URL:         "http://" + addr + s.Path,
		Connections: s.Connections,
		Threads:     min(len(b.ClientCPUs), s.Connections),
		CPUs:        b.ClientCPUs,
		Warmup:      seconds(s.Warmup),
		Duration:    seconds(s.WindowOf(row.Name)),
		Rate:        s.RateOf(row.Name),
		Seed:        b.Seed,
		KeepAlive:   keepsAlive(s, row),
		Silent:      s.Silent,
		Mix:         loadgen.Mix{Path: s.Mix, Share: s.MixShare},
		Slow:        loadgen.Slow{Clients: s.Slow, Path: slowReadPath},
		Timeout:     timeout(s),
		Check:       loadgen.Check{Status: 200, Length: int64(len(greeting)), Body: []byte(greeting)},
		Crash:       s.Crash,
		CrashAfter:  seconds(s.Window) / 4,
		Edge:        edge,
	}
	if s.State != "" {
		c.Check, c.Sessions = loadgen.Check{}, loadgen.Sessions{State: s.State, Clients: s.Clients, Read: s.Read}
	}
	if s.Fault != "" || s.Crash != "" {
		c.Step = faultStep
	}
	c.Visit, c.Think = s.Visit, loadgen.Think{Mean: seconds(s.Think), Exponential: s.Think > 0}
	if s.Model != "closed" {
		c.Arrivals = s.Model
		if b.Apart {
			c.Spin = spin
		}
	}
	return c
}

// meter reads what the server uses, at the edges of the window and outside it.
type meter struct {
	server *server
	store  *redis // nil: none, or one that may be killed
	silent int

	cpus                    []int // of this run, each once
	busyBegin, busyEnd      float64
	busy                    bool // these two are known
	hostBefore, hostAfter   proc.Host
	begin, end              proc.Usage
	beginErr, endErr        error
	storeBegin, storeEnd    proc.Usage
	storeErr                error
	ready, silenced, ending proc.Size
	pss                     [3]bool // which of the sizes know the memory
}

func (m *meter) edge(e loadgen.Edge) {
	switch e {
	case loadgen.Connect:
		m.hostBefore = proc.ReadHost()
		m.ready, m.pss[0] = m.size()
	case loadgen.Silenced:
		if m.silent > 0 {
			m.settle()
			m.silenced, m.pss[1] = m.size()
		}
	case loadgen.Begin:
		m.busyBegin, m.busy = proc.Busy(m.cpus)
		m.begin, m.beginErr = m.server.tree.Usage()
		m.storeBegin, m.storeErr = m.storeUsage()
	case loadgen.End:
		m.end, m.endErr = m.server.tree.Usage()
		storeEnd, err := m.storeUsage()
		m.storeEnd, m.storeErr = storeEnd, errors.Join(m.storeErr, err)
		busy, ok := proc.Busy(m.cpus)
		m.busyEnd, m.busy = busy, m.busy && ok
		m.ending, m.pss[2] = m.size()
		m.hostAfter = proc.ReadHost()
	}
}

// storeUsage is what a store of its own has used; an error where there is none, or none that runs.
func (m *meter) storeUsage() (u proc.Usage, err error) {
	if m.store == nil {
		return u, errors.New("there is no store")
	}
	tree, err := proc.NewTree(m.store.cmd.Process.Pid)
	if err != nil {
		return u, err
	}
	return tree.Usage()
}

func (m *meter) size() (proc.Size, bool) {
	s, err := m.server.tree.Size()
	return s, err == nil && s.PSS > 0
}

// settle waits until the server has accepted the silent clients, or no longer makes progress with them: to the client
// a connection is open as soon as it stands in the backlog.
func (m *meter) settle() {
	const still = 50 * time.Millisecond
	last, since := uint64(0), time.Now()
	for last < uint64(m.silent) && time.Since(since) < still {
		time.Sleep(2 * time.Millisecond)
		if n := m.server.board.Sum().Accepts; n > last {
			last, since = n, time.Now()
		}
	}
}

// used is what the meter read, for the record.
func (m *meter) used() (s results.Server) {
	if m.beginErr == nil && m.endErr == nil {
		u := m.end.Sub(m.begin)
		s.CPU, s.CPUUser, s.CPUSystem = &u.CPU, &u.User, &u.System
	}
	if m.store != nil && m.storeErr == nil {
		u := m.storeEnd.Sub(m.storeBegin)
		s.StoreCPU = &u.CPU
	}
	for i, size := range []proc.Size{m.ready, m.silenced, m.ending} {
		s.Threads, s.Processes = max(s.Threads, size.Threads), max(s.Processes, size.Processes)
		if m.pss[i] && (s.PSSPeak == nil || size.PSS > *s.PSSPeak) {
			s.PSSPeak = &size.PSS
		}
	}
	if m.pss[0] {
		s.PSSStart = &m.ready.PSS
	}
	if m.pss[1] {
		s.PSSSilent = &m.silenced.PSS
	}
	h := m.hostAfter.Since(m.hostBefore)
	s.Steal, s.PSISome, s.Throttled = h.Steal, h.PSISome, h.Throttled
	s.ListenOverflows, s.ListenDrops = h.ListenOverflows, h.ListenDrops
	return s
}
