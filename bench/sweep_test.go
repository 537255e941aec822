//go:build linux

package bench

import (
	"slices"
	"testing"
	"time"

	"serverlab/results"
)

// sweepBench is a bench of the lecture's rows.
func sweepBench(trials int) *bench {
	b := &bench{Options: Options{Trials: trials, Connections: 64}}
	for _, name := range []string{"iterative", "eventloop", "threadpool", "thread", "goroutine"} {
		b.rows = append(b.rows, results.Architecture{Name: name})
	}
	b.rows = append(b.rows, results.Architecture{Name: "process", Processes: results.PerRequest},
		results.Architecture{Name: "prefork", Processes: results.Pooled})
	return b
}

// calibrated is what those rows can do on the machine of the reference run.
func calibrated() results.Calibration {
	return results.Calibration{Ceiling: map[string]float64{perConnection: 23_900}, Capacity: map[string]float64{
		"iterative": 22_100, "eventloop": 17_100, "threadpool": 16_400, "thread": 12_500, "goroutine": 17_100,
		"process": 450, "prefork": 16_000}, LoadCapacity: map[string]float64{"iterative": 6900, "eventloop": 6400,
		"threadpool": 6200, "thread": 5100, "goroutine": 6300, "process": 420, "prefork": 6100},
		Start: map[string]float64{"prefork": 0.35}}
}

// ratesOf are the rates that a row is offered.
func ratesOf(sits []results.Situation, row string) (rates []float64) {
	for _, s := range sits {
		if s.Sweep == results.LoadSweep && slices.Contains(s.Rows, row) {
			rates = append(rates, s.Rate)
		}
	}
	return rates
}

func TestLoadsGoUpToTheKneeAndPastIt(t *testing.T) {
	b := sweepBench(6)
	cal := calibrated()
	sits := b.loadsOf(cal)
	for _, r := range b.rows {
		rates := ratesOf(sits, r.Name)
		if len(rates) != loadPoints || !slices.IsSorted(rates) {
			t.Errorf("%s: rates %v, want %d in rising order", r.Name, rates, loadPoints)
		}
		capacity, last := cal.LoadCapacity[r.Name], rates[len(rates)-1]
		past := 0
		for _, rate := range rates {
			if rate > capacity {
				past++
			}
		}
		if rates[0] > loadLow*capacity || rates[0] < loadLow/1.3*capacity || past != 2 || last > 1.6*capacity {
			t.Errorf("%s can do %v/s and is offered %v, want two rates beyond that", r.Name, capacity, rates)
		}
	}
	if got, want := ratesOf(sits, "process"), []float64{125, 200, 250, 315, 400, 500, 630}; !slices.Equal(got, want) {
		t.Errorf("process is offered %v, want %v", got, want)
	}
	if a, b := ratesOf(sits, "goroutine"), ratesOf(sits, "eventloop"); !slices.Equal(a, b) {
		t.Errorf("two rows of one capacity are offered %v and %v", a, b)
	}
	for _, s := range sits {
		if want := min(p99Samples/s.Rate, loadLongest); s.Window < want || s.Model != "poisson" || s.KeepAlive ||
			s.Metric != results.Goodput {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
}

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		most float64
		step int
		tail []float64
	}{
		{22_000, 2, []float64{12_500, 16_000, 20_000}},
		{22_000, 4, []float64{8000, 12_500, 20_000}},
		{22_500, 2, []float64{14_000, 18_000, 22_400}},
		{1, 2, []float64{1}},
		{0.5, 2, nil},
	} {
		got := grid(c.most, c.step)
		if !slices.Equal(got[max(0, len(got)-3):], c.tail) {
			t.Errorf("grid(%v, %d) ends in %v, want %v", c.most, c.step, got, c.tail)
		}
	}
	if rates := grid(1e300, 1); len(rates) > 200 {
		t.Errorf("%d rates", len(rates))
	}
}

// A machine on which a row answers hardly anything, or nothing, still gets a plan.
func TestLoadsOfSlowRows(t *testing.T) {
	b := sweepBench(6)
	cal := calibrated()
	cal.LoadCapacity["process"], cal.LoadCapacity["thread"] = 0, 3
	sits := b.loadsOf(cal)
	if got := ratesOf(sits, "process"); !slices.Equal(got, []float64{1, 1.25}) {
		t.Errorf("a row without an answer is offered %v", got)
	}
	if got := ratesOf(sits, "thread"); !slices.Equal(got, []float64{1, 1.25, 1.6, 2, 2.5, 3.15, 4}) {
		t.Errorf("a row of 3 requests/s is offered %v", got)
	}
}

// What was planned on a guess is what is planned on a machine that is as was guessed, and what a class has time for.
func TestLoadIsPlannedInTime(t *testing.T) {
	for _, c := range []struct {
		trials int
		most   time.Duration
	}{{6, 6 * time.Minute}, {3, 90 * time.Second}} {
		b := sweepBench(c.trials)
		guess := results.Run{Architectures: b.rows, Situations: b.loads(), Calibration: guessed(b.rows)}
		guess.Plan = plan(guess.Situations, b.rows, c.trials, 1)
		run := results.Run{Architectures: b.rows, Calibration: calibrated()}
		run.Situations = b.offered(guess.Situations, run.Calibration)
		run.Plan = plan(run.Situations, b.rows, c.trials, 1)
		t.Logf("%d trials of each: %d in %v, guessed %d in %v", c.trials, len(run.Plan), Planned(run), len(guess.Plan),
			Planned(guess))
		for _, r := range []results.Run{guess, run} {
			if d := Planned(r); d > c.most || d < c.most/2 {
				t.Errorf("%d trials of each are planned to take %v, want at most %v", c.trials, d, c.most)
			}
		}
	}
}

// What waits at the end of an overloaded window is waited for, for a second at most.
func TestPlannedTrialWaitsForTheBacklog(t *testing.T) {
	cal := calibrated()
	s := results.Situation{Sweep: results.LoadSweep, Warmup: 0.1, Window: 1}
	for rate, want := range map[float64]float64{210: 1.1, 420: 1.1, 630: 1.6, 9000: 2.1} {
		s.Rate = rate
		if d := plannedTrial(s, &cal, "process") - trialOverhead; (d - seconds(want)).Abs() > time.Microsecond {
			t.Errorf("at %v/s a trial takes %v, want %v s", rate, d, want)
		}
	}
}

// Other experiments of the same run stay where they are, with their rates.
func TestOfferedKeepsTheRest(t *testing.T) {
	b := sweepBench(6)
	before := slices.Concat(situations(64)[:1], b.loads(), b.stalls())
	after := b.offered(before, calibrated())
	if after[0].Name != "trivial" || after[len(after)-1].Name != StallName || len(after) < 4 {
		t.Fatalf("%d situations, first %s", len(after), after[0].Name)
	}
	rate := after[1].Rate
	setRates(after, b.rows, calibrated())
	if after[1].Rate != rate {
		t.Errorf("the rate of %s became %v", after[1].Name, after[1].Rate)
	}
	if s := after[len(after)-1]; s.Rate != 310 || s.Window != stallWindow || s.Warmup != 0.1 || len(s.OwnRates) != 0 {
		t.Errorf("stall: rate %v, window %v", s.Rate, s.Window)
	}
}

// A server that dies of a request that should only block it has failed.
func TestOnlyBlastKills(t *testing.T) {
	for _, s := range slices.Concat(situations(64), sweepBench(6).stalls()) {
		if kills(&s) != (s.Name == KillName) {
			t.Errorf("%s: kills is %t", s.Name, kills(&s))
		}
	}
}

// What can only send a file is asked for nothing else, and rates are those of the request that is asked for.
func TestLoadsSpareStaticServers(t *testing.T) {
	b := sweepBench(6)
	b.rows = append(b.rows, results.Architecture{Name: "nginx", Reference: true, StaticOnly: true})
	for _, s := range b.loads() {
		if slices.Contains(s.Rows, "nginx") || s.Path != loadPath {
			t.Errorf("%s: rows %v are asked for %s", s.Name, s.Rows, s.Path)
		}
	}
	for _, s := range b.loadsOf(calibrated()) {
		if slices.Contains(s.Rows, "nginx") {
			t.Errorf("%s: rows %v", s.Name, s.Rows)
		}
	}
}

// The default run can be part of a longer one, and is then what it is alone, with its arrivals for as long.
func TestDefaultBesideOthers(t *testing.T) {
	chosen := func(experiments ...string) (names []string, sits []results.Situation) {
		b := sweepBench(results.MinTrials)
		b.Rows, b.rows, b.Experiments, b.Say = b.rows, nil, experiments, func(string, ...any) {}
		if err := b.choose(); err != nil {
			t.Fatal(err)
		}
		for _, s := range b.sits {
			names = append(names, s.Name)
		}
		return names, b.sits
	}
	alone, _ := chosen()
	if named, _ := chosen(DefaultName); !slices.Equal(named, alone) || len(alone) < 8 {
		t.Errorf("default is %v, and without a name it is %v", named, alone)
	}
	more, _ := chosen(DefaultName, LoadName, StallName)
	if !slices.Equal(more[:len(alone)], alone) || more[len(more)-1] != StallName || len(more) < len(alone)+5 {
		t.Errorf("default, load and stall are %v", more)
	}
	for _, whole := range []string{StateName, CrashName} { // of which the default closes with one row
		names, sits := chosen(DefaultName, whole)
		for i, s := range sits {
			if costsState(&s) == (whole == StateName) && slices.Equal(s.Rows, []string{"eventloop"}) {
				t.Errorf("beside %s: %s of one row in %v", whole, names[i], names)
			}
		}
	}
}
