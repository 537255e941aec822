package results

import "math"

// Queue is a queue with Poisson arrivals and unlimited room, as Kendall writes it M/M/c or M/G/1 (Annals of Mathematical
// Statistics 24, 1953). Its formulas hold in the steady state, which there is while Utilisation is below 1: beyond it
// every time is infinite.
type Queue struct {
	Rate    float64 // arrivals per second, above 0
	Service float64 // mean time that a server works on a request, seconds, above 0
	Spread  float64 // variance of that time over the square of its mean: 0 all alike, 1 exponential
	Servers int     // that take from the one queue, at least 1
}

// Utilisation is the share of its time for which each server works, 1 or more where it can't keep up.
func (q Queue) Utilisation() float64 { return q.Rate * q.Service / float64(q.Servers) }

// ErlangC is the chance that an arrival has to wait, where servers with exponential service times are offered load
// erlangs: rate x mean service time (Erlang, Elektroteknikeren 13, 1917). It is 1 from load = servers on. It follows
// from Erlang's loss formula, whose recursion over the servers neither overflows nor cancels (Cooper, Introduction to
// Queueing Theory, 1981).
func ErlangC(servers int, load float64) float64 {
	if load >= float64(servers) {
		return 1
	}
	loss := 1.0
	for k := 1; k <= servers; k++ {
		loss = load * loss / (float64(k) + load*loss)
	}
	busy := load / float64(servers)
	return loss / (1 - busy*(1-loss))
}

// WaitMM is the mean time in the queue of M/M/c, and with one server of M/M/1, seconds; Spread is taken to be 1.
func (q Queue) WaitMM() float64 {
	left := 1 - q.Utilisation()
	if left <= 0 {
		return math.Inf(1)
	}
	return ErlangC(q.Servers, q.Rate*q.Service) * q.Service / (float64(q.Servers) * left)
}

// WaitMG is the mean time in the queue of M/G/1, seconds (Pollaczek, Mathematische Zeitschrift 32, 1930; Khinchine,
// Matematicheskii Sbornik 39, 1932); NaN for more servers than one, for which nobody has a closed form.
func (q Queue) WaitMG() float64 {
	busy := q.Utilisation()
	switch {
	case q.Servers != 1:
		return math.NaN()
	case busy >= 1:
		return math.Inf(1)
	}
	return busy / (1 - busy) * (1 + q.Spread) / 2 * q.Service
}

// QuantileMM is a quantile of the whole time that a request spends in M/M/c, in the queue and in service, seconds; p is
// from 0 to below 1. With one server that is exponential; else the tail of the sum of both times is known (Gross, Shortle,
// Thompson and Harris, Fundamentals of Queueing Theory, 4th ed. 2008, section 2.3) and is searched for 1 - p.
func (q Queue) QuantileMM(p float64) float64 {
	busy := q.Utilisation()
	switch {
	case busy >= 1:
		return math.Inf(1)
	case q.Servers == 1:
		return -math.Log1p(-p) * q.Service / (1 - busy)
	}
	low, high := 0.0, q.Service
	for q.tailMM(high) > 1-p {
		high *= 2
	}
	for range 100 { // halvings: more than a double has bits
		if middle := (low + high) / 2; q.tailMM(middle) > 1-p {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// tailMM is the chance that a request spends longer than t seconds in M/M/c.
func (q Queue) tailMM(t float64) float64 {
	x, load, c := t/q.Service, q.Rate*q.Service, float64(q.Servers)
	wait := ErlangC(q.Servers, load)
	if gap := c - 1 - load; math.Abs(gap) > 1e-9 {
		return math.Exp(-x) + wait*(math.Exp(-x)-math.Exp(-x*(c-load)))/gap
	}
	return math.Exp(-x) * (1 + wait*x)
}
