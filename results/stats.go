package results

import (
	"cmp"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Alpha is the level of significance of every comparison: a difference that chance alone would show less often than
// this counts.
const Alpha = 0.05

// MinTrials is the least number of trials for which the order-statistic interval of the median exists at 95 %.
const MinTrials = 6

// Margin is the relative difference of medians below which two rows are called tied, whatever chance says: CPU per
// request of one and the same server repeats within about 2 %, so less than that says nothing about
// architectures. Clients harmed are counted and need no margin.
const Margin = 0.02

// HigherIsBetter tells the direction of a metric.
func (m Metric) HigherIsBetter() bool { return m == Throughput || m == Goodput || m == Balance }

// Value is the trial's figure for m, in base units: seconds, requests per second, bytes or clients. ok is false where
// there is none: a counter is missing, too few samples for the quantile, or the busy clients were not served. Findings
// are not looked at here.
func (t *Trial) Value(m Metric) (v float64, ok bool) {
	l, s := &t.Load, &t.Server
	if t.Failure != "" {
		return 0, false
	}
	switch m {
	case CPUPerRequest:
		if s.CPU == nil || l.Requests == 0 {
			return 0, false
		}
		return *s.CPU / float64(l.Requests), true
	case Throughput:
		if l.Window <= 0 {
			return 0, false
		}
		return float64(l.Requests) / l.Window, true
	case Goodput:
		return l.goodput()
	case Stall:
		if l.Response.Count() == 0 {
			return 0, false
		}
		return float64(l.Response.Max()) / 1e9, true
	case MemoryPerSilent:
		if s.PSSStart == nil || s.PSSSilent == nil || l.Silent == 0 || l.Unserved > 0 || l.Requests == 0 {
			return 0, false
		}
		return (float64(*s.PSSSilent) - float64(*s.PSSStart)) / float64(l.Silent), true
	case Harmed:
		return float64(l.HarmedCount), true
	case Latency:
		return l.Response.Quantile(0.99)
	case Balance:
		f, ok := fairness(t)
		return f.Jain, ok
	case Outage:
		if l.Fault == nil || l.Fault.First == nil {
			return 0, false
		}
		return *l.Fault.First - l.Fault.Begun, true
	}
	return 0, false
}

// serverFaults are the kinds of findings that are a failure of the server and not of the instrument or the machine; of
// several the first one in this list says best what happened.
var serverFaults = []string{"starved", "wrong answers", "shed", "overloaded", "errors"}

// Voided returns the finding that makes the trial's figure for m useless, a fault of the server before any other; nil
// when the figure counts.
func (t *Trial) Voided(m Metric) (worst *Finding) {
	weight := func(f *Finding) int {
		if i := slices.Index(serverFaults, f.Kind); i >= 0 {
			return i
		}
		return len(serverFaults)
	}
	for i := range t.Findings {
		if f := &t.Findings[i]; slices.Contains(f.Voids, m) && (worst == nil || weight(f) < weight(worst)) {
			worst = f
		}
	}
	return worst
}

// samplesFor lists how many samples a quantile needs for a two-sided 95 % interval of its own. A quantile between two
// entries needs what the next higher one does.
var samplesFor = []struct {
	q float64
	n int64
}{{0.5, 6}, {0.9, 57}, {0.99, 570}, {0.999, 5_800}, {0.9999, 57_000}}

// Quantile returns the q-quantile (0.99 for p99) in seconds; ok is false below the samples that it needs.
func (h Histogram) Quantile(q float64) (seconds float64, ok bool) {
	if !Enough(h.Count(), q) {
		return 0, false
	}
	return float64(h.ValueAtPercentile(percentile(q, h.Count()))) / 1e9, true
}

// percentile is what the histogram's library has to be asked for so that it tells the q-quantile of n values as Java's
// HdrHistogram does: the smallest value that at least the share q of all do not exceed. By itself the library rounds
// the rank of that value to the nearest whole number, so that p99 of 660 values would be the 653rd, not the 654th.
func percentile(q float64, n int64) float64 {
	rank := math.Ceil(math.Nextafter(100*q, 0) / 100 * float64(n)) // as Java: 0.9 x 10 is 9, whatever its last bit says
	return 100 * rank / float64(n)
}

// Enough tells whether n samples say something about the q-quantile.
func Enough(n int64, q float64) bool {
	need, ok := Samples(q)
	return ok && n >= need
}

// Samples is how many samples the q-quantile needs; ok is false above the highest quantile that is ever told.
func Samples(q float64) (n int64, ok bool) {
	for _, need := range samplesFor {
		if q <= need.q {
			return need.n, true
		}
	}
	return 0, false
}

// Summary is the median of a cell's valid trials with its order-statistic 95 % interval. Lo and Hi are NaN below
// MinTrials values, and everything is NaN without any.
type Summary struct {
	N                 int
	Median, Lo, Hi    float64
	Smallest, Biggest float64
}

// confidence is that of every interval: the true median lies outside in at most Alpha of all samples.
const confidence = 1 - Alpha

// Summarize computes the summary of values as benchstat does, with golang.org/x/perf/benchmath and no assumption about
// their distribution: the interval runs between two of the values, so chosen that the true median lies outside in at
// most 5 % of all samples, since each value is above it with probability 1/2 (David and Nagaraja, Order Statistics, 7.1).
func Summarize(values []float64) Summary {
	nan := math.NaN()
	n := len(values)
	if n == 0 {
		return Summary{n, nan, nan, nan, nan, nan}
	}
	sorted := slices.Sorted(slices.Values(values))
	of := benchmath.AssumeNothing.Summary(benchmath.NewSample(sorted, &benchmath.DefaultThresholds), confidence)
	s := Summary{n, of.Center, of.Lo, of.Hi, sorted[0], sorted[n-1]}
	if math.IsNaN(s.Median) { // between two values of which one is infinite: an answer that never came
		s.Median = sorted[n/2]
	}
	if n < MinTrials {
		s.Lo, s.Hi = nan, nan
	}
	return s
}

// Comparison is how a row differs from the best one of its column.
type Comparison struct {
	// P is the two-sided p-value of the Mann-Whitney U test, exact for the usual numbers of trials.
	P float64
	// Adjusted is P after Holm's correction over all rows that are compared with the best (Holm 1979).
	Adjusted float64
	// Delta is Cliff's delta (1993), -1 to 1: how much more often a value of the row is higher than one of the best
	// than it is lower. 1 and -1 mean that the two do not overlap.
	Delta float64
	// Ratio is the row's median over the best one's; NaN where that is 0.
	Ratio float64
	// Paired sums up the ratios of the row's figure to the best one's in the same block, where what disturbs a block
	// cancels out; N is 0 where there is no pair, or a figure that no ratio can be made of.
	Paired Summary
	// Decidable is false where even values that do not overlap could not reach significance: too few trials.
	Decidable bool
}

// compare tests other against best as one of m comparisons; Adjusted is filled by holm.
func compare(other, best []float64, m int) Comparison {
	c := Comparison{P: mannWhitney(other, best), Delta: cliff(other, best)}
	c.Paired = Summarize(nil)
	c.Decidable = leastP(len(other), len(best))*float64(m) <= Alpha
	c.Ratio = Summarize(other).Median / Summarize(best).Median
	if math.IsInf(c.Ratio, 0) {
		c.Ratio = math.NaN()
	}
	return c
}

// pair fills Paired from the figures of both rows by block. A figure of 0 or less, as of memory that shrank, makes no
// ratio: then there is none at all, since those that are left would be a choice.
func (c *Comparison) pair(other, best map[int]float64) {
	var ratios []float64
	for block, v := range other {
		b, both := best[block]
		if !both {
			continue
		}
		if v <= 0 || b <= 0 {
			ratios = nil
			break
		}
		ratios = append(ratios, v/b)
	}
	c.Paired = Summarize(ratios)
}

// ratio is what a verdict looks at: that of the pairs where they are enough for an interval, else that of the medians.
func (c *Comparison) ratio() float64 {
	if c.Paired.N >= MinTrials {
		return c.Paired.Median
	}
	return c.Ratio
}

// mannWhitney is the exact two-sided p-value of the Mann-Whitney U test (1947): twice the share of all ways to deal the
// values into two samples of these sizes that are at least as one-sided as what was seen. Equal values share the mean
// of their ranks. (golang.org/x/perf/benchmath, which is otherwise the same, can be wrong with ties: for 2 3 5 6 against
// 1 2 2 2 2 it says p = 0, where 5 of the 126 ways to deal give 0.08. Counts of clients are full of ties.)
func mannWhitney(a, b []float64) float64 {
	if len(a)*len(b) == 0 {
		return 1
	}
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	rank := func(v float64) int { // doubled, so that a mean of two ranks is whole
		first, _ := slices.BinarySearch(all, v)
		after, _ := slices.BinarySearchFunc(all, v, func(x, v float64) int {
			if x <= v {
				return -1
			}
			return 1
		})
		return first + after + 1
	}
	observed := 0
	for _, v := range a {
		observed += rank(v)
	}
	// ways[k][s] counts the ways to deal k values to the first sample with the doubled rank sum s.
	most := len(all) * (len(all) + 1)
	ways := make([][]float64, len(a)+1)
	for k := range ways {
		ways[k] = make([]float64, most+1)
	}
	ways[0][0] = 1
	for _, v := range all {
		r := rank(v)
		for k := len(a); k > 0; k-- {
			for s := most; s >= r; s-- {
				ways[k][s] += ways[k-1][s-r]
			}
		}
	}
	low, high, total := 0.0, 0.0, 0.0
	for s, n := range ways[len(a)] {
		total += n
		if s <= observed {
			low += n
		}
		if s >= observed {
			high += n
		}
	}
	return math.Min(1, 2*math.Min(low, high)/total)
}

// matters tells whether the row is worse than the best by more than Margin, in ranks and in the ratio.
func (c *Comparison) matters(m Metric) bool {
	if c.Delta == 0 || c.Delta < 0 != m.HigherIsBetter() {
		return false
	}
	r := c.ratio()
	return m == Harmed || math.IsNaN(r) || math.Abs(r-1) >= Margin
}

// leastP is the p-value of two samples that do not overlap at all: both orders, of all the ways to mix them.
func leastP(n1, n2 int) float64 {
	ways := 1.0
	for i := 1; i <= n1; i++ {
		ways *= float64(n2+i) / float64(i)
	}
	return math.Min(1, 2/ways)
}

// cliff is Cliff's delta of a against b: P(a > b) - P(a < b) over all pairs.
func cliff(a, b []float64) float64 {
	if len(a)*len(b) == 0 {
		return 0
	}
	sum := 0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				sum++
			case x < y:
				sum--
			}
		}
	}
	return float64(sum) / float64(len(a)*len(b))
}

// holm fills Adjusted: the smallest p-value counts m times, the next m-1 times, and none less than the one before.
func holm(all []*Comparison) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *Comparison) int { return cmp.Compare(a.P, b.P) })
	last := 0.0
	for i, c := range sorted {
		last = math.Max(last, math.Min(1, c.P*float64(len(sorted)-i)))
		c.Adjusted = last
	}
}
