//go:build linux

package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
	"serverlab/loadgen"
	"serverlab/results"
)

// stalled is the q-quantile where a server takes base for each answer and once in the window answers nobody for length:
// arrivals at equal distances are spread evenly over the stall, so a share length/window of all has response times that
// are spread evenly from base to base+length: the longest ones. All are seconds.
func stalled(q, window, length, base float64) float64 {
	return base + max(0, length-(1-q)*window)
}

// With constant arrivals the requests' own times are what the formula says, but for a gap.
func TestStallWithConstantArrivals(t *testing.T) {
	cfg := loadgen.Config{Rate: 1000, Arrivals: "constant", Warmup: 500 * time.Millisecond, Duration: 4 * time.Second}
	for _, text := range []string{"stall:1s@2s", "constant:1ms+stall:500ms@1s", "constant:2ms"} {
		d := mustDelay(t, text)
		tr := newTruth(d, 1, &cfg, false)
		if len(tr.trace) != 4000 {
			t.Fatalf("%d requests in the window", len(tr.trace))
		}
		for _, q := range []float64{0.5, 0.7, 0.9, 0.95, 0.99, 0.999} {
			want := stalled(q, 4, float64(d.length)/1e9, d.quantile(q)/1e9)
			if got := tr.quantile(q); math.Abs(got-want) > 0.0011 {
				t.Errorf("%s: the %v quantile is %v, by the formula %v", text, q, got, want)
			}
		}
		if got, want := tr.quantile(1), float64(d.length)/1e9; d.length > 0 && math.Abs(got-want) > 0.0011 {
			t.Errorf("%s: the longest is %v, want %v", text, got, want)
		}
	}
}

// With Poisson arrivals the formula holds on average over seeds, and by chance only for one of them.
func TestStallWithPoissonArrivals(t *testing.T) {
	var sum, worst float64
	const seeds = 200
	want := stalled(0.9, 4, 1, 0)
	for seed := range uint64(seeds) {
		cfg := loadgen.Config{Rate: 1000, Arrivals: "poisson", Seed: seed, Duration: 4 * time.Second}
		q := newTruth(mustDelay(t, "stall:1s@2s"), seed, &cfg, false).quantile(0.9)
		sum += q / seeds
		worst = max(worst, math.Abs(q-want))
	}
	if math.Abs(sum-want) > 0.005 {
		t.Errorf("on average %v, want %v", sum, want)
	}
	if bound := results.KnownShare*want + results.KnownFloor; worst < bound {
		t.Errorf("no seed misses the bound of %v: then the formula would do for Poisson arrivals", bound)
	}
}

func TestTruthOfDistributions(t *testing.T) {
	cfg := loadgen.Config{Rate: 1000, Arrivals: "poisson", Seed: 3, Duration: 6 * time.Second}
	tr := newTruth(mustDelay(t, "exponential:2ms"), 3, &cfg, false)
	if got, want := tr.quantile(0.99), 0.002*math.Log(100); math.Abs(got-want) > 1e-9 {
		t.Errorf("p99 %v, want %v", got, want)
	}
	// The longest of n even ones lies near the quantile of 1 - 1/n.
	if got := tr.quantile(1); got < 0.002*math.Log(6000)-0.002 || got > 0.002*math.Log(6000)+0.01 {
		t.Errorf("the longest is %v", got)
	}
	if got := tr.beyond(0.002 * math.Log(100)); math.Abs(got-0.01) > 0.001 {
		t.Errorf("a share of %v lies beyond the p99", got)
	}
	if got := newTruth(mustDelay(t, "stall:1s@1m"), 1, &loadgen.Config{}, false).quantile(1); got != 0 {
		t.Errorf("nobody came, and the longest is %v", got)
	}
}

// Every quantile that is judged lies away from the jumps of its distribution: a few requests more or less, of some
// thousand, do not matter.
func TestJudgedQuantilesAreSmooth(t *testing.T) {
	for _, s := range knownServers {
		for _, window := range []time.Duration{knownWindow, knownQuick} {
			d := mustDelay(t, s.delay)
			if s.stop > 0 {
				d.begin, d.length = int64(stopAfter), int64(s.stop)
			}
			if d.length > 0 && (d.begin < int64(knownWarmup) || d.begin+d.length > int64(knownWarmup+window)) {
				t.Errorf("%s: the stall lies outside of a window of %v", s.name, window)
			}
			cfg := loadgen.Config{Rate: s.rate, Arrivals: "constant", Warmup: knownWarmup, Duration: window}
			tr := newTruth(d, 1, &cfg, false)
			for _, q := range s.judged {
				k := results.KnownQuantile{Q: q, Analytic: tr.quantile(q)}
				for _, near := range []float64{q - 0.001, q + 0.001} {
					if got := tr.quantile(near); math.Abs(got-k.Analytic) > 2.5*k.Bound()+1/s.rate {
						t.Errorf("%s, window %v: %v at %v, %v at %v", s.name, window, k.Analytic, q, got, near)
					}
				}
			}
		}
	}
}

func TestRecovered(t *testing.T) {
	h := results.NewHistogram()
	if recovered(h, 0.5) != nil || recovered(h, 1) != nil {
		t.Error("nothing was recorded, and something is recovered")
	}
	for i := range int64(1000) {
		if err := h.RecordValue((i + 1) * 1e6); err != nil {
			t.Fatal(err)
		}
	}
	for q, want := range map[float64]float64{0.5: 0.5, 0.99: 0.99, 0.995: 0.995, 1: 1} {
		if v := recovered(h, q); v == nil || math.Abs(*v-want) > 0.002 {
			t.Errorf("%v: %v, want %v", q, v, want)
		}
	}
	if v := recovered(h, 0.999); v != nil {
		t.Errorf("a p99.9 of 1,000 samples: %v", *v)
	}
}

// One gap of a tenth of all time delays whoever comes in it by what is left of it; a request passes twice.
func TestStallQuantile(t *testing.T) {
	s := &stalls{Gaps: results.NewHistogram(), Span: 1}
	if got := s.quantile(0.999); got == nil || *got != 0 {
		t.Errorf("no gaps, and a delay of %v", got)
	}
	if (*stalls)(nil).quantile(0.5) != nil {
		t.Error("nobody looked, and something was seen")
	}
	if err := s.Gaps.RecordValue(100e6); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ q, want float64 }{{0.9, 0.05}, {0.99, 0.095}, {0.999, 0.0995}, {0.5, 0}, {1, 0.1}} {
		if got := *s.quantile(c.q); math.Abs(got-c.want) > 0.001*0.1 {
			t.Errorf("the %v quantile is %v, want %v", c.q, got, c.want)
		}
	}
}

// What a closed loop left out is put in afterwards: one value for each interval in which it was silent.
func TestCorrected(t *testing.T) {
	h := results.NewHistogram()
	if err := errors.Join(h.RecordValues(1e6, 100), h.RecordValues(1000e6, 2)); err != nil {
		t.Fatal(err)
	}
	c := corrected(h)
	if n := c.Count(); n < 2095 || n > 2100 {
		t.Errorf("%d values, want those of two seconds at one each millisecond beside 100", n)
	}
	if v := float64(c.ValueAtQuantile(50)); math.Abs(v-475e6) > 5e6 {
		t.Errorf("the median is %v ns", v)
	}
	if got := corrected(results.NewHistogram()).Count(); got != 0 {
		t.Errorf("%d values of none", got)
	}
}

// here are options that measure a server of this test's own program, where it runs already.
func here(t *testing.T) InstrumentOptions {
	t.Helper()
	t.Setenv("BENCH_TEST_SERVER", "delayed")
	cpus := allowed(t)
	return InstrumentOptions{Split: cpuset.Split{Server: cpus, Client: cpus}, Seed: 1,
		Server: func(delay string, _ uint64, _ bool) []string { return []string{os.Args[0], delay} },
		Say:    func(string, ...any) {}}
}

// A measurement gives what the client saw, what the server told, and it stops what it has started.
func TestMeasure(t *testing.T) {
	o := here(t)
	cfg := loadgen.Config{Connections: 4, Duration: 100 * time.Millisecond, Rate: 500, Arrivals: "constant",
		KeepAlive: true}
	var stall Delay
	var pid int
	load, late, err := o.measure(t.Context(), "constant:1ms", cfg, func(srv *server) func() error {
		pid = srv.cmd.Process.Pid
		return stopped(t.Context(), srv, 0, 10*time.Millisecond, &stall)
	})
	if err != nil {
		t.Fatal(err)
	}
	if load.Requests == 0 || load.ErrorCount() != 0 || uint64(late.Answers) < load.Requests {
		t.Errorf("%d requests, %d errors, %+v", load.Requests, load.ErrorCount(), late)
	}
	if stall.length < int64(10*time.Millisecond) || pid == 0 {
		t.Errorf("process %d was stopped for %v", pid, time.Duration(stall.length))
	}
	if err := unix.Kill(pid, 0); err != unix.ESRCH {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

// An interrupted check says so, and counts what it has.
func TestInstrumentIsInterrupted(t *testing.T) {
	o := here(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if tally, err := CheckInstrument(ctx, o); !errors.Is(err, ErrInterrupted) || tally != (Tally{}) {
		t.Errorf("%+v, %v", tally, err)
	}
}
