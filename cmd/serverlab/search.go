package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"serverlab/loadgen"
	"serverlab/results"
)

// searchFlags ask `serverlab load` for more than one load: the highest rate that meets goals, or a row of loads.
type searchFlags struct {
	find   bool
	slo    string
	width  float64
	sweep  string
	by     string
	repeat int
}

// The times of a search or a sweep, where none are given.
const (
	findInitial  = 500 * time.Millisecond
	findFinal    = 4 * time.Second
	sweepWindow  = 2 * time.Second
	searchWarmup = 500 * time.Millisecond // at most half as long as the window
)

func (f *searchFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.find, "find-rate", false, "search for the highest rate that meets the goals of --slo")
	fs.StringVar(&f.slo, "slo", "", "`GOALS` such as p99=5ms,p50=1ms,errors=0.1% (no errors, unless it says so)")
	fs.Float64Var(&f.width, "width", 5, "of the interval that is the answer, in `percent` of its upper end")
	fs.StringVar(&f.sweep, "sweep", "", "make one load after the other, and mark the knee: `RATES` such as 1000..20000 "+
		"or 1000,2000,4000")
	fs.StringVar(&f.by, "sweep-by", "rate", "what the numbers of --sweep are: rate, or connections (closed loop)")
	fs.IntVar(&f.repeat, "repeat", 3, "trials of each point of a sweep, in shuffled blocks")
}

// asked tells whether more than one load is wanted.
func (f *searchFlags) asked() bool { return f.find || f.sweep != "" }

// check refuses what does not go together.
func (f *searchFlags) check(c *call) error {
	given := func(names ...string) string {
		for _, n := range names {
			if fl := c.flags.Lookup(n); fl != nil && fl.Changed {
				return n
			}
		}
		return ""
	}
	switch {
	case f.find && f.sweep != "":
		return usagef("--find-rate and --sweep: choose one of them")
	case f.find && f.slo == "":
		return usagef("--find-rate needs --slo, such as --slo p99=5ms")
	case !f.find && given("slo", "width") != "":
		return usagef("--%s needs --find-rate", given("slo", "width"))
	case f.sweep == "" && given("sweep") != "":
		return usagef("--sweep names no points, such as --sweep 1000..20000")
	case f.sweep == "" && given("sweep-by", "repeat") != "":
		return usagef("--%s: give --sweep, such as --sweep 1000..20000", given("sweep-by", "repeat"))
	case !f.asked():
		return nil
	}
	what := "--find-rate"
	if f.sweep != "" {
		what = "--sweep"
	}
	if n := given("rate", "server-pid", "hgrm", "hlog", "gobench"); n != "" {
		return usagef("%s makes many loads: leave out --%s", what, n)
	}
	switch n := given("arrivals", "visit", "connections"); {
	case f.find && given("csv") != "":
		return usagef("--find-rate has no series: leave out --csv; --json prints all trials")
	case f.sweep != "" && f.by == "connections" && n != "":
		return usagef("--sweep-by connections is a closed loop of so many connections: leave out --%s", n)
	}
	return nil
}

// prepare checks the flags and fills in the times that were not given, and a rate that stands for those to come.
func (f *searchFlags) prepare(c *call, lf *loadFlags) error {
	if err := f.check(c); err != nil || !f.asked() {
		return err
	}
	if !c.flags.Changed("duration") {
		lf.cfg.Duration = findFinal
		if f.sweep != "" {
			lf.cfg.Duration = sweepWindow
		}
	}
	if !c.flags.Changed("warmup") {
		lf.cfg.Warmup = min(searchWarmup, lf.cfg.Duration/2)
	}
	if f.find || f.by == "rate" {
		lf.clients.rate = "1"
	}
	return nil
}

// run searches, or sweeps.
func (f *searchFlags) run(ctx context.Context, c *call, lf *loadFlags, cfg loadgen.Config) error {
	if f.find {
		return f.findRate(ctx, c, lf, cfg)
	}
	return f.runSweep(ctx, c, lf, cfg)
}

func (f *searchFlags) findRate(ctx context.Context, c *call, lf *loadFlags, cfg loadgen.Config) error {
	goals, err := loadgen.ParseGoals(f.slo)
	if err != nil {
		return usagef("--slo: %w", err)
	}
	for _, g := range goals {
		if g.Quantile > 0 && g.Limit >= cfg.Timeout.Seconds() {
			return usagef("--slo %v: that is not below the --timeout of %v", g, cfg.Timeout)
		}
	}
	s := loadgen.SearchConfig{Goals: goals, Initial: min(findInitial, cfg.Duration), Final: cfg.Duration,
		Width: f.width / 100}
	trial := s
	trial.Start, trial.Min, trial.Max = 1, 1, 1 // what the server will say
	if err := trial.Validate(); err != nil {
		return usageError{err}
	}
	fmt.Fprintf(c.stderr, "closed loop for %v, then trials of %v to %v\n", s.Initial, s.Initial, s.Final)
	found, err := loadgen.FindRate(ctx, cfg, s, loadgen.Run, func(t results.SearchTrial) {
		fmt.Fprintln(c.stderr, t.Line(goals))
	})
	if found == nil || err != nil && len(found.Trials) == 0 {
		return remoteHint(err)
	}
	err = errors.Join(err, lf.print(c, found, found.Print))
	switch {
	case err != nil:
		return err
	case found.Interrupted:
		return fmt.Errorf("%w; what the trials so far say is shown", errInterrupted)
	case found.Lower == nil:
		return errors.New("no rate was found that meets the goals")
	}
	return nil
}

func (f *searchFlags) runSweep(ctx context.Context, c *call, lf *loadFlags, cfg loadgen.Config) error {
	points, err := loadgen.ParseSweep(f.sweep, f.by)
	if err != nil {
		return usagef("--%w", err)
	}
	s := loadgen.SweepConfig{By: f.by, Points: points, Repeat: f.repeat}
	if err := s.Validate(); err != nil {
		return usagef("--%w", err)
	}
	all := len(points) * f.repeat
	fmt.Fprintf(c.stderr, "%d trials of %v after %v of warm-up each: about %v\n", all, cfg.Duration, cfg.Warmup,
		(time.Duration(all) * (cfg.Duration + cfg.Warmup)).Round(time.Second))
	sweep, err := loadgen.Sweep(ctx, cfg, s, loadgen.Run, func(done int, p *results.SweepPoint) {
		fmt.Fprintln(c.stderr, p.Line(done, all, f.by))
	})
	if sweep == nil || err != nil && !sweep.Answered() {
		return remoteHint(err)
	}
	err = errors.Join(err, lf.exports.saveSweep(c, sweep))
	if !lf.exports.stdout() {
		err = errors.Join(err, lf.print(c, sweep, sweep.Print))
	}
	switch {
	case err != nil:
		return err
	case sweep.Interrupted:
		return fmt.Errorf("%w; what was measured so far is shown", errInterrupted)
	case !sweep.Answered():
		return errors.New("not one right answer at any point: `serverlab load` without --sweep shows the errors")
	}
	return nil
}

// print writes a result as JSON, or draws it.
func (f *loadFlags) print(c *call, result any, draw func(io.Writer, results.Style) error) error {
	if !f.json {
		return draw(c.stdout, (&screenFlags{ascii: f.ascii}).style(c.stdout))
	}
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	if _, err := fmt.Fprintf(c.stdout, "%s\n", text); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// saveSweep writes the sweep to the file of --csv, a line for each point.
func (e *exports) saveSweep(c *call, s *results.Sweep) error {
	if e.csv == "" {
		return nil
	}
	x := export{"csv", e.csv, s.CSV}
	return x.save(c.stdout)
}
