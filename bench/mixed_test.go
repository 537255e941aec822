//go:build linux

package bench

import (
	"slices"
	"strings"
	"testing"

	"serverlab/results"
)

// situationsOf are the situations of an experiment as a run has them.
func situationsOf(t *testing.T, b *bench, name string) []results.Situation {
	t.Helper()
	sits := b.experiment(name)
	if len(sits) == 0 {
		t.Fatalf("%s has no situations", name)
	}
	return sits
}

// Rates stay far below what rows can do, and whoever can't hold them gets one of its own, and time for a p99.
func TestCalmRates(t *testing.T) {
	for name, want := range map[string]float64{MixedName: mixedRate, IdleName: idleRate} {
		b := sweepBench(6)
		sits := situationsOf(t, b, name)
		setRates(sits, b.rows, calibrated())
		for _, s := range sits {
			if s.Rate != want || len(s.OwnRates) != 1 || s.OwnRates["process"] != 270 {
				t.Errorf("%s: rate %v, own %v", s.Name, s.Rate, s.OwnRates)
			}
			if n := s.OwnRates["process"] * s.WindowOf("process"); n < 570 {
				t.Errorf("%s: process answers %.0f requests, a p99 needs 570", s.Name, n)
			}
		}
	}
	if rate, own := calmRates(500, map[string]float64{"a": 100}, 300); rate != 180 || own["a"] != 60 {
		t.Errorf("a slow machine: %v, %v", rate, own)
	}
}

// Who can only send a file is not asked for slow requests, nor by slow clients, nor to compute beside them.
func TestStaticServersMeetNoSlowRequest(t *testing.T) {
	row := results.Architecture{Name: "static", StaticOnly: true}
	for name, want := range map[string]int{MixedName: 0, SlowName: 0, IdleName: 3} {
		n := 0
		for _, s := range situationsOf(t, sweepBench(3), name) {
			if tried(s, row, 1) {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d situations, want %d", name, n, want)
		}
	}
}

func TestMostIdle(t *testing.T) {
	for _, c := range []struct {
		room room
		most int
		why  string
	}{
		{room{20_000, 8 << 30, 190_000}, idleMost, ""},
		{room{20_000, 0, 0}, idleMost, ""},
		{room{4096, 8 << 30, 190_000}, 3584, "ulimit -n 10512"},
		{room{20_000, 592 << 20, 190_000}, 1024, "close other programs"},
		{room{20_000, 8 << 30, 3000}, 2488, "pids.max"},
		{room{4096, 8 << 30, 3000}, 2488, "pids.max"},
		{room{20_000, 1 << 20, 190_000}, 0, "1 MiB of memory"},
	} {
		most, why := c.room.most(idleMost, idleCost)
		if most != c.most || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%+v: %d, %q; want %d, %q", c.room, most, why, c.most, c.why)
		}
	}
	if n, why := (room{20_000, 1 << 30, 190_000}).most(512, poolCost); n != 128 || !strings.Contains(why, "workers") {
		t.Errorf("%d workers, %q", n, why)
	}
	b := sweepBench(6)
	for most, want := range map[int][]int{idleMost: {0, 10, 100, 1000, 10_000}, 3584: {0, 10, 100, 1000, 3500},
		1000: {0, 10, 100, 1000}, 0: {0}} {
		if got := b.idleLevels(most); !slices.Equal(got, want) {
			t.Errorf("room for %d: %v, want %v", most, got, want)
		}
	}
	for n, want := range map[int]int{1000: 0, 10_000: 12_520} {
		if got := connsFor(&results.Situation{Silent: n, Connections: 16}); got != want {
			t.Errorf("%d silent: the server takes %d, want %d", n, got, want)
		}
	}
}
