//go:build linux

package bench

import "serverlab/results"

// StallName is the experiment in which one request blocks whoever serves it.
const StallName = "stall"

// The load of the experiment. Requests arrive at random, at a rate that all rows can hold, with a connection for each:
// clients that keep their connection would starve at the iterative server anyway, and clients that wait for their answer
// would send nothing while it blocks, so that hardly anybody would be seen to wait.
const (
	stallPath   = "/?block=500ms" // sent once, after a quarter of the window
	stallWindow = 1.6             // seconds: what was held up has its answer before the end
)

// stalls is the situation of the experiment.
func (b *bench) stalls() []results.Situation {
	return []results.Situation{{
		Name: StallName, Title: "1 blocks 0.5 s", Subtitle: "longest wait", Metric: results.Stall,
		Meaning: "one request blocks who serves it for 500 ms: how long do others wait at most?",
		Model:   "poisson", Path: "/", Connections: b.Connections, Crash: stallPath, Warmup: 0.1, Window: stallWindow,
	}}
}

// kills tells a situation whose special request ends the process that serves it.
func kills(s *results.Situation) bool { return s.Crash != "" && s.Metric == results.Harmed }
