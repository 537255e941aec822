//go:build linux

package bench

import (
	"fmt"

	"serverlab/loadgen"
	"serverlab/results"
)

// Bounds of what only a trial can tell.
const (
	foreignShare = 0.15 // of the window on the CPUs of this run, that others may use
	ceilingShare = 0.80 // of the load generator's own ceiling: beyond it rows can hardly be told apart
)

// findings is the verdict on a trial: that on its load, and what follows from the server's side and the calibration.
// ceiling is what the load generator does alone, requests per second; 0 where that is not known.
func findings(s results.Situation, t *results.Trial, cpus int, ceiling float64) []results.Finding {
	l, server := &t.Load, &t.Server
	e := loadgen.Evidence{Load: l, Crash: s.Crash != "" || s.Fault != "", Host: &results.Host{
		Seconds: l.Warmup + l.Window, CPUs: cpus,
		Steal: server.Steal, PSISome: server.PSISome, Throttled: server.Throttled}}
	if s.Metric == results.Latency {
		e.Quantiles = []float64{0.5, 0.99}
	}
	all := loadgen.Verdict(e)
	if s.Fault != "" {
		if f := results.NoFault(l); f != nil {
			all = append(all, *f)
		}
	}
	if f := server.Foreign; f != nil && *f > foreignShare*l.Window*float64(cpus) {
		all = append(all, results.Finding{Kind: "disturbed", Evidence: fmt.Sprintf(
			"other programs used %.0f ms of this run's CPUs", 1000**f), Voids: results.Everything})
	}
	if rate, ok := t.Value(results.Throughput); ok && ceiling > 0 && rate > ceilingShare*ceiling {
		all = append(all, results.Finding{Kind: "near the ceiling", Evidence: fmt.Sprintf(
			"%.0f requests/s are %.0f %% of what the load generator reached alone", rate, 100*rate/ceiling)})
	}
	if s.Experiment == results.OpenClosedName {
		return judgedPastKnee(all)
	}
	if s.Metric == results.Stall {
		return judgedByStall(l, all)
	}
	return all
}
