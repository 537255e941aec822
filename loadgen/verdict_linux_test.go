package loadgen

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"serverlab/results"
)

// findingsOf counts the findings of some loads of a server with one queue, in virtual time: exponential service times,
// of which it can do as many per second as capacity says.
func findingsOf(t *testing.T, loads int, c Config, capacity func(at time.Duration) float64) map[string]int {
	kinds := map[string]int{}
	for i := range loads {
		random := rand.New(rand.NewPCG(uint64(i), 5))
		c.Seed, c.KeepAlive, c.Timeout = uint64(i), true, time.Minute
		server := one(func(_ int, sent int64) int64 {
			return sent + int64(1e9*random.ExpFloat64()/capacity(time.Duration(sent)))
		})
		l := simulate(t, c, &simulated{answer: server})
		l.CPU = 0 // of virtual time
		for _, f := range Verdict(Evidence{Load: l}) {
			kinds[f.Kind]++
			if kinds[f.Kind] == 1 {
				t.Logf("%s: %s", f.Kind, f.Evidence)
			}
		}
	}
	return kinds
}

// Queues wander by themselves, the more the nearer they are to their capacity: that is neither overload nor a change.
func TestQueuesAreJudged(t *testing.T) {
	always := func(rate float64) func(time.Duration) float64 { return func(time.Duration) float64 { return rate } }
	open := Config{Connections: 64, Rate: 1000, Warmup: 500 * time.Millisecond, Duration: 3 * time.Second}
	long := open
	long.Duration = 10 * time.Second
	closed := open
	closed.Rate = 0
	const loads = 10
	for _, test := range []struct {
		name     string
		c        Config
		capacity func(time.Duration) float64
		kind     string // "": none
		least    int    // of the loads, that are found
	}{
		{"half busy", open, always(2000), "", 0},
		{"half busy, longer", long, always(2000), "", 0},
		{"80 % busy", open, always(1250), "", 0},
		{"80 % busy, longer", long, always(1250), "", 0},
		{"closed", closed, always(1000), "", 0},
		{"closed, and the server stops for a second or so", closed, func(at time.Duration) float64 {
			if at > 2*time.Second && at < 2300*time.Millisecond {
				return 1
			}
			return 1000
		}, "", 0},
		{"10 % above capacity", open, always(1000 / 1.1), "overloaded", loads * 8 / 10},
		{"10 % above capacity, longer", long, always(1000 / 1.1), "overloaded", loads},
		{"twice the capacity", open, always(500), "overloaded", loads},
		{"closed, and the server slows down", closed, func(at time.Duration) float64 {
			return []float64{1500, 750}[at/(2*time.Second)%2]
		}, "non-stationary", loads * 9 / 10},
	} {
		kinds := findingsOf(t, loads, test.c, test.capacity)
		t.Logf("%s: of %d loads %v", test.name, loads, kinds)
		for kind, n := range kinds {
			if kind != test.kind && n > 1 {
				t.Errorf("%s: %d of %d loads are called %s", test.name, n, loads, kind)
			}
		}
		if kinds[test.kind] < test.least {
			t.Errorf("%s: %d of %d loads are called %s, want %d", test.name, kinds[test.kind], loads, test.kind, test.least)
		}
	}
}

// A load generator that does not run for half a second says so, in a closed loop too.
func TestStallIsNoticed(t *testing.T) {
	for name, c := range map[string]Config{
		"closed": {Connections: 4, Duration: 3 * time.Second, KeepAlive: true},
		"open":   {Connections: 4, Rate: 100, Duration: 3 * time.Second, KeepAlive: true},
	} {
		for _, stop := range []time.Duration{0, 500 * time.Millisecond} {
			stopped := false
			s := &simulated{answer: delays(func(*rand.Rand) float64 { return 0.002 })}
			s.late = func(_, to int64) int64 {
				if to >= 1e9 && !stopped {
					stopped = true
					to += int64(stop)
				}
				return to
			}
			l := simulate(t, c, s)
			near(t, name+": stalled", l.Audit.Stalled, stop.Seconds(), 0.1)
			near(t, name+": longest stall", l.Audit.Stall, l.Audit.Stalled, 0)
			l.CPU = 0
			found := false
			for _, f := range Verdict(Evidence{Load: l}) {
				found = found || f.Kind == "disturbed"
			}
			if found != (stop > 0) {
				t.Errorf("%s, stopped for %v: disturbed: %v", name, stop, found)
			}
		}
	}
}

// What a load of virtual time says of itself fits together.
func TestAuditInVirtualTime(t *testing.T) {
	for _, c := range []Config{
		{Connections: 500, Rate: 2000, Duration: 5 * time.Second, KeepAlive: true},
		{Connections: 500, Rate: 2000, Arrivals: "constant", Duration: 5 * time.Second, KeepAlive: true},
		{Connections: 20, Duration: 5 * time.Second, KeepAlive: true},
	} {
		l := simulate(t, c, &simulated{answer: delays(func(r *rand.Rand) float64 { return 0.01 * r.ExpFloat64() })})
		a := l.Audit
		near(t, "Little's law", float64(l.Requests)/l.Window*l.Service.Mean()/1e9/a.InFlight, 1, 0.02)
		if c.Arrivals != "constant" && c.Rate > 0 && (a.Gaps < gapsLeast || a.Anderson > andersonLimit) {
			t.Errorf("%s: Anderson-Darling %.2f of %d gaps", l.Model, a.Anderson, a.Gaps)
		}
		if a.Pairs < gapsLeast || a.Rank > 0.15 || a.Rank < -0.15 || a.CPUWait != nil {
			t.Errorf("%s: rank correlation %.2f of %d pairs, waited for a CPU %v", l.Model, a.Rank, a.Pairs, a.CPUWait)
		}
		l.CPU = 0
		if f := Verdict(Evidence{Load: l, Quantiles: []float64{0.5, 0.99}}); len(f) > 0 {
			t.Errorf("%s: %v", l.Model, f)
		}
	}
}

// Each load carries its verdict, and what it rests on.
func TestRunIsJudged(t *testing.T) {
	const n = 50
	s := newServer(t, only(n, hello))
	l := s.mustRunTo(t, s.config(), n+1)
	if l.Findings == nil || l.Host == nil || l.Host.Seconds < l.Window || l.Host.CPUs < 1 {
		t.Errorf("findings %v, host %+v", l.Findings, l.Host)
	}
	if _, err := os.Stat("/proc/thread-self/schedstat"); err == nil && l.Audit.CPUWait == nil {
		t.Error("the kernel tells how long a thread waits for a CPU, and the load does not")
	}
	wrong := newServer(t, says("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"))
	l = wrong.mustRunTo(t, wrong.config(), n)
	if !slices.ContainsFunc(l.Findings, func(f results.Finding) bool { return f.Kind == "wrong answers" }) {
		t.Errorf("answers with status 500: %v", l.Findings)
	}
}

// Ended counts the answers within the window and nothing else: of a server that is offered twice what it can do, they
// are half of what Requests counts until a second later, when all is answered.
func TestEndedWithinTheWindow(t *testing.T) {
	answers := func(capacity float64) *results.Load {
		server := one(func(_ int, sent int64) int64 { return sent + int64(1e9/capacity) })
		return simulate(t, Config{Connections: 64, Rate: 1000, Arrivals: "constant", Duration: time.Second,
			KeepAlive: true, Timeout: time.Minute}, &simulated{answer: server})
	}
	if l := answers(500); l.Ended < 495 || l.Ended > 505 || l.Requests < 990 {
		t.Errorf("a server of 500/s that is offered 1,000/s: %d answers within the window, %d in all", l.Ended, l.Requests)
	}
	if l := answers(5000); l.Ended < 995 || l.Ended > l.Requests {
		t.Errorf("a server of 5,000/s that is offered 1,000/s: %d answers within the window, %d in all", l.Ended, l.Requests)
	}
}
