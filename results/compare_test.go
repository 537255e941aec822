package results

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// synthetic is a run of 8 rows and 4 columns without histograms, drawn anew by each call: CPU time scatters by noise,
// throughput by 8 %, memory by a log-normal 30 %, as on a disturbed host; slower makes one row's CPU time so much more.
func synthetic(rng *rand.Rand, trials int, noise float64, slower string, by float64) Named {
	run := Run{Version: Version, Situations: situationFixtures[:4], Setup: Setup{Trials: trials}}
	var all []Trial
	for _, r := range rowFixtures {
		run.Architectures = append(run.Architectures, r.arch)
	}
	for block := 1; block <= trials; block++ {
		for _, s := range run.Situations {
			for _, r := range rowFixtures {
				t := Trial{Version: Version, Planned: Planned{s.Name, r.arch.Name, block}}
				cpu := r.cpu
				if r.arch.Name == slower {
					cpu *= 1 + by
				}
				waits := r.waits * (1 + 0.08*rng.NormFloat64())
				t.Load = Load{Requests: uint64(1e6 * waits), Window: 1e6, Silent: s.Silent, Connections: 64,
					HarmedCount: r.harmed - rng.IntN(2)}
				t.Server.CPU = pointer(cpu * (1 + noise*rng.NormFloat64()) * float64(t.Load.Requests))
				t.Server.PSSStart = pointer(uint64(0))
				t.Server.PSSSilent = pointer(uint64(1e9 * math.Exp(0.3*rng.NormFloat64())))
				run.Plan, all = append(run.Plan, t.Planned), append(all, t)
			}
		}
	}
	return Named{"synthetic", run, all}
}

// Two runs of the same thing differ nowhere in at least 19 of 20 pairs, whatever the noise: all cells together.
func TestSameRunsDoNotDiffer(t *testing.T) {
	if raceEnabled {
		t.Skip("a simulation: it is run without the race detector")
	}
	for _, noise := range []float64{0.01, 0.05} {
		rng := rand.New(rand.NewPCG(6, 20))
		claimed, compared := 0, 0
		const rounds = 200
		for range rounds {
			a, b := synthetic(rng, 6, noise, "", 0), synthetic(rng, 6, noise, "", 0)
			both, _, _ := pairs(&a, &b)
			if slices.ContainsFunc(both, func(c *pair) bool { return c.outcome == better || c.outcome == worse }) {
				claimed++
			}
			compared = len(both)
		}
		t.Logf("noise %g: a difference was claimed in %d of %d pairs of %d cells", noise, claimed, rounds, compared)
		if claimed > rounds/20 || compared != 32 {
			t.Errorf("noise %g: a difference was claimed in %d of %d pairs of %d cells", noise, claimed, rounds, compared)
		}
	}
}

// 5 % in CPU time per request of one row are found by the default number of trials, among all cells and with their
// correction; and nothing else is claimed in 19 of 20 pairs.
func TestFivePercentAreFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 5))
	const rounds = 100
	found, wrong := 0, 0
	for range rounds {
		a, b := synthetic(rng, 6, 0.01, "", 0), synthetic(rng, 6, 0.01, "goroutine", 0.05)
		both, _, _ := pairs(&a, &b)
		other := false
		for _, c := range both {
			switch claims := c.outcome == better || c.outcome == worse; {
			case c.sit.Name == "trivial" && c.a.Architecture.Name == "goroutine":
				if c.outcome == worse {
					found++
				}
			case claims:
				other = true
			}
		}
		if other {
			wrong++
		}
	}
	t.Logf("found in %d of %d pairs, something else in %d", found, rounds, wrong)
	if found < rounds*95/100 || wrong > rounds/20 {
		t.Errorf("found in %d of %d pairs, something else in %d", found, rounds, wrong)
	}
}

// One cell alone has the p-value that the definition gives: the share of the 20 ways to deal 3 and 3 blocks.
func TestPermutedByHand(t *testing.T) {
	cell := func(values ...float64) (p paired) {
		for i, v := range values {
			p = append(p, placed{i, v})
		}
		return p
	}
	for _, c := range []struct {
		cells []paired
		want  []float64
	}{
		{[]paired{cell(1, 2, 3, 11, 12, 13)}, []float64{0.1}},                                 // and its mirror image
		{[]paired{cell(1, 2, 11, 3, 12, 13)}, []float64{0.2}},                                 // {1 2 3} is further, too
		{[]paired{cell(5, 5, 5, 5, 5, 5)}, []float64{1}},                                      // nothing differs
		{[]paired{cell(1, 1, 1, 2, 2, 2)}, []float64{0.1}},                                    // without any scatter
		{[]paired{cell(1, 2, 3, 11, 12, 13), cell(5, 5, 5, 5, 5, 5)}, []float64{0.1, 1}},      // another cell costs nothing
		{[]paired{cell(1, 2, 3, 11, 12, 13), cell(1, 11, 2, 12, 3, 13)}, []float64{0.2, 0.2}}, // but one shares blocks
	} {
		p := permuted(c.cells, 3, 3)
		for i := range p {
			if math.Abs(p[i]-c.want[i]) > 1e-12 {
				t.Errorf("%v: p = %v, want %v", c.cells, p, c.want)
			}
		}
	}
}

// Of more ways than are tried some are drawn, by a fixed seed, the observed one first.
func TestDealsAreBounded(t *testing.T) {
	inA := make([]bool, 40)
	for i := range 20 {
		inA[i] = true
	}
	n := 0
	deals(inA, 20, func(drawn []bool) {
		if n++; n == 1 && !slices.Equal(drawn, inA) {
			t.Error("the observed deal is not among those that are tried")
		}
		ones := 0
		for _, in := range drawn {
			if in {
				ones++
			}
		}
		if ones != 20 {
			t.Fatalf("%d blocks were dealt to the first run, want 20", ones)
		}
	})
	if n != maxPermutations {
		t.Errorf("%d deals were tried, want %d", n, maxPermutations)
	}
}

func compareText(t *testing.T, a, b Named, s Style) string {
	t.Helper()
	var out bytes.Buffer
	if err := Compare(&out, a, b, s); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if !s.Color && width(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("%d columns: %s", width(line), line)
		}
		if s.ASCII && strings.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
			t.Errorf("not ASCII: %s", line)
		}
	}
	return out.String()
}

// changed is the fixture after a change of the program on another machine: one row costs less CPU time, another serves
// what it did not serve before, one is gone and one is new.
func changed(t *testing.T) (a, b Named) {
	t.Helper()
	run, trials := fixture(6, 6)
	a = Named{"runs/before", run, trials}
	later, all := fixture(8, 6)
	later, all = without(later, all, "epoll", "thread")
	later.Program, later.Machine.Kernel = "serverlab later", "6.13"
	later.Machine.CPU = strings.Repeat("Invented 4000 ", 3)
	later.Machine.Sysctls = map[string]string{"net.core.somaxconn": "8192"}
	later.Situations = slices.Clone(later.Situations)
	later.Situations[0].Rate, later.Situations[4].Path = 2900, "/other"
	for i := range all {
		t := &all[i]
		t.Server.Settings = map[string]string{"gomaxprocs": "2", "workers": "64"}
		switch {
		case t.Architecture == "goroutine" && t.Situation == "trivial":
			t.Server.CPU = pointer(0.9 * *t.Server.CPU)
		case t.Architecture == "eventloop" && t.Situation == "waits":
			t.Load.Requests -= t.Load.Requests / 20
		case t.Architecture == "threadpool" && t.Situation == "crowd":
			t.Load.Unserved, t.Load.Requests, t.Findings = 0, 100, nil
			t.Server.PSSSilent = pointer(*t.Server.PSSStart + 4<<20 + uint64(t.Block)<<10)
		}
	}
	return a, Named{"runs/after", later, all}
}

func TestCompareGolden(t *testing.T) {
	a, b := changed(t)
	same := a
	same.Name = strings.Repeat("a/very/long/name/", 6) + "again"
	few := a
	few.Name, few.Trials = "few", a.Trials[:70]
	other := Named{Name: "other", Run: Run{Version: Version}}
	for name, c := range map[string]struct {
		a, b  Named
		style Style
	}{
		"compare.txt":         {a: a, b: b},
		"compare-ascii.txt":   {a: a, b: b, style: Style{ASCII: true}},
		"compare-color.txt":   {a: a, b: b, style: Style{Color: true}},
		"compare-same.txt":    {a: a, b: same},
		"compare-few.txt":     {a: a, b: few},
		"compare-nothing.txt": {a: a, b: other},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, compareText(t, c.a, c.b, c.style)) })
	}
}

// A name in a record cannot steer the terminal.
func TestCompareIsNotSteered(t *testing.T) {
	a, b := changed(t)
	b.Run.Machine.CPU, b.Name = "\x1b[2J\x07evil\u009b", "\x1b]0;evil\x07"
	text := compareText(t, a, b, Style{})
	if strings.ContainsAny(text, "\x1b\x07\u009b") || !strings.Contains(text, "evil") {
		t.Errorf("control characters of a record are printed: %q", text[:200])
	}
}

// add takes in a run that began i hours later than the first one.
func add(t *testing.T, all *Orders, r Named, i int) {
	t.Helper()
	r.Run.Started = time.Date(2026, 3, 1, i, 0, 0, 0, time.UTC)
	if err := all.Add(fmt.Sprintf("%d.run", i), r.Run, r.Trials); err != nil {
		t.Fatal(err)
	}
}

func TestOrdersGolden(t *testing.T) {
	var many Orders
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 34 {
		slower := ""
		if i%5 == 0 {
			slower = "iterative"
		}
		r := synthetic(rng, 6, 0.01, slower, 0.6)
		for j := range r.Trials {
			if t := &r.Trials[j]; t.Architecture == "thread" && t.Situation == "waits" && i%3 == 0 {
				t.Failure = "the server did not start"
			}
		}
		if i == 7 {
			r.Run, r.Trials = without(r.Run, r.Trials, "goroutine")
		}
		add(t, &many, r, i)
	}
	for name, c := range map[string]struct {
		every bool
		style Style
	}{"orders.txt": {}, "orders-ascii.txt": {style: Style{ASCII: true}}, "orders-every.txt": {every: true}} {
		var out bytes.Buffer
		if err := many.Draw(&out, c.every, c.style); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if width(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%s: %d columns: %s", name, width(line), line)
			}
		}
		golden(t, name, out.String())
	}
}

// What all runs agree on is said of all, whatever their order; what chance could have done is not.
func TestOrdersCount(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	var all Orders
	for i := range 9 {
		r := synthetic(rng, 6, 0.01, "", 0)
		add(t, &all, r, i)
	}
	marks := map[string]string{}
	for _, p := range all.columns[0].pairs(true) {
		marks[p.first+" "+p.second] = string(p.marks)
	}
	for names, want := range map[string]rune{"iterative process": holds, "threadpool goroutine": holds} {
		if got := marks[names]; got != strings.Repeat(string(want), 9) {
			t.Errorf("%s: %s, want 9 times %c", names, got, want)
		}
	}
	tied := marks["iterative epoll"] + marks["epoll iterative"]
	if strings.Count(tied, string(unclear)) < 7 { // 21.4 and 21.6 are less than Margin apart
		t.Errorf("iterative and epoll: %s, want hardly ever told apart", tied)
	}
	if len(all.columns) != 4 {
		t.Errorf("%d columns, want 4", len(all.columns))
	}
}

// A run that is handed in twice, under whatever name, counts once.
func TestOrdersRefuseACopy(t *testing.T) {
	run, trials := fixture(2, 1)
	var all Orders
	if err := all.Add("a.run", run, trials); err != nil {
		t.Fatal(err)
	}
	err := all.Add("b.run", run, trials)
	if !errors.Is(err, ErrCopy) || !strings.Contains(err.Error(), "a.run") || all.runs != 1 {
		t.Errorf("a copy: %v, %d runs; want ErrCopy that names a.run, and 1 run", err, all.runs)
	}
}

// TestCellsOfOtherRatesAreNotCompared: a figure that depends on the rate says nothing where the rates differ much.
func TestCellsOfOtherRatesAreNotCompared(t *testing.T) {
	for factor, want := range map[float64]bool{1: false, 1.05: false, 1.2: true, 0.5: true} {
		run, trials := fixture(6, 6)
		other := run
		other.Situations = slices.Clone(run.Situations)
		for i := range other.Situations {
			other.Situations[i].Rate *= factor
		}
		both, _, _ := pairs(&Named{"a", run, trials}, &Named{"b", other, trials})
		seen := map[Metric]int{}
		for _, p := range both {
			own := p.sit.OwnRates[p.a.Architecture.Name] > 0
			if p.outcome == otherRate {
				seen[p.sit.Metric]++
			}
			if depends := p.sit.Metric == CPUPerRequest || p.sit.Metric == Latency; p.outcome == otherRate && (!depends || own) {
				t.Errorf("rates %v times as high: %s in %s is not compared", factor, p.a.Architecture.Name, p.sit.Name)
			}
		}
		if (seen[CPUPerRequest] > 0) != want || (seen[Latency] > 0) != want {
			t.Errorf("rates %v times as high: %v are not compared", factor, seen)
		}
	}
}
