package loadgen

import (
	"math"
	"slices"

	"serverlab/results"
)

// andersonLimit is what the Anderson-Darling statistic of a fully known distribution exceeds by chance in 1 % of all
// samples (Stephens, JASA 69, 1974; D'Agostino and Stephens, Goodness-of-Fit Techniques, table 4.2).
const andersonLimit = 3.857

// andersonDarling is the statistic A² of values that should be uniform between 0 and 1 (Anderson and Darling, JASA 49,
// 1954). It gives weight to both ends of the distribution, where a pacing error shows first.
func andersonDarling(uniform []float64) float64 {
	u := slices.Sorted(slices.Values(uniform))
	n := float64(len(u))
	if n == 0 {
		return 0
	}
	sum := 0.0
	for i, low := range u {
		high := 1 - u[len(u)-1-i]
		sum += float64(2*i+1) * (math.Log(inside(low)) + math.Log(inside(high)))
	}
	return -n - sum/n
}

// inside keeps u away from 0 and 1, where a logarithm has no value: no sample of doubles comes nearer.
func inside(u float64) float64 { return max(0x1p-60, min(1, u)) }

// erlang is the distribution function of the Erlang distribution of shape k and rate 1: of the sum of k exponential
// times. It is 1 less the chance of fewer than k arrivals in x.
func erlang(k int, x float64) float64 {
	if x <= 0 {
		return 0
	}
	fewer := 0.0
	for i := range k {
		g, _ := math.Lgamma(float64(i + 1))
		fewer += math.Exp(float64(i)*math.Log(x) - x - g)
	}
	return max(0, 1-fewer)
}

// auditMost is how many pairs of each kind are looked at: with more of them every clock would fail.
const auditMost = 4096

// thin returns at most auditMost of all pairs, evenly spread.
func thin(all [][2]int64) (some [][2]int64) {
	each := (len(all) + auditMost - 1) / auditMost
	for i := 0; i < len(all); i += each {
		some = append(some, all[i])
	}
	return some
}

// auditOf checks a sample, as Lancet does it (Kogias, Mallon and Bugnion, USENIX ATC 2019): how service times of
// successive answers are correlated, and, for Poisson arrivals, whether the gaps between sending are of the
// distribution that was asked for. services are pairs in nanoseconds, each of one of n threads; gaps are those of one
// thread, since those of others overlap with them. A thread has every n-th arrival, so its gaps, in expected arrivals,
// are of Erlang's distribution. expected tells how many arrivals are expected until a moment; it is nil where arrivals
// are not Poisson.
func auditOf(gaps, services [][2]int64, n int, expected func(ns int64) float64) (a results.Audit) {
	gaps, services = thin(gaps), thin(services)
	if expected != nil {
		uniform := make([]float64, len(gaps))
		for i, g := range gaps {
			uniform[i] = erlang(n, expected(g[1])-expected(g[0]))
		}
		a.Anderson, a.Gaps = andersonDarling(uniform), len(uniform)
	}
	first, second := make([]float64, len(services)), make([]float64, len(services))
	for i, s := range services {
		first[i], second[i] = float64(s[0]), float64(s[1])
	}
	a.Rank, a.Pairs = spearman(first, second), len(services)
	return a
}
