//go:build linux

package bench

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"serverlab/results"
)

// defaultRun is the default run of n rows as planned, with the slowest arrivals that a calibration may lead to.
func defaultRun(n int) results.Run {
	run := results.Run{Situations: situations(64)}
	cal := results.Calibration{Ceiling: map[string]float64{perConnection: 20_000}, Capacity: map[string]float64{}}
	for i := range n {
		name := string(rune('a' + i))
		run.Architectures = append(run.Architectures, results.Architecture{Name: name})
		cal.Capacity[name] = 20_000
	}
	cal.Capacity["a"] = 1
	setRates(run.Situations, cal)
	run.Plan = plan(run.Situations, run.Architectures, 6, 1)
	return run
}

// A class has four minutes, however slow the slowest architecture is.
func TestDefaultRunIsPlannedBelowFourMinutes(t *testing.T) {
	if d := Planned(defaultRun(6)); d > 4*time.Minute {
		t.Errorf("six rows with six trials are planned to take %v", d)
	}
}

// Every block holds each cell once, so drift hits all alike; the order is random, and the seed's.
func TestPlanIsInterleaved(t *testing.T) {
	run := defaultRun(6)
	cells := len(run.Situations) * len(run.Architectures)
	if len(run.Plan) != 6*cells {
		t.Fatalf("%d trials planned, want %d", len(run.Plan), 6*cells)
	}
	for block := range 6 {
		seen := map[results.Planned]bool{}
		for _, p := range run.Plan[block*cells : (block+1)*cells] {
			if p.Block != block+1 {
				t.Fatalf("a trial of block %d stands in block %d", p.Block, block+1)
			}
			seen[p] = true
		}
		if len(seen) != cells {
			t.Errorf("block %d holds %d different cells, want %d", block+1, len(seen), cells)
		}
	}
	again := plan(run.Situations, run.Architectures, 6, 1)
	other := plan(run.Situations, run.Architectures, 6, 2)
	if !reflect.DeepEqual(run.Plan, again) || reflect.DeepEqual(run.Plan, other) {
		t.Error("the order must be the seed's")
	}
	first := map[string]bool{}
	for b := range 6 {
		first[run.Plan[b*cells].Situation+run.Plan[b*cells].Architecture] = true
	}
	if len(first) == 1 {
		t.Error("every block has the same order")
	}
}

// One rate for all that can hold it; who is far below gets one of its own; and nothing is asked of anybody that he
// can't hold.
func TestRatesFollowTheCalibration(t *testing.T) {
	cal := results.Calibration{
		Ceiling:  map[string]float64{perConnection: 20_000},
		Capacity: map[string]float64{"fast": 24_000, "slower": 15_000, "slow": 350},
	}
	sits := situations(64)
	setRates(sits, cal)
	by := map[string]results.Situation{}
	for _, s := range sits {
		by[s.Name] = s
	}
	if s := by["trivial"]; s.Rate != 9000 || !maps.Equal(s.OwnRates, map[string]float64{"slow": 210}) {
		t.Errorf("trivial: rate %v, own rates %v", s.Rate, s.OwnRates)
	}
	s := by["arrivals"]
	if s.Rate > 350 || len(s.OwnRates) != 0 {
		t.Errorf("arrivals: rate %v, own rates %v; want one rate that all can hold", s.Rate, s.OwnRates)
	}
	if n := s.Rate * s.Window; n < p99Samples {
		t.Errorf("arrivals: %.0f samples in a window, a p99 needs %d", n, p99Samples)
	}
	if by["waits"].Rate != 0 || by["waits"].Ceiling != 12_800 {
		t.Errorf("waits: rate %v, ceiling %v", by["waits"].Rate, by["waits"].Ceiling)
	}
	// The process row alone: nobody is fast, so its rate is the common one.
	cal.Capacity = map[string]float64{"slow": 350}
	setRates(sits, cal)
	if sits[0].Rate != 210 || sits[0].OwnRates != nil {
		t.Errorf("alone: rate %v, own rates %v", sits[0].Rate, sits[0].OwnRates)
	}
}

func TestRound2(t *testing.T) {
	for x, want := range map[float64]float64{9999: 9900, 10_000: 10_000, 123: 120, 99: 99, 1.23: 1.2, 0.5: 1, 0: 1} {
		if got := round2(x); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("round2(%v) = %v, want %v", x, got, want)
		}
	}
}
