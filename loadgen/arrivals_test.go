package loadgen

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func schedule(a arrivals, n int) (at []int64) {
	for range n {
		at = append(at, a.next())
	}
	return at
}

// models are open loads of each kind, of 1,000 requests or more.
func models() map[string]Config {
	c := Config{Rate: 1e4, Seed: 7, Warmup: 50 * time.Millisecond, Duration: time.Second}
	all := map[string]Config{}
	for _, arrivals := range []string{"constant", "poisson", "partly"} {
		c.Arrivals, c.Visit = arrivals, 0
		if arrivals == "partly" {
			c.Visit = 3
		}
		c.Profile = nil
		all[arrivals] = c
		c.Profile = Profile{{0, 8000}, {1000, 1000}, {9000, 2000}}
		all[arrivals+", "+c.Profile.String()] = c
	}
	return all
}

func TestArrivalsDependOnSeedOnly(t *testing.T) {
	type arrival struct {
		at       int64
		client   uint64
		requests int32
	}
	walk := func(c Config, threads int) (all []arrival) {
		for share := range threads {
			a := c.schedule(share, threads)
			for at := a.next(); at < int64(c.Warmup+c.Duration); at = a.next() {
				all = append(all, arrival{at, a.client, a.requests})
			}
		}
		slices.SortFunc(all, func(x, y arrival) int { return int(x.at - y.at) })
		return all
	}
	for name, c := range models() {
		one, three := walk(c, 1), walk(c, 3)
		if !slices.Equal(one, three) || len(one) < 1000 {
			t.Errorf("%s: three threads have other arrivals than one, %d and %d", name, len(three), len(one))
		}
		c.Seed++
		if slices.Equal(one, walk(c, 1)) != (c.Arrivals == "constant") {
			t.Errorf("%s: the seed decides", name)
		}
	}
}

func TestConstantArrivals(t *testing.T) {
	c := Config{Rate: 3, Arrivals: "constant", Duration: time.Hour}
	if got := schedule(c.schedule(0, 1), 4); !slices.Equal(got, []int64{0, 333333333, 666666666, 1e9}) {
		t.Errorf("arrivals %d: the thirds of a second must not drift", got)
	}
	a := c.schedule(0, 1)
	for range 3 * 3600 {
		if at := a.next(); at >= int64(time.Hour) {
			t.Fatalf("an arrival at %d", at)
		}
	}
	if at := a.next(); at != never {
		t.Errorf("the last arrival of an hour is followed by one at %d", at)
	}
}

// The gaps must be exponential in the number of arrivals that are expected meanwhile, whatever the rate does: a
// Kolmogorov-Smirnov test at the 0.1 % level, and their mean within four standard errors.
func TestPoissonGaps(t *testing.T) {
	steps := Profile{{1000, 1000}, {100, 100}, {50, 1300}, {0, 0}, {2000, 1}}
	for _, profile := range []Profile{nil, {{0, 500}}, {{500, 0}}, steps} {
		for seed := range uint64(4) {
			c := Config{Rate: 250, Profile: profile, Seed: seed, Warmup: time.Second, Duration: 200 * time.Second}
			a := c.schedule(0, 1)
			var gaps []float64
			last := 0.0
			for at := a.next(); at != never; at = a.next() {
				now := a.expected(at)
				gaps, last = append(gaps, now-last), now
			}
			n := float64(len(gaps))
			if mean := last / n; math.Abs(mean-1) > 4/math.Sqrt(n) || n < 45000 {
				t.Errorf("%v, seed %d: %.0f gaps, mean %.4f, want 1", profile, seed, n, mean)
			}
			if d := fromExponential(gaps); d > 1.95/math.Sqrt(n) {
				t.Errorf("%v, seed %d: the gaps are %.5f away from exponential", profile, seed, d)
			}
		}
	}
}

// fromExponential is the Kolmogorov-Smirnov distance of a sample from the exponential distribution of mean 1.
func fromExponential(sample []float64) (distance float64) {
	slices.Sort(sample)
	n := float64(len(sample))
	for i, v := range sample {
		p := 1 - math.Exp(-v)
		distance = max(distance, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
	}
	return distance
}

func TestBeforeLeavesTheScheduleAlone(t *testing.T) {
	c := Config{Rate: 1000, Arrivals: "constant", Duration: time.Minute}
	a := c.schedule(0, 1)
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

// Visits have the geometric distribution: a chi-square test at the 0.1 % level over the first ten lengths and the rest.
func TestVisits(t *testing.T) {
	const n, bins = 100000, 10
	for _, mean := range []float64{1, 1.5, 5, 20} {
		r := rand.NewPCG(3, 4)
		var seen [bins + 1]float64
		for range n {
			seen[min(geometric(r, mean)-1, bins)]++
		}
		var chi float64
		rest := 1.0
		for i := range bins {
			p := rest / mean
			rest -= p
			if p == 0 && seen[i] > 0 {
				t.Errorf("mean %v: a visit of %d requests", mean, i+1)
			}
			if p > 0 {
				chi += (seen[i] - n*p) * (seen[i] - n*p) / (n * p)
			}
		}
		if chi > 29.6 {
			t.Errorf("mean %v: chi-square %.1f, %.0f", mean, chi, seen)
		}
	}
	if v := geometric(rand.NewPCG(3, 4), maxVisit); v < 1 {
		t.Errorf("a visit of %d requests", v)
	}
}

// Clients of a partly open load come as Poisson arrivals at their own rate would, and ask as often as was asked for.
func TestPartlyOpenArrivals(t *testing.T) {
	c := Config{Rate: 5000, Arrivals: "partly", Visit: 5, Seed: 3, Duration: 20 * time.Second}
	p := Config{Rate: 1000, Arrivals: "poisson", Seed: 3, Duration: 20 * time.Second}
	clients, arrivals := c.schedule(0, 1), p.schedule(0, 1)
	var requests, n float64
	for at := clients.next(); at != never; at = clients.next() {
		if want := arrivals.next(); at != want {
			t.Fatalf("client %.0f comes at %d, want %d", n, at, want)
		}
		n++
		requests += float64(clients.requests)
	}
	if mean := requests / n; math.Abs(mean-5) > 4*math.Sqrt(20/n) { // the variance is 5 x 4
		t.Errorf("%.0f clients make %.3f requests, want 5", n, mean)
	}
}
