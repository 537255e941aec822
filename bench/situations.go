//go:build linux

// Package bench decides which trials are run, runs them one after the other, each against a server that was started for
// it, charges the server's whole process tree, and writes down what came out. While a window is measured it does
// nothing.
package bench

import (
	"math"
	"slices"
	"time"

	"serverlab/results"
)

// DefaultName stands for what is run when nothing is named.
const DefaultName = "default"

// KillName is the situation of the default run in which one request kills the process that serves it. The experiment
// BlastName has that among others, with fewer clients.
const KillName = "kill"

// The default run, in the order of the screen's columns. Every situation is a question to which some architecture has a
// bad answer.
const (
	silentClients = 1000
	crowdClients  = 16
	waitSeconds   = 0.005
)

// situations returns the default run for a number of busy clients. Rates are filled in after calibration.
func situations(clients int) []results.Situation {
	return []results.Situation{
		{
			Name: "trivial", Title: "trivial", Subtitle: "CPU µs/req", Metric: results.CPUPerRequest,
			Meaning: "a request without work: its cost is the architecture's own",
			Model:   "constant", Path: "/", Connections: clients, Warmup: 0.1, Window: 0.6,
		},
		{
			Name: "waits", Title: "waits 5 ms", Subtitle: "requests/s", Metric: results.Throughput,
			Meaning: "each request sleeps, as for a database: who can let others go on?",
			Model:   "closed", Path: "/?wait=5ms", Connections: clients, Warmup: 0.1, Window: waitsWindow(clients),
			Ceiling: float64(clients) / waitSeconds, // Little's law: in flight = rate x time
		},
		{
			Name: "crowd", Title: "1,000 silent", Subtitle: "clients: each", Metric: results.MemoryPerSilent,
			Meaning: "1,000 clients say nothing: are 16 busy ones served, at what memory each?",
			Model:   "closed", KeepAlive: true, Path: "/", Connections: crowdClients, Silent: silentClients,
			Warmup: 0.1, Window: 0.2,
		},
		{
			Name: KillName, Title: "one request", Subtitle: "crashes: hit", Metric: results.Harmed,
			Meaning: "one request kills the process that serves it: how many clients notice?",
			Model:   "closed", KeepAlive: true, Path: "/", Connections: clients, Crash: "/chaos/exit",
			Warmup: 0.15, Window: 0.3,
		},
		{
			Name: "arrivals", Title: "arrivals", Subtitle: "ms", Metric: results.Latency,
			Meaning: "requests come at random, at a rate that servers can hold: how long do they take?",
			Model:   "poisson", Path: "/", Connections: clients, Warmup: 0.1, Window: arrivalsWindow,
		},
	}
}

// waitsWindow is long enough that one who serves 64 clients one after the other gets round all of them, which takes 0.32 s,
// and grows with their number up to a second: whom a server of a thousand has not answered by then, it starves.
func waitsWindow(clients int) float64 {
	return min(max(0.4, 0.4*float64(clients)/64), 1)
}

// How the rates of open-loop situations follow from the calibration.
const (
	share      = 0.6 // of the weaker of generator and slowest row, so that both can hold it
	farBelow   = 0.2 // of the generator's ceiling: a row that is slower than that gets a rate of its own
	shareAll   = 0.7 // of the slowest row, where all rows run at a rate that it can hold
	quiet      = 0.4 // of the usual rate, where single requests are looked at and not a crowd
	p99Samples = 630 // a p99 needs about 570 for a two-sided 95 % interval, and random arrivals may be fewer than due

	arrivalsWindow = 1.0 // seconds of random arrivals,
	longestWindow  = 4.0 // and at most of those that come at a slow row's own rate
)

// serveAll warms up for as long as the slowest server needs to serve every client, and half as long again, where one
// that was never served counts as harmed; at most a second.
func serveAll(sits []results.Situation, cal results.Calibration) {
	for i := range sits {
		s := &sits[i]
		if s.Metric != results.Harmed {
			continue
		}
		for _, capacity := range cal.Capacity {
			needed := 1.5 * float64(s.Connections) / max(capacity, 1)
			s.Warmup = max(s.Warmup, math.Ceil(100*min(needed-s.Window/4, 1))/100) // the crash comes after a quarter
		}
	}
}

// setRates gives every open-loop situation its rate, and random arrivals at a rate of a row's own a window in which they
// suffice for a p99. References have no say in it: one that can't hold the rate of the rows gets its own.
func setRates(sits []results.Situation, rows []results.Architecture, cal results.Calibration) {
	capacity, others := map[string]float64{}, map[string]float64{}
	for _, r := range rows {
		if r.Reference {
			others[r.Name] = cal.Capacity[r.Name]
		} else {
			capacity[r.Name] = cal.Capacity[r.Name]
		}
	}
	if len(capacity) == 0 {
		capacity, others = others, nil
	}
	ceiling := cal.Ceiling[perConnection]
	for i := range sits {
		s, most := &sits[i], share
		calm := calmRate(s)
		switch {
		case s.State != "", s.Sweep != "", s.Experiment == results.OpenClosedName, s.Model == "closed": // rates of its own, or none
			continue
		case s.Metric == results.Stall: // one rate for all
			slowest := ceiling
			for _, c := range capacity {
				slowest = min(slowest, c)
			}
			most, s.Rate = shareAll, round2(shareAll*slowest)
		case calm > 0:
			s.Rate, s.OwnRates = calmRates(calm, capacity, ceiling)
		default: // one rate for all but the rows that are far below
			s.Rate, s.OwnRates = commonRate(capacity, ceiling)
			if s.Metric == results.Latency && s.Rate >= share*farBelow*ceiling { // else nobody is fast
				s.Rate = round2(quiet * s.Rate)
			}
		}
		for name, c := range others {
			if most*c < s.Rate {
				if s.OwnRates == nil {
					s.OwnRates = map[string]float64{}
				}
				s.OwnRates[name] = round2(most * c)
			}
		}
		if s.Metric == results.Latency || calm > 0 && s.Metric != results.CPUPerRequest {
			s.Window, s.OwnWindows = p99Window(s.Rate), nil
			for name, rate := range s.OwnRates {
				if w := p99Window(rate); w > s.Window {
					if s.OwnWindows == nil {
						s.OwnWindows = map[string]float64{}
					}
					s.OwnWindows[name] = w
				}
			}
		}
	}
}

// p99Window is how long random arrivals at a rate are measured, seconds.
func p99Window(rate float64) float64 {
	return min(max(arrivalsWindow, math.Ceil(10*p99Samples/rate)/10), longestWindow)
}

func commonRate(capacity map[string]float64, ceiling float64) (rate float64, own map[string]float64) {
	rate = ceiling
	for name, c := range capacity {
		if c < farBelow*ceiling {
			if own == nil {
				own = map[string]float64{}
			}
			own[name] = round2(share * c)
			continue
		}
		rate = min(rate, c)
	}
	if len(own) == len(capacity) { // nobody is fast: one rate for all after all
		for _, c := range capacity {
			rate = min(rate, c)
		}
		own = nil
	}
	return round2(share * rate), own
}

// round2 rounds down to two significant digits: a rate that can be said aloud.
func round2(x float64) float64 {
	if x <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return max(1, math.Floor(x/unit)*unit)
}

// What a trial takes beside its warm-up, its window, and the start and stop of its server, and what the calibration
// takes: measured, then rounded up.
const (
	trialOverhead       = 60 * time.Millisecond
	usualWorkers        = 64 // of a pool whose start the calibration has seen
	calibrationOverhead = 4 * time.Second
	calibrationPerRow   = 700 * time.Millisecond
	calibrationIdle     = time.Second             // of a row that takes as many connections as there are
	calibrationLoad     = 1300 * time.Millisecond // of a row, where the load experiment is asked for
)

// asksForMemory tells whether the memory of connections is part of what was asked for.
func asksForMemory(sits []results.Situation) bool {
	return slices.ContainsFunc(sits, func(s results.Situation) bool { return s.Metric == results.MemoryPerSilent })
}

// Planned is how long a run takes as planned, from its start to its result.
func Planned(run results.Run) time.Duration {
	by := map[string]results.Situation{}
	for _, s := range run.Situations {
		by[s.Name] = s
	}
	d := calibration(run)
	for _, p := range run.Plan {
		d += plannedTrial(by[p.Situation], &run.Calibration, p.Architecture)
	}
	return d
}

// calibration is how long it is planned to take.
func calibration(run results.Run) time.Duration {
	d := calibrationOverhead
	if asksForLoad(run.Situations) {
		d += time.Duration(len(run.Architectures)) * calibrationLoad
	}
	for _, r := range run.Architectures {
		if d += calibrationPerRow; r.AtOnce == 0 && asksForMemory(run.Situations) {
			d += calibrationIdle
		}
		if asksForCalls(run.Situations) {
			d += calibrationTrace
		}
	}
	return d + plannedStates(run)
}

// plannedTrial is how long a trial of a row takes: its server has to start and to stop, and what waits at the end of an
// overloaded window is waited for.
func plannedTrial(s results.Situation, cal *results.Calibration, row string) time.Duration {
	waits := 0.0
	if capacity := cal.LoadCapacity[row]; s.Sweep != "" && capacity > 0 {
		waits = min(max(0, s.Rate/capacity-1)*s.Window, maxDrain)
	}
	start := cal.Start[row]
	if s.Workers > usualWorkers { // a process of a larger pool takes as long to start as any
		start *= float64(s.Workers) / usualWorkers
	}
	return seconds(s.Warmup+s.WindowOf(row)+waits+start) + trialOverhead
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
