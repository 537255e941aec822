package loadgen

import (
	"math/rand/v2"
	"strings"
	"testing"

	"serverlab/results"
)

// stepped is a load of 100 ms per step; each step gives its right answers, their response time and its backlog.
func stepped(model string, steps int, step func(i int) (answers int, ns float64, backlog int)) *results.Load {
	l := &results.Load{Model: model, Connections: 64, Threads: 1, Window: float64(steps) / 10, CPU: 0.1,
		Response: results.NewHistogram(), Service: results.NewHistogram(), Lag: results.NewHistogram(),
		Series: &results.Series{Step: 0.1}}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range steps {
		n, ns, backlog := step(i)
		p := results.Point{Requests: uint64(n), InFlight: backlog, Response: results.NewPacked()}
		for range n {
			v := int64(ns * (0.9 + 0.2*random.Float64()))
			_, _, _ = p.Response.RecordValue(v), l.Response.RecordValue(v), l.Service.RecordValue(v)
		}
		l.Series.Points = append(l.Series.Points, p)
		l.Requests += uint64(n)
	}
	l.Audit.InFlight = float64(l.Requests) / l.Window * l.Service.Mean() / 1e9
	if model != "closed" {
		l.Intended, l.Rate = l.Requests, float64(l.Requests)/l.Window
	}
	return l
}

func steady(model string) *results.Load {
	return stepped(model, 30, func(i int) (int, float64, int) { return 400 + i*7%20, 5e6, 2 })
}

func edited(l *results.Load, edit func(*results.Load)) *results.Load {
	edit(l)
	return l
}

// spelt lists metrics in their order.
func spelt(all []results.Metric) string {
	var names []string
	for _, m := range all {
		names = append(names, string(m))
	}
	return strings.Join(names, " ")
}

func one64(v float64) *float64 { return &v }

// doubles is a response time that doubles half-way.
func doubles(i int) (int, float64, int) { return 400, []float64{5e6, 1e7}[i/15], 64 }

// timed is what is told by the clock.
const timed = "throughput latency goodput stall"

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name string
		e    Evidence
		want string // kinds, in order
		void string // of the first
		says string // in the first one's evidence
	}{
		{"a steady closed loop", Evidence{Load: steady("closed")}, "", "", ""},
		{"a steady open loop", Evidence{Load: steady("poisson"), Quantiles: quantilesTold[:3]}, "", "", ""},
		{"a record without a series", Evidence{Load: edited(steady("closed"), func(l *results.Load) { l.Series = nil })},
			"", "", ""},
		{"an empty record", Evidence{Load: &results.Load{Model: "closed", Connections: 1, Threads: 1},
			Quantiles: quantilesTold}, "", "", ""},
		{"a rate that halves", Evidence{Load: stepped("closed", 30, func(i int) (int, float64, int) {
			return []int{400, 200}[i/15], 5e6, 64
		})}, "non-stationary", timed, "from 4000 requests/s to 2000 requests/s after about 1.5 s"},
		{"a response time that doubles in an open loop", Evidence{Load: stepped("poisson", 30, doubles)}, "non-stationary",
			"latency", "response time (p50) went from 5"},
		{"the same in a profile, which asks for it", Evidence{Load: edited(stepped("poisson", 30, doubles),
			func(l *results.Load) { l.Profile = "100..1000" })}, "", "", ""},
		{"a single step without answers", Evidence{Load: stepped("closed", 30, func(i int) (int, float64, int) {
			if i == 12 {
				return 0, 5e6, 64
			}
			return 400, 5e6, 64
		})}, "", "", ""},
		{"a backlog that grows", Evidence{Load: stepped("poisson", 30, func(i int) (int, float64, int) {
			return 400, 1e7 * float64(i+1), 40 * i
		})}, "overloaded", "cpu-per-request latency", "the backlog grew by 1160 of 12000 requests"},
		{"a backlog that grows by little", Evidence{Load: stepped("poisson", 30, func(i int) (int, float64, int) {
			return 400, 5e6 * (1 + float64(i)/400), 2 * i
		})}, "", "", ""},
		{"answers that are missing", Evidence{Load: edited(steady("poisson"), func(l *results.Load) { l.Intended *= 2 })},
			"overloaded", "cpu-per-request latency", "of 24"},
		{"a queue at the end", Evidence{Load: edited(steady("poisson"), func(l *results.Load) {
			l.Backlog = l.Intended / 10
		})}, "queued", "cpu-per-request latency", "still waited"},
		{"busy", Evidence{Load: edited(steady("closed"), func(l *results.Load) { l.CPU = 2.9 })},
			"generator-bound", timed, "busy for 97 %"},
		{"busy on a CPU that it shares", Evidence{Load: edited(steady("closed"), func(l *results.Load) {
			l.CPU, l.Audit.CPUWait = 2, one64(0.95)
		})}, "generator-bound", timed, "busy for 67 % of the window, and waited for a CPU for 32 %"},
		{"without a CPU", Evidence{Load: edited(steady("closed"), func(l *results.Load) {
			l.Audit.CPUWait, l.Audit.Stalled = one64(0.6), 0.6
		})}, "disturbed", timed, "waited for a CPU for 20 %"},
		{"stopped", Evidence{Load: edited(steady("closed"), func(l *results.Load) {
			l.Audit.CPUWait, l.Audit.Stalled, l.Audit.Stall = one64(0.001), 0.45, 0.45
		})}, "disturbed", timed, "did not run for 450 ms of the window, up to 450 ms at once"},
		{"stopped for a moment", Evidence{Load: edited(steady("closed"), func(l *results.Load) {
			l.Audit.Stalled, l.Audit.Stall = 0.05, 0.04
			_ = l.Response.RecordValue(45e6)
		})}, "disturbed", "", "the highest response times may be its own"},
		{"stopped for a moment, beside a server that stops for longer", Evidence{Load: edited(steady("closed"),
			func(l *results.Load) {
				l.Audit.Stalled, l.Audit.Stall = 0.05, 0.04
				_ = l.Response.RecordValue(300e6)
			})}, "", "", ""},
		{"late", Evidence{Load: edited(steady("poisson"), func(l *results.Load) { _ = l.Lag.RecordValues(4e6, 100) })},
			"generator-bound", "latency", "sent more than 4.0"},
		{"requests that are shed", Evidence{Load: edited(steady("closed"), func(l *results.Load) {
			l.Shed, l.ShedService = 6000, 5e-3
			l.Audit.InFlight += 6000 / l.Window * l.ShedService // they are on their way, too
		})}, "shed", "cpu-per-request throughput memory-per-silent harmed latency outage balance", "6000 of"},
		{"requests that are shed by who crashes", Evidence{Crash: true, Load: edited(steady("closed"),
			func(l *results.Load) { l.Shed = 300 })}, "", "", ""},
		{"starved", Evidence{Load: edited(steady("closed"), func(l *results.Load) { l.Unserved = 63 })},
			"starved", "cpu-per-request throughput memory-per-silent latency", "63/64"},
		{"a crash starves, and gives errors", Evidence{Crash: true, Load: edited(steady("closed"), func(l *results.Load) {
			l.Unserved, l.Errors = 63, map[string]uint64{"reset": 64}
		})}, "", "", ""},
		{"clocks and counts that do not fit", Evidence{Load: edited(steady("partly"), func(l *results.Load) {
			l.Audit.InFlight *= 1.2
		})}, "Little's law", timed, "rate x time gives"},
		{"a server that stops before the end", Evidence{Load: edited(stepped("closed", 30, func(i int) (int, float64, int) {
			return []int{400, 0}[i/25], 5e6, 64
		}), func(l *results.Load) { l.Audit.InFlight *= 1.2 })}, "non-stationary", timed,
			"from 4000 requests/s to 0 requests/s after about 2.5 s"},
		{"a server that stops early", Evidence{Load: stepped("closed", 30, func(i int) (int, float64, int) {
			return []int{400, 0, 0}[i/10], 5e6, 64
		})}, "non-stationary", timed, "from 4000 requests/s to 0 requests/s after about 1.0 s"},
		{"throttled, and a host that takes the CPU", Evidence{Load: steady("closed"), Host: &results.Host{Seconds: 4,
			CPUs: 2, Steal: one64(1), Throttled: new(uint64(2))}}, "throttled, disturbed",
			spelt(results.Everything), "2 times"},
		{"a host that takes little", Evidence{Load: steady("closed"), Host: &results.Host{Seconds: 4, CPUs: 2,
			Steal: one64(0.5), Throttled: new(uint64)}}, "", "", ""},
		{"few answers", Evidence{Quantiles: quantilesTold, Load: stepped("closed", 30, func(int) (int, float64, int) {
			return 20, 5e6, 1
		})}, "too few samples", "", "p99.9 needs 5800 answers, there were 600"},
		{"slow answers in bunches", Evidence{Quantiles: []float64{0.5, 0.99}, Load: stepped("closed", 30,
			func(i int) (int, float64, int) {
				if i == 7 {
					return 40, 3e7, 64
				}
				return 80, 5e6, 1
			})}, "too few samples", "", "p99 needs 570 answers, and slow ones came in bunches"},
		{"correlated", Evidence{Quantiles: []float64{0.5}, Load: edited(steady("poisson"), func(l *results.Load) {
			l.Audit.Rank, l.Audit.Pairs = 0.8, 500
		})}, "correlated samples", "", "0.80 (500 pairs)"},
		{"arrivals that waited", Evidence{Load: edited(steady("poisson"), func(l *results.Load) {
			l.Audit.Anderson, l.Audit.Gaps = 400, 1000
		})}, "arrivals", "", "waited for a free connection"},
		{"arrivals that the generator delayed", Evidence{Load: edited(steady("poisson"), func(l *results.Load) {
			l.Audit.Anderson, l.Audit.Gaps = 400, 1000
			_ = l.Lag.RecordValues(9e5, 100)
			l.Response = l.Lag
		})}, "arrivals", "latency", "the load generator was late (lag p50 900 µs)"},
	} {
		findings := Verdict(c.e)
		if findings == nil {
			t.Errorf("%s: the verdict is nil, which stands for none", c.name)
		}
		var kinds []string
		for _, f := range findings {
			kinds = append(kinds, f.Kind)
			if strings.Contains(f.Evidence, "%!") || strings.Contains(f.Evidence, "\n") {
				t.Errorf("%s: evidence %q", c.name, f.Evidence)
			}
		}
		if got := strings.Join(kinds, ", "); got != c.want {
			t.Errorf("%s: found %q, want %q: %v", c.name, got, c.want, findings)
			continue
		}
		if len(findings) > 0 {
			if got := spelt(findings[0].Voids); got != c.void || !strings.Contains(findings[0].Evidence, c.says) {
				t.Errorf("%s: %q voids %q, want %q and %q", c.name, findings[0].Evidence, got, c.says, c.void)
			}
		}
	}
}

func TestDispersion(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	above, mean := 0.0, 0.0
	const series = 2000
	for range series {
		var counts, beyond, bunches []float64
		for range 30 {
			high, bunched := 0.0, 0.0
			for range 100 {
				if random.Float64() < 0.05 {
					high++
				}
			}
			for range 10 { // ten at a time are slow, or none of them
				if random.Float64() < 0.05 {
					bunched += 10
				}
			}
			counts, beyond, bunches = append(counts, 100), append(beyond, high), append(bunches, bunched)
		}
		if dispersion(counts, beyond) > 1 {
			above += 1.0 / series
		}
		mean += dispersion(counts, bunches) / series
	}
	if above > 0.02 {
		t.Errorf("independent answers count as bunches in %.1f %% of all series", 100*above)
	}
	near(t, "the dispersion of bunches of ten", mean, 10, 0.5)
	near(t, "nothing", dispersion(nil, nil), 1, 0)
}
