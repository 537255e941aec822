//go:build linux

package bench

import (
	"fmt"
	"math"
	"slices"

	"serverlab/results"
)

// The three models of the experiment (Schroeder, Wierman, Harchol-Balter, Open versus closed: a cautionary tale, NSDI
// 2006), at the same rates and with the request of the load experiment. A closed loop has no rate: it gets as many
// clients as offer that rate to a server which answers at once, who think between an answer and their next request. So
// far below the knee all three are the same load, and what differs beyond it is the model. Clients of the partly open
// load think likewise, and leave after a few requests.
const (
	openClosedThink  = 0.02 // seconds, the mean of an exponential distribution
	openClosedVisit  = 5    // requests of a partly open client, the mean
	openClosedWarmup = 0.6  // seconds: five visits, since a partly open load begins with no clients at all
	openClosedWindow = 0.5
)

// openClosedRates are shares of what the slowest row can do: the last two are past its knee.
var (
	openClosedRates = []float64{0.3, 0.7, 0.9, 1.1, 1.3}
	openClosedQuick = []float64{0.3, 0.9, 1.3}
)

const schroeder = "Schroeder, Wierman, Harchol-Balter: Open versus closed (NSDI 2006)"

var aboutOpenClosed = results.Experiment{
	Name: results.OpenClosedName, Question: "closed, partly open and open load: does it matter whether clients wait?",
	X:     results.Axis{Title: "requests per second, as offered", Unit: "/s"},
	Shows: []results.Metric{results.Latency},
	Lessons: []results.Lesson{
		{Says: "Past the knee a closed loop waits with the server and hides most of what open arrivals have to wait.",
			Source: schroeder, Holds: "p50(eventloop, open-closed-open-130) >= 5 * p50(eventloop, open-closed-closed-130)"},
		{Says: "A partly open load waits longer than a closed one too, since new clients come whatever the server does.",
			Source: schroeder, Holds: "p99(eventloop, open-closed-partly-130) >= 2 * p99(eventloop, open-closed-closed-130)"},
		{Says: "Far below the knee the model hardly matters.",
			Source: schroeder, Holds: "p50(eventloop, open-closed-open-30) <= 1.5 * p50(eventloop, open-closed-closed-30)"},
	},
}

// openClosed are the situations of the experiment as far as they are known before the calibration.
func (b *bench) openClosed() []results.Situation { return b.openClosedOf(guessed(b.rows)) }

// openClosedRows are the rows that the experiment is about: the lecture's three ways to serve many at once, those of
// them that were asked for; else all that can compute. A look takes the first.
func (b *bench) openClosedRows() (names []string) {
	var others []string
	for _, r := range b.rows {
		switch {
		case r.StaticOnly:
		case slices.Contains([]string{"eventloop", "threadpool", "goroutine"}, r.Name):
			names = append(names, r.Name)
		default:
			others = append(others, r.Name)
		}
	}
	if len(names) == 0 {
		names = others
	}
	if b.look() {
		names = names[:min(1, len(names))]
	}
	return names
}

// openClosedOf are the situations of the experiment: for each rate one of each model.
func (b *bench) openClosedOf(cal results.Calibration) []results.Situation {
	rows, shares := b.openClosedRows(), openClosedRates
	if b.look() {
		shares = openClosedQuick
	}
	capacity := loadReach * cal.Ceiling[perConnection] / shares[len(shares)-1]
	for _, name := range rows {
		if c, known := cal.LoadCapacity[name]; known {
			capacity = min(capacity, c)
		}
	}
	sits := []results.Situation{}
	for _, share := range shares {
		rate := round2(share * capacity)
		for _, model := range results.OpenClosedModels {
			s := results.Situation{Name: fmt.Sprintf("%s-%s-%.0f", results.OpenClosedName, model.Name, 100*share),
				Title: fmt.Sprintf("%s %.0f %%", model.Name, 100*share), Subtitle: "ms", Metric: results.Latency,
				Meaning:    "the same rate, of clients that wait for answers or do not: who sees the wait?",
				Experiment: results.OpenClosedName, Series: model.Name, Model: model.Model, Path: loadPath,
				Connections: loadConnections,
				Rate:        rate, X: &rate, Rows: rows, Warmup: openClosedWarmup, Window: openClosedWindow}
			switch s.Model {
			case "closed":
				s.Rate, s.Think = 0, openClosedThink
				s.Connections = max(1, int(math.Round(rate*(openClosedThink+1/capacity))))
			case "partly":
				s.Think, s.Visit = openClosedThink, openClosedVisit
			}
			sits = append(sits, s)
		}
	}
	return sits
}

// judgedPastKnee is the verdict on a trial that may be meant to be past the knee: that requests wait is what is
// measured there.
func judgedPastKnee(all []results.Finding) []results.Finding {
	for i := range all {
		if f := &all[i]; f.Kind == "overloaded" || f.Kind == "queued" {
			f.Voids = slices.DeleteFunc(slices.Clone(f.Voids), func(m results.Metric) bool { return m == results.Latency })
		}
	}
	return all
}
