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
type arrivals struct {
	constant bool
	gap      float64 // mean, nanoseconds
	random   rand.PCG
	at       float64 // of the latest Poisson arrival; exact to the nanosecond for 100 days
	count    uint64  // arrivals walked through
	share, n uint64  // this thread takes every n-th, from share on
}

// newArrivals returns thread share's part of n of the arrivals at rate per second.
func newArrivals(rate float64, constant bool, seed uint64, share, n int) arrivals {
	return arrivals{
		constant: constant,
		gap:      1e9 / rate,
		random:   *rand.NewPCG(seed, 0x6c6f616467656e), // the second half only keeps seed 0 from a weak state
		share:    uint64(share),
		n:        uint64(n),
	}
}

// next returns the moment of this thread's next arrival.
func (a *arrivals) next() int64 {
	if a.constant {
		k := a.count*a.n + a.share
		a.count++
		return moment(float64(k) * a.gap)
	}
	for {
		// Inversion: 1-u is in (0, 1], so the logarithm is finite.
		u := float64(a.random.Uint64()>>11) * 0x1p-53
		a.at -= math.Log(1-u) * a.gap
		k := a.count
		a.count++
		if k%a.n == a.share {
			return moment(a.at)
		}
	}
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
