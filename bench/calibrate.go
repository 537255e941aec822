//go:build linux

package bench

import (
	"context"
	"fmt"
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
	if b.Empty != nil {
		if cal.Spawn, err = spawnCost(b.ServerCPUs, b.Empty, b.Bare); err != nil {
			say("note: %v; the process row comes without its bill", err)
			cal.Spawn, err = nil, nil
		}
	}
	closed := results.Situation{Model: "closed", Path: "/", Connections: b.Connections, Warmup: 0.1, Window: 0.4}
	patient := closed
	patient.Connections, patient.Warmup, patient.Window = min(8, b.Connections), 0.3, 1.2
	for _, mode := range []string{keepAlive, perConnection} {
		s := closed
		s.KeepAlive = mode == keepAlive
		load, err := b.probe(ctx, b.Null(s.KeepAlive), s)
		if err != nil {
			return cal, fmt.Errorf("calibrate the load generator: %w", err)
		}
		cal.Ceiling[mode] = float64(load.Requests) / load.Window
	}
	one := closed
	one.KeepAlive, one.Connections, one.Window = true, 1, 0.2
	load, err := b.probe(ctx, b.Null(true), one)
	if err != nil {
		return cal, fmt.Errorf("calibrate the load generator: %w", err)
	}
	cal.Floor = float64(load.Response.ValueAtQuantile(50)) / 1e9
	say("the load generator's own ceiling: %.0f requests/s on open connections, %.0f with a connection per request",
		cal.Ceiling[keepAlive], cal.Ceiling[perConnection])
	for _, row := range b.rows {
		load, err := b.probe(ctx, b.Server(ServerOptions{Architecture: row.Name}), closed)
		if err != nil {
			return cal, fmt.Errorf("probe %s: %w", row.Name, err)
		}
		cal.Capacity[row.Name] = float64(load.Requests) / load.Window
		if cal.Capacity[row.Name] < farBelow*cal.Ceiling[perConnection] {
			// So slow that the requests which were begun before the window, and end in it, would flatter the row.
			if load, err = b.probe(ctx, b.Server(ServerOptions{Architecture: row.Name}), patient); err != nil {
				return cal, fmt.Errorf("probe %s: %w", row.Name, err)
			}
			cal.Capacity[row.Name] = float64(load.Requests) / load.Window
		}
		say("%-11s answers up to %6.0f requests/s with a connection per request", row.Name, cal.Capacity[row.Name])
	}
	return cal, nil
}

// probe is a short load on a server that is started for it.
func (b *bench) probe(ctx context.Context, argv []string, s results.Situation) (*results.Load, error) {
	srv, err := start(ctx, argv, b.ServerCPUs, "")
	if err != nil {
		return nil, err
	}
	load, err := loadgen.Run(ctx, b.load(s, "", srv.addr, nil))
	_, stopErr := srv.stop()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case stopErr != nil:
		return nil, stopErr
	case load.Requests == 0:
		return nil, fmt.Errorf("no right answer within %v (%s)", time.Duration(s.Window*float64(time.Second)),
			kinds(load.Errors))
	}
	return load, nil
}
