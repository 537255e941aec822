package loadgen

import (
	"runtime"
	"time"

	"serverlab/internal/proc"
	"serverlab/results"
)

// audit is what the threads' samples and meters say of the load generator itself; window in seconds.
func (r *run) audit(window float64) results.Audit {
	var services [][2]int64
	var sum meter
	var stalled, longest int64
	known := len(r.threads) > 0
	for _, t := range r.threads {
		services = append(services, t.audit.services...)
		sum = sum.plus(t.window)
		stalled, longest = stalled+t.stall.sum, max(longest, t.stall.longest)
		known = known && t.meter.wait >= 0
	}
	var expected func(int64) float64
	if r.model() == "poisson" {
		expected = r.threads[0].schedule.expected
	}
	a := auditOf(r.threads[0].audit.gaps, services, len(r.threads), expected)
	a.Stalled, a.Stall = time.Duration(stalled).Seconds(), time.Duration(longest).Seconds()
	if window > 0 {
		a.InFlight = sum.flown / 1e9 / window
	}
	if known {
		waited := time.Duration(sum.wait).Seconds()
		a.CPUWait = &waited
	}
	return a
}

// watchHost looks at the machine, and again when the function that it returns is called.
func watchHost() (end func() *results.Host) {
	began, before := time.Now(), proc.ReadHost()
	return func() *results.Host {
		h := proc.ReadHost().Since(before)
		return &results.Host{Seconds: time.Since(began).Seconds(), CPUs: runtime.NumCPU(), Steal: h.Steal,
			PSISome: h.PSISome, Throttled: h.Throttled}
	}
}
