//go:build linux

package bench

import (
	"strings"
	"testing"

	"serverlab/results"
)

// A request computes for its time on any machine, within what the handler takes; what was measured wrongly is a guess.
func TestSpinsFollowTheCalibration(t *testing.T) {
	for _, c := range []struct {
		round float64
		note  string
		want  map[string]string
	}{
		{5e-8, "", map[string]string{"cpu-0ms": "/", "cpu-0.1ms": "/?spin=2000", "cpu-5ms": "/?spin=100000"}},
		{1e-6, "", map[string]string{"cpu-0ms": "/", "cpu-0.5ms": "/?spin=500", "cpu-5ms": "/?spin=5000"}},
		{1e-8, "1 ms at most, where 5 ms were meant", map[string]string{"cpu-5ms": "/?spin=100000"}},
		{-1, "", map[string]string{"cpu-5ms": "/?spin=50000"}},
	} {
		b := asked(t, results.MinTrials, CPUName, BlockingName)
		if note := setSpins(b.sits, c.round); (note == "") != (c.note == "") || !strings.Contains(note, c.note) {
			t.Errorf("a round of %v s: %q, want %q", c.round, note, c.note)
		}
		for name, want := range c.want {
			if got := b.situation(name).Path; got != want {
				t.Errorf("a round of %v s: %s asks for %s, want %s", c.round, name, got, want)
			}
		}
		if got := b.situation("blocking-5ms").Path; got != "/?block=5ms" {
			t.Errorf("blocking-5ms asks for %s", got)
		}
	}
}

// A window holds so many rounds of all clients that where the last one ends does not matter.
func TestCPUWindowsHoldManyRounds(t *testing.T) {
	for _, trials := range []int{3, 6} {
		for _, s := range asked(t, trials, CPUName).sits {
			if rounds := s.Window / max(1e-9, *s.X*float64(s.Connections)); rounds < cpuRounds || s.KeepAlive {
				t.Errorf("%s: %v rounds", s.Name, rounds)
			}
		}
	}
}
