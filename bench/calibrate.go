//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"serverlab/loadgen"
	"serverlab/results"
)

// The keys of Calibration.Ceiling.
const (
	keepAlive     = "keep-alive"
	perConnection = "per-connection"
)

// calibrate measures the instrument against a server that does nothing, and what each row can do, so that rates can be
// chosen which all can hold. say is told of each step.
func (b *bench) calibrate(ctx context.Context, say func(string, ...any)) (cal results.Calibration, err error) {
	cal.Ceiling, cal.Capacity = map[string]float64{}, map[string]float64{}
	cal.Start, cal.Idle = map[string]float64{}, map[string]results.Idle{}
	if b.Empty != nil {
		if cal.Spawn, err = spawnCost(b.ServerCPUs, b.Empty, b.Bare); err != nil {
			say("note: %v; the process row comes without its bill", err)
			cal.Spawn, err = nil, nil
		} else if cal.Spawn.Fork, err = forkCost(b.ServerCPUs, b.Forks); err != nil {
			say("note: %v; the process row comes without the price of a fork", err)
			err = nil
		}
	}
	closed := b.closed("/")
	for _, mode := range []string{keepAlive, perConnection} {
		s := closed
		s.KeepAlive = mode == keepAlive
		load, _, err := b.probe(ctx, b.Null(s.KeepAlive), s)
		if err != nil {
			return cal, fmt.Errorf("calibrate the load generator: %w", err)
		}
		cal.Ceiling[mode] = float64(load.Requests) / load.Window
	}
	one := closed
	one.KeepAlive, one.Connections, one.Window = true, 1, 0.2
	load, _, err := b.probe(ctx, b.Null(true), one)
	if err != nil {
		return cal, fmt.Errorf("calibrate the load generator: %w", err)
	}
	cal.Floor = float64(load.Response.ValueAtQuantile(50)) / 1e9
	say("the load generator's own ceiling: %.0f requests/s, %.0f with a connection for each",
		cal.Ceiling[keepAlive], cal.Ceiling[perConnection])
	for _, row := range slices.Clone(b.rows) {
		rate, start, err := b.capacity(ctx, row, "/")
		if err != nil && row.Reference && ctx.Err() == nil { // a program of others, in whatever state it is
			b.leaveOut(row, err)
			continue
		}
		if err != nil {
			return cal, err
		}
		cal.Capacity[row.Name] = rate
		again, err := b.startStop(ctx, b.Server(ServerOptions{Architecture: row.Name}))
		if err != nil {
			return cal, fmt.Errorf("start %s again: %w", row.Name, err)
		}
		cal.Start[row.Name] = min(start, again).Seconds() // one of the two may have met a busy moment
		say("%-14s answers up to %6.0f requests/s with a connection per request", row.Label, rate)
	}
	if !asksForMemory(b.sits) {
		return cal, nil
	}
	for _, row := range b.rows {
		idle, err := b.idle(ctx, row)
		if err != nil {
			return cal, err
		}
		cal.Idle[row.Name] = idle
		if idle.Silent != nil {
			after := ""
			if idle.Used != nil {
				after = fmt.Sprintf(", %6.2f KB after a request", *idle.Used/1024)
			}
			say("%-14s takes %6.2f KB per silent connection%s", row.Label, *idle.Silent/1024, after)
		}
	}
	return cal, nil
}

// flattery is the share of a probe's answers that may be to requests from before its window: they are no part of what a
// server can do in it.
const flattery = 0.05

// closed is a short closed loop of one request, with a connection for each.
func (b *bench) closed(path string) results.Situation {
	return results.Situation{Model: "closed", Path: path, Connections: b.Connections, Warmup: 0.1, Window: 0.4}
}

// capacity is how many of these requests a row answers in a second when it is never without one, with a connection for
// each, and how long its server took to be ready and to stop.
func (b *bench) capacity(ctx context.Context, row results.Architecture, path string) (rate float64,
	startStop time.Duration, err error) {
	s := b.closed(path)
	load, startStop, err := b.probe(ctx, b.Server(ServerOptions{Architecture: row.Name}), s)
	if err == nil && float64(s.Connections) > flattery*float64(load.Requests) {
		s.Connections, s.Warmup, s.Window = min(8, b.Connections), 0.3, 1.2
		load, _, err = b.probe(ctx, b.Server(ServerOptions{Architecture: row.Name}), s)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("probe %s: %w", row.Name, err)
	}
	return float64(load.Requests) / load.Window, startStop, nil
}

// leaveOut goes on without a row.
func (b *bench) leaveOut(row results.Architecture, err error) {
	b.rows = slices.DeleteFunc(slices.Clone(b.rows), func(r results.Architecture) bool { return r.Name == row.Name })
	b.LeftOut = append(slices.Clone(b.LeftOut), results.LeftOut{Name: row.Name, Why: err.Error()})
	b.Say("note: left out: %s: %v", row.Name, err)
}

// startStop is how long a server takes to be ready and to stop.
func (b *bench) startStop(ctx context.Context, argv []string) (time.Duration, error) {
	begun := time.Now()
	srv, err := start(ctx, argv, b.ServerCPUs, "")
	if err == nil {
		_, err = srv.stop()
	}
	return time.Since(begun), err
}

// errNoAnswer says that a probe saw no right answer.
var errNoAnswer = errors.New("no right answer")

// probe is a short load on a server that is started for it; startStop is how long it took to be ready and to stop. It
// may have met a busy moment: without an answer it tries a second time.
func (b *bench) probe(ctx context.Context, argv []string, s results.Situation) (load *results.Load,
	startStop time.Duration, err error) {
	if load, startStop, err = b.probeOnce(ctx, argv, s); !errors.Is(err, errNoAnswer) {
		return load, startStop, err
	}
	if load, startStop, err = b.probeOnce(ctx, argv, s); errors.Is(err, errNoAnswer) {
		err = fmt.Errorf("%w, twice: if this machine is busy, try again when it is not", err)
	}
	return load, startStop, err
}

func (b *bench) probeOnce(ctx context.Context, argv []string, s results.Situation) (load *results.Load,
	startStop time.Duration, err error) {
	begun := time.Now()
	srv, err := start(ctx, argv, b.ServerCPUs, "")
	if err != nil {
		return nil, 0, err
	}
	startStop = time.Since(begun)
	load, err = loadgen.Run(ctx, b.load(s, results.Architecture{}, srv.addr, nil))
	told := time.Now()
	if _, stopErr := srv.stop(); stopErr == nil {
		startStop += time.Since(told)
	} else { // what was measured stands; in a trial it is a fault of the row
		b.Say("note: %v", stopErr)
	}
	switch {
	case ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case err != nil:
		return nil, 0, err
	case load.Requests == 0:
		why := load.ErrorText()
		if load.Shed > 0 {
			why = fmt.Sprintf("%d requests got 503", load.Shed)
		}
		if why != "" {
			why = " (" + why + ")"
		}
		return nil, 0, fmt.Errorf("%w within %v%s", errNoAnswer, seconds(s.Window), why)
	}
	return load, startStop, nil
}
