package loadgen

import (
	"math"
	"math/rand/v2"
)

// never is a moment that does not come.
const never = math.MaxInt64

// arrivals is the schedule of an open loop: moments in nanoseconds since the load began, absolute, so that no delay
// shifts what follows. Each thread walks through the whole schedule and takes its share in turn (arrival k belongs to
// thread k mod n), so the union is the same for any number of threads. It is a plain value: a copy walks on by itself.
//
// Arrival k of a constant schedule comes when k arrivals are expected. The moments of a Poisson process whose rate
// changes are those of a process of rate 1, taken as numbers of expected arrivals in the same way: Çinlar, Introduction
// to Stochastic Processes (1975), section 4.7.
type arrivals struct {
	constant bool
	visit    float64 // mean requests of an arrival; 0: each is one request
	legs     []leg   // of the rate; shared, and never written to
	leg      int     // on which the latest arrival lies
	random   rand.PCG
	visits   rand.PCG
	at       float64 // of the latest Poisson arrival, in expected ones
	count    uint64  // arrivals walked through
	share, n uint64  // this thread takes every n-th, from share on

	client   uint64 // number of the latest arrival of this thread
	requests int32  // that it makes
}

// schedule returns thread share's part of n of the arrivals in an open loop.
func (c *Config) schedule(share, n int) arrivals {
	rate := c.Profile
	if len(rate) == 0 {
		rate = Profile{{c.Rate, c.Rate}}
	}
	return arrivals{
		constant: c.Arrivals == "constant",
		visit:    c.Visit,
		legs:     rate.legs(int64(c.Warmup), int64(c.Warmup+c.Duration), max(1, c.Visit)),
		random:   *rand.NewPCG(c.Seed, 0x6c6f616467656e), // the second half only keeps seed 0 from a weak state
		visits:   *rand.NewPCG(c.Seed, 0x766973697473),
		share:    uint64(share),
		n:        uint64(n),
		requests: 1,
	}
}

// next returns the moment of this thread's next arrival, or never.
func (a *arrivals) next() int64 {
	if a.constant {
		k := a.count*a.n + a.share
		a.count++
		a.client = k
		return a.when(float64(k))
	}
	for {
		a.at += exponential(&a.random)
		requests := int32(1)
		if a.visit > 0 {
			requests = geometric(&a.visits, a.visit)
		}
		k := a.count
		a.count++
		if k%a.n == a.share {
			a.client, a.requests = k, requests
			return a.when(a.at)
		}
	}
}

// when is the moment at which so many arrivals are expected, rounded down. It moves on with the schedule.
func (a *arrivals) when(expected float64) int64 {
	for a.leg+1 < len(a.legs) && a.legs[a.leg+1].before <= expected {
		a.leg++
	}
	if a.leg+1 == len(a.legs) {
		return never
	}
	return moment(a.legs[a.leg].when(expected))
}

// moment rounds ns down. One that lies centuries ahead does not overflow.
func moment(ns float64) int64 { return int64(min(ns, 1<<62)) }

// before returns how many arrivals of this thread come before end, given that the next one is at first. It does not
// move the schedule.
func (a arrivals) before(end, first int64) (n uint64) {
	for at := first; at < end; at = a.next() {
		n++
	}
	return n
}

// expected is the number of arrivals of all threads that are expected from the beginning until a moment: of clients,
// where each makes several requests. It does not move the schedule.
func (a *arrivals) expected(ns int64) float64 {
	i := len(a.legs) - 1
	for i > 0 && a.legs[i].from > float64(ns) {
		i--
	}
	return a.legs[i].expected(float64(ns))
}

// exponential draws from the exponential distribution of mean 1, by inversion: 1-u is in (0, 1], so the logarithm is
// finite.
func exponential(r *rand.PCG) float64 {
	u := float64(r.Uint64()>>11) * 0x1p-53
	return -math.Log(1 - u)
}

// geometric draws from the geometric distribution on 1, 2, ... of a mean from 1 to maxVisit: an exponential time,
// measured in units such that one passes without its end with probability 1-1/mean, and rounded up.
func geometric(r *rand.PCG, mean float64) int32 {
	return 1 + int32(exponential(r)/-math.Log1p(-1/mean)) // a mean of 1: x/Inf is 0
}
