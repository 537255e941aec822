package loadgen

import (
	"math"
	"slices"
	"testing"
)

func schedule(a arrivals, n int) (at []int64) {
	for range n {
		at = append(at, a.next())
	}
	return at
}

func TestArrivalsDependOnSeedOnly(t *testing.T) {
	for _, constant := range []bool{true, false} {
		one := schedule(newArrivals(1e4, constant, 7, 0, 1), 3000)
		var three []int64
		for share := range 3 {
			three = append(three, schedule(newArrivals(1e4, constant, 7, share, 3), 1000)...)
		}
		slices.Sort(three)
		if !slices.Equal(one, three) {
			t.Errorf("constant %v: three threads have other arrivals than one", constant)
		}
		if !slices.IsSorted(one) {
			t.Errorf("constant %v: arrivals go back in time", constant)
		}
	}
	if slices.Equal(schedule(newArrivals(1e4, false, 7, 0, 1), 10), schedule(newArrivals(1e4, false, 8, 0, 1), 10)) {
		t.Error("two seeds have the same arrivals")
	}
}

func TestConstantArrivals(t *testing.T) {
	if got := schedule(newArrivals(3, true, 0, 0, 1), 4); !slices.Equal(got, []int64{0, 333333333, 666666666, 1e9}) {
		t.Errorf("arrivals %d: the thirds of a second must not drift", got)
	}
}

// The gaps must be exponential: a Kolmogorov-Smirnov test at the 5 % level, and their mean within four standard errors.
func TestPoissonGaps(t *testing.T) {
	const n, mean = 50000, 1e9 / 250.0
	for seed := range uint64(4) {
		at := schedule(newArrivals(250, false, seed, 0, 1), n)
		gaps := make([]float64, n)
		for i := range at {
			gaps[i] = float64(at[i])
			if i > 0 {
				gaps[i] -= float64(at[i-1])
			}
		}
		if got := float64(at[n-1]) / n; math.Abs(got/mean-1) > 4/math.Sqrt(n) {
			t.Errorf("seed %d: mean gap %.0f ns, want %.0f", seed, got, mean)
		}
		slices.Sort(gaps)
		var distance float64
		for i, g := range gaps {
			p := 1 - math.Exp(-g/mean)
			distance = max(distance, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
		}
		if distance > 1.36/math.Sqrt(n) {
			t.Errorf("seed %d: the gaps are %.5f away from exponential", seed, distance)
		}
	}
}

func TestBeforeLeavesTheScheduleAlone(t *testing.T) {
	a := newArrivals(1000, true, 0, 0, 1)
	first := a.next()
	if n := a.before(1e9, first); n != 1000 {
		t.Errorf("%d arrivals in a second, want 1000", n)
	}
	if got := a.next(); got != 1e6 {
		t.Errorf("next arrival at %d, want 1000000", got)
	}
	if n := a.before(1e9, never); n != 0 {
		t.Errorf("%d arrivals after the last", n)
	}
}
