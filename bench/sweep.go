//go:build linux

package bench

import (
	"fmt"
	"math"
	"slices"

	"serverlab/results"
)

// LoadName is the experiment that offers every row more and more requests, up to what it can do and past it.
const LoadName = "load"

// The loads of the experiment: requests that arrive at random, with a connection for each, from rates that a row holds
// with ease to twice its capacity. Rates are numbers of one fixed series, so rows, runs and machines share them.
//
// There are enough connections for every request that a server which keeps up has at a time. One that does not keep up
// never sees more of them at once: what comes then waits in the load generator, and that wait is part of the response
// time. So past its capacity each server meets the same crowd, however much more is offered.
const (
	loadConnections = 256  // in flight at most
	loadTop         = 2.0  // of a row's capacity
	loadReach       = 0.92 // of the load generator's ceiling, which beyond it would be measured
	loadPoints      = 7    // of a row
	loadPointsQuick = 5
	loadWindow      = 0.45 // seconds, at least
	loadQuick       = 0.3
	loadLongest     = 4.0 // seconds: what a p99 needs at 160 requests/s
	loadLongQuick   = 1.6
	maxDrain        = 1.0 // seconds that the load generator waits for answers after the window
)

// series is a decade of rates: Renard's R20 of ISO 3, numbers that stand in equal steps on a logarithmic axis.
var series = []float64{100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710, 800, 900}

// Every second number of the series is offered, a quarter more each time, or every fourth.
const (
	loadStep      = 2
	loadStepQuick = 4
)

// grid lists rates of the series in rising order, requests per second: the highest one up to most, and from there down
// to 1 every step-th.
func grid(most float64, step int) (rates []float64) {
	for decade := 0.01; decade*series[0] <= most && decade < 1e6; decade *= 10 {
		for _, r := range series {
			if r = math.Round(r*decade*100) / 100; r <= most {
				rates = append(rates, r)
			}
		}
	}
	var some []float64
	for i := len(rates) - 1; i >= 0; i -= step {
		some = append(some, rates[i])
	}
	slices.Reverse(some)
	return some
}

// guessed is what rows can do as far as is known before the calibration, so that a run can say how long it will take.
func guessed(rows []results.Architecture) results.Calibration {
	cal := results.Calibration{Ceiling: map[string]float64{perConnection: 24_000}, Capacity: map[string]float64{},
		Start: map[string]float64{}}
	for _, r := range rows {
		cal.Capacity[r.Name] = 16_000
		switch r.Processes {
		case results.PerRequest:
			cal.Capacity[r.Name] = 450
		case results.Pooled:
			cal.Start[r.Name] = 0.35
		}
	}
	return cal
}

// loads are the situations of the experiment as far as they are known before the calibration.
func (b *bench) loads() []results.Situation { return b.loadsOf(guessed(b.rows)) }

// loadsOf are the situations of the experiment: one for each rate that a row is offered.
func (b *bench) loadsOf(cal results.Calibration) []results.Situation {
	step, points, window, longest := loadStep, loadPoints, loadWindow, loadLongest
	if b.Trials < results.MinTrials { // a look
		step, points, window, longest = loadStepQuick, loadPointsQuick, loadQuick, loadLongQuick
	}
	rates := grid(loadReach*cal.Ceiling[perConnection], step)
	rows := map[float64][]string{}
	for _, r := range b.rows {
		n := 0
		for i := len(rates) - 1; i >= 0 && n < points; i-- {
			if rates[i] > loadTop*cal.Capacity[r.Name] && i > 0 {
				continue
			}
			if n++; n == points && i > 0 {
				i-- // the lowest one is a step further down, so that it is far from the knee
			}
			rows[rates[i]] = append(rows[rates[i]], r.Name)
		}
	}
	sits := []results.Situation{}
	for _, rate := range rates {
		if len(rows[rate]) == 0 {
			continue
		}
		sits = append(sits, results.Situation{Name: fmt.Sprintf("%s-%g", LoadName, rate), Title: fmt.Sprintf("%g/s", rate),
			Subtitle: "answers/s", Metric: results.Goodput, Sweep: results.LoadSweep,
			Meaning: "requests that arrive at random, more and more of them: where is the knee?",
			Model:   "poisson", Path: "/", Connections: loadConnections, Rate: rate, Rows: rows[rate], Warmup: 0.1,
			Window: min(max(math.Ceil(100*p99Samples/rate)/100, window), longest)})
	}
	return sits
}

// offered puts the loads that follow from the calibration in the place of those that were guessed.
func (b *bench) offered(sits []results.Situation, cal results.Calibration) (all []results.Situation) {
	swept := false
	for _, s := range sits {
		switch {
		case s.Sweep == "":
			all = append(all, s)
		case !swept:
			swept = true
			all = append(all, b.loadsOf(cal)...)
		}
	}
	return all
}
