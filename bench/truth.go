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
	Split  cpuset.Split
	Quick  bool // shorter windows
	Seed   uint64
	Server func(delay string, seed uint64, spin bool) []string // the command line of ServeDelayed
	Real   func(arch string) []string                          // the command line of a server of an architecture; only lie needs it
	Report func(*results.Known) error                          // after each measurement
	Say    func(format string, args ...any)                    // a line for the user
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
	{name: "constant:2ms", delay: "constant:2ms", rate: 2000, judged: []float64{0.5, 0.9, 0.99}},
	{name: "exponential:2ms", delay: "exponential:2ms", rate: 2000, judged: []float64{0.5, 0.9, 0.99}},
	{name: "bimodal:1ms,50ms,1%", delay: "bimodal:1ms,50ms,1%", rate: 2000,
		judged: []float64{0.5, 0.9, 0.98, 0.995}},
	{name: "stall:1s", delay: "constant:1ms+stall:1s@1s", rate: 250, judged: []float64{0.5, 0.9, 0.99}},
	{name: "SIGSTOP 500ms", delay: "constant:1ms", stop: 500 * time.Millisecond, rate: 250,
		judged: []float64{0.5, 0.75, 0.99}}, // its jump is near 0.92, with --quick at 0.8
}

// How the load generator is measured. The window has, at 2,000 requests per second, the samples that a p99.9 needs, and
// no more: the shorter it is, the sooner there is one in which the host leaves both CPUs alone.
const (
	knownConnections = 64
	knownWarmup      = 500 * time.Millisecond
	knownWindow      = 3 * time.Second
	knownQuick       = 1500 * time.Millisecond
	stopAfter        = 1 * time.Second // of the load's beginning
	knownTries       = 8
)

// Tally counts quantiles: those that have a bound, of them those that missed it, and apart from these those that nobody
// could judge, since the host's stalls account for what is beyond it.
type Tally struct{ Judged, Missed, Disturbed int }

// CheckInstrument measures servers whose response times are known, with constant and with Poisson arrivals, and calls
// Report for each. Where a bound is missed it measures again, up to eight times in all, and of these the one counts in
// which the host took the least time away: it is chosen by that and not by its result, and a fault of the instrument is
// there every time. It returns ErrInterrupted where ctx ends.
func CheckInstrument(ctx context.Context, o InstrumentOptions) (t Tally, err error) {
	defer o.prepare(&err)()
	if err != nil {
		return t, err
	}
	for _, s := range knownServers {
		for _, arrivals := range []string{"constant", "poisson"} {
			k, err := o.calmest(ctx, s, arrivals)
			if err == nil {
				err = o.Report(&k)
			}
			if err != nil {
				return t, interrupted(ctx, err)
			}
			t.Judged += len(s.judged)
			missed, disturbed := k.Missed()
			t.Missed, t.Disturbed = t.Missed+missed, t.Disturbed+disturbed
		}
	}
	return t, nil
}

// calmest measures one server until no bound is missed, and at most so many times as it may.
func (o *InstrumentOptions) calmest(ctx context.Context, s knownServer, arrivals string) (best results.Known, err error) {
	for try := 1; try <= knownTries; try++ {
		k, err := o.known(ctx, s, arrivals)
		if err != nil {
			return best, err
		}
		if try == 1 || k.Lost < best.Lost {
			best = k
		}
		best.Tries = try
		missed, disturbed := best.Missed()
		if missed+disturbed == 0 || try == knownTries {
			break
		}
		o.Say("%s, %s: not within its bounds, CPUs lost for %.0f ms; again", s.name, arrivals, 1e3*k.Lost)
	}
	return best, nil
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
	load, late, err := o.measure(ctx, s.delay, cfg, func(srv *server) func() error {
		return stopped(ctx, srv, stopAfter, s.stop, &delay)
	})
	if err != nil {
		return k, fmt.Errorf("%s: %w", s.name, err)
	}
	k = results.Known{Server: s.name, Arrivals: arrivals, Rate: s.rate, Window: window.Seconds(),
		Requests: load.Requests, Errors: load.ErrorCount(), LateP50: late.P50, LateP99: late.P99, LateMax: late.Max}
	seen := o.stalls(load)
	if seen != nil {
		k.Lost = seen.sum() + late.Lost
	}
	truth := newTruth(delay, o.Seed, &cfg, s.stop > 0)
	for _, q := range slices.Concat(s.judged, []float64{0.999, 1}) {
		one := results.KnownQuantile{Q: q, Analytic: truth.quantile(q), Recovered: recovered(load.Response, q),
			Judged: slices.Contains(s.judged, q), Host: seen.quantile(q)}
		one.Beyond = truth.beyond(one.Analytic + one.Bound())
		k.Quantiles = append(k.Quantiles, one)
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
	during func(*server) func() error) (load *results.Load, late Lateness, err error) {
	srv, err := start(ctx, o.Server(delay, o.Seed, o.Split.Apart), o.Split.Server, "")
	if err != nil {
		return nil, late, err
	}
	after := func() error { return nil }
	cfg.URL = "http://" + srv.addr + "/"
	cfg.CPUs, cfg.Threads = o.Split.Client, 1
	cfg.Check = loadgen.Check{Status: 200, Length: int64(len(greeting)), Body: []byte(greeting)}
	if cfg.Rate > 0 && o.Split.Apart {
		cfg.Spin = time.Second // it never sleeps, so it sees what the host does
	}
	cfg.Edge = func(e loadgen.Edge) {
		if e == loadgen.Silenced && during != nil {
			after = during(srv)
		}
	}
	load, err = loadgen.Run(ctx, cfg)
	err = errors.Join(err, after())
	_, stopErr := srv.stop()
	if ctx.Err() != nil {
		return nil, late, ctx.Err()
	}
	if err = errors.Join(err, stopErr); err != nil {
		return nil, late, err
	}
	if err := json.Unmarshal([]byte(srv.errors.last("")), &late); err != nil {
		return nil, late, fmt.Errorf("the server did not tell how late it was: %w", err)
	}
	return load, late, nil
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
		d.begin, d.length = int64(from-loadgen.StartLead), int64(to-from)
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

// newTruth is of a server whose stall is its own, which counts from its first request, or which is stopped, a time after
// the load began; then what comes meanwhile is read at the end.
func newTruth(d Delay, seed uint64, cfg *loadgen.Config, stopped bool) *truth {
	t := &truth{delay: d}
	var k uint64
	var first time.Duration
	for at := range cfg.Trace() {
		if k == 0 && !stopped {
			first = at
		}
		came := int64(at - first)
		read := came
		if end := d.begin + d.length; stopped && d.begin <= came && came < end {
			read = end
		}
		if at >= cfg.Warmup {
			t.trace = append(t.trace, d.due(seed, k, read)-came)
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

// beyond is the share of response times that are longer than v seconds.
func (t *truth) beyond(v float64) float64 {
	i, _ := slices.BinarySearch(t.trace, int64(v*1e9)+1)
	return float64(len(t.trace)-i) / float64(max(1, len(t.trace)))
}

// stalls are the times for which a load generator that never sleeps did not run.
type stalls struct {
	Gaps results.Histogram // nanoseconds
	Span float64           // seconds that it looked
}

// stalls are those that the load generator saw; nil where it sleeps, for whoever sleeps sees nothing.
func (o *InstrumentOptions) stalls(l *results.Load) *stalls {
	if !o.Split.Apart {
		return nil
	}
	return &stalls{l.Stalls, l.Window}
}

// sum is how long they were in all, seconds.
func (s *stalls) sum() float64 { return s.Gaps.Mean() * float64(s.Gaps.Count()) / 1e9 }

// passages is how often a request and its answer need a CPU on each side: to be sent and to be received.
const passages = 2

// quantile is the q-quantile of the delay that the gaps alone mean for a request, seconds: whoever comes at a random
// moment finds a gap of length g with probability g/span, and waits for what is left of it, so with probability
// (g-x)/span for longer than x. 1 is the longest gap. Where nobody looked it is nil.
func (s *stalls) quantile(q float64) *float64 {
	if s == nil {
		return nil
	}
	if s.Gaps.Count() == 0 {
		return new(float64)
	}
	bars := s.Gaps.Distribution()
	longer := func(x float64) (p float64) {
		for _, b := range bars {
			p += passages * float64(b.Count) * max(0, float64(b.To)-x) / (s.Span * 1e9)
		}
		return p
	}
	lo, hi := 0.0, float64(s.Gaps.Max())
	for range 50 { // by halves: longer falls as x grows
		if mid := (lo + hi) / 2; longer(mid) > 1-q {
			lo = mid
		} else {
			hi = mid
		}
	}
	hi /= 1e9
	return &hi
}
