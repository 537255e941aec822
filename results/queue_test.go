package results

import (
	"math"
	"testing"
)

func near(a, b, share float64) bool { return math.Abs(a-b) <= share*math.Abs(b) }

// The chances to wait are those of the published tables of Erlang's second formula.
func TestErlangC(t *testing.T) {
	for _, c := range []struct {
		servers int
		load    float64
		want    float64
	}{
		{1, 0.5, 0.5}, {1, 0.9, 0.9}, // M/M/1: the utilisation
		{2, 1, 1.0 / 3}, {2, 1.8, 0.852632}, // 2 rho^2 / (1 + rho)
		{3, 2, 4.0 / 9}, {4, 3, 0.509434}, {5, 4, 0.554113}, {10, 8, 0.409180},
		{3, 3, 1}, {3, 7, 1}, {2, 0, 0},
	} {
		if got := ErlangC(c.servers, c.load); math.Abs(got-c.want) > 1e-5 {
			t.Errorf("ErlangC(%d, %v) = %v, want %v", c.servers, c.load, got, c.want)
		}
	}
	if got := ErlangC(5000, 4900); !(got > 0.05 && got < 0.2) {
		t.Errorf("ErlangC(5000, 4900) = %v: it should neither overflow nor vanish", got)
	}
}

func TestMeanWaits(t *testing.T) {
	for _, c := range []struct {
		name   string
		queue  Queue
		mm, mg float64
	}{
		{"M/M/1 at 80 %: four service times", Queue{800, 1e-3, 1, 1}, 4e-3, 4e-3},
		{"M/D/1 waits half as long", Queue{800, 1e-3, 0, 1}, 4e-3, 2e-3},
		{"M/G/1 of great variance", Queue{500, 1e-3, 9, 1}, 1e-3, 5e-3},
		{"M/M/2 at 50 %", Queue{1000, 1e-3, 1, 2}, 1e-3 / 3, math.NaN()},
		{"more than it can", Queue{1000, 1e-3, 1, 1}, math.Inf(1), math.Inf(1)},
	} {
		mm, mg := c.queue.WaitMM(), c.queue.WaitMG()
		if mm != c.mm && !near(mm, c.mm, 1e-9) {
			t.Errorf("%s: M/M waits %v, want %v", c.name, mm, c.mm)
		}
		if mg != c.mg && !near(mg, c.mg, 1e-9) && !(math.IsNaN(mg) && math.IsNaN(c.mg)) {
			t.Errorf("%s: M/G waits %v, want %v", c.name, mg, c.mg)
		}
	}
}

// A quantile is where the tail is what is left, and a tail has the mean that Little's law and Erlang give.
func TestQuantilesOfTheTimeInAQueue(t *testing.T) {
	if got, want := (Queue{800, 1e-3, 1, 1}).QuantileMM(0.99), math.Log(100)*5e-3; !near(got, want, 1e-9) {
		t.Errorf("p99 of M/M/1 is %v, want %v", got, want)
	}
	for _, q := range []Queue{{900, 1e-3, 1, 1}, {1000, 1e-3, 1, 2}, {1800, 1e-3, 1, 2}, {3500, 1e-3, 1, 4}} {
		if p50 := q.QuantileMM(0.5); !near(q.tailMM(p50), 0.5, 1e-6) {
			t.Errorf("%+v: the tail at the median is %v", q, q.tailMM(p50))
		}
		mean, step := 0.0, 1e-5
		for x := step / 2; x < 0.2; x += step {
			mean += q.tailMM(x) * step
		}
		if want := q.Service + q.WaitMM(); !near(mean, want, 1e-3) {
			t.Errorf("%+v: the tail has the mean %v, want %v", q, mean, want)
		}
	}
	if got := (Queue{2000, 1e-3, 1, 2}).QuantileMM(0.5); !math.IsInf(got, 1) {
		t.Errorf("a queue without end has the median %v", got)
	}
}
