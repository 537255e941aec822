//go:build linux

package bench

import (
	"fmt"
	"slices"
	"time"

	"serverlab/results"
)

// StallName is the experiment in which one request blocks whoever serves it.
const StallName = "stall"

// The load of the experiment. Requests arrive at random, at a rate that all rows can hold, with a connection for each:
// clients that keep their connection would starve at the iterative server anyway, and clients that wait for their answer
// would send nothing while it blocks, so that hardly anybody would be seen to wait.
const (
	stallTime   = 500 * time.Millisecond // that a request blocks which is sent after a quarter of the window
	stallWindow = 1.6                    // seconds: what was held up has its answer before the end
	stallShare  = 0.2                    // of stallTime: who is stopped for no longer changes no conclusion
)

var aboutStalls = results.Experiment{
	Name: StallName, Question: "one request blocks who serves it: who else has to wait?",
	Lessons: []results.Lesson{
		{Says: "A request that blocks stops all clients of an event loop for as long as it takes.",
			Source: "Pai, Druschel and Zwaenepoel, Flash, USENIX 1999, section 3.3",
			Holds:  "stall(eventloop, stall) >= 0.9*500ms"},
		{Says: "It stops one thread of a pool, and the other clients do not notice.",
			Source: "Pai, Druschel and Zwaenepoel, Flash, USENIX 1999, section 3.2",
			Holds:  "stall(threadpool, stall) <= 0.2*stall(eventloop, stall)"},
	},
}

// stalls is the situation of the experiment.
func (b *bench) stalls() []results.Situation {
	return []results.Situation{{
		Name: StallName, Title: "1 blocks 0.5 s", Subtitle: "longest wait", Metric: results.Stall,
		Meaning: "one request blocks who serves it for 500 ms: how long do others wait at most?",
		Model:   "poisson", Path: "/", Connections: b.Connections, Crash: fmt.Sprintf("/?block=%v", stallTime),
		Warmup: 0.1, Window: stallWindow,
	}}
}

// kills tells a situation whose special request ends the process that serves it.
func kills(s *results.Situation) bool { return s.Crash != "" && s.Metric == results.Harmed }

// judgedByStall is the verdict on a trial in which one request blocks. The longest wait is held against that request: a
// host that is busy the whole time, but stops nobody for longer than a share of it, leaves the answer as it is. For how
// long it does is seen before the request was sent, in the longest response time, and all the time in the longest stop
// of the load generator.
func judgedByStall(l *results.Load, all []results.Finding) []results.Finding {
	if l.CrashSent == nil || *l.CrashSent >= l.Window {
		return append(all, results.Finding{Kind: "no fault", Voids: results.Everything,
			Evidence: "the request that blocks was not sent within the window"})
	}
	if max(l.Audit.Stall, longestBefore(l, *l.CrashSent)) > stallShare*stallTime.Seconds() {
		return all
	}
	stall := func(m results.Metric) bool { return m == results.Stall }
	for i := range all {
		if f := &all[i]; f.Kind == "disturbed" {
			f.Voids = slices.DeleteFunc(slices.Clone(f.Voids), stall)
		}
	}
	return all
}

// longestBefore is the longest response time in the steps of a load's series that ended before a moment of its window,
// both in seconds.
func longestBefore(l *results.Load, moment float64) (longest float64) {
	if l.Series == nil || l.Series.Step <= 0 {
		return 0
	}
	for _, p := range l.Series.Points[:min(int(moment/l.Series.Step), len(l.Series.Points))] {
		if p.Response.Count() > 0 {
			longest = max(longest, float64(p.Response.Max())/1e9)
		}
	}
	return longest
}
