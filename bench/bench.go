//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"serverlab/internal/cpuset"
	"serverlab/results"
)

// Options says what to run and how to start what is measured.
type Options struct {
	Dir         string                 // of the result; it is created
	Resume      bool                   // Dir holds a run that was interrupted: go on with it
	Program     string                 // version and commit, for the record
	Rows        []results.Architecture // what is measured; references come last
	Usual       []string               // names of the rows that experiments are about which bring none; nil: all of Rows
	LeftOut     []results.LeftOut      // rows that were wanted and can't be measured here
	Experiments []string               // names, see Experiments; empty: the default run
	Trials      int                    // of each cell
	CrashTrials int                    // of each cell of CrashName, at most Trials
	Connections int                    // busy clients
	Workers     int                    // of pools, for the record
	Seed        uint64
	Split       cpuset.Split

	// Predict asks what will be best, of a run that says only what is planned; nil: nobody is asked. Its error ends the run
	// before it has begun.
	Predict func(context.Context, results.Run) ([]results.Prediction, error)
	Server  func(ServerOptions) []string                                      // the command line of a server
	Null    func(keepalive bool) []string                                     // the command line of ServeNull
	Delayed func(delay string, seed uint64, spin bool) []string               // the command line of ServeDelayed
	Empty   []string                                                          // the worker, told to return at once; nil: there is none
	Forks   []string                                                          // likewise, a spawner whose children end at once
	Bare    string                                                            // a Go program with an empty main
	Report  func(results.Run, []results.Trial, *results.Trial, time.Duration) // after each trial: all so far, this one, time left
	Say     func(format string, args ...any)                                  // a line for the user
}

// ServerOptions is what a trial asks of a server.
type ServerOptions struct {
	Architecture string
	KeepAlive    bool
	Chaos        bool          // it may be told to crash
	Stats        string        // file of its scoreboard
	MaxConns     int           // connections that it must take; 0: its default
	Workers      int           // of a pool; 0: its default
	Procs        int           // GOMAXPROCS; 0: what the architecture wants
	CPUs         []int         // that it may use; nil: those of the run
	Addr         string        // HOST:PORT to listen on; "": a free port
	State, Store string        // of the file service; "": its defaults
	Lease        time.Duration // of soft state; 0: its default
}

// ErrInterrupted says that ctx ended before the run was done; what was measured is in the directory.
var ErrInterrupted = errors.New("interrupted")

// UsageError is a wrong option.
type UsageError struct{ error }

// bench is one run.
type bench struct {
	Options
	ServerCPUs, ClientCPUs []int
	Apart                  bool
	Why                    string // what keeps the two from being comparable to two machines

	machine  results.Machine
	notes    []string // what a run suffers from here
	rows     []results.Architecture
	sits     []results.Situation
	ceiling  map[string]float64   // of the load generator, by mode
	asked    []results.Experiment // by name
	repeated int                  // times that a trial was measured again, see calmTrial
	restless map[[2]string]bool   // cells, by situation and row, in which that did not help

	predictions []results.Prediction
}

// cpus is how many CPUs the run uses.
func (b *bench) cpus() int {
	return len(slices.Compact(slices.Sorted(slices.Values(slices.Concat(b.ServerCPUs, b.ClientCPUs)))))
}

func (b *bench) row(name string) results.Architecture {
	for _, r := range b.rows {
		if r.Name == name {
			return r
		}
	}
	return results.Architecture{Name: name}
}

func (b *bench) situation(name string) results.Situation {
	for _, s := range b.sits {
		if s.Name == name {
			return s
		}
	}
	return results.Situation{Name: name}
}

// Run runs what the options ask for and returns the run with all its trials, those that an earlier part of it left
// included. When ctx ends it returns what there is, with ErrInterrupted.
func Run(ctx context.Context, o Options) (run results.Run, trials []results.Trial, err error) {
	b := &bench{Options: o, restless: map[[2]string]bool{}}
	var w *results.Writer
	if o.Resume {
		if w, run, trials, err = results.Resume(o.Dir); err != nil {
			return run, trials, err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
		if err := b.take(run); err != nil {
			return run, trials, err
		}
	} else if err := b.ask(ctx); err != nil {
		return run, nil, err
	}
	if err := b.prepare(); err != nil {
		return run, trials, err
	}
	if !o.Resume {
		if run, err = b.begin(ctx); err != nil {
			return run, nil, interrupted(ctx, err)
		}
		if w, err = results.Create(o.Dir, run); err != nil {
			return run, nil, err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
	}
	b.ceiling = run.Calibration.Ceiling
	done := map[results.Planned]bool{}
	for _, t := range trials {
		done[t.Planned] = true
	}
	for i, p := range run.Plan {
		if done[p] {
			continue
		}
		t, err := b.calmTrial(ctx, i, p, len(run.Plan))
		if err != nil {
			return run, trials, interrupted(ctx, err)
		}
		if err := w.Append(t); err != nil {
			return run, trials, err
		}
		trials = append(trials, t)
		done[p] = true
		b.Report(run, trials, &t, b.left(run, done))
	}
	return run, trials, nil
}

func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	return err
}

// ask finds out all that has to be known before anything is measured: whether the directory is free, what is run, and
// what the user expects of it.
func (b *bench) ask(ctx context.Context) (err error) {
	if err := b.choose(); err != nil {
		return err
	}
	if info, err := os.Stat(b.Dir); err == nil && info.IsDir() {
		if _, _, err := results.Read(b.Dir); !errors.Is(err, results.ErrNoRun) {
			return fmt.Errorf("%s %w", b.Dir, results.ErrExists)
		}
	}
	if b.Predict == nil {
		return nil
	}
	b.predictions, err = b.Predict(ctx, results.Run{Architectures: b.rows, Situations: b.sits,
		Plan: plan(b.sits, b.rows, b.Trials, b.Seed)})
	return err
}

// choose finds the rows and columns that were asked for.
func (b *bench) choose() error {
	for _, references := range []bool{false, true} {
		for _, r := range b.Rows {
			same := func(other results.Architecture) bool { return other.Name == r.Name }
			if r.Reference == references && !slices.ContainsFunc(b.rows, same) {
				b.rows = append(b.rows, r)
			}
		}
	}
	for _, name := range named(b.Experiments) {
		some := b.experiment(name)
		if some == nil {
			return UsageError{fmt.Errorf("no experiment %q: choose of %s", name, strings.Join(Experiments(), ", "))}
		}
		for _, s := range some {
			if !slices.ContainsFunc(b.sits, func(o results.Situation) bool { return o.Name == s.Name }) {
				b.sits = append(b.sits, s)
			}
		}
	}
	b.ServerCPUs, b.ClientCPUs, b.Apart, b.Why = b.Split.Server, b.Split.Client, b.Split.Apart, b.Split.Why
	return b.leaveOutIdle()
}

// leaveOutIdle leaves out the rows of which nothing was asked that they could do.
func (b *bench) leaveOutIdle() error {
	if slices.Equal(named(b.Experiments), []string{LieName}) { // it has no trials
		b.rows = nil
		return nil
	}
	why := ""
	b.rows = slices.DeleteFunc(b.rows, func(r results.Architecture) bool {
		if slices.ContainsFunc(b.sits, func(s results.Situation) bool { return tried(s, r, 1) }) {
			return false
		}
		l := results.LeftOut{Name: r.Name, Why: "it has no file service"}
		switch {
		case r.StaticOnly:
			l.Why = "it serves one file only"
		case !slices.ContainsFunc(b.sits, func(s results.Situation) bool { return s.State != "" }):
			l.Why = "the experiment is about other rows"
		}
		b.LeftOut, why = append(slices.Clone(b.LeftOut), l), l.Name+": "+l.Why
		return true
	})
	if len(b.rows) == 0 {
		return UsageError{fmt.Errorf("nothing to measure: %s, which is not enough for %s", why,
			strings.Join(b.Experiments, ", "))}
	}
	return nil
}

// take makes a resumed run go on as it began.
func (b *bench) take(run results.Run) error {
	if now := machine(); run.Program != b.Program || run.Machine.Kernel != now.Kernel || run.Machine.CPU != now.CPU {
		return fmt.Errorf("the run was begun by %s on %s, kernel %s, and must go on with the same: this is %s",
			run.Program, run.Machine.CPU, run.Machine.Kernel, b.Program)
	}
	b.rows, b.sits = run.Architectures, run.Situations
	b.Seed, b.Connections, b.Workers = run.Setup.Seed, run.Setup.Connections, run.Setup.Workers
	b.ServerCPUs, b.ClientCPUs, b.Apart = run.Setup.ServerCPUs, run.Setup.ClientCPUs, run.Setup.Apart
	return nil
}

// prepare makes this process fit to measure: on the client's CPUs, and quiet.
func (b *bench) prepare() error {
	b.machine = machine() // before this process is pinned and sees its own CPUs only
	problems := preflight(b.Dir, b.machine, b.sits, b.Apart, b.Why)
	for _, p := range problems {
		if p.Fatal {
			return errors.New(p.Text)
		}
	}
	for _, n := range b.notes { // of what was asked for
		b.Say("note: %s", n)
	}
	for _, p := range problems {
		b.Say("note: %s", p.Text)
		b.notes = append(b.notes, p.Text)
	}
	for _, l := range b.LeftOut {
		b.Say("note: left out: %s: %s", l.Name, l.Why)
	}
	if err := reapOrphans(); err != nil {
		return err
	}
	// More processors than loading threads, so that the goroutine at the edges of a window need not wait for one; and
	// set by hand, since the runtime would follow the pinning.
	runtime.GOMAXPROCS(len(b.ClientCPUs) + 3)
	debug.SetGCPercent(400)
	return cpuset.PinProcess(b.ClientCPUs)
}

// begin calibrates and writes the plan.
func (b *bench) begin(ctx context.Context) (results.Run, error) {
	m := b.machine
	run := results.Run{
		Version: results.Version, Started: time.Now().UTC().Truncate(time.Second), Program: b.Program, Machine: m,
		Architectures: b.rows, Situations: b.sits, Notes: b.notes, LeftOut: b.LeftOut,
		Predictions: b.predictions, Experiments: b.asked,
		Setup: results.Setup{Connections: b.Connections, Trials: b.Trials, Seed: b.Seed, ServerCPUs: b.ServerCPUs,
			ClientCPUs: b.ClientCPUs, Apart: b.Apart, Workers: b.Workers},
		Plan: plan(b.sits, b.rows, b.Trials, b.Seed),
	}
	run.Calibration = guessed(b.rows)
	setRates(b.sits, b.rows, run.Calibration)
	if len(run.Plan) > 0 {
		b.Say("%d trials, about %s; first the calibration", len(run.Plan), Planned(run).Round(time.Second))
	}
	begun := time.Now()
	if slices.ContainsFunc(b.asked, func(e results.Experiment) bool { return e.Name == LieName }) {
		o := InstrumentOptions{Split: b.Split, Seed: b.Seed, Server: b.Delayed, Say: b.Say,
			Real: func(arch string) []string { return b.Server(ServerOptions{Architecture: arch, KeepAlive: true}) }}
		lie, err := o.lie(ctx)
		if err != nil {
			return run, err
		}
		run.Lie = &lie
	}
	if len(b.rows) == 0 {
		return run, nil
	}
	if err := b.calibrateAll(ctx, &run.Calibration); err != nil {
		return run, err
	}
	run.Notes = b.notes
	b.sits = b.offered(b.sits, run.Calibration)                                // what was planned so far was a guess
	run.Architectures, run.LeftOut, run.Situations = b.rows, b.LeftOut, b.sits // a reference may not have started
	run.Plan = plan(b.sits, b.rows, b.Trials, b.Seed)
	serveAll(b.sits, run.Calibration)
	setRates(b.sits, b.rows, run.Calibration)
	b.Say("calibrated in %s", time.Since(begun).Round(100*time.Millisecond))
	return run, nil
}

// calibrateAll measures what the situations have to know beforehand of this machine and its rows.
func (b *bench) calibrateAll(ctx context.Context, cal *results.Calibration) (err error) {
	if *cal, err = b.calibrate(ctx, b.Say); err != nil {
		return err
	}
	if err := b.remember(ctx, cal, b.sits); err != nil {
		return err
	}
	if asksForCalls(b.sits) {
		if cal.Traces, err = b.traces(ctx); err != nil {
			return err
		}
	}
	if asksForLoad(b.sits) {
		if cal.LoadCapacity, err = b.loadCapacity(ctx, b.Say); err != nil {
			return err
		}
	}
	return b.calibrateSpin(ctx, b.sits)
}

// left is how long the rest of the plan takes.
func (b *bench) left(run results.Run, done map[results.Planned]bool) (d time.Duration) {
	for _, p := range run.Plan {
		if !done[p] {
			d += plannedTrial(b.situation(p.Situation), &run.Calibration, p.Architecture)
		}
	}
	return d
}
