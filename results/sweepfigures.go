package results

import (
	"math"
	"slices"
)

// spread is a figure's median with its interval over the trials that count, or over all where Void.
func (p *SweepPoint) spread(figure func(*Load) (float64, bool)) Summary {
	var all []float64
	for i := range p.Trials {
		if t := &p.Trials[i]; t.Spoiled == "" || p.Void {
			if v, ok := figure(t.Load); ok {
				all = append(all, v)
			}
		}
	}
	return Summarize(all)
}

// The figures of a load in a sweep: right answers per second within the window, a quantile of the response time in
// seconds, and the share of requests without a right answer.
func (l *Load) goodput() (v float64, ok bool) {
	if l.Window <= 0 {
		return 0, false
	}
	return l.withinWindow() / l.Window, true
}

// held is how much of the rate that was really offered, which is random, a server answered.
func (l *Load) held() (share float64, ok bool) {
	return l.withinWindow() / float64(l.Intended), l.Intended > 0
}

// within is how many right answers per second came within so many seconds of the moment at which they were intended,
// to requests that were due in the window: its goodput to clients who wait for no longer (Welsh and Culler, Adaptive
// overload control for busy Internet servers, USITS 2003, hold a server to a time for that reason). What was given up
// stands in Response at the time for which it had waited, which is longer as long as the load generator waits for
// longer. What comes after the window may be in time, too; that it is no more than came within the window bounds that.
func (l *Load) within(seconds float64) (v float64, ok bool) {
	if l.Window <= 0 || !(seconds > 0) {
		return 0, false
	}
	n := int64(0)
	if l.Response.Count() > 0 {
		for _, bar := range l.Response.Distribution() {
			if bar.To <= int64(seconds*1e9) {
				n += bar.Count
			}
		}
	}
	return math.Min(float64(n), l.withinWindow()) / l.Window, true
}

// shedShare is how much of what was offered the server refused with 503.
func (l *Load) shedShare() (share float64, ok bool) {
	all := l.Intended
	if l.Model == "closed" {
		all = l.Requests + l.ErrorCount() + l.Shed
	}
	return float64(l.Shed) / float64(all), all > 0
}

func quantileOf(q float64) func(*Load) (float64, bool) {
	return func(l *Load) (float64, bool) { return l.Response.Quantile(q) }
}

func (l *Load) errorShare() (v float64, ok bool) {
	if l.Model != "closed" {
		return Goal{}.Value(l)
	}
	bad := l.ErrorCount() + l.Shed
	all := float64(l.Requests + bad)
	return float64(bad) / all, all > 0
}

// notTheServer are the kinds of findings that, where they void response times, tell of the load generator or the
// machine.
var notTheServer = []string{"Little's law", "generator-bound", "client's limits", "throttled", "disturbed", "arrivals"}

// Spoiled returns the finding that makes response times say nothing about the server, its kind first; "" without one.
// That a server has more to do than it can is no such finding.
func Spoiled(findings []Finding) string {
	for _, f := range findings {
		if slices.Contains(notTheServer, f.Kind) && slices.Contains(f.Voids, Latency) {
			return f.Kind + ": " + f.Evidence
		}
	}
	return ""
}

// withinWindow is how many right answers came within the window. An open loop's Requests count what was answered later,
// too, so behind the knee they say more than the server can do. Where Ended is missing, as in old records, what was sent
// is taken to be answered: that is off by as many as there are connections, at most.
func (l *Load) withinWindow() float64 {
	switch {
	case l.Model == "closed":
		return float64(l.Requests)
	case l.Ended > 0:
		return float64(l.Ended)
	}
	return math.Min(float64(l.Requests), math.Max(0, float64(l.Intended)-float64(l.Backlog)))
}
