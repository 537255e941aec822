package loadgen

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Chi-square of 2k degrees of freedom is twice Erlang's distribution of shape k: the values are those of every table.
func TestErlang(t *testing.T) {
	for _, c := range []struct {
		k            int
		twice, share float64
	}{{1, 5.991465, 0.95}, {5, 18.307038, 0.95}, {10, 31.410433, 0.95}, {10, 10.850811, 0.05}, {60, 146.567358, 0.95}} {
		near(t, "Erlang", erlang(c.k, c.twice/2), c.share, 1e-6)
	}
	near(t, "at 0", erlang(3, 0), 0, 0)
	near(t, "shape 1", erlang(1, 2), 1-math.Exp(-2), 1e-12)
	near(t, "many threads, at the median", erlang(1000, 1000-1.0/3), 0.5, 1e-3)
}

// The published critical values hold: 2.492 at 5 %, 3.857 at 1 %.
func TestAndersonDarling(t *testing.T) {
	near(t, "one value in the middle", andersonDarling([]float64{0.5}), 2*math.Ln2-1, 1e-12)
	near(t, "none", andersonDarling(nil), 0, 0)
	r := rand.New(rand.NewPCG(1, 2))
	const samples = 20_000
	above5, above1 := 0.0, 0.0
	u := make([]float64, 40)
	for range samples {
		for i := range u {
			u[i] = r.Float64()
		}
		a := andersonDarling(u)
		if a > 2.492 {
			above5 += 1.0 / samples
		}
		if a > andersonLimit {
			above1 += 1.0 / samples
		}
	}
	near(t, "share above the 5 % point", above5, 0.05, 0.005)
	near(t, "share above the 1 % point", above1, 0.01, 0.0025)
}

// sentGaps are the pairs that one of so many threads would sample if it sent each of its arrivals at the moment that
// late makes of it.
func sentGaps(c Config, threads int, late func(int64) int64) (gaps [][2]int64, expected func(int64) float64) {
	a := c.schedule(threads-1, threads)
	last := late(a.next())
	for range auditPairs {
		now := late(a.next())
		gaps = append(gaps, [2]int64{last, now})
		last = now
	}
	return gaps, a.expected
}

func TestArrivalsAreAudited(t *testing.T) {
	onTime := func(at int64) int64 { return at }
	c := Config{Rate: 1000, Seed: 3, Arrivals: "poisson", Duration: time.Minute}
	for _, threads := range []int{1, 2, 7} {
		gaps, expected := sentGaps(c, threads, onTime)
		if a := auditOf(gaps, nil, threads, expected); a.Anderson > andersonLimit || a.Gaps != len(gaps) {
			t.Errorf("%d threads: A² of the asked arrivals is %.2f of %d", threads, a.Anderson, a.Gaps)
		}
		coarse := func(at int64) int64 { return (at + 999_999) / 1_000_000 * 1_000_000 } // a clock of milliseconds
		gaps, _ = sentGaps(c, threads, coarse)
		if a := auditOf(gaps, nil, threads, expected); threads == 1 && a.Anderson < gapsOff*float64(a.Gaps) {
			t.Errorf("%d threads: a coarse clock has A² %.2f of %d", threads, a.Anderson, a.Gaps)
		}
		c.Arrivals = "constant"
		gaps, _ = sentGaps(c, threads, onTime)
		if a := auditOf(gaps, nil, threads, expected); a.Anderson < gapsOff*float64(a.Gaps) {
			t.Errorf("%d threads: equal gaps have A² %.2f of %d", threads, a.Anderson, a.Gaps)
		}
		c.Arrivals = "poisson"
	}
	ramp := c
	ramp.Profile = Profile{{100, 4000}}
	ramp.Rate = ramp.Profile.Mean()
	gaps, expected := sentGaps(ramp, 2, onTime)
	if a := auditOf(gaps, nil, 2, expected); a.Anderson > andersonLimit {
		t.Errorf("a ramp: A² of the asked arrivals is %.2f", a.Anderson)
	}
}

func TestSamplesAreThinned(t *testing.T) {
	many := make([][2]int64, 3*auditMost+1)
	for i := range many {
		many[i] = [2]int64{int64(i), int64(i)}
	}
	a := auditOf(nil, many, 1, nil)
	if a.Pairs < auditMost*3/4 || a.Pairs > auditMost || a.Rank < 0.999999 || a.Gaps != 0 {
		t.Errorf("%d pairs, rank %v, %d gaps", a.Pairs, a.Rank, a.Gaps)
	}
	if a := auditOf(nil, nil, 1, func(int64) float64 { return 0 }); a.Pairs+a.Gaps != 0 || a.Anderson != 0 || a.Rank != 0 {
		t.Errorf("nothing sampled gives %+v", a)
	}
}
