//go:build linux

package bench

import (
	"slices"
	"strings"
	"testing"

	"serverlab/internal/cpuset"
	"serverlab/results"
)

// planned is a run of one experiment as planned, of all rows that it brings.
func plannedOf(t *testing.T, name string, trials, cpus int) results.Run {
	t.Helper()
	b := &bench{Options: Options{Trials: trials, Connections: 64, Experiments: []string{name}, Usual: []string{"iterative"},
		Split: cpuset.Split{Server: make([]int, cpus)}}}
	for _, row := range RowsOf(b.Experiments, trials, b.Usual) {
		b.Rows = append(b.Rows, results.Architecture{Name: row, AtOnce: 64})
	}
	if err := b.choose(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	run := results.Run{Architectures: b.rows, Situations: b.sits, Experiments: b.asked, Calibration: guessed(b.rows),
		Plan: plan(b.sits, b.rows, trials, 1)}
	setRates(b.sits, b.rows, run.Calibration)
	return run
}

func TestPoolsHaveTheSizeOfTheirSituation(t *testing.T) {
	run := plannedOf(t, PoolSizeName, 10, 1)
	for _, s := range run.Situations {
		if s.Workers != int(*s.X) || s.Metric == results.Throughput && s.Ceiling != 200*float64(min(s.Workers, 64)) {
			t.Errorf("%s: %d workers at %v, ceiling %v", s.Name, s.Workers, *s.X, s.Ceiling)
		}
		if dynamic := slices.Contains(s.Rows, poolDynamic); dynamic != (s.Workers >= 8) {
			t.Errorf("%s: a dynamic pool %t", s.Name, dynamic)
		}
		if n := workersOf(s, results.Architecture{AtOnce: 64}, nil); n != s.Workers {
			t.Errorf("%s: %d workers are looked for", s.Name, n)
		}
	}
}

// A machine without room for a pool tries the smallest one, and never none at all.
func TestPoolsFit(t *testing.T) {
	for most, want := range map[int]int{0: 1, 1: 1, 100: 3, 512: 4} {
		if got := upTo([]int{1, 8, 64, 512}, most); len(got) != want {
			t.Errorf("room for %d: %v", most, got)
		}
	}
}

// An event loop that gets nothing to do is one of those that share the work: its server tells how many there are.
func TestLoopsAreCounted(t *testing.T) {
	if n := workersOf(results.Situation{Workers: 8}, results.Architecture{}, map[string]string{"loops": "4"}); n != 4 {
		t.Errorf("%d of 4 loops", n)
	}
	if n := workersOf(results.Situation{}, results.Architecture{AtOnce: 1}, map[string]string{"loops": "x"}); n != 1 {
		t.Errorf("%d workers of one", n)
	}
}

// Each client is served once within a window even by who serves one request after the other.
func TestMapServesEveryClient(t *testing.T) {
	for _, s := range plannedOf(t, PhaseName, 10, 1).Situations {
		if all := s.Phase.Service * float64(s.Connections); s.Warmup+s.Window < all {
			t.Errorf("%s: a window of %v s where %d clients take %v s", s.Name, s.Window, s.Connections, all)
		}
	}
}

func TestCoresNeedFour(t *testing.T) {
	b := &bench{Options: Options{Experiments: []string{CoresName}, Split: cpuset.Split{Server: []int{0}},
		Rows: []results.Architecture{{Name: "threadpool"}}}}
	if err := b.choose(); err != nil || len(b.notes) != 1 || !strings.Contains(b.notes[0], "at least 4") ||
		slices.ContainsFunc(b.sits, func(s results.Situation) bool { return s.CPUs > 0 }) {
		t.Errorf("%v, notes %q, %+v", err, b.notes, b.sits)
	}
	run := plannedOf(t, CoresName, 3, 6)
	if n := len(run.Situations); n != 6+2 || run.Situations[5].CPUs != 6 || run.Situations[6].Procs != 1 {
		t.Errorf("%d situations of six CPUs: %+v", n, run.Situations)
	}
}
