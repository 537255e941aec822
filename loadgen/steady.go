package loadgen

import (
	"math"

	"serverlab/results"
)

// stretch is some successive steps of a series, taken together: so many that noise of one step evens out, and that
// there are few enough stretches to compare each with each.
type stretch struct {
	requests float64 // right answers per second
	p50      float64 // median response time of its answers, seconds; 0: too few
	backlog  float64 // requests that were due and had no answer at its end
}

// stretchesLeast is how many stretches a window has at least; there are fewer than twice as many.
const stretchesLeast = shiftMin

// stretches divides the measured window; nil where it has too few whole steps.
func stretches(l *results.Load) (all []stretch) {
	points := wholeSteps(l)
	each := len(points) / stretchesLeast
	if each == 0 {
		return nil
	}
	for ; len(points) >= each; points = points[each:] {
		var s stretch
		sum := results.NewPacked()
		for _, p := range points[:each] {
			s.requests += float64(p.Requests) / (float64(each) * l.Series.Step)
			addPacked(sum, p.Response)
		}
		last := points[each-1]
		s.p50, _ = sum.Quantile(0.5)
		s.backlog = float64(last.InFlight) + last.Waiting*l.Rate
		all = append(all, s)
	}
	return all
}

// wholeSteps are the steps that lie in the measured window.
func wholeSteps(l *results.Load) []results.Point {
	if l.Series == nil || l.Series.Step <= 0 {
		return nil
	}
	n := int(l.Window/l.Series.Step + 1e-6)
	return l.Series.Points[:min(n, len(l.Series.Points))]
}

func addPacked(to, from results.Packed) {
	if from.Count() > 0 {
		from.ForEachBucket(func(v, n int64) bool { return to.RecordValues(v, n) == nil })
	}
}

// rates and medians are those of the stretches; one without enough answers has no median.
func rates(all []stretch) (v []float64) {
	for _, s := range all {
		v = append(v, s.requests)
	}
	return v
}

func medians(all []stretch) (v []float64) {
	for _, s := range all {
		if s.p50 > 0 {
			v = append(v, s.p50)
		}
	}
	return v
}

// Bounds of a backlog that grows.
const (
	growthZ     = 3.09 // of Mann and Kendall's test: chance exceeds it once in a thousand times
	growthShare = 0.02 // of the requests that were due, by which the backlog has grown at least
)

// growth tells whether an open loop's backlog and its response time both rose in the window, as they do above a
// server's capacity and nowhere else; requests is by how many the backlog grew, from and to are typical response times
// at the beginning and at the end, seconds.
func growth(l *results.Load, all []stretch) (requests, from, to float64, found bool) {
	times := medians(all)
	if l.Model == "closed" || len(times) < stretchesLeast/2 {
		return 0, 0, 0, false
	}
	backlog := make([]float64, len(all))
	for i, s := range all {
		backlog[i] = s.backlog
	}
	requests = theilSen(backlog) * float64(len(backlog)-1)
	third := len(times) / 3
	from, to = median(times[:third]), median(times[len(times)-third:])
	found = requests > growthShare*float64(l.Intended) && mannKendall(backlog) > growthZ &&
		mannKendall(times) > growthZ && to > (1+shiftLeast)*from
	return requests, from, to, found
}

// Bounds of what is said of a quantile's evidence.
const (
	tailStretches = 10  // pieces of the window, with fewer of which nothing is said
	tailExpected  = 2.0 // values beyond the quantile that each piece should have
	tailZ         = 2.33
)

// worth is how many independent answers hold as much evidence about the q-quantile as the load's own: fewer, where the
// slow ones come in bunches. The window is divided into pieces; the values beyond the quantile in each of them vary as
// those of a binomial distribution if answers are independent, and more if they are not. That ratio of variances is
// what the evidence is divided by (the index of dispersion of Fisher 1925; the batch means of simulation).
func worth(l *results.Load, q float64) (n float64) {
	n = float64(l.Response.Count())
	points := wholeSteps(l)
	pieces := min(float64(len(points)), 2*stretchesLeast, math.Floor(n*(1-q)/tailExpected))
	if pieces < tailStretches {
		return n
	}
	limit := l.Response.ValueAtPercentile(100 * q)
	each := int(math.Ceil(float64(len(points)) / pieces))
	var counts, beyond []float64
	for ; len(points) >= each; points = points[each:] {
		all, high := 0.0, 0.0
		for _, p := range points[:each] {
			if p.Response.Count() == 0 {
				continue
			}
			p.Response.ForEachBucket(func(v, n int64) bool {
				if all += float64(n); v > limit {
					high += float64(n)
				}
				return true
			})
		}
		counts, beyond = append(counts, all), append(beyond, high)
	}
	return n / dispersion(counts, beyond)
}

// dispersion is the variance of shares beyond/counts over that of independent trials with one chance for all; 1 where
// it may be that by chance (Wilson and Hilferty's approximation of chi-square).
func dispersion(counts, beyond []float64) float64 {
	all, high := 0.0, 0.0
	for i := range counts {
		all, high = all+counts[i], high+beyond[i]
	}
	share := ratio(high, all)
	freedom := float64(len(counts) - 1)
	if share <= 0 || share >= 1 || freedom < 1 {
		return 1
	}
	chi := 0.0
	for i, n := range counts {
		if n > 0 {
			chi += (beyond[i] - n*share) * (beyond[i] - n*share) / (n * share * (1 - share))
		}
	}
	if z := (math.Cbrt(chi/freedom) - (1 - 2/(9*freedom))) / math.Sqrt(2/(9*freedom)); z < tailZ {
		return 1
	}
	return chi / freedom
}
