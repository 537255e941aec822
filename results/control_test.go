package results

import (
	"math"
	"slices"
	"testing"
)

// The bill is the median of the differences within each block, not the difference of the medians.
func TestControlIsPairedByBlock(t *testing.T) {
	run := Run{Architectures: []Architecture{{Name: "iterative"}, {Name: "pool"}, {Name: "never"}},
		Situations: []Situation{{Name: "trivial", Metric: CPUPerRequest}, {Name: "waits", Metric: Throughput}}}
	var trials []Trial
	add := func(arch string, block int, micro float64, findings ...Finding) {
		p := Planned{"trivial", arch, block}
		run.Plan = append(run.Plan, p)
		trials = append(trials, Trial{Planned: p, Load: Load{Requests: 1}, Server: Server{CPU: pointer(micro / 1e6)},
			Findings: findings})
	}
	for block, base := range []float64{20, 40, 30, 90, 25, 35} { // a noisy machine
		add("iterative", block+1, base)
		add("pool", block+1, base+5)
	}
	add("iterative", 7, 20)
	add("pool", 7, 500, Finding{Kind: "disturbed", Voids: []Metric{CPUPerRequest}})
	add("pool", 8, 500) // without a partner
	columns := Columns(&run, trials)
	bills, ok := columns[0].control()
	if !ok || bills[1].N != 6 || math.Abs(bills[1].Median-5e-6) > 1e-12 || math.Abs(bills[1].Hi-5e-6) > 1e-12 {
		t.Errorf("%+v, %v; want 5 µs in each of 6 blocks", bills, ok)
	}
	if bills[0].Median != 0 || bills[2].N != 0 {
		t.Errorf("iterative %+v, a row without trials %+v", bills[0], bills[2])
	}
	if _, ok := columns[1].control(); ok {
		t.Error("a column of another metric has a bill")
	}
	run.Architectures = run.Architectures[1:]
	if _, ok := Columns(&run, trials)[0].control(); ok {
		t.Error("a bill without the iterative server")
	}
}

func TestSigned(t *testing.T) {
	for v, want := range map[float64]string{0: "+0.0", 0.196e-6: "+0.2", -3.14e-6: "-3.1", 99.94e-6: "+99.9",
		2026e-6: "+2,030", math.NaN(): "n/a"} {
		if got := signed(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

func TestFairness(t *testing.T) {
	for _, c := range []struct {
		perWorker []uint64
		want      Fairness
		ok        bool
	}{
		{[]uint64{7, 7, 7, 7}, Fairness{4, 4, 7, 7, 7, 1}, true},
		{[]uint64{0, 12, 0, 0}, Fairness{4, 1, 0, 0, 12, 0.25}, true}, // one did everything: 1/n
		{[]uint64{1, 2, 3}, Fairness{3, 3, 1, 2, 3, 36.0 / 42}, true},
		{[]uint64{0, 0}, Fairness{}, false},
		{[]uint64{9}, Fairness{}, false}, // nobody to share with
		{nil, Fairness{}, false},
	} {
		f, ok := fairness(&Trial{Server: Server{PerWorker: slices.Clone(c.perWorker)}})
		if ok != c.ok || ok && (f.Workers != c.want.Workers || f.Served != c.want.Served || f.Least != c.want.Least ||
			f.Median != c.want.Median || f.Most != c.want.Most || math.Abs(f.Jain-c.want.Jain) > 1e-9) {
			t.Errorf("%v: %+v, %v; want %+v, %v", c.perWorker, f, ok, c.want, c.ok)
		}
	}
	if _, ok := fairness(&Trial{Failure: "it ended", Server: Server{PerWorker: []uint64{1, 2}}}); ok {
		t.Error("a trial that failed")
	}
}

// A reference is shown, compared, and takes no part in the ranking, even where it would be the best.
func TestReferencesAreNotRanked(t *testing.T) {
	run, trials := fixture(4, 6)
	run.Architectures = slices.Clone(run.Architectures)
	run.Architectures[0].Reference = true // iterative, the cheapest
	alone, rest := without(run, trials, "iterative")
	columns, want := Columns(&run, trials), Columns(&alone, rest)
	c := &columns[0].Cells[0]
	if c.Verdict != Beside || c.Leader() || c.Versus == nil || c.Versus.Ratio >= 1 {
		t.Errorf("the reference: %s, %+v", c.Verdict, c.Versus)
	}
	for i := range columns {
		for j := range want[i].Cells {
			a, b := &columns[i].Cells[j+1], &want[i].Cells[j]
			if a.Verdict != b.Verdict || a.Word != b.Word || a.Versus != nil && *a.Versus != *b.Versus {
				t.Errorf("%s, %s: %s beside the reference, %s without", columns[i].Situation.Name, a.Architecture.Name,
					a.Verdict, b.Verdict)
			}
		}
	}
}

// A cell that fails says by which failure of the server, whatever else was wrong with some of its trials.
func TestFailedCellNamesTheFailure(t *testing.T) {
	c := Cell{Architecture: &Architecture{}}
	for i, kind := range []string{"starved", "starved", "disturbed", "disturbed"} {
		trial := Trial{Findings: []Finding{{Kind: kind, Voids: []Metric{Throughput}}}}
		trial.Load.Unserved, trial.Load.Connections, trial.Load.Window = i, 64, 1
		c.Trials = append(c.Trials, &trial)
	}
	c.judge(Throughput)
	if c.Verdict != Failed || c.Word != "starved 0/64" {
		t.Errorf("two of four trials starved: %s, %q", c.Verdict, c.Word)
	}
}
