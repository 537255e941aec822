//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
	"serverlab/loadgen"
	"serverlab/results"
)

// InstrumentOptions says how the load generator itself is to be measured.
type InstrumentOptions struct {
	Split    cpuset.Split
	Quick    bool // shorter windows
	Seed     uint64
	Server   func(delay string, seed uint64) []string // the command line of ServeDelayed
	Observer func(cpus []int) []string                // the command line of ServeObserver
	Report   func(*results.Known) error               // after each measurement
	Say      func(format string, args ...any)         // a line for the user
}

// knownServer is a server whose response times can be computed.
type knownServer struct {
	name   string
	delay  string
	stop   time.Duration // its process is stopped for so long (SIGSTOP)
	rate   float64       // requests per second
	judged []float64     // the quantiles that must be right: none is near a jump of the distribution
}

// knownServers are those that the load generator is checked with. Away from the jumps at 99 %, and at the share of the
// stall in the window, a quantile does not depend on a few requests more or less.
//
// After a stall its requests are answered one after the other, at some 30 µs each; whoever came when a quarter of it was
// over is behind the requests of that quarter. So where there is a stall the rate is low: of 250 requests the last one
// has its answer 8 ms late, and the one in the middle of 500 ms 2 ms, which is less than half of what is allowed.
var knownServers = []knownServer{
	{name: "constant:2ms", delay: "constant:2ms", rate: 1000, judged: []float64{0.5, 0.9, 0.99}},
	{name: "exponential:2ms", delay: "exponential:2ms", rate: 1000, judged: []float64{0.5, 0.9, 0.99}},
	{name: "bimodal:1ms,50ms,1%", delay: "bimodal:1ms,50ms,1%", rate: 1000,
		judged: []float64{0.5, 0.9, 0.98, 0.995}},
	{name: "stall:1s", delay: "stall:1s@1s", rate: 250, judged: []float64{0.5, 0.9, 0.99}},
	{name: "SIGSTOP 500ms", delay: "constant:0s", stop: 500 * time.Millisecond, rate: 250,
		judged: []float64{0.5, 0.75, 0.99}}, // its jump is near 0.92, with --quick at 0.8
}

// How the load generator is measured: the window has, at 1,000 requests per second, the samples that a p99.9 needs.
const (
	knownConnections = 64
	knownWarmup      = 500 * time.Millisecond
	knownWindow      = 6 * time.Second
	knownQuick       = 2500 * time.Millisecond
	stopAfter        = 1 * time.Second // of the load's beginning
)

// Tally counts quantiles: those that are judged, of them those that missed their bounds, and of those the ones for which
// the host's stalls alone account.
type Tally struct{ Judged, Missed, Disturbed int }

// CheckInstrument measures servers whose response times are known, with constant and with Poisson arrivals, and calls
// Report for each. A measurement that misses a bound is made once more, and the second one counts: on a host with other
// guests one stall in the wrong place is no fault of the instrument, and a fault of the instrument is there both times.
// It returns ErrInterrupted where ctx ends.
func CheckInstrument(ctx context.Context, o InstrumentOptions) (t Tally, err error) {
	defer o.prepare(&err)()
	if err != nil {
		return t, err
	}
	for _, s := range knownServers {
		for _, arrivals := range []string{"constant", "poisson"} {
			k, err := o.known(ctx, s, arrivals)
			if err == nil && k.Missed() > 0 {
				o.Say("%s, %s arrivals: %d quantiles missed their bounds; once more", s.name, arrivals, k.Missed())
				k, err = o.known(ctx, s, arrivals)
				k.Again = true
			}
			if err == nil {
				err = o.Report(&k)
			}
			if err != nil {
				return t, interrupted(ctx, err)
			}
			t.Judged += len(s.judged)
			t.Missed += k.Missed()
			t.Disturbed += k.Disturbed()
		}
	}
	return t, nil
}

// prepare makes this process fit to measure, and returns what undoes that where it can be undone.
func (o *InstrumentOptions) prepare(err *error) (undo func()) {
	if o.Split.Why != "" {
		o.Say("note: %s", o.Split.Why)
	}
	*err = errors.Join(reapOrphans(), cpuset.PinProcess(o.Split.Client))
	// Set by hand, since the runtime would follow the pinning, and the generator's thread gives nothing back.
	procs := runtime.GOMAXPROCS(len(o.Split.Client) + 3)
	return func() { runtime.GOMAXPROCS(procs) }
}

// cpus are those of this measurement, each once.
func (o *InstrumentOptions) cpus() []int {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Split.Server, o.Split.Client))))
}

// known measures one server.
func (o *InstrumentOptions) known(ctx context.Context, s knownServer, arrivals string) (k results.Known, err error) {
	window := knownWindow
	if o.Quick {
		window = knownQuick
	}
	cfg := loadgen.Config{Connections: knownConnections, Warmup: knownWarmup, Duration: window, Rate: s.rate,
		Arrivals: arrivals, Seed: o.Seed, KeepAlive: true}
	delay, err := ParseDelay(s.delay)
	if err != nil {
		return k, err
	}
	load, late, seen, err := o.measure(ctx, s.delay, cfg, func(srv *server) func() error {
		return stopped(ctx, srv, stopAfter, s.stop, &delay)
	})
	if err != nil {
		return k, fmt.Errorf("%s: %w", s.name, err)
	}
	k = results.Known{Server: s.name, Arrivals: arrivals, Rate: s.rate, Window: window.Seconds(),
		Requests: load.Requests, Errors: load.ErrorCount(), LateP50: late.P50, LateP99: late.P99, LateMax: late.Max}
	truth := newTruth(delay, o.Seed, &cfg)
	for _, q := range slices.Concat(s.judged, []float64{0.999, 1}) {
		k.Quantiles = append(k.Quantiles, results.KnownQuantile{Q: q, Analytic: truth.quantile(q),
			Recovered: recovered(load.Response, q), Judged: slices.Contains(s.judged, q),
			Host: seen.quantile(q)})
	}
	return k, nil
}

// recovered is what h says of a quantile, seconds; nil where it has too few samples for it. Up to the p99.5 it needs
// fewer than if they were random, see even.
func recovered(h results.Histogram, q float64) *float64 {
	v, ok := h.Quantile(q)
	if !ok && h.Count() > 0 && (q == 1 || q <= 0.995) {
		v, ok = float64(h.ValueAtQuantile(100*q))/1e9, true
	}
	if !ok {
		return nil
	}
	return &v
}

// measure loads a server that is started for it. Where during is set, it is called when the load begins, and what it
// returns when the load has ended.
func (o *InstrumentOptions) measure(ctx context.Context, delay string, cfg loadgen.Config,
	during func(*server) func() error) (load *results.Load, late Lateness, seen *stalls, err error) {
	srv, err := start(ctx, o.Server(delay, o.Seed), o.Split.Server, "")
	if err != nil {
		return nil, late, nil, err
	}
	watch, err := observe(o.Observer(o.cpus()))
	if err != nil {
		srv.kill()
		return nil, late, nil, err
	}
	after := func() error { return nil }
	cfg.URL = "http://" + srv.addr + "/"
	cfg.CPUs, cfg.Threads = o.Split.Client, 1
	cfg.Check = loadgen.Check{Status: 200, Length: int64(len(greeting)), Body: []byte(greeting)}
	if cfg.Rate > 0 && o.Split.Apart {
		cfg.Spin = spin
	}
	cfg.Edge = func(e loadgen.Edge) {
		switch {
		case e == loadgen.Silenced && during != nil:
			after = during(srv)
		case e == loadgen.Begin, e == loadgen.End:
			watch.edge()
		}
	}
	load, err = loadgen.Run(ctx, cfg)
	err = errors.Join(err, after())
	seen, watchErr := watch.end()
	_, stopErr := srv.stop()
	if ctx.Err() != nil {
		return nil, late, nil, ctx.Err()
	}
	if err = errors.Join(err, watchErr, stopErr); err != nil {
		return nil, late, nil, err
	}
	if err := json.Unmarshal([]byte(srv.errors.last("")), &late); err != nil {
		return nil, late, nil, fmt.Errorf("the server did not tell how late it was: %w", err)
	}
	return load, late, seen, nil
}

// stopped stops the server's process for a while, some time after now, and enters into d when that really was. The
// returned function waits until it goes on again.
func stopped(ctx context.Context, srv *server, after, length time.Duration, d *Delay) (wait func() error) {
	if length == 0 {
		return func() error { return nil }
	}
	begun, pid := time.Now(), srv.cmd.Process.Pid
	result := make(chan error, 1)
	go func() {
		pause(ctx, after)
		err := unix.Kill(pid, unix.SIGSTOP)
		from := time.Since(begun)
		pause(ctx, length)
		to := time.Since(begun)
		if e := unix.Kill(pid, unix.SIGCONT); err == nil {
			err = e
		}
		d.begin, d.length = int64(from), int64(to-from)
		if err != nil {
			err = fmt.Errorf("stop the server for %v: %w", length, err)
		}
		result <- err
	}()
	return func() error { return <-result }
}

// pause waits for a time, or less if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// truth computes what the response times must be.
type truth struct {
	delay Delay
	trace []int64 // response times of the window's requests, nanoseconds, sorted
}

func newTruth(d Delay, seed uint64, cfg *loadgen.Config) *truth {
	t := &truth{delay: d}
	var k uint64
	var first time.Duration
	for at := range cfg.Trace() {
		if k == 0 {
			first = at
		}
		if now := int64(at - first); at >= cfg.Warmup {
			t.trace = append(t.trace, d.due(seed, k, now)-now)
		}
		k++
	}
	slices.Sort(t.trace)
	return t
}

// quantile is the q-quantile of response time, seconds; 1 is the longest.
//
// Without a stall it is that of the delays, whatever the arrivals are. In a stall whoever comes t before its end waits
// for t. How many do is a random number where the arrivals are: at 250/s one of 250 ± 16 in a second, which alone moves
// the p90 by more than its bound. So there, and for the longest time, it is computed from the very moments that the
// seed stands for.
func (t *truth) quantile(q float64) float64 {
	switch {
	case q < 1 && t.delay.length == 0:
		return t.delay.quantile(q) / 1e9
	case len(t.trace) == 0:
		return 0
	}
	i := int(math.Ceil(q*float64(len(t.trace)))) - 1
	return float64(t.trace[max(0, i)]) / 1e9
}
