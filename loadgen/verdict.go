package loadgen

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"serverlab/results"
)

// Bounds of the verdict.
const (
	generatorBusy  = 0.95 // of its threads' time, spin apart: beyond it the generator was measured
	waitShare      = 0.10 // of its threads' time that they may have to wait for a CPU
	stallShare     = 0.05 // of its threads' time that they may stand still
	stallNote      = 0.02 // seconds at once, worth a note where the highest response time is not far above it
	lagShare       = 0.25 // of the response time that may be the generator's own lag
	lagFloor       = 1e6  // ns: a lag below that is never held against it
	offeredReached = 0.98 // of the requests that were due must have been sent and answered
	stealShare     = 0.10 // of the CPUs' time, that a hypervisor may take
	littleError    = 0.10 // by which requests in flight may miss rate x time
	littleSamples  = 20   // answers for each request in flight, below which the edges of the window outweigh that
	gapsLeast      = 100  // pairs, below which a sample says nothing
	gapsOff        = 0.02 // Anderson and Darling's statistic for each gap, below which no clock could do better
	rankOff        = 0.30 // correlation of neighbours, below which it changes no conclusion
)

// What a finding makes useless, if not everything: what is told by the clock, what a backlog spoils, and all that does
// not itself say how a server fails under a load.
var (
	timing = []results.Metric{results.Throughput, results.Latency, results.Goodput, results.Stall}
	late   = []results.Metric{results.CPUPerRequest, results.Latency}
	whole  = slices.DeleteFunc(slices.Clone(results.Everything), func(m results.Metric) bool {
		return m == results.Goodput || m == results.Stall
	})
)

// quantilesTold are those that a load's summary tells.
var quantilesTold = []float64{0.5, 0.9, 0.99, 0.999}

// Evidence is what a verdict rests on.
type Evidence struct {
	Load *results.Load
	Host *results.Host // while it ran; nil: not known
	// Crash tells that a request was meant to crash a worker: errors and unserved clients are what is measured. A load
	// with a fault says so itself.
	Crash     bool
	Quantiles []float64 // that will be told
}

// verdict collects findings.
type verdict struct {
	Evidence
	all []results.Finding
}

func (v *verdict) find(kind string, voids []results.Metric, format string, args ...any) {
	v.all = append(v.all, results.Finding{Kind: kind, Evidence: fmt.Sprintf(format, args...), Voids: voids})
}

// found tells whether there is a finding of one of these kinds, more than a note.
func (v *verdict) found(kinds ...string) bool {
	return slices.ContainsFunc(v.all, func(f results.Finding) bool {
		return len(f.Voids) > 0 && slices.Contains(kinds, f.Kind)
	})
}

// Verdict returns every reason not to take a figure of a load at face value, with its evidence in numbers, and what is
// worth knowing beside that: such a finding voids nothing. A valid load has none, and the slice is not nil then.
func Verdict(e Evidence) []results.Finding {
	v := &verdict{Evidence: e, all: []results.Finding{}}
	v.Crash = e.Crash || e.Load.Fault != nil
	v.answers()
	v.generator()
	v.series()
	v.littlesLaw()
	v.host()
	v.samples()
	v.arrivals()
	return v.all
}

// answers looks at errors and at clients without an answer.
func (v *verdict) answers() {
	l := v.Load
	if wrong := Wrong(l); wrong > 0 {
		v.find("wrong answers", results.Everything, "%d of %d: %s", wrong, wrong+l.Requests, l.ErrorText())
	} else if n := l.Errors[ErrPorts] + l.Errors[ErrDescriptors]; n > 0 {
		v.find("client's limits", results.Everything, "%d connections could not be opened here: %s", n, l.ErrorText())
	} else if n := l.ErrorCount(); n > 0 && !v.Crash {
		v.find("errors", whole, "%d beside %d answers: %s", n, l.Requests, l.ErrorText())
	} else if l.Requests == 0 && l.Censored == 0 && l.Shed == 0 && l.Window > 0 && !v.Crash {
		v.find("too few samples", whole, "no request was answered in the window")
	}
	if l.Shed > 0 && !v.Crash {
		v.find("shed", whole, "%d of %d requests got 503; response times are those of the others", l.Shed,
			l.Shed+l.Requests+l.ErrorCount())
	}
	// In an open loop a slot without an answer may simply not have been needed.
	if l.Unserved > 0 && l.Model == "closed" && !v.Crash {
		v.find("starved", []results.Metric{results.CPUPerRequest, results.Throughput, results.MemoryPerSilent,
			results.Latency}, "starved %d/%d", l.Unserved, l.Connections)
	}
}

// generator looks at the load generator itself.
func (v *verdict) generator() {
	l := v.Load
	time := l.Window * float64(l.Threads)
	busy, waited := l.CPU-l.CPUSpin, 0.0
	if l.Audit.CPUWait != nil {
		waited = *l.Audit.CPUWait
	}
	switch {
	case time == 0: // interrupted before the window
	case busy > generatorBusy*time:
		v.find("generator-bound", timing, "the load generator was busy for %.0f %% of the window", min(100, 100*busy/time))
	case waited > 0 && busy+waited > generatorBusy*time:
		v.find("generator-bound", timing, "the load generator was busy for %.0f %% of the window, and waited for a CPU for "+
			"%.0f %%", min(100, 100*busy/time), min(100, 100*waited/time))
	case waited > waitShare*time:
		v.find("disturbed", timing, "the load generator waited for a CPU for %.0f %% of the window", min(100, 100*waited/time))
	case l.Audit.Stalled > stallShare*time:
		v.find("disturbed", timing, "the load generator did not run for %.0f ms of the window, up to %.0f ms at once",
			1e3*l.Audit.Stalled, 1e3*l.Audit.Stall)
	case l.Audit.Stall > stallNote && l.Response.Count() > 0 && l.Audit.Stall > float64(l.Response.Max())/2e9:
		v.find("disturbed", nil, "the load generator did not run for %.0f ms at once: the highest response times may be its "+
			"own", 1e3*l.Audit.Stall)
	}
	if l.Lag.Count() > 0 && l.Response.Count() > 0 {
		lag, response := float64(l.Lag.ValueAtQuantile(99)), float64(l.Response.ValueAtQuantile(99))
		if lag > lagFloor && lag > lagShare*response {
			v.find("generator-bound", []results.Metric{results.Latency},
				"1 %% of requests were sent more than %.2f ms late; response time had a p99 of %.2f ms", lag/1e6, response/1e6)
		}
	}
}

// series looks at how the load went along.
func (v *verdict) series() {
	l := v.Load
	// What is answered after the window has cost no CPU within it, so a backlog spoils that figure too.
	missing := float64(l.Intended) * (1 - offeredReached)
	all := stretches(l)
	grew, from, to, found := growth(l, all)
	switch {
	case l.Fault != nil: // what was not answered, and what waited, is what is measured
	case l.Rate > 0 && float64(l.Requests) < float64(l.Intended)-missing:
		v.find("overloaded", late, "%d of %d requests that were due were answered", l.Requests, l.Intended)
	case found:
		v.find("overloaded", late, "the backlog grew by %.0f of %d requests, and response time (p50) from %s to %s", grew,
			l.Intended, results.Duration(from), results.Duration(to))
	case l.Rate > 0 && float64(l.Backlog) > missing:
		v.find("queued", late, "%d of %d requests still waited to be sent when the window closed; they were answered later",
			l.Backlog, l.Intended)
	case l.Profile == "" && !v.Crash:
		v.stationary(all)
	}
}

// stationary looks for a change of level where none was asked for: of the rate in a closed loop, which sets its own,
// and else of response time.
func (v *verdict) stationary(all []stretch) {
	l := v.Load
	what, show, voids := "response time (p50)", results.Duration, []results.Metric{results.Latency}
	shown := medians(all)
	if l.Model == "closed" {
		what, voids = "the rate", timing
		shown = rates(all)
		show = func(x float64) string { return fmt.Sprintf("%.4g requests/s", x) }
	}
	s, found := findShift(shown)
	switch {
	case found && s.at > 0:
		v.find("non-stationary", voids, "%s went from %s to %s after about %.1f s", what, show(s.from), show(s.to),
			l.Window*float64(s.at)/float64(len(shown)))
	case found:
		v.find("non-stationary", voids, "%s went from %s to %s in the course of the window", what, show(s.from),
			show(s.to))
	}
}

// littlesLaw audits the instrument: its clocks and its counts must fit together.
func (v *verdict) littlesLaw() {
	l := v.Load
	flight := l.Audit.InFlight
	if flight == 0 || l.Service.Count() == 0 || v.Crash || l.Unserved > 0 || l.ErrorCount() > 0 || l.Censored > 0 ||
		l.Mixed != nil && l.Mixed.Censored > 0 ||
		float64(l.Requests) < littleSamples*max(flight, 10) || v.found("overloaded", "queued", "disturbed") {
		return // the law holds for what comes and goes: not with a queue that was there before or is there at the end
	}
	// A request that is on its way at an edge of the window counts with its whole time or not at all: as much as the
	// longest one may be missing at either edge, and what was still held back at the end.
	cut := float64(l.Service.Max()) / 1e9
	for points := wholeSteps(l); len(points) > 0 && points[len(points)-1].Requests == 0; points = points[:len(points)-1] {
		cut += l.Series.Step
	}
	law := float64(l.Requests) / l.Window * l.Service.Mean() / 1e9
	if m := l.Mixed; m != nil && m.Requests > 0 { // they are on their way as well
		law += float64(m.Requests) / l.Window * m.Service.Mean() / 1e9
		cut = max(cut, float64(m.Service.Max())/1e9)
	}
	law += float64(l.Shed) / l.Window * l.ShedService
	if off := math.Abs(law-flight) / flight; off > littleError+cut/l.Window {
		v.find("Little's law", timing, "rate x time gives %.1f requests in flight; there were %.1f", law, flight)
	}
}

// host looks at the machine.
func (v *verdict) host() {
	h := v.Host
	if h == nil {
		return
	}
	if h.Throttled != nil && *h.Throttled > 0 {
		v.find("throttled", results.Everything, "a CPU quota stopped the run %d times", *h.Throttled)
	}
	if h.Steal != nil && *h.Steal > stealShare*h.Seconds*float64(h.CPUs) {
		waits := "n/a"
		if h.PSISome != nil {
			waits = fmt.Sprintf("%.0f ms", 1e3**h.PSISome)
		}
		v.find("disturbed", timing, "the host took %.0f ms of %d CPUs for others; some task waited for a CPU for %s (PSI)",
			1e3**h.Steal, h.CPUs, waits)
	}
}

// samples looks at what the answers can tell.
func (v *verdict) samples() {
	l := v.Load
	var few []string
	for _, q := range v.Quantiles {
		need, ok := results.Samples(q)
		n := l.Response.Count()
		if !ok || n == 0 {
			continue
		}
		switch held := worth(l, q); {
		case n < need:
			few = append(few, fmt.Sprintf("p%.4g needs %d answers, there were %d", 100*q, need, n))
		case held < float64(need):
			few = append(few, fmt.Sprintf("p%.4g needs %d answers, and slow ones came in bunches, so that %d tell as much as "+
				"%.0f", 100*q, need, n, held))
		}
	}
	if len(few) > 0 {
		v.find("too few samples", nil, "%s", strings.Join(few, "; "))
	}
	if a := &l.Audit; len(v.Quantiles) > 0 && l.Model != "closed" && a.Pairs >= gapsLeast &&
		(a.Rank > rankOff || a.Rank < -rankOff) {
		v.find("correlated samples", nil, "the service times of one answer and the next one have a rank correlation of %.2f "+
			"(%d pairs), so more answers tell little more: repeat the trial", a.Rank, a.Pairs)
	}
}

// arrivals looks at whether the load was the one that was asked for.
func (v *verdict) arrivals() {
	l := v.Load
	a := &l.Audit
	if a.Gaps < gapsLeast || a.Anderson <= andersonLimit || a.Anderson <= gapsOff*float64(a.Gaps) ||
		v.found("overloaded", "queued") { // which says already that requests waited
		return
	}
	why, voids := "requests waited for a free connection", []results.Metric(nil)
	lag, _ := l.Lag.Quantile(0.5)
	response, _ := l.Response.Quantile(0.5)
	switch {
	case lag > lagShare*response:
		why, voids = fmt.Sprintf("the load generator was late (lag p50 %s)", results.Duration(lag)), []results.Metric{results.Latency}
	case lag > lagShare*float64(l.Threads)/l.Rate:
		why = fmt.Sprintf("they are short beside the load generator's lag (p50 %s)", results.Duration(lag))
	case v.found("disturbed"):
		why = "the load generator could not run in time"
	}
	v.find("arrivals", voids, "the gaps between requests were not exponential: %s (Anderson-Darling %.0f of %d gaps, by "+
		"chance below %.1f)",
		why, a.Anderson, a.Gaps, andersonLimit)
}
