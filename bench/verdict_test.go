//go:build linux

package bench

import (
	"strings"
	"testing"

	"serverlab/results"
)

func closedTrial(requests uint64, responseNs int64) results.Trial {
	h := results.NewHistogram()
	for range requests {
		_ = h.RecordValue(responseNs)
	}
	return results.Trial{Load: results.Load{Model: "closed", Connections: 64, Threads: 1, Window: 1, Requests: requests,
		CPU: 0.5, Response: h, Service: h, Audit: results.Audit{InFlight: 64}}}
}

func openTrial(intended, requests uint64, lagNs, responseNs int64) results.Trial {
	h, lag := results.NewHistogram(), results.NewHistogram()
	for range requests {
		_, _ = h.RecordValue(responseNs), lag.RecordValue(lagNs)
	}
	return results.Trial{Load: results.Load{Model: "constant", Connections: 64, Threads: 1, Window: 1, Requests: requests,
		Intended: intended, Rate: float64(intended), CPU: 0.5, Response: h, Lag: lag}}
}

func TestFindings(t *testing.T) {
	plain := results.Situation{Name: "plain"}
	edit := func(trial results.Trial, f func(*results.Trial)) results.Trial { f(&trial); return trial }
	for _, c := range []struct {
		name  string
		sit   results.Situation
		trial results.Trial
		want  string // kinds, in order
	}{
		{"a good closed trial", plain, closedTrial(6400, 10e6), ""},
		{"a good open trial", plain, openTrial(1000, 1000, 1e4, 1e6), ""},
		{"unused slots of an open loop starve nobody", plain,
			edit(openTrial(100, 100, 1e4, 1e6), func(t *results.Trial) { t.Load.Unserved = 30 }), ""},
		{"starved", plain, edit(closedTrial(6400, 10e6), func(t *results.Trial) { t.Load.Unserved = 63 }), "starved"},
		{"wrong answers", plain, edit(closedTrial(6400, 10e6), func(t *results.Trial) {
			t.Load.Errors = map[string]uint64{"body": 1}
		}), "wrong answers"},
		{"errors", plain, edit(closedTrial(6400, 10e6), func(t *results.Trial) {
			t.Load.Errors = map[string]uint64{"reset": 2}
		}), "errors"},
		{"a crash is expected to give errors", results.Situation{Crash: "/chaos/exit"},
			edit(closedTrial(6400, 10e6), func(t *results.Trial) {
				t.Load.Errors = map[string]uint64{"reset": 64}
				t.Load.Unserved = 10
			}), ""},
		{"busy generator", plain, edit(closedTrial(6400, 10e6), func(t *results.Trial) { t.Load.CPU = 0.99 }),
			"generator-bound"},
		{"spinning is not busy", plain, edit(openTrial(1000, 1000, 1e4, 1e6), func(t *results.Trial) {
			t.Load.CPU, t.Load.CPUSpin = 1, 0.6
		}), ""},
		{"late generator", plain, openTrial(1000, 1000, 2e6, 3e6), "generator-bound"},
		{"late by little", plain, openTrial(1000, 1000, 5e5, 6e5), ""},
		{"overloaded", plain, openTrial(1000, 900, 1e4, 1e8), "overloaded"},
		{"overloaded, but answered in the end", plain, edit(openTrial(1000, 1000, 1e4, 1e8), func(t *results.Trial) {
			t.Load.Backlog = 300
		}), "queued"},
		{"clock and count do not fit", plain, closedTrial(6400, 5e6), "Little's law"},
		{"too few for an audit", plain, closedTrial(64, 5e6), ""},
		{"throttled", plain, edit(closedTrial(6400, 10e6), func(t *results.Trial) {
			n := uint64(3)
			t.Server.Throttled = &n
		}), "throttled"},
		{"somebody else's work", plain, edit(closedTrial(6400, 10e6), func(t *results.Trial) {
			s := 0.5
			t.Server.Foreign = &s
		}), "disturbed"},
		{"no ports", plain, edit(closedTrial(6400, 10e6), func(t *results.Trial) {
			t.Load.Errors = map[string]uint64{"ports": 2}
		}), "client's limits"},
		{"near the ceiling", plain, closedTrial(8001, 7_999_000), "near the ceiling"},
		{"disturbed", plain, edit(closedTrial(6400, 10e6), func(t *results.Trial) {
			s := 0.5
			t.Server.Steal = &s
		}), "disturbed"},
	} {
		var kinds []string
		for _, f := range findings(c.sit, &c.trial, 2, 10_000) {
			kinds = append(kinds, f.Kind)
			if f.Evidence == "" || (len(f.Voids) == 0) != (f.Kind == "near the ceiling") || strings.Contains(f.Evidence, "%!") {
				t.Errorf("%s: %q lacks its evidence or what it voids: %q", c.name, f.Kind, f.Evidence)
			}
		}
		if got := strings.Join(kinds, ", "); got != c.want {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

// CPU per request stays comparable when only the clock is spoilt.
func TestGeneratorBoundKeepsTheCPU(t *testing.T) {
	trial := openTrial(1000, 1000, 2e6, 3e6)
	trial.Load.CPU = 0.99
	for _, f := range findings(results.Situation{}, &trial, 2, 0) {
		for _, m := range f.Voids {
			if m == results.CPUPerRequest {
				t.Errorf("%s voids CPU per request", f.Kind)
			}
		}
	}
}

// A host that is busy all the time spoils the longest wait only if it stops somebody for long, held against the request
// that blocks.
func TestStallIsHeldAgainstTheBlock(t *testing.T) {
	busy, sent := 1.5, 0.4
	sit := sweepBench(6).stalls()[0]
	trial := func(before int64, stop float64) *results.Trial {
		x := openTrial(400, 400, 1e4, 1e6)
		x.Load.CrashSent, x.Load.Audit.Stall = &sent, stop
		x.Server.Foreign = &busy
		step := results.Point{Requests: 1, Response: results.NewPacked()}
		if err := step.Response.RecordValue(before); err != nil {
			t.Fatal(err)
		}
		held := results.Point{Requests: 1, Response: results.NewPacked()}
		if err := held.Response.RecordValue(5e8); err != nil {
			t.Fatal(err)
		}
		x.Load.Series = &results.Series{Step: 0.2, Points: []results.Point{step, step, held, held, held}}
		return &x
	}
	for _, c := range []struct {
		name  string
		trial *results.Trial
		void  bool
	}{
		{"others work, and nobody waits for long", trial(8e6, 0.01), false},
		{"nobody waited for long before the request", trial(9.9e7, 0), false},
		{"somebody did", trial(1.5e8, 0), true},
		{"the load generator was stopped", trial(8e6, 0.15), true},
	} {
		c.trial.Findings = findings(sit, c.trial, 2, 0)
		if void := c.trial.Voided(results.Stall) != nil; void != c.void {
			t.Errorf("%s: void is %t, want %t: %v", c.name, void, c.void, c.trial.Findings)
		}
		if c.trial.Voided(results.Latency) == nil || len(results.Everything) != 9 {
			t.Errorf("%s: other figures must stay void", c.name)
		}
	}
	never := trial(8e6, 0)
	never.Load.CrashSent = nil
	never.Findings = findings(sit, never, 2, 0)
	if never.Voided(results.Stall) == nil {
		t.Error("without the request that blocks nothing was measured")
	}
}

// A trial is measured again for what other programs did to it, and for nothing that its own server or load showed.
func TestOnlyDisturbedTrialsAreRepeated(t *testing.T) {
	for _, c := range []struct {
		findings []results.Finding
		want     bool
	}{
		{nil, false},
		{[]results.Finding{{Kind: "disturbed", Evidence: "a stop of 20 ms"}}, false}, // a note
		{[]results.Finding{{Kind: "overloaded", Voids: results.Everything}}, false},
		{[]results.Finding{{Kind: "generator-bound", Voids: results.Everything}}, false},
		{[]results.Finding{{Kind: "generator-bound", Voids: []results.Metric{results.Latency}}}, true},
		{[]results.Finding{{Kind: "generator-bound", Voids: []results.Metric{results.Latency}},
			{Kind: "generator-bound", Voids: []results.Metric{results.Throughput}}}, false},
		{[]results.Finding{{Kind: "queued", Voids: results.Everything}, {Kind: "disturbed", Voids: results.Everything}}, true},
	} {
		if got := disturbed(&results.Trial{Findings: c.findings}); got != c.want {
			t.Errorf("%+v: repeated %t", c.findings, got)
		}
	}
}
