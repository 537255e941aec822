//go:build linux

package bench

import (
	"context"
	"fmt"
	"time"

	"serverlab/loadgen"
	"serverlab/results"
)

// LieName is the experiment that is no measurement of servers but of clients: see lie. Its lessons come with its figures.
const LieName = results.LieName

var aboutLie = results.Experiment{Name: LieName, Question: "famous mistakes of benchmarks: how far from the truth are they?"}

// noTrials is for an experiment that has none.
func noTrials(*bench) []results.Situation { return []results.Situation{} }

// What Lie shows: the server answers in a millisecond, and stalls for a second once in the window.
const (
	lieDelay   = "constant:1ms+stall:1s@1s"
	lieClients = 10
	lieRate    = 2000
	lieWarmup  = 500 * time.Millisecond
	lieWindow  = 4 * time.Second
)

// lie lets three clients tell about the same stall: a closed loop that looks at nothing but the time from sending to
// the answer; the same with what it left out put in afterwards; and an open loop whose clock starts when a request was
// intended. Then it makes other famous mistakes. It takes about 20 seconds.
func (o *InstrumentOptions) lie(ctx context.Context) (lie results.Lie, err error) {
	delay, err := ParseDelay(lieDelay)
	if err != nil {
		return lie, err
	}
	closed := loadgen.Config{Connections: lieClients, Warmup: lieWarmup, Duration: lieWindow, KeepAlive: true}
	open := closed
	// A connection for each request of the stall: it is the server that lets them wait and no queue of the client's.
	open.Connections, open.Rate, open.Arrivals, open.Seed = lieRate+lieClients, lieRate, "constant", o.Seed
	o.Say("a closed loop of %d clients, %v", lieClients, lieWarmup+lieWindow)
	naive, _, err := o.measure(ctx, lieDelay, closed, nil)
	if err != nil {
		return lie, fmt.Errorf("closed loop: %w", err)
	}
	o.Say("an open loop of %d requests/s, %v", lieRate, lieWarmup+lieWindow)
	honest, _, err := o.measure(ctx, lieDelay, open, nil)
	if err != nil {
		return lie, fmt.Errorf("open loop: %w", err)
	}
	truth := newTruth(delay, o.Seed, &open, false)
	lie = results.Lie{Answer: delay.quantile(0.5) / 1e9, Stall: float64(delay.length) / 1e9,
		Window: lieWindow.Seconds(), Rate: lieRate, Clients: lieClients,
		Naive: naive.Service, Corrected: corrected(naive.Service), Honest: honest.Response}
	for i, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		lie.Truth[i] = truth.quantile(q)
	}
	lie.Mistakes, err = o.mistakes(ctx, honest)
	return lie, err
}

// corrected is what HdrHistogram makes of the times of a closed loop afterwards: for each that is longer than the usual
// interval between two requests of a client, those are added that this client would have sent meanwhile. Usual is the
// median: a client asks again when it has its answer.
func corrected(h results.Histogram) results.Histogram {
	c := results.NewHistogram()
	if h.Count() == 0 {
		return c
	}
	usual := h.ValueAtQuantile(50)
	for _, bar := range h.Distribution() {
		for range bar.Count {
			_ = c.RecordCorrectedValue(bar.To, usual) // of the same range
		}
	}
	return c
}
