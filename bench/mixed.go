//go:build linux

package bench

import (
	"fmt"
	"slices"
	"time"

	"serverlab/results"
)

// MixedName is the experiment in which one request in a hundred is slow.
const MixedName = "mixed"

var aboutMixed = results.Experiment{
	Name: MixedName, Question: "one request in a hundred is slow: who makes the others wait?",
	X:     results.Axis{Title: "time that one request in a hundred blocks", Unit: "s"},
	Shows: []results.Metric{results.Latency, results.CPUPerRequest},
	Lessons: []results.Lesson{
		{Says: "A single loop makes everybody wait for a request that blocks: the quick ones pay for the slow one.",
			Source: "Pai, Druschel, Zwaenepoel: Flash, USENIX 1999, section 3.3 (SPED)",
			Holds:  "p99(eventloop, mixed-20ms) >= 4*p99(eventloop, mixed-0ms)"},
		{Says: "A pool of threads lets the quick requests pass the slow one, as long as a thread is free.",
			Source: "Pai, Druschel, Zwaenepoel: Flash, USENIX 1999, section 3.2 (MT)",
			Holds:  "p99(threadpool, mixed-20ms) <= 0.5*p99(eventloop, mixed-20ms)"},
		{Says: "An event loop with helpers for what may block is as good: nobody waits in the loop.",
			Source: "Pai, Druschel, Zwaenepoel: Flash, USENIX 1999, section 3.4 (AMPED)",
			Holds:  "p99(amped, mixed-20ms) <= 0.5*p99(eventloop, mixed-20ms)"},
	},
}

// The load of the experiment. Requests arrive at random, with a connection for each, so that none waits for a client's
// other one. The slow ones block for up to 50 ms at a rate at which they take a quarter of a single server's time: it
// keeps up, and yet everybody may meet one.
const (
	mixedPath  = "/"
	mixedShare = 0.01 // of the requests
	mixedRate  = 500  // requests per second, of all who can hold it
)

// calmRate is the rate of a situation in which it is to be low beside what the rows can do, so that who waits, waits for
// slow requests or idle clients and not in a crowd; 0: any other.
func calmRate(s *results.Situation) float64 {
	switch s.Experiment {
	case MixedName:
		return mixedRate
	case IdleName:
		return idleRate
	case ConnectionsName: // so that 8 connections are enough, in either mode
		return connectsRate
	}
	return 0
}

// calmRates is that rate, and a lower one of their own for rows that could not hold it.
func calmRates(calm float64, capacity map[string]float64, ceiling float64) (rate float64, own map[string]float64) {
	rate = min(calm, round2(share*ceiling))
	for name, c := range capacity {
		if share*c < rate {
			if own == nil {
				own = map[string]float64{}
			}
			own[name] = round2(share * c)
		}
	}
	return rate, own
}

// mixedRows are the usual rows and the event loop with helpers, which is made for such requests.
func mixedRows(trials int, usual []string) []string {
	if trials < results.MinTrials {
		return []string{"eventloop", "amped", "threadpool", "goroutine"}
	}
	return append(slices.Clone(usual), "amped")
}

// mixes are the situations of the experiment.
func (b *bench) mixes() (sits []results.Situation) {
	times := []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond}
	if b.look() {
		times = []time.Duration{0, 20 * time.Millisecond}
	}
	for _, block := range times {
		x, ms := block.Seconds(), block.Milliseconds()
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-%dms", MixedName, ms), Title: fmt.Sprintf("1 %% blocks %d", ms), Subtitle: "p99, ms",
			Metric: results.Latency, X: &x, Series: "the quick requests",
			Meaning: "one request in a hundred blocks: how long do the others wait?",
			Model:   "poisson", Path: mixedPath, Mix: fmt.Sprintf("/?block=%dms", ms), MixShare: mixedShare,
			Connections: b.Connections, Rate: mixedRate, Warmup: 0.1, Window: arrivalsWindow,
		})
	}
	return sits
}
