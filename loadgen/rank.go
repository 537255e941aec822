package loadgen

import (
	"cmp"
	"math"
	"slices"
)

// ranks returns the rank of each value, from 1; equal values share the mean of theirs.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	r := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			r[k] = float64(i+1+j) / 2
		}
		i = j
	}
	return r
}

// spearman is the rank correlation of pairs (Spearman 1904): Pearson's correlation of the ranks, so it is right where
// values are equal too. It is 0 where one side has only one value.
func spearman(x, y []float64) float64 {
	rx, ry := ranks(x), ranks(y)
	mean := float64(len(x)+1) / 2
	var xy, xx, yy float64
	for i := range rx {
		dx, dy := rx[i]-mean, ry[i]-mean
		xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

// mannKendall is the statistic z of the trend test of Mann (1945) and Kendall (1975), corrected for equal values
// (Gilbert, Statistical Methods for Environmental Pollution Monitoring, 16.4.3): above 0 where values rise, and of the
// standard normal distribution where they neither rise nor fall, from some ten independent values on.
func mannKendall(values []float64) (z float64) {
	n := float64(len(values))
	s := 0.0
	for i, v := range values {
		for _, w := range values[i+1:] {
			switch {
			case w > v:
				s++
			case w < v:
				s--
			}
		}
	}
	variance := n * (n - 1) * (2*n + 5)
	sorted := slices.Sorted(slices.Values(values))
	for i := 0; i < len(sorted); {
		j := i
		for j < len(sorted) && sorted[j] == sorted[i] {
			j++
		}
		t := float64(j - i)
		variance -= t * (t - 1) * (2*t + 5)
		i = j
	}
	switch {
	case s > 0:
		return (s - 1) / math.Sqrt(variance/18)
	case s < 0:
		return (s + 1) / math.Sqrt(variance/18)
	}
	return 0
}

// theilSen is the slope of values per step: the median of the slopes of all pairs (Theil 1950, Sen 1968), which a few
// values far out can't move. It is 0 for fewer than two values.
func theilSen(values []float64) float64 {
	var slopes []float64
	for i, v := range values {
		for j := i + 1; j < len(values); j++ {
			slopes = append(slopes, (values[j]-v)/float64(j-i))
		}
	}
	return median(slopes)
}

// median is the middle value, or the mean of the two in the middle; 0 for none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
