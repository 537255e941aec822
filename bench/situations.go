//go:build linux

// Package bench decides which trials are run, runs them one after the other, each against a server that was started for
// it, charges the server's whole process tree, and writes down what came out. While a window is measured it does
// nothing.
package bench

import (
	"math"
	"time"

	"serverlab/results"
)

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
			Model:   "constant", Path: "/", Connections: clients, Warmup: 0.15, Window: 0.8,
		},
		{
			Name: "waits", Title: "waits 5 ms", Subtitle: "requests/s", Metric: results.Throughput,
			Meaning: "each request sleeps, as for a database: who can let others go on?",
			Model:   "closed", Path: "/?wait=5ms", Connections: clients, Warmup: 0.1, Window: 0.4,
			Ceiling: float64(clients) / waitSeconds, // Little's law: in flight = rate x time
		},
		{
			Name: "crowd", Title: "1,000 silent", Subtitle: "clients: each", Metric: results.MemoryPerSilent,
			Meaning: "1,000 clients say nothing: are 16 busy ones served, at what memory each?",
			Model:   "closed", KeepAlive: true, Path: "/", Connections: crowdClients, Silent: silentClients,
			Warmup: 0.1, Window: 0.4,
		},
		{
			Name: "crash", Title: "one request", Subtitle: "crashes: hit", Metric: results.Harmed,
			Meaning: "one request kills the process that serves it: how many clients notice?",
			Model:   "closed", KeepAlive: true, Path: "/", Connections: clients, Crash: "/chaos/exit",
			Warmup: 0.15, Window: 0.35,
		},
		{
			Name: "arrivals", Title: "arrivals", Subtitle: "ms", Metric: results.Latency,
			Meaning: "requests come at random, at one rate that all can hold: how long do they take?",
			Model:   "poisson", Path: "/", Connections: clients, Warmup: 0.15, Window: 2.5,
		},
	}
}

// How the rates of open-loop situations follow from the calibration.
const (
	share      = 0.6 // of the weaker of generator and slowest row, so that both can hold it
	farBelow   = 0.2 // of the generator's ceiling: a row that is slower than that gets a rate of its own
	shareAll   = 0.7 // of the slowest row, where all rows run at a rate that it can hold
	p99Samples = 630 // a p99 needs about 570 for a two-sided 95 % interval, and random arrivals may be fewer than due
	minWindow  = 0.8 // seconds of arrivals
	maxWindow  = 3.1
)

// setRates gives every open-loop situation its rate.
func setRates(sits []results.Situation, cal results.Calibration) {
	for i := range sits {
		switch s := &sits[i]; s.Model {
		case "constant": // one rate for all but the rows that are far below
			s.Rate, s.OwnRates = commonRate(cal)
		case "poisson": // one rate for all
			slowest := cal.Ceiling[perConnection]
			for _, c := range cal.Capacity {
				slowest = min(slowest, c)
			}
			s.Rate = round2(shareAll * slowest)
			s.Window = math.Ceil(10*min(max(p99Samples/s.Rate, minWindow), maxWindow)) / 10
		}
	}
}

func commonRate(cal results.Calibration) (rate float64, own map[string]float64) {
	ceiling := cal.Ceiling[perConnection]
	rate = ceiling
	for name, c := range cal.Capacity {
		if c < farBelow*ceiling {
			if own == nil {
				own = map[string]float64{}
			}
			own[name] = round2(share * c)
			continue
		}
		rate = min(rate, c)
	}
	if len(own) == len(cal.Capacity) { // nobody is fast: one rate for all after all
		for _, c := range cal.Capacity {
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

// What a trial takes beside its warm-up and window, and what the calibration takes: measured, then rounded up.
const (
	trialOverhead       = 120 * time.Millisecond
	calibrationOverhead = 5 * time.Second
	calibrationPerRow   = 800 * time.Millisecond
)

// Planned is how long a run takes as planned, from its start to its result.
func Planned(run results.Run) time.Duration {
	d := calibrationOverhead + time.Duration(len(run.Architectures))*calibrationPerRow
	by := map[string]results.Situation{}
	for _, s := range run.Situations {
		by[s.Name] = s
	}
	for _, p := range run.Plan {
		d += plannedTrial(by[p.Situation])
	}
	return d
}

func plannedTrial(s results.Situation) time.Duration {
	return seconds(s.Warmup+s.Window) + trialOverhead
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
