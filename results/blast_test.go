package results

import (
	"math"
	"strings"
	"testing"
)

// blastLoad is a closed loop with so many requests in each step of 20 ms, and a bad request in the middle of step 5.
func blastLoad(harmed int, points ...uint64) Load {
	l := faultLoad(points...)
	l.Fault, l.Sessions, l.KeepAlive, l.HarmedCount = nil, nil, false, harmed
	l.CrashSent = pointer(0.11)
	return *l
}

func TestGap(t *testing.T) {
	for _, c := range []struct {
		name   string
		points []uint64
		gap    float64
		back   bool
		ok     bool
		rate   float64
	}{
		{"nothing happened", steps(40, 20), 0, true, true, 1},
		{"half as fast", steps(5, 20, 15, 10), 0, true, true, 0.5},
		{"a step without an answer is no gap", steps(6, 20, 1, 0, 13, 20), 0, true, true, 1},
		{"a gap", steps(5, 20, 3, 0, 12, 20), 0.06, true, true, 1},
		{"the longest of two", steps(5, 20, 3, 0, 2, 20, 4, 0, 6, 20), 0.08, true, true, 6.0 / 8},
		{"for ever", steps(6, 20, 14, 0), 0.28, false, true, 0},
		{"nobody was answered before", steps(5, 0, 15, 20), 0, false, false, 0},
		{"it came with the end", steps(5, 20), 0, false, false, 0},
	} {
		l := blastLoad(0, c.points...)
		got, back, ok := gap(&l)
		if math.Abs(got-c.gap) > 1e-9 || back != c.back || ok != c.ok {
			t.Errorf("%s: a gap of %v, back %t, told %t; want %v, %t, %t", c.name, got, back, ok, c.gap, c.back, c.ok)
		}
		if rate, ok := rateAfter(&l); math.Abs(rate-c.rate) > 1e-9 || ok != c.ok {
			t.Errorf("%s: a rate of %v, told %t; want %v, %t", c.name, rate, ok, c.rate, c.ok)
		}
	}
	if _, _, ok := gap(&Load{}); ok {
		t.Error("a load in which nothing was broken has a gap")
	}
}

// blastFixture is an invented run of the experiment: three trials of each cell, one row that shares all, one that
// shares nothing, and a pool that keeps what leaks.
func blastFixture() (run Run, trials []Trial) {
	run, _ = fixture(2, 3)
	run.Architectures = []Architecture{{Name: "eventloop", Label: "eventloop"},
		{Name: "process", Label: "process", Processes: PerRequest}, {Name: "prefork", Label: "prefork 64", AtOnce: 64}}
	run.Situations, run.Plan = nil, nil
	for _, kind := range blastKinds {
		run.Situations = append(run.Situations, Situation{Name: "blast-" + kind.short, Title: kind.short, Metric: Harmed,
			Model: "closed", Experiment: blastExperiment, Path: "/", Crash: kind.path, Connections: 16, Timeout: 0.25,
			Warmup: 0.15, Window: 0.4})
	}
	for block := 1; block <= 3; block++ {
		for _, s := range run.Situations {
			for _, a := range run.Architectures {
				p := Planned{Situation: s.Name, Architecture: a.Name, Block: block}
				run.Plan = append(run.Plan, p)
				t := Trial{Version: Version, Planned: p, Load: blastLoad(1, steps(20, 20)...)}
				t.Server.PSSStart, t.Server.PSSPeak = pointer(uint64(20<<20)), pointer(uint64(21<<20))
				shared := a.Name == "eventloop"
				switch {
				case s.Crash == "/chaos/panic":
					t.Load.HarmedCount = 0
				case s.Crash == "/chaos/leak":
					t.Load = blastLoad(0, steps(5, 20, 2, 0, 13, 20)...)
					if a.Processes != PerRequest {
						*t.Server.PSSPeak += 64 << 20
					}
				case shared:
					t.Load = blastLoad(16, steps(5, 20, 15, 0)...)
				}
				trials = append(trials, t)
			}
		}
	}
	return run, trials
}

func TestBlastGolden(t *testing.T) {
	run, trials := blastFixture()
	for name, c := range map[string]struct {
		trials []Trial
		style  Style
	}{"blast.txt": {trials: trials}, "blast-ascii.txt": {trials, Style{ASCII: true}},
		"blast-begun.txt": {trials: trials[:7]}} {
		var b strings.Builder
		if err := Screen(&b, run, c.trials, c.style); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
		for line := range strings.Lines(b.String()) {
			if width(strings.TrimRight(line, "\n")) > screenWidth {
				t.Errorf("%s: wider than 80 columns: %q", name, line)
			}
		}
	}
}

// A server that failed is told by a word, and its figures are not.
func TestBlastOfAFailure(t *testing.T) {
	run, trials := blastFixture()
	for i := range trials {
		if trials[i].Architecture == "process" {
			trials[i].Failure = "the server did not start: no memory"
		}
	}
	var b strings.Builder
	if err := Blast(&b, run, trials, Style{}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Count(text, "no figure") != 2*len(blastKinds) {
		t.Errorf("a failure is not told in every place:\n%s", text)
	}
}

// An expectation can name the silence and the memory, by the situation.
func TestExpectationsOfABlast(t *testing.T) {
	run, trials := blastFixture()
	for line, want := range map[string]float64{"gap(eventloop, blast-loops)": 0.3, "grown(prefork, blast-leaks 64 MB)": 65 << 20} {
		f := expMetricOf(line[:strings.Index(line, "(")])
		s := map[bool]*Situation{true: &run.Situations[1], false: &run.Situations[2]}[f.name == "gap"]
		row := map[bool]*Architecture{true: &run.Architectures[0], false: &run.Architectures[2]}[f.name == "gap"]
		c := (&expFigure{metric: f}).cell(&run, trials, s, row)
		if got := c.median(); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", line, got, want)
		}
	}
}
