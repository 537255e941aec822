//go:build linux

package bench

import (
	"context"
	"fmt"
	"math"
	"slices"

	"serverlab/results"
)

// CPUName is the experiment whose handlers compute.
const CPUName = "cpu"

// The load of the experiment: a closed loop, so that the server's CPU is never idle, with a connection for
// each request.
// The clients are few: threads that share a CPU finish together, and what is begun and not finished at the edges of a
// window must be a small part of it.
const (
	cpuClients = 4
	cpuWindow  = 0.5 // seconds, at least
	cpuRounds  = 25  // of all clients, at least
)

// What is known of a round of spin before it is measured, and how it is: by one client, over so many rounds.
const (
	spinGuess  = 1e-7 // seconds
	spinRounds = 20_000
	spinMost   = 100_000 // what the handler takes
	spinWindow = 0.3     // seconds
)

var aboutCPU = results.Experiment{
	Name: CPUName, Question: "handlers that compute: when does architecture stop to matter?",
	X:     results.Axis{Title: "time that a request computes", Unit: "s"},
	Shows: []results.Metric{results.Throughput, results.CPUPerRequest},
	Lessons: []results.Lesson{
		{Says: "where a request computes for 5 ms, a thread of its own costs hardly more than one loop for all",
			Source: flash, Holds: "cpu(thread, cpu-5ms) <= 1.2*cpu(eventloop, cpu-5ms)"},
		{Says: "a process for each request is 10 times as dear as an event loop where nothing is asked for",
			Source: stevens,
			Holds:  "cpu(process, cpu-0ms) >= 10*cpu(eventloop, cpu-0ms)"},
		{Says: "where it computes for 5 ms, a process for each is less than twice as dear", Source: stevens,
			Holds: "cpu(process, cpu-5ms) <= 2*cpu(eventloop, cpu-5ms)"},
		{Says: "where it computes for 5 ms, 64 threads answer no more than one event loop: there is one CPU", Source: little,
			Holds: "throughput(threadpool, cpu-5ms) <= 1.15*throughput(eventloop, cpu-5ms)"},
	},
}

// computes are the situations of the experiment, with rounds as far as they are known before the calibration.
func (b *bench) computes() []results.Situation {
	times := []float64{0, 0.0001, 0.0005, 0.001, 0.002, 0.005}
	if b.look() {
		times = []float64{0, 0.0005, 0.005}
	}
	sits := []results.Situation{}
	for _, t := range times {
		clients := min(cpuClients, b.Connections)
		sits = append(sits, results.Situation{Name: timed(CPUName, t), Title: fmt.Sprintf("%g ms CPU", 1e3*t),
			Subtitle: "requests/s", Metric: results.Throughput, Model: "closed", X: &t, Path: spinPath(t, spinGuess),
			Meaning:     fmt.Sprintf("each request computes for %g ms: how much is left to tell rows apart?", 1e3*t),
			Connections: clients, Warmup: 0.1, Window: max(cpuWindow, cpuRounds*float64(clients)*t)})
	}
	return sits
}

// timed is the name of an experiment's situation in which something takes t seconds.
func timed(experiment string, t float64) string { return fmt.Sprintf("%s-%gms", experiment, 1e3*t) }

// spinPath asks for about t seconds of computing, a round of which takes round seconds.
func spinPath(t, round float64) string {
	if t == 0 {
		return "/"
	}
	return fmt.Sprintf("/?spin=%.0f", min(max(math.Round(t/round), 1), spinMost))
}

// calibrateSpin asks of each situation of the experiment as many rounds as take its time on this machine. One client
// asks one row for requests with and without them: the difference of their median response times is that of the rounds.
func (b *bench) calibrateSpin(ctx context.Context, sits []results.Situation) error {
	of := func(s results.Situation) bool { return s.Experiment == CPUName }
	at := slices.IndexFunc(b.rows, func(r results.Architecture) bool { return !r.StaticOnly })
	if at < 0 || !slices.ContainsFunc(sits, of) {
		return nil
	}
	var median [2]float64
	for i, rounds := range []int{0, spinRounds} {
		s := results.Situation{Model: "closed", KeepAlive: true, Connections: 1, Warmup: 0.1, Window: spinWindow,
			Path: fmt.Sprintf("/?spin=%d", rounds)}
		argv := b.Server(ServerOptions{Architecture: b.rows[at].Name, KeepAlive: true})
		load, _, err := b.probe(ctx, argv, s)
		if err != nil {
			return fmt.Errorf("calibrate the time to compute, by %s: %w", b.rows[at].Name, err)
		}
		median[i] = float64(load.Response.ValueAtQuantile(50)) / 1e9
	}
	round := (median[1] - median[0]) / spinRounds
	b.Say("a round of computing takes %.0f ns", 1e9*round)
	if why := setSpins(sits, round); why != "" {
		b.Say("note: %s", why)
		b.notes = append(b.notes, why)
	}
	return nil
}

// setSpins asks for rounds of which each takes so many seconds; one that seems to take no time is not believed. Why
// tells that the handler does not take as many as the longest request needs, which is then shorter than its name says.
func setSpins(sits []results.Situation, round float64) (why string) {
	if round <= 0 {
		round = spinGuess
	}
	for i := range sits {
		if s := &sits[i]; s.Experiment == CPUName && s.X != nil {
			s.Path = spinPath(*s.X, round)
			if longest := spinMost * round; *s.X > longest {
				why = fmt.Sprintf("%s: this machine is so fast that a request computes for %.2g ms at most, where %g ms "+
					"were meant", CPUName, 1e3*longest, 1e3**s.X)
			}
		}
	}
	return why
}
