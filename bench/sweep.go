//go:build linux

package bench

import (
	"context"
	"fmt"
	"math"
	"slices"

	"serverlab/results"
)

// LoadName is the experiment that offers every row more and more requests, up to what it can do and past it.
const LoadName = "load"

const (
	welsh      = "Welsh, Culler, Brewer: SEDA, SOSP 2001, section 2"
	overloaded = "Welsh, Culler: Adaptive overload control for busy Internet servers, USITS 2003"
)

// loadStaged has as many places as a pool of 64, and no more threads than requests that compute need: of 64 that all
// compute, each has a request at hand that waits for the others' turns, which is a queue that nobody sees.
const loadStaged = "staged:queue=60:workers=4"

var aboutLoads = results.Experiment{
	Name: LoadName, Question: "how much can each hold, up to the knee and past it?",
	Lessons: []results.Lesson{
		{Says: "An event loop keeps most of its peak when more is asked of it than it can do.", Source: welsh,
			Holds: "past(eventloop, load) >= 0.8"},
		{Says: "A thread for each connection, without a bound, reaches less than a pool: threads cost when they are many.",
			Source: welsh, Holds: "peak(thread, load) <= 0.9*peak(threadpool, load)"},
		{Says: "A process for each request can hold less than a tenth of what threads can that are there before.",
			Source: stevens, Holds: "peak(process, load) <= 0.1*peak(threadpool, load)"},
		{Says: "An event loop that takes on more than it can do answers as many as before, and hardly anybody in time.",
			Source: overloaded, Holds: "intime(eventloop, load) <= 0.5"},
		{Says: "So does a pool of threads: that it serves no more at a time only has them wait elsewhere.",
			Source: overloaded, Holds: "intime(threadpool, load) <= 0.5"},
		{Says: "Who turns away what its queue has no place for answers far more in time than an event loop that " +
			"takes on all.", Source: overloaded, Holds: "intime(" + loadStaged + ", load) >= 1.5*intime(eventloop, load)"},
	},
}

// The loads of the experiment: requests that arrive at random, with a connection for each, from rates that a row holds
// with ease to half as much again as it can do. Rates are numbers of one fixed series, so rows, runs and machines share
// them. Each request computes for about 0.1 ms: of one that asks for nothing, the fast rows answer nearly as many as
// the load generator can send, so that nobody could see them beyond their capacity.
//
// There are enough connections for every request that a server which keeps up has at a time. One that does not keep up
// never sees more of them at once: what comes then waits in the load generator, and that wait is part of the response
// time. So past its capacity each server meets the same crowd, however much more is offered.
const (
	loadPath        = "/?spin=1000" // rounds of SHA-256
	loadConnections = 256           // in flight at most
	loadDeadline    = 0.1           // seconds after which a client has given up
	loadBeyond      = 2             // rates of a row that are beyond its capacity: up to about 1.6 times as much
	loadLow         = 0.32          // of a row's capacity: the lowest rate is below that, far from the knee
	loadReach       = 0.92          // of the load generator's ceiling, which beyond it would be measured
	loadPoints      = 7             // of a row
	loadPointsQuick = 4
	loadWarmup      = 0.2  // seconds: half as much again as a server can do adds up to the deadline in that time
	loadWindow      = 0.45 // seconds, at least
	loadQuick       = 0.25
	loadLongest     = 3.5 // seconds: what a p99 needs at 180 requests/s
	loadLongQuick   = 1.0
	maxDrain        = 1.0 // seconds that the load generator waits for answers after the window
)

// series is a decade of rates: Renard's R20 of ISO 3, numbers that stand in equal steps on a logarithmic axis.
var series = []float64{100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710, 800, 900}

// loadStep: every second number of the series is offered, a quarter more each time.
const loadStep = 2

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
		LoadCapacity: map[string]float64{}, Start: map[string]float64{}}
	for _, r := range rows {
		cal.Capacity[r.Name], cal.LoadCapacity[r.Name] = 16_000, 6000
		switch r.Processes {
		case results.PerRequest:
			cal.Capacity[r.Name], cal.LoadCapacity[r.Name] = 450, 430
		case results.Pooled:
			cal.Start[r.Name] = 0.35
		}
		if r.StaticOnly {
			delete(cal.LoadCapacity, r.Name)
		}
	}
	return cal
}

// asksForLoad tells whether the experiment is part of what was asked for.
func asksForLoad(sits []results.Situation) bool {
	return slices.ContainsFunc(sits, func(s results.Situation) bool {
		return s.Sweep != "" || s.Experiment == results.OpenClosedName
	})
}

// loadCapacity is what each row can do of the request that the experiment asks for, right answers per second; a row
// that can only send a file is left out. All rates of a row follow from it, and a busy moment can only make it too low,
// so the better of two counts.
func (b *bench) loadCapacity(ctx context.Context, say func(string, ...any)) (map[string]float64, error) {
	all := map[string]float64{}
	for range 2 {
		for _, row := range b.rows {
			if row.StaticOnly {
				continue
			}
			rate, _, err := b.capacity(ctx, row, loadPath)
			if err != nil && row.Reference && ctx.Err() == nil {
				say("note: left out of the experiment load: %v", err)
				continue
			}
			if err != nil {
				return nil, err
			}
			all[row.Name] = max(all[row.Name], rate)
		}
	}
	for _, row := range b.rows {
		if rate, known := all[row.Name]; known {
			say("%-14s answers up to %6.0f requests/s that compute", row.Label, rate)
		}
	}
	return all, nil
}

// loadRows are the usual ones, and one that turns away what is too much; a look has the most different of them.
func loadRows(trials int, usual []string) []string {
	if trials < results.MinTrials {
		return []string{"eventloop", "threadpool", "thread", "process", loadStaged}
	}
	return append(slices.Clip(usual), loadStaged)
}

// loads are the situations of the experiment as far as they are known before the calibration.
func (b *bench) loads() []results.Situation { return b.loadsOf(guessed(b.rows)) }

// ratesFor are the rates that a row is offered, highest first: two beyond its capacity, the others below and near it,
// and at last one that it holds with ease.
func ratesFor(capacity float64, rates []float64, points int) (some []float64) {
	beyond := slices.IndexFunc(rates, func(rate float64) bool { return rate > capacity })
	if beyond < 0 { // more can't be offered
		beyond = len(rates)
	}
	for i := min(beyond+loadBeyond, len(rates)) - 1; i >= 0 && len(some) < points; i-- {
		if len(some) == points-1 {
			for i > 0 && rates[i] > loadLow*capacity {
				i--
			}
		}
		some = append(some, rates[i])
	}
	return some
}

// loadsOf are the situations of the experiment: one for each rate that a row is offered.
func (b *bench) loadsOf(cal results.Calibration) []results.Situation {
	points, window, longest := loadPoints, loadWindow, loadLongest
	if b.look() { // a look
		points, window, longest = loadPointsQuick, loadQuick, loadLongQuick
	}
	rates := grid(loadReach*cal.Ceiling[perConnection], loadStep)
	rows := map[float64][]string{}
	for _, r := range b.rows {
		capacity, known := cal.LoadCapacity[r.Name]
		if !known {
			continue
		}
		for _, rate := range ratesFor(capacity, rates, points) {
			rows[rate] = append(rows[rate], r.Name)
		}
	}
	sits := []results.Situation{}
	for _, rate := range rates {
		if len(rows[rate]) == 0 {
			continue
		}
		sits = append(sits, results.Situation{Name: fmt.Sprintf("%s-%g", LoadName, rate), Title: fmt.Sprintf("%g/s", rate),
			Subtitle: "answers/s", Metric: results.Goodput, Sweep: results.LoadSweep,
			Meaning: "requests that compute arrive at random, more and more: where is the knee?",
			Model:   "poisson", Path: loadPath, Connections: loadConnections, Deadline: loadDeadline, Rate: rate,
			Rows: rows[rate], Warmup: loadWarmup,
			Window: min(max(math.Ceil(100*p99Samples/rate)/100, window), longest)})
	}
	return sits
}

// offered puts the loads that follow from the calibration in the place of those that were guessed.
func (b *bench) offered(sits []results.Situation, cal results.Calibration) (all []results.Situation) {
	swept, modelled := false, false
	for _, s := range sits {
		switch {
		case s.Experiment == results.OpenClosedName:
			if !modelled {
				modelled = true
				all = append(all, b.openClosedOf(cal)...)
			}
		case s.Sweep == "":
			all = append(all, s)
		case !swept:
			swept = true
			view := *b
			view.rows = b.rowsOf(Experiment{rows: loadRows})
			all = append(all, view.loadsOf(cal)...)
		}
	}
	return all
}
