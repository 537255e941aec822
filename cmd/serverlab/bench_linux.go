package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/bench"
	"serverlab/internal/cpuset"
	"serverlab/results"
	"serverlab/servers"
)

// runsDir is where runs are kept unless the user says otherwise.
var runsDir = filepath.Join("results", "runs")

// benchFlags is what a run can be told.
type benchFlags struct {
	archs, serverCPUs, clientCPUs, out, resume, predict string
	trials                                              int
	quick, full, references                             bool
	connections                                         int
	seed                                                uint64
	screen                                              screenFlags
}

// The numbers of trials: six is the least that gives an interval for a median, ten is for what will be quoted.
const (
	quickTrials   = 3
	defaultTrials = 6
	fullTrials    = 10
)

// crashShare is the share of the usual trials that a crash gets where nobody says how many: it shows in one.
const crashShare = 2

func (f *benchFlags) register(c *call) {
	fs := c.flags
	fs.StringVar(&f.archs, "arch", "", "`ROWS` such as epoll,prefork:accept=pass, or all (default: the lecture's)")
	fs.BoolVar(&f.references, "references", false, "measure the servers of others, too: see serverlab list")
	fs.IntVar(&f.trials, "trials", defaultTrials,
		"trials of each cell; fewer than 6 give no interval and no ranking; crash: 3")
	fs.BoolVar(&f.quick, "quick", false, "3 trials, of a crash 1: a look, no result")
	fs.BoolVar(&f.full, "full", false, "10 trials, of a crash 5: for figures that will be quoted")
	fs.StringVar(&f.out, "out", "", "`DIR` for the result (default: a new one in "+runsDir+")")
	fs.StringVar(&f.resume, "resume", "", "go on with the interrupted run in `DIR`; without a value, with the last one")
	fs.Lookup("resume").NoOptDefVal = "last"
	fs.StringVar(&f.predict, "predict", "", "ask before the run what will be best, and score it; or read that from `FILE`, "+
		"a line each: trivial: iterative 3x prefork")
	fs.Lookup("predict").NoOptDefVal = askPredictions
	fs.IntVar(&f.connections, "connections", 64, "busy clients")
	fs.Uint64Var(&f.seed, "seed", 1, "of the order of the trials and of the arrivals")
	fs.StringVar(&f.serverCPUs, "server-cpus", "", "`LIST` such as 0 or 0-1 (default: chosen, one CPU)")
	fs.StringVar(&f.clientCPUs, "client-cpus", "", "`LIST` (default: chosen, one CPU on another core)")
	f.screen.register(c)
}

func runBench(ctx context.Context, c *call) error {
	diesWithMake()
	var f benchFlags
	f.register(c)
	c.more = experimentsHelp()
	if err := c.parse(len(bench.Experiments())); err != nil {
		return err
	}
	o, err := f.options(c)
	if err != nil {
		return err
	}
	progress := newProgress(c.stderr, f.screen)
	o.Say, o.Report = progress.say, progress.trial
	if o.Predict, err = f.predictions(c); err != nil {
		return err
	}
	run, trials, err := bench.Run(ctx, o)
	progress.end()
	var usage bench.UsageError
	switch {
	case errors.As(err, &usage):
		return usageError{err}
	case err != nil && !errors.Is(err, bench.ErrInterrupted):
		return err
	case err != nil && len(trials) == 0:
		return fmt.Errorf("%w before the first trial ended%s", errInterrupted, goOn(o.Dir))
	}
	if err != nil {
		err = fmt.Errorf("%w; %d of %d trials are kept: go on by `serverlab bench --resume=%s`", errInterrupted,
			len(trials), len(run.Plan), o.Dir)
	}
	paged := savePage(o.Dir, run, trials)
	if paged == nil { // first, so that the screen ends at the terminal's foot
		fmt.Fprintf(c.stderr, "kept in %s: open %s in a browser; `%s report %s --wide` shows everything\n",
			o.Dir, pageFile, os.Args[0], o.Dir)
	}
	return errors.Join(err, f.screen.show(c.stdout, run, trials), paged)
}

// goOn says how to go on with a run that has no trials yet; "" where it has to begin anew.
func goOn(dir string) string {
	if !exists(filepath.Join(dir, "run.json")) {
		return ""
	}
	return fmt.Sprintf("; its calibration is kept: go on by `serverlab bench --resume=%s`", dir)
}

func (f *benchFlags) options(c *call) (o bench.Options, err error) {
	self, err := os.Executable()
	if err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	set := c.flags.Changed
	switch {
	case f.quick && f.full, (f.quick || f.full) && set("trials"):
		return o, usagef("give one of --quick, --full and --trials")
	case f.quick:
		f.trials = quickTrials
	case f.full:
		f.trials = fullTrials
	}
	if f.trials < 1 || f.trials > 1000 {
		return o, usagef("--trials %d: give a number from 1 to 1000", f.trials)
	}
	if f.connections < 1 || f.connections > 10_000 {
		return o, usagef("--connections %d: give a number from 1 to 10000", f.connections)
	}
	if set("resume") {
		if f.resume == "" {
			return o, usagef("--resume= names no directory; `--resume` alone goes on with the last run")
		}
		for _, name := range []string{"arch", "references", "trials", "quick", "full", "out", "connections", "seed",
			"server-cpus", "client-cpus", "predict"} {
			if set(name) {
				return o, usagef("--resume goes on as the run began: leave out --%s", name)
			}
		}
		if c.flags.NArg() > 0 {
			return o, usagef("--resume goes on as the run began: leave out %q (a directory is given as --resume=DIR)",
				c.flags.Arg(0))
		}
	}
	cfg := servers.DefaultConfig()
	o = bench.Options{
		Program: "serverlab " + commit, Experiments: c.flags.Args(), Trials: f.trials,
		CrashTrials: f.crashTrials(set("trials")), Connections: f.connections,
		Workers: cfg.Workers, Usual: f.usual(), Seed: f.seed, Bare: beside(self, "serverlab-bare"),
		Empty:   []string{beside(self, "serverlab-worker"), "--empty"},
		Forks:   []string{beside(self, "serverlab-worker"), "--empty", "--forks"},
		Server:  func(s bench.ServerOptions) []string { return serverCommand(self, s) },
		Null:    func(keepalive bool) []string { return []string{self, "null", fmt.Sprintf("--keepalive=%t", keepalive)} },
		Delayed: func(delay string, seed uint64, spin bool) []string { return delayedCommand(self, delay, seed, spin) },
	}
	if f.resume != "" {
		o.Resume = true
		o.Dir, err = resumed(f.resume)
		return o, err
	}
	if set("arch") && strings.Trim(f.archs, ", ") == "" {
		return o, usagef("--arch names no architecture; leave it out for those of the lecture")
	}
	if o.Rows, o.LeftOut, err = f.rows(cfg, c.flags.Args()); err != nil {
		return o, err
	}
	if o.Split, err = f.split(); err != nil {
		return o, err
	}
	o.Dir = f.out
	if o.Dir == "" {
		o.Dir = filepath.Join(runsDir, time.Now().Format("2006-01-02-150405"))
	}
	return o, nil
}

// experimentsHelp is what --help says of the experiments.
func experimentsHelp() string {
	var b strings.Builder
	b.WriteString("\nExperiments; without one the default is run: the first five, and a\n" +
		"few trials of state and crash for one row. Longer: bench default load stall\n")
	listQuestions(&b, questions())
	return b.String()
}

// crashTrials is how many trials the crash experiment has of each cell: as many as were asked for.
func (f *benchFlags) crashTrials(asked bool) int {
	if asked {
		return f.trials
	}
	return max(1, f.trials/crashShare)
}

// usual are the rows of the lecture; nil where the user names rows.
func (f *benchFlags) usual() (names []string) {
	for _, a := range servers.Architectures {
		if f.archs == "" && !a.Unfinished && !a.Rare {
			names = append(names, a.Name)
		}
	}
	return names
}

// names are the rows that were asked for: by name, all of the table, or those that the experiments are about, which are
// mostly those of the lecture; references after them.
func (f *benchFlags) names(experiments []string) (names []string) {
	if f.archs == "" {
		names = bench.RowsOf(experiments, f.trials, f.usual())
	}
	for name := range strings.SplitSeq(f.archs, ",") {
		if name = strings.TrimSpace(name); name != "" && name != "all" {
			names = append(names, name)
			continue
		}
		for _, a := range servers.Architectures {
			if !a.Unfinished && name == "all" {
				names = append(names, a.Name)
			}
		}
	}
	if f.references {
		for _, a := range servers.References {
			names = append(names, a.Name)
		}
	}
	return names
}

// rows are the rows to measure, and those that can't be measured here, with the reasons.
func (f *benchFlags) rows(cfg servers.Config, experiments []string) (rows []results.Architecture, left []results.LeftOut, err error) {
	for _, name := range f.names(experiments) {
		a, v, err := servers.Lookup(name)
		if err != nil {
			return nil, nil, usageError{err}
		}
		if a.Unfinished {
			return nil, nil, usagef("%s is unfinished: fill its gap until `serverlab check --arch %s` finds no fault, "+
				"then take Unfinished off its line of the table", a.Name, a.Name)
		}
		if err := available(a); err != nil {
			left = append(left, results.LeftOut{Name: name, Why: oneLine(err)})
			continue
		}
		rows = append(rows, row(a, v, cfg))
	}
	if slices.Contains(strings.Split(f.archs, ","), "all") {
		for _, a := range servers.Architectures {
			if a.Unfinished {
				left = append(left, results.LeftOut{Name: a.Name, Why: "it is unfinished"})
			}
		}
	}
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("nothing can be measured here: %s: %s", left[0].Name, left[0].Why)
	}
	return rows, left, nil
}

// available tells why an architecture can't run here.
func available(a servers.Architecture) error {
	if a.Needs == nil {
		return nil
	}
	return a.Needs()
}

func row(a servers.Architecture, v servers.Variant, cfg servers.Config) results.Architecture {
	r := results.Architecture{Name: servers.Row(a, v), Lecture: a.Lecture, Label: a.Name, Idea: a.Idea,
		Reference: servers.IsReference(a.Name), StaticOnly: a.StaticOnly}
	cfg.Build(v)
	r.Lanes = lanes(a, cfg)
	switch {
	case r.Reference:
		r.Lecture = "reference"
	case v.Loops > 1:
		r.Lecture = "hybrid"
	}
	switch a.Limit {
	case servers.QueuesOne:
		r.AtOnce = 1
	case servers.Queues:
		r.AtOnce = cfg.Workers
	}
	switch {
	case a.Member != nil:
		r.Processes = results.Pooled
	case a.Unit == servers.Process && !r.Reference:
		r.Processes, r.Forked = results.PerRequest, v.Spawn == servers.Fork
	}
	if a.Pool && r.AtOnce > 0 && !r.Reference { // symped has as many workers as the server has CPUs
		r.Label = fmt.Sprintf("%s %d", a.Name, cfg.Workers)
	}
	if settings := v.String(); settings != "" {
		r.Label = label(a.Name, settings)
	}
	return r
}

// label squeezes a variant into a row's first cell: of each setting its value, of the name what there is room for.
func label(name, settings string) string {
	var values string
	for setting := range strings.SplitSeq(settings, ":") {
		_, value, _ := strings.Cut(setting, "=")
		values += " " + value
	}
	const room = 14
	values = values[:min(len(values), room-4)]
	return name[:min(len(name), room-len(values))] + values
}

func beside(program, name string) string { return filepath.Join(filepath.Dir(program), name) }

// split divides the CPUs, by hand or by what the machine has.
func (f *benchFlags) split() (cpuset.Split, error) {
	allowed, err := cpuset.Allowed()
	if err != nil {
		return cpuset.Split{}, err
	}
	cpus := cpuset.Topology(os.DirFS("/sys"), allowed)
	s, err := cpuset.Divide(cpus)
	if err != nil {
		return s, err
	}
	byHand := false
	for _, side := range []struct {
		flag, list string
		into       *[]int
	}{{"server-cpus", f.serverCPUs, &s.Server}, {"client-cpus", f.clientCPUs, &s.Client}} {
		if side.list == "" {
			continue
		}
		byHand = true
		if *side.into, err = cpuset.Parse(side.list); err != nil {
			return s, usagef("--%s: %w", side.flag, err)
		}
		for _, id := range *side.into {
			known := false
			for _, a := range allowed {
				known = known || a == id
			}
			if !known {
				return s, usagef("--%s: CPU %d may not be used here; there are %v", side.flag, id, allowed)
			}
		}
	}
	if byHand {
		s.Why = cpuset.Overlap(cpus, s.Server, s.Client)
		s.Apart = s.Why == ""
	}
	return s, nil
}

// resumed finds the run to go on with.
func resumed(dir string) (string, error) {
	if dir != "last" {
		return dir, nil
	}
	entries, err := os.ReadDir(runsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for the last run: %w", err)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if dir := filepath.Join(runsDir, entries[i].Name()); exists(filepath.Join(dir, "run.json")) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("there is no run in %s: name its directory by --resume=DIR", runsDir)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// diesWithMake ends a run whose make is killed, by the same way as an interruption: nobody would see its result.
func diesWithMake() {
	if level, err := strconv.Atoi(os.Getenv("MAKELEVEL")); err == nil && level > 0 {
		_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0) // fails on no kernel that Go runs on
	}
}
