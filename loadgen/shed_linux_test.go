package loadgen

import (
	"math"
	"slices"
	"testing"
	"time"

	"serverlab/results"
)

// shedding answers 200 after a millisecond, and 503 after a tenth of one to every request of which sheds says so.
func shedding(sheds func(k int) bool) *simulated {
	n := &simulated{}
	n.answer = func(k int, sent int64) int64 {
		if sheds(k) {
			n.text = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfull"
			return sent + 1e5
		}
		n.text = helloText
		return sent + 1e6
	}
	return n
}

// What a server refuses with 503 is neither goodput nor an error, and in no histogram; the audits hold nevertheless.
func TestShed(t *testing.T) {
	third := func(k int) bool { return k%3 == 0 }
	for _, c := range []Config{
		{Connections: 50, KeepAlive: true, Rate: 1000, Arrivals: "poisson", Seed: 5, Duration: time.Second},
		{Connections: 50, KeepAlive: true, Rate: 1000, Arrivals: "poisson", Seed: 5, Duration: time.Second,
			Timeout: 500 * time.Microsecond}, // then those that are answered are too late
		{Connections: 20, KeepAlive: true, Duration: time.Second},
	} {
		l := simulate(t, c, shedding(third))
		late := c.Timeout > 0
		if l.Shed == 0 || (l.Requests == 0) != late || uint64(l.Response.Count()) != l.Requests+l.Censored ||
			l.Service.Count() != int64(l.Requests) || l.Errors[ErrTimeout] != l.ErrorCount() {
			t.Errorf("%s: %d shed, %d right, %d in the histogram, errors %v", l.Model, l.Shed, l.Requests,
				l.Response.Count(), l.Errors)
		}
		if all := l.Requests + l.Shed + l.Censored; c.Rate > 0 && all != l.Intended {
			t.Errorf("%d right, shed and censored; %d intended", all, l.Intended)
		}
		if math.Abs(l.ShedService-1e-4) > 1e-9 || l.Status[503] != l.Shed {
			t.Errorf("%s: 503 came after %v s, %d times", l.Model, l.ShedService, l.Status[503])
		}
		findings := Verdict(Evidence{Load: l})
		i := slices.IndexFunc(findings, func(f results.Finding) bool { return f.Kind == "shed" })
		if i < 0 || !slices.Contains(findings[i].Voids, results.Throughput) ||
			slices.Contains(findings[i].Voids, results.Goodput) {
			t.Errorf("%s: findings %v", l.Model, findings)
		}
		if slices.ContainsFunc(findings, func(f results.Finding) bool {
			return f.Kind == "wrong answers" || f.Kind == "Little's law"
		}) {
			t.Errorf("%s: findings %v", l.Model, findings)
		}
	}
}

// A closed loop rests after a 503; an open loop does what its schedule says; who expects 503 gets right answers.
func TestShedRests(t *testing.T) {
	always := func(int) bool { return true }
	closed := Config{Connections: 1, KeepAlive: true, Duration: time.Second}
	if l := simulate(t, closed, shedding(always)); l.Shed < 98 || l.Shed > 100 { // every 10.1 ms
		t.Errorf("a closed loop was refused %d times in a second", l.Shed)
	}
	open := Config{Connections: 1, KeepAlive: true, Rate: 1000, Arrivals: "constant", Duration: time.Second}
	if l := simulate(t, open, shedding(always)); l.Shed != 1000 || l.Backlog > 1 {
		t.Errorf("an open loop was refused %d times in a second, %d behind", l.Shed, l.Backlog)
	}
	closed.Check.Status = 503
	if l := simulate(t, closed, shedding(always)); l.Shed != 0 || l.Requests < 9000 {
		t.Errorf("503 was expected: %d right, %d shed", l.Requests, l.Shed)
	}
}

// With an answer that is not whole, 503 is an error like any other.
func TestShedIsWhole(t *testing.T) {
	s := newServer(t, last("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfu"))
	c := s.config()
	c.Rate, c.Arrivals = 1000, "constant"
	if l := mustRun(t, c); l.Shed != 0 || l.Errors[ErrClosed] == 0 || l.Errors[ErrClosed] != l.ErrorCount() {
		t.Errorf("%d shed, errors %v", l.Shed, l.Errors)
	}
}
