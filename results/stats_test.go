package results

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/perf/benchmath"
)

func TestValue(t *testing.T) {
	response := func(n int64) Histogram {
		h := NewHistogram()
		if n > 0 {
			if err := h.RecordValues(2_000_000, n); err != nil {
				t.Fatal(err)
			}
		}
		return h
	}
	full := func() Trial {
		return Trial{
			Load:   Load{Requests: 500, Window: 2, Connections: 16, Silent: 1000, HarmedCount: 3, Response: response(570)},
			Server: Server{CPU: pointer(0.01), PSSStart: pointer(uint64(5_000_000)), PSSSilent: pointer(uint64(6_000_000))},
		}
	}
	for name, c := range map[string]struct {
		metric Metric
		change func(*Trial)
		want   float64 // NaN: no figure
	}{
		"cpu":                   {CPUPerRequest, func(*Trial) {}, 20e-6},
		"cpu without counter":   {CPUPerRequest, func(t *Trial) { t.Server.CPU = nil }, math.NaN()},
		"cpu without requests":  {CPUPerRequest, func(t *Trial) { t.Load.Requests = 0 }, math.NaN()},
		"throughput":            {Throughput, func(*Trial) {}, 250},
		"throughput of nothing": {Throughput, func(t *Trial) { t.Load.Requests = 0 }, 0},
		"no window":             {Throughput, func(t *Trial) { t.Load.Window = 0 }, math.NaN()},
		"memory":                {MemoryPerSilent, func(*Trial) {}, 1000},
		"memory that shrank":    {MemoryPerSilent, func(t *Trial) { t.Server.PSSSilent = pointer(uint64(4_000_000)) }, -1000},
		"memory, starved":       {MemoryPerSilent, func(t *Trial) { t.Load.Unserved = 1 }, math.NaN()},
		"memory, none served":   {MemoryPerSilent, func(t *Trial) { t.Load.Requests = 0 }, math.NaN()},
		"memory, none silent":   {MemoryPerSilent, func(t *Trial) { t.Load.Silent = 0 }, math.NaN()},
		"memory, no counter":    {MemoryPerSilent, func(t *Trial) { t.Server.PSSSilent = nil }, math.NaN()},
		"harmed":                {Harmed, func(*Trial) {}, 3},
		"latency":               {Latency, func(*Trial) {}, 2e-3},
		"latency, 569 samples":  {Latency, func(t *Trial) { t.Load.Response = response(569) }, math.NaN()},
		"latency, no histogram": {Latency, func(t *Trial) { t.Load.Response = Histogram{} }, math.NaN()},
		"failure":               {Throughput, func(t *Trial) { t.Failure = "did not start" }, math.NaN()},
		"no such metric":        {"beauty", func(*Trial) {}, math.NaN()},
	} {
		trial := full()
		c.change(&trial)
		v, ok := trial.Value(c.metric)
		if ok == math.IsNaN(c.want) || ok && math.Abs(v-c.want) > 1e-3*math.Abs(c.want) {
			t.Errorf("%s: %v %v, want %v", name, v, ok, c.want)
		}
	}
}

func TestSummarize(t *testing.T) {
	s := Summarize([]float64{5, 1, 4, 2, 3, 6})
	if s != (Summary{6, 3.5, 1, 6, 1, 6}) {
		t.Errorf("six values: %+v", s)
	}
	s = Summarize([]float64{5, 1, 4, 2, 3})
	if s.Median != 3 || !math.IsNaN(s.Lo) || !math.IsNaN(s.Hi) || s.Smallest != 1 || s.Biggest != 5 {
		t.Errorf("five values: %+v", s)
	}
	values := []float64{3, 1, 2}
	Summarize(values)
	if values[0] != 3 {
		t.Error("the values of the caller were sorted")
	}
	if s := Summarize(nil); s.N != 0 || !math.IsNaN(s.Median) {
		t.Errorf("no values: %+v", s)
	}
}

// TestMannWhitneyIsExact checks the p-value against all ways to deal the values into two samples, ties included.
func TestMannWhitneyIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		all := make([]float64, 9+rng.IntN(2))
		for i := range all {
			all[i] = float64(rng.IntN(8))
		}
		n := 4 + rng.IntN(2)
		wins := func(set uint) (twice int) {
			for i := range all {
				for j := range all {
					if set>>i&1 == 1 && set>>j&1 == 0 {
						if all[i] > all[j] {
							twice += 2
						} else if all[i] == all[j] {
							twice++
						}
					}
				}
			}
			return twice
		}
		observed, low, high, deals := wins(1<<n-1), 0, 0, 0
		for set := range uint(1) << len(all) {
			if bits.OnesCount(set) != n {
				continue
			}
			deals++
			if w := wins(set); w <= observed {
				low++
				if w == observed {
					high++
				}
			} else {
				high++
			}
		}
		want := math.Min(1, 2*float64(min(low, high))/float64(deals))
		if got := compare(all[:n], all[n:], 1).P; math.Abs(got-want) > 1e-9 {
			t.Errorf("%v against %v: p = %v, want %v", all[:n], all[n:], got, want)
		}
	}
}

// The U test of benchmath is ours where no values are equal, and not where some are: that is why there is ours. When this
// fails, theirs has been put right and ours can go.
func TestMannWhitneyBesideBenchmath(t *testing.T) {
	theirs := func(a, b []float64) float64 {
		sample := func(v []float64) *benchmath.Sample {
			return benchmath.NewSample(slices.Clone(v), &benchmath.DefaultThresholds)
		}
		return benchmath.AssumeNothing.Compare(sample(a), sample(b)).P
	}
	rng := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		var all []float64
		for _, v := range rng.Perm(10 + rng.IntN(8)) {
			all = append(all, float64(v))
		}
		a, b := all[:5], all[5:]
		if got, want := mannWhitney(a, b), theirs(a, b); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v against %v: p = %v, benchmath says %v", a, b, got, want)
		}
	}
	a, b := []float64{2, 3, 5, 6}, []float64{1, 2, 2, 2, 2}
	if got, wrong := mannWhitney(a, b), theirs(a, b); math.Abs(got-10.0/126) > 1e-9 || wrong == got {
		t.Errorf("%v against %v: p = %v, benchmath says %v", a, b, got, wrong)
	}
}

// A drift that hits both rows of a block cancels out of their ratio, and a figure that makes no ratio leaves none.
func TestPairedRatio(t *testing.T) {
	row, best := map[int]float64{}, map[int]float64{}
	for block := 1; block <= 6; block++ {
		drift := math.Pow(2, float64(block))
		best[block], row[block] = drift, 1.25*drift
	}
	row[7] = 1000 // without a partner
	var c Comparison
	if c.pair(row, best); c.Paired != (Summary{6, 1.25, 1.25, 1.25, 1.25, 1.25}) || c.ratio() != 1.25 {
		t.Errorf("six blocks: %+v", c.Paired)
	}
	delete(best, 6)
	c.Ratio = 3
	if c.pair(row, best); c.Paired.N != 5 || !math.IsNaN(c.Paired.Lo) || c.ratio() != 3 {
		t.Errorf("five blocks have no interval: %+v, and the ratio of medians counts: %v", c.Paired, c.ratio())
	}
	row[3] = -1
	if c.pair(row, best); c.Paired.N != 0 || c.ratio() != 3 {
		t.Errorf("a figure below 0: %+v", c.Paired)
	}
}

func TestHolm(t *testing.T) {
	// The example of Holm's procedure with p = 0.01, 0.04, 0.03, 0.005.
	all := []*Comparison{{P: 0.01}, {P: 0.04}, {P: 0.03}, {P: 0.005}}
	holm(all)
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(all[i].Adjusted-want) > 1e-12 {
			t.Errorf("p %v: adjusted %v, want %v", all[i].P, all[i].Adjusted, want)
		}
	}
}

func TestCliff(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{{[]float64{4, 5, 6}, []float64{1, 2, 3}, 1}, {[]float64{1, 2}, []float64{3, 4}, -1},
		{[]float64{1, 2, 3}, []float64{1, 2, 3}, 0}, {[]float64{1, 3}, []float64{2, 2}, 0},
		{[]float64{2, 3}, []float64{2, 2}, 0.5}} {
		if got := cliff(c.a, c.b); got != c.want {
			t.Errorf("%v against %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

// ranked builds one column whose cells have the given values and ranks it.
func ranked(m Metric, values ...[]float64) []Cell {
	col := Column{Situation: &Situation{Metric: m}}
	for _, v := range values {
		c := Cell{Architecture: &Architecture{}, Values: v, Summary: Summarize(v), Verdict: Undecided}
		col.Cells = append(col.Cells, c)
	}
	col.rank(nil)
	return col.Cells
}

// TestDefaultTrialsCanDecide proves METHOD rule 18: with the default number of trials every row of the full table can
// be told from the best, constant values too; identical data are tied; and with fewer trials nothing is claimed.
func TestDefaultTrialsCanDecide(t *testing.T) {
	const rows = 8
	apart := func(trials int, step float64) (values [][]float64) {
		for r := range rows {
			var v []float64
			for i := range trials {
				v = append(v, 100+10*float64(r)+step*float64(i))
			}
			values = append(values, v)
		}
		return values
	}
	for _, m := range []Metric{CPUPerRequest, Throughput, Harmed} {
		for _, step := range []float64{0.5, 0} {
			cells := ranked(m, apart(MinTrials, step)...)
			best := 0
			if m.HigherIsBetter() {
				best = rows - 1
			}
			for i, c := range cells {
				want := Worse
				if i == best {
					want = Best
				}
				if c.Verdict != want {
					t.Errorf("%s, step %v, row %d: %s, want %s (%+v)", m, step, i, c.Verdict, want, c.Versus)
				}
			}
		}
	}
	for i, c := range ranked(CPUPerRequest, apart(MinTrials-2, 0.5)...) {
		if c.Verdict != Undecided {
			t.Errorf("%d trials, row %d: %s, want undecided", MinTrials-2, i, c.Verdict)
		}
	}
	same := []float64{64, 64, 64, 64, 64, 64}
	for i, c := range ranked(Harmed, same, same, same, same, same, same, same, same) {
		if !c.Leader() {
			t.Errorf("identical constants, row %d: %s, want a tie", i, c.Verdict)
		}
	}
	equal := []float64{1, 2, 3, 4, 5, 6}
	for i, c := range ranked(Throughput, equal, equal, equal) {
		if !c.Leader() {
			t.Errorf("identical data, row %d: %s, want a tie", i, c.Verdict)
		}
	}
}

func TestSmallDifferencesAreTies(t *testing.T) {
	a := []float64{100, 100.1, 100.2, 100.3, 100.4, 100.5}
	b := []float64{101, 101.1, 101.2, 101.3, 101.4, 101.5}
	if c := ranked(CPUPerRequest, a, b); c[1].Verdict != Tied {
		t.Errorf("1 %% apart: %s, want tied", c[1].Verdict)
	}
	c := []float64{63, 63, 63, 63, 63, 63}
	d := []float64{64, 64, 64, 64, 64, 64}
	if got := ranked(Harmed, c, d); got[1].Verdict != Worse {
		t.Errorf("one client more: %s, want worse", got[1].Verdict)
	}
}

// TestRankingProperties draws random columns: the best has the best median, ranking does not depend on the order of
// the rows or of their values, no correction lowers a p-value, and what is worse is worse in its median.
func TestRankingProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		rows, metric := 1+rng.IntN(8), []Metric{CPUPerRequest, Throughput, Harmed}[rng.IntN(3)]
		values := make([][]float64, rows)
		for r := range values {
			for range MinTrials + rng.IntN(5) {
				v := 10 + float64(rng.IntN(4)) + rng.Float64()
				if metric == Harmed {
					v = math.Floor(v)
				}
				values[r] = append(values[r], v)
			}
		}
		cells := ranked(metric, values...)
		best := -1
		for i := range cells {
			if cells[i].Verdict == Best {
				if best >= 0 {
					t.Fatalf("two rows are best: %d and %d", best, i)
				}
				best = i
			}
		}
		if best < 0 {
			t.Fatal("no row is best")
		}
		for i, c := range cells {
			worse := c.Summary.Median > cells[best].Summary.Median
			if metric.HigherIsBetter() {
				worse = c.Summary.Median < cells[best].Summary.Median
			}
			if c.Verdict == Worse && !worse {
				t.Errorf("row %d is worse with a median of %v against %v", i, c.Summary.Median, cells[best].Summary.Median)
			}
			if c.Versus != nil && c.Versus.Adjusted < c.Versus.P {
				t.Errorf("row %d: adjusted %v below %v", i, c.Versus.Adjusted, c.Versus.P)
			}
		}
		order := rng.Perm(rows)
		shuffled := make([][]float64, rows)
		for to, from := range order {
			shuffled[to] = append([]float64{}, values[from]...)
			rng.Shuffle(len(shuffled[to]), func(i, j int) { v := shuffled[to]; v[i], v[j] = v[j], v[i] })
		}
		again := ranked(metric, shuffled...)
		for to, from := range order {
			// Of several rows with the best median the first is best and the others are compared with it.
			if cells[from].Summary.Median != cells[best].Summary.Median && unique(cells, best) &&
				again[to].Verdict != cells[from].Verdict {
				t.Errorf("row %d is %s, and %s in another order", from, cells[from].Verdict, again[to].Verdict)
			}
		}
	}
}

func unique(cells []Cell, best int) bool {
	for i := range cells {
		if i != best && cells[i].Summary.Median == cells[best].Summary.Median {
			return false
		}
	}
	return true
}

func TestTrialWord(t *testing.T) {
	all := []Metric{CPUPerRequest, Throughput, MemoryPerSilent, Harmed, Latency}
	kind := func(kinds ...string) (f []Finding) {
		for _, k := range kinds {
			f = append(f, Finding{Kind: k, Evidence: "evidence", Voids: all})
		}
		return f
	}
	for name, c := range map[string]struct {
		metric   Metric
		findings []Finding
		unserved int
		failure  string
		word     string
		failed   bool
	}{
		"valid":                     {metric: Throughput},
		"not of this metric":        {metric: Harmed, findings: []Finding{{Kind: "starved", Voids: []Metric{Latency}}}},
		"starved":                   {Throughput, kind("starved"), 63, "", "starved 63/64", true},
		"starved beside silent":     {MemoryPerSilent, kind("starved"), 64, "", "stuck", true},
		"starved without a finding": {MemoryPerSilent, nil, 1, "", "stuck", true},
		"errors, then starved":      {MemoryPerSilent, kind("errors", "starved"), 64, "", "stuck", true},
		"wrong answers":             {CPUPerRequest, kind("generator-bound", "wrong answers"), 0, "", "wrong", true},
		"overloaded":                {Latency, kind("overloaded"), 0, "", "overloaded", true},
		"errors":                    {Throughput, kind("throttled", "errors"), 0, "", "errors", true},
		"the instrument's fault":    {Throughput, kind("generator-bound"), 0, "", "generator-bound", false},
		"the machine's fault":       {Throughput, kind("disturbed"), 0, "", "disturbed", false},
		"did not start":             {Throughput, kind("starved"), 0, "did not start", "no figure", true},
	} {
		trial := Trial{Failure: c.failure, Findings: c.findings}
		trial.Load = Load{Requests: 10, Connections: 64, Unserved: c.unserved}
		if word, failed := trialWord(&trial, c.metric, true); word != c.word || failed != c.failed {
			t.Errorf("%s: %q %v, want %q %v", name, word, failed, c.word, c.failed)
		}
	}
	refused := Trial{Findings: kind("errors"), Load: Load{Connections: 16, Errors: map[string]uint64{"silent": 5839}}}
	if word, failed := trialWord(&refused, MemoryPerSilent, false); word != "stuck" || !failed {
		t.Errorf("not even all silent clients get in: %q %v, want stuck", word, failed)
	}
	counterless := Trial{Load: Load{Requests: 10, Connections: 64}}
	nobody := Trial{Load: Load{Model: "poisson", Connections: 16, Unserved: 16}, Findings: kind("client's limits")}
	if word, failed := trialWord(&nobody, MemoryPerSilent, false); word != "stuck" || !failed {
		t.Errorf("not all silent clients got a connection, and no busy one an answer: %q %v, want stuck", word, failed)
	}
	if word, failed := trialWord(&counterless, CPUPerRequest, false); word != "n/a" || failed {
		t.Errorf("a counter is missing: %q %v, want n/a, which is no failure", word, failed)
	}
}
