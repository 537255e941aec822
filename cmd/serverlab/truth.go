//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"serverlab/bench"
	"serverlab/results"
)

// instrumentFlags is what `check --instrument` can be told.
type instrumentFlags struct {
	on, quick bool
	split     benchFlags // only its CPUs and seed
}

func (f *instrumentFlags) register(c *call) {
	fs := c.flags
	fs.BoolVar(&f.on, "instrument", false, "check the load generator itself: known delays in, quantiles out")
	fs.BoolVar(&f.quick, "quick", false, "with --instrument: half a minute, and no p99.9")
	fs.Uint64Var(&f.split.seed, "seed", 1, "with --instrument: of delays and arrivals")
	fs.StringVar(&f.split.serverCPUs, "server-cpus", "", "with --instrument: `LIST` such as 0 (default: chosen)")
	fs.StringVar(&f.split.clientCPUs, "client-cpus", "", "with --instrument: `LIST` (default: chosen)")
}

// options are those of a measurement of the load generator itself.
func (f *instrumentFlags) options(stderr io.Writer) (o bench.InstrumentOptions, err error) {
	self, err := os.Executable()
	if err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	o = bench.InstrumentOptions{
		Quick: f.quick, Seed: f.split.seed,
		Server: func(delay string, seed uint64, spin bool) []string {
			return delayedCommand(self, delay, seed, spin)
		},
		Say: func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) },
	}
	o.Split, err = f.split.split()
	return o, err
}

// checkInstrument measures servers whose response times are known, and prints what the load generator makes of them.
func checkInstrument(ctx context.Context, c *call, f *instrumentFlags, asJSON bool) error {
	for _, name := range []string{"arch", "files"} {
		if c.flags.Changed(name) {
			return usagef("--instrument checks the load generator and no architecture: leave out --%s", name)
		}
	}
	o, err := f.options(c.stderr)
	if err != nil {
		return err
	}
	style := (&screenFlags{}).style(c.stdout)
	o.Report = func(k *results.Known) error { return results.KnownRows(c.stdout, k, style) }
	if asJSON {
		o.Report = func(k *results.Known) error { return json.NewEncoder(c.stdout).Encode(k) }
	} else if err := results.KnownHead(c.stdout, style); err != nil {
		return err
	}
	t, err := bench.CheckInstrument(ctx, o)
	switch {
	case errors.Is(err, bench.ErrInterrupted):
		return fmt.Errorf("%w after %d quantiles, of which %d missed their bounds", errInterrupted, t.Judged, t.Missed)
	case err != nil:
		return err
	case t.Missed > 0:
		return fmt.Errorf("%d of %d quantiles missed their bounds, and not for the host's stalls: is the machine busy? "+
			"close what else runs, and try again", t.Missed, t.Judged)
	}
	if asJSON {
		return nil
	}
	fmt.Fprintf(c.stdout, "the load generator recovers %d of %d quantiles within 2 %% + 100 µs\n", t.Judged-t.Disturbed,
		t.Judged)
	if t.Disturbed > 0 {
		fmt.Fprintf(c.stdout, "%d could not be told (host): the CPUs were taken away for a larger share of the time than "+
			"they leave out\n", t.Disturbed)
	}
	return nil
}

// null answers without a server behind it: at once, so that the benchmark can measure its load generator, or with
// delays that are known.
func null(ctx context.Context, c *call) error {
	keepalive := c.flags.Bool("keepalive", true, "keep connections open")
	text := c.flags.String("delay", "", "`DISTRIBUTION` such as constant:2ms or stall:1s@2s; it keeps connections open")
	seed := c.flags.Uint64("seed", 1, "of the delays")
	spin := c.flags.Bool("spin", false, "never sleep between delayed answers: it has a CPU of its own")
	if err := c.parse(0); err != nil {
		return err
	}
	ctx, cancel := untilEOF(ctx)
	defer cancel()
	if *text == "" {
		return bench.ServeNull(ctx, *keepalive, c.stdout)
	}
	delay, err := bench.ParseDelay(*text)
	if err != nil {
		return usageError{err}
	}
	if !*keepalive {
		return usagef("--delay keeps connections open: leave out --keepalive=false")
	}
	return bench.ServeDelayed(ctx, delay, *seed, *spin, c.stdout, c.stderr)
}

// questions are what `bench` can be asked for, by name.
func questions() []results.Experiment { return bench.Questions() }
