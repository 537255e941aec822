package loadgen

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"serverlab/results"
)

func TestParseSweep(t *testing.T) {
	for _, c := range []struct{ text, by, want string }{
		{"1000,2000,4000", "rate", "[1000 2000 4000]"},
		{"4000, 0.5", "rate", "[0.5 4000]"},
		{"1000..10000", "rate", "[1000 2000 3000 4000 5000 6000 7000 8000 9000 10000]"},
		{"1000..20000", "rate", "[1000 3110 5220 7330 9440 11600 13700 15800 17900 20000]"},
		{"1..1.0000001", "rate", "[1 1.0000001]"},
		{"1..100", "connections", "[1 2 4 8 16 32 64 100]"},
		{"3,1,2", "connections", "[1 2 3]"},
		{"1000", "rate", "!two points"},
		{"", "rate", "!no rate"},
		{"0,1", "rate", "!no rate"},
		{"1,NaN", "rate", "!no rate"},
		{"1..1e9", "rate", "!no rate"},
		{"x..5", "rate", "!no rate"},
		{"2000..1000", "rate", "!below the last"},
		{"5,5.0", "rate", "!twice"},
		{strings.Repeat("1,", 200) + "1", "rate", "!more than 100"},
		{"1,2.5", "connections", "!no number of connections"},
		{"0..8", "connections", "!no number of connections"},
		{"1..8", "threads", "!rate or connections"},
	} {
		points, err := ParseSweep(c.text, c.by)
		if wrong, bad := strings.CutPrefix(c.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), wrong) || strings.Contains(err.Error(), "\n") && c.text != "x..5" {
				t.Errorf("%.40q: %v, %v; want an error with %q", c.text, points, err, wrong)
			}
		} else if got := fmt.Sprint(points); err != nil || got != c.want {
			t.Errorf("%q: %s, %v; want %s", c.text, got, err, c.want)
		}
	}
}

// loadOf is a load of which all answers took the same time, at rate per second.
func loadOf(rate float64, response time.Duration) *results.Load {
	l := &results.Load{Model: "poisson", Window: 1, Requests: uint64(rate), Intended: uint64(rate), Threads: 1,
		Response: results.NewHistogram()}
	_ = l.Response.RecordValues(int64(response), 1000)
	return l
}

// queue is a Runner: the queue M/M/1, of which the median response time is known, with noise on it, and now and then a
// trial in which the machine stalls for most of the time.
func queue(capacity float64, random *rand.Rand) Runner {
	return func(_ context.Context, c Config) (*results.Load, error) {
		rate, noise, median := c.Rate, math.Exp(0.1*random.NormFloat64()), time.Second
		if rate < capacity {
			median = time.Duration(1e9 * noise * math.Ln2 / (capacity - rate))
		}
		if random.Float64() < 0.1 {
			median *= 20
		}
		return loadOf(min(rate, capacity), median), nil
	}
}

// For M/M/1 power is highest at half of the capacity (Kleinrock): with noise on every trial and a tenth of them ruined
// the sweep says so, to the next point or the one after it, and says the same whatever the range is.
func TestSweepFindsTheKnee(t *testing.T) {
	for _, points := range []string{"1000..10000", "1000..19000", "2000,3000,4000,5000,6000,7000,8000"} {
		all, err := ParseSweep(points, "rate")
		if err != nil {
			t.Fatal(err)
		}
		near := 0
		for seed := range uint64(25) {
			random := rand.New(rand.NewPCG(seed, 3))
			o, err := Sweep(t.Context(), Config{Seed: seed}, SweepConfig{By: "rate", Points: all, Repeat: 5},
				queue(10_000, random), nil)
			if err != nil {
				t.Fatal(err)
			}
			if o.Knee >= 0 && math.Abs(o.Points[o.Knee].Load-5_000) <= 2_000 {
				near++
			}
		}
		t.Logf("%s: %d of 25 knees are where they belong", points, near)
		if near < 23 {
			t.Errorf("%s: %d of 25 knees are where they belong", points, near)
		}
	}
}

// In a closed loop it is where the asymptotes meet: eight clients of a server that takes 1 ms and can do 8,000/s.
func TestSweepOverConnections(t *testing.T) {
	points, err := ParseSweep("1..64", "connections")
	if err != nil {
		t.Fatal(err)
	}
	s := SweepConfig{By: "connections", Points: points, Repeat: 3}
	o, err := Sweep(t.Context(), Config{Threads: 4, Connections: 7}, s,
		func(_ context.Context, c Config) (*results.Load, error) {
			if c.Threads > c.Connections || c.Rate != 0 {
				t.Errorf("%d threads for %d connections, rate %v", c.Threads, c.Connections, c.Rate)
			}
			n := float64(c.Connections)
			rate := min(8_000, n*1000)
			return loadOf(rate, time.Duration(1e9*n/rate)), nil
		}, nil)
	if err != nil || o.Knee < 0 || o.Points[o.Knee].Load != 8 || o.Model != "closed" {
		t.Errorf("%v: knee %d of %+v", err, o.Knee, o.Points)
	}
}

// Each block has every point once, in an order of its own; all trials of a block draw the same arrivals.
func TestSweepIsShuffledInBlocks(t *testing.T) {
	s := SweepConfig{By: "rate", Points: []float64{1, 2, 3, 4, 5, 6, 7, 8}, Repeat: 4}
	var rates [4][]float64
	run := func(_ context.Context, c Config) (*results.Load, error) {
		block := c.Seed - 10
		rates[block] = append(rates[block], c.Rate)
		return loadOf(100, time.Millisecond), nil
	}
	said := 0
	o, err := Sweep(t.Context(), Config{Seed: 10}, s, run, func(done int, p *results.SweepPoint) {
		if said++; done != said || len(p.Trials) == 0 {
			t.Errorf("trial %d said as %d", said, done)
		}
	})
	if err != nil || said != 32 {
		t.Fatalf("%v, %d trials said", err, said)
	}
	for i, block := range rates {
		if got := slices.Sorted(slices.Values(block)); !slices.Equal(got, s.Points) {
			t.Errorf("block %d has %v", i, block)
		}
		if slices.Equal(block, rates[(i+1)%4]) || slices.IsSorted(block) {
			t.Errorf("block %d is not shuffled: %v", i, block)
		}
	}
	orders := map[int]bool{}
	for _, p := range o.Points {
		for _, trial := range p.Trials {
			orders[trial.Order] = true
		}
	}
	if len(orders) != 32 {
		t.Errorf("%d of 32 places in the order", len(orders))
	}
}

func TestSweepEndsEarly(t *testing.T) {
	s := SweepConfig{By: "rate", Points: []float64{1000, 2000, 3000}, Repeat: 3}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	run := func(context.Context, Config) (*results.Load, error) {
		if n++; n == 5 {
			cancel()
		}
		return loadOf(1000, time.Millisecond), nil
	}
	o, err := Sweep(ctx, Config{}, s, run, nil)
	trials := 0
	for _, p := range o.Points {
		trials += len(p.Trials)
	}
	if err != nil || !o.Interrupted || trials != 4 || n != 5 {
		t.Errorf("interrupted in trial 5: %v, %d trials kept", err, trials)
	}
	gone := errors.New("gone")
	o, err = Sweep(t.Context(), Config{}, s, func(context.Context, Config) (*results.Load, error) {
		return nil, gone
	}, nil)
	if !errors.Is(err, gone) || o == nil || o.Interrupted || o.Points[0].Verdict != "not measured" {
		t.Errorf("%v, %+v", err, o)
	}
	for _, bad := range []SweepConfig{{By: "rate", Repeat: 1}, {By: "rate", Points: []float64{2, 1}, Repeat: 1},
		{By: "x", Points: []float64{1}, Repeat: 1}, {By: "rate", Points: []float64{1}}} {
		if _, err := Sweep(t.Context(), Config{}, bad, run, nil); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
