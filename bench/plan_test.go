//go:build linux

package bench

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"serverlab/results"
)

// defaultRun is the default run of n rows as planned, with the slowest arrivals that a calibration may lead to. Two of
// the rows can't have their idle connections measured, as in the table.
func defaultRun(n int) results.Run {
	run := results.Run{Situations: situations(64)}
	cal := results.Calibration{Ceiling: map[string]float64{perConnection: 20_000}, Capacity: map[string]float64{}}
	for i := range n {
		name := string(rune('a' + i))
		run.Architectures = append(run.Architectures, results.Architecture{Name: name})
		cal.Capacity[name] = 20_000
	}
	cal.Capacity["a"] = 1
	run.Architectures[0].AtOnce, run.Architectures[1].AtOnce = 1, 64
	cal.Start = map[string]float64{"a": 0.1, "b": 0.5, "c": 0.1} // a pool of processes among them
	run.Plan = plan(run.Situations, run.Architectures, 6, 1)
	run.Calibration = cal
	setRates(run.Situations, run.Architectures, cal)
	return run
}

// A class has four minutes.
func TestDefaultRunIsPlannedBelowFourMinutes(t *testing.T) {
	for rows := 2; rows <= 8; rows++ {
		run := closedRun(rows)
		t.Logf("%d rows: %v", rows, Planned(run))
		if d := Planned(run); d > 4*time.Minute {
			t.Errorf("%d rows with six trials are planned to take %v", rows, d)
		}
	}
}

// A server that can only send a file is asked for nothing else.
func TestPlanSparesStaticServers(t *testing.T) {
	rows := []results.Architecture{{Name: "a"}, {Name: "static", StaticOnly: true}}
	asked := map[string][]string{}
	for _, p := range plan(situations(64), rows, 1, 1) {
		asked[p.Architecture] = append(asked[p.Architecture], p.Situation)
	}
	for _, names := range asked {
		slices.Sort(names)
	}
	if want := []string{"arrivals", "crowd", "trivial"}; len(asked["a"]) != 5 || !slices.Equal(asked["static"], want) {
		t.Errorf("planned %v", asked)
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
	rows := []results.Architecture{{Name: "fast"}, {Name: "slower"}, {Name: "slow"}}
	sits := situations(64)
	setRates(sits, rows, cal)
	by := map[string]results.Situation{}
	for _, s := range sits {
		by[s.Name] = s
	}
	if s := by["trivial"]; s.Rate != 9000 || !maps.Equal(s.OwnRates, map[string]float64{"slow": 210}) {
		t.Errorf("trivial: rate %v, own rates %v", s.Rate, s.OwnRates)
	}
	s := by["arrivals"]
	if s.Rate != 3600 || !maps.Equal(s.OwnRates, map[string]float64{"slow": 210}) {
		t.Errorf("arrivals: rate %v, own rates %v", s.Rate, s.OwnRates)
	}
	if fast, slow := s.Rate*s.WindowOf("fast"), 210*s.WindowOf("slow"); fast < p99Samples || slow < p99Samples {
		t.Errorf("arrivals: %.0f and %.0f samples in a window, a p99 needs %d", fast, slow, p99Samples)
	}
	if by["waits"].Rate != 0 || by["waits"].Ceiling != 12_800 {
		t.Errorf("waits: rate %v, ceiling %v", by["waits"].Rate, by["waits"].Ceiling)
	}
	// The process row alone: nobody is fast, so its rate is the common one.
	setRates(sits, rows[2:], cal)
	if sits[0].Rate != 210 || sits[0].OwnRates != nil {
		t.Errorf("alone: rate %v, own rates %v", sits[0].Rate, sits[0].OwnRates)
	}
}

// Nobody may be called harmed who only had to wait for a slow server.
func TestBlastWaitsForTheSlowest(t *testing.T) {
	for capacity, want := range map[float64]float64{10_000: 0.15, 400: 0.17, 160: 0.53, 1: 1} {
		sits := situations(64)
		before := situations(64)
		serveAll(sits, results.Calibration{Capacity: map[string]float64{"fast": 20_000, "slow": capacity}})
		for i, s := range sits {
			if w := map[bool]float64{true: want, false: before[i].Warmup}[s.Name == KillName]; s.Warmup != w {
				t.Errorf("%v requests/s: %s warms up for %v s, want %v", capacity, s.Name, s.Warmup, w)
			}
		}
	}
}

// References have no say in the rates: one that can't hold them gets its own.
func TestReferencesDoNotSetTheRates(t *testing.T) {
	cal := results.Calibration{
		Ceiling:  map[string]float64{perConnection: 20_000},
		Capacity: map[string]float64{"row": 10_000, "heavy": 5000, "light": 30_000},
	}
	rows := []results.Architecture{{Name: "row"}, {Name: "heavy", Reference: true}, {Name: "light", Reference: true}}
	sits := situations(64)
	setRates(sits, rows, cal)
	for _, s := range sits {
		want := map[string]struct {
			rate float64
			own  map[string]float64
		}{"constant": {6000, map[string]float64{"heavy": 3000}}, "poisson": {2400, nil}}[s.Model]
		if s.Rate != want.rate || !maps.Equal(s.OwnRates, want.own) {
			t.Errorf("%s: rate %v, own rates %v, want %+v", s.Name, s.Rate, s.OwnRates, want)
		}
	}
	setRates(sits, rows[1:], cal) // nothing else was asked for
	if sits[0].Rate != 3000 {
		t.Errorf("references alone run at %v", sits[0].Rate)
	}
}

func TestRound2(t *testing.T) {
	for x, want := range map[float64]float64{9999: 9900, 10_000: 10_000, 123: 120, 99: 99, 1.23: 1.2, 0.5: 1, 0: 1} {
		if got := round2(x); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("round2(%v) = %v, want %v", x, got, want)
		}
	}
}

// References come last, each row once; one that can't be started is left out by name, and the others stay.
func TestRowsInTheirOrder(t *testing.T) {
	row := func(name string) results.Architecture { return results.Architecture{Name: name} }
	reference := func(name string) results.Architecture {
		return results.Architecture{Name: name, Reference: true}
	}
	said := 0
	asked := []results.Architecture{row("a"), reference("x"), row("b"), row("a"), reference("y")}
	b := &bench{Options: Options{Rows: asked, LeftOut: []results.LeftOut{{Name: "z", Why: "it is not here"}},
		Say: func(string, ...any) { said++ }}}
	if err := b.choose(); err != nil {
		t.Fatal(err)
	}
	if want := []results.Architecture{row("a"), row("b"), reference("x"), reference("y")}; !reflect.DeepEqual(b.rows, want) {
		t.Errorf("rows %v, want %v", b.rows, want)
	}
	b.leaveOut(reference("x"), errors.New("it does not start"))
	if want := []results.Architecture{row("a"), row("b"), reference("y")}; !reflect.DeepEqual(b.rows, want) || said != 1 {
		t.Errorf("rows %v, want %v; %d lines said", b.rows, want, said)
	}
	want := []results.LeftOut{{Name: "z", Why: "it is not here"}, {Name: "x", Why: "it does not start"}}
	if !slices.Equal(b.LeftOut, want) {
		t.Errorf("left out %v, want %v", b.LeftOut, want)
	}
}
