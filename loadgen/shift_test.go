package loadgen

import (
	"math"
	"math/rand/v2"
	"testing"
)

// noisy draws n values about level(x), x from 0 to 1, whose logarithms have the standard deviation cv, and a
// correlation r of neighbours.
func noisy(random *rand.Rand, n int, cv, r float64, level func(x float64) float64) []float64 {
	values := make([]float64, n)
	e := random.NormFloat64()
	for i := range values {
		values[i] = level((float64(i)+0.5)/float64(n)) * math.Exp(cv*e)
		e = r*e + math.Sqrt(1-r*r)*random.NormFloat64()
	}
	return values
}

func flat(float64) float64 { return 1 }

// found is the share of series that findShift calls a shift.
func found(draw func(*rand.Rand) []float64) (share float64) {
	const series = 2000
	random := rand.New(rand.NewPCG(1, 2))
	for range series {
		if _, is := findShift(draw(random)); is {
			share += 1.0 / series
		}
	}
	return share
}

// A stationary series is called non-stationary in at most 1 % of all cases, even if its values resemble their
// neighbours strongly, or some are far out.
func TestShiftStationary(t *testing.T) {
	for _, n := range []int{20, 30, 39} {
		for _, cv := range []float64{0.1, 0.2, 0.5} {
			for _, r := range []float64{0, 0.5, 0.7} {
				share := found(func(random *rand.Rand) []float64 { return noisy(random, n, cv, r, flat) })
				if t.Logf("n %d, cv %.2f, correlation %.1f: %.2f %%", n, cv, r, 100*share); share > 0.01 {
					t.Errorf("n %d, cv %.2f, correlation %.1f: %.2f %% of stationary series are called shifted", n, cv, r, 100*share)
				}
			}
		}
		bursts := found(func(random *rand.Rand) []float64 {
			v := noisy(random, n, 0.1, 0.3, flat)
			for i := range v {
				if random.Float64() < 0.1 {
					v[i] *= 20
				}
			}
			return v
		})
		if t.Logf("n %d, bursts: %.2f %%", n, 100*bursts); bursts > 0.01 {
			t.Errorf("n %d: %.2f %% of series with bursts are called shifted", n, 100*bursts)
		}
	}
}

func TestShiftIsFound(t *testing.T) {
	jump := func(at, by float64) func(float64) float64 {
		return func(x float64) float64 {
			if x < at {
				return 1
			}
			return by
		}
	}
	line := func(to float64) func(float64) float64 { return func(x float64) float64 { return 1 + (to-1)*x } }
	for _, c := range []struct {
		name  string
		n     int
		cv    float64
		level func(float64) float64
		least float64 // share that is found
	}{
		{"a jump by 30 %", 20, 0.05, jump(0.5, 1.3), 0.85},
		{"a jump by 30 %, more steps", 39, 0.05, jump(0.5, 1.3), 0.99},
		{"an early jump by 50 %", 30, 0.05, jump(0.25, 1.5), 0.99},
		{"a late fall to a half", 30, 0.1, jump(0.8, 0.5), 0.95},
		{"a rise by 60 %", 20, 0.05, line(1.6), 0.85},
		{"a rise to the double", 30, 0.1, line(2), 0.8},
		{"a fall to a third", 20, 0.05, line(1.0 / 3), 0.9},
	} {
		share := found(func(random *rand.Rand) []float64 { return noisy(random, c.n, c.cv, 0, c.level) })
		if t.Logf("%s, n %d: %.1f %%", c.name, c.n, 100*share); share < c.least {
			t.Errorf("%s: found in %.1f %% of the series, want %.0f %%", c.name, 100*share, 100*c.least)
		}
	}
}

func TestShiftSaysWhere(t *testing.T) {
	values := make([]float64, 30)
	for i := range values {
		values[i] = 100 + float64(i%2)
		if i >= 10 {
			values[i] *= 2
		}
	}
	s, is := findShift(values)
	near(t, "before", s.from, 100.5, 0.5)
	near(t, "after", s.to, 201, 1)
	if !is || s.at != 10 {
		t.Errorf("the jump is at %d (found: %v), want 10", s.at, is)
	}
	for i := range values {
		values[i] = 100 * math.Exp2(float64(i)/29)
	}
	s, is = findShift(values)
	near(t, "at the beginning", s.from, 100, 2)
	near(t, "at the end", s.to, 200, 4)
	if !is || s.at != 0 {
		t.Errorf("the rise is at %d (found: %v), want 0", s.at, is)
	}
	for i := range values {
		values[i] = 5
	}
	if s, is := findShift(values); is {
		t.Errorf("equal values: %+v", s)
	}
	if _, is := findShift(values[:shiftMin-1]); is {
		t.Error("too few values say something")
	}
}
