//go:build linux

package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"serverlab/loadgen"
	"serverlab/results"
)

// Bounds of the verdict.
const (
	generatorBusy  = 0.95 // of its threads' time, spin apart: beyond it the generator was measured
	lagShare       = 0.25 // of the p99 response time that may be the generator's own lag
	lagFloor       = 1e6  // ns: a lag below that is never held against it
	offeredReached = 0.98 // of the requests that were due must have been sent and answered
	stealShare     = 0.10 // of the window, over all CPUs
	foreignShare   = 0.15 // of the window on the CPUs of this run, that others may use
	littleError    = 0.10 // by which requests in flight may miss rate x time
	littleSamples  = 20   // answers per connection, below which the edges of the window outweigh that
)

// everything is voided by what makes a trial worthless; timing by what spoils only the clock.
var (
	everything = []results.Metric{results.CPUPerRequest, results.Throughput, results.MemoryPerSilent, results.Harmed,
		results.Latency}
	timing = []results.Metric{results.Throughput, results.Latency}
)

// findings is the verdict on a trial: every reason not to take a figure at face value, with its evidence.
func findings(s results.Situation, t *results.Trial, cpus int) (all []results.Finding) {
	find := func(kind string, voids []results.Metric, format string, args ...any) {
		all = append(all, results.Finding{Kind: kind, Evidence: fmt.Sprintf(format, args...), Voids: voids})
	}
	l := &t.Load
	wrong := l.Errors[loadgen.ErrStatus] + l.Errors[loadgen.ErrLength] + l.Errors[loadgen.ErrBody] +
		l.Errors[loadgen.ErrMalformed]
	crash := s.Crash != ""
	if wrong > 0 {
		find("wrong answers", everything, "%d of %d: %s", wrong, wrong+l.Requests, kinds(l.Errors))
	} else if n := l.Errors[loadgen.ErrPorts] + l.Errors[loadgen.ErrDescriptors] + l.Errors[loadgen.ErrSilent]; n > 0 {
		find("client's limits", everything, "%d connections could not be opened here: %s", n, kinds(l.Errors))
	} else if n := l.ErrorCount(); n > 0 && !crash {
		find("errors", everything, "%d beside %d answers: %s", n, l.Requests, kinds(l.Errors))
	}
	// In an open loop a slot without an answer may simply not have been needed.
	if l.Unserved > 0 && l.Model == "closed" && !crash {
		find("starved", []results.Metric{results.CPUPerRequest, results.Throughput, results.MemoryPerSilent, results.Latency},
			"starved %d/%d", l.Unserved, l.Connections)
	}
	if busy := (l.CPU - l.CPUSpin) / (l.Window * float64(l.Threads)); busy > generatorBusy {
		find("generator-bound", timing, "the load generator was busy for %.0f %% of the window", 100*busy)
	}
	if l.Lag.Count() > 0 && l.Response.Count() > 0 {
		lag, response := float64(l.Lag.ValueAtQuantile(99)), float64(l.Response.ValueAtQuantile(99))
		if lag > lagFloor && lag > lagShare*response {
			find("generator-bound", []results.Metric{results.Latency},
				"it sent requests late by up to %.2f ms (p99), where response time had a p99 of %.2f ms", lag/1e6, response/1e6)
		}
	}
	// What is answered after the window has cost no CPU within it, so a backlog spoils that figure too.
	late := float64(l.Intended) * (1 - offeredReached)
	switch {
	case l.Rate > 0 && float64(l.Requests) < float64(l.Intended)-late:
		find("overloaded", []results.Metric{results.CPUPerRequest, results.Latency},
			"%d of %d requests that were due were answered", l.Requests, l.Intended)
	case l.Rate > 0 && float64(l.Backlog) > late:
		find("queued", []results.Metric{results.CPUPerRequest, results.Latency},
			"%d of %d requests still waited to be sent when the window closed; they were answered later", l.Backlog, l.Intended)
	}
	if inFlight, ok := little(l); ok && !crash && l.Unserved == 0 {
		if off := inFlight/float64(l.Connections) - 1; off > littleError || off < -littleError {
			find("Little's law", timing, "rate x time gives %.1f requests in flight; there were %d connections",
				inFlight, l.Connections)
		}
	}
	if n := t.Server.Throttled; n != nil && *n > 0 {
		find("throttled", everything, "a CPU quota stopped the run %d times", *n)
	}
	if f := t.Server.Foreign; f != nil && *f > foreignShare*l.Window*float64(cpus) {
		find("disturbed", everything, "other programs used %.0f ms of this run's CPUs", 1000**f)
	}
	if st := t.Server.Steal; st != nil && *st > stealShare*(l.Warmup+l.Window)*float64(cpus) {
		find("disturbed", timing, "the host took %.0f ms of %d CPUs for others", 1000**st, cpus)
	}
	return all
}

// little computes the mean number of requests in flight in a closed loop by Little's law, an audit of the instrument:
// the clock and the count must fit together.
func little(l *results.Load) (inFlight float64, ok bool) {
	if l.Model != "closed" || l.Requests < uint64(littleSamples*l.Connections) || l.Response.Count() == 0 {
		return 0, false
	}
	return float64(l.Requests) / l.Window * l.Response.Mean() / 1e9, true
}

// kinds lists counts by kind in a fixed order: "closed 3, timeout 1".
func kinds(m map[string]uint64) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}
