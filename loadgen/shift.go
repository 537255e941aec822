package loadgen

import (
	"math"
	"slices"
)

// shift is a level that did not stay: it rose or fell evenly, or it jumped once.
type shift struct {
	at       int     // index of the first value after the jump; 0: it went evenly
	from, to float64 // typical values at the beginning and at the end, or before and after the jump
	t        float64 // how far the change stands out from chance
}

// Bounds of a shift. With 20 to 39 values that resemble their neighbours as strongly as a correlation of 0.7, shiftT is
// exceeded by chance in fewer than 1 % of all series, and in fewer than 0.1 % of those of independent values
// (TestShiftStationary draws them). shiftLeast keeps what is certain and small from counting.
const (
	shiftT     = 7.5
	shiftLeast = 0.20 // change of the typical value, as a share of the smaller one
	shiftSpan  = 4.0  // a value further from the median than by this factor counts as if it were there
	shiftEdge  = 0.15 // share of all values that each side of a jump has at least
	shiftMin   = 20   // values, with fewer of which nothing is said
)

// findShift tells whether values, of which none is negative, kept their level. It fits a straight line and a jump to
// their logarithms, takes the one that fits better, and divides its t statistic by what the values' resemblance to
// their neighbours adds to it: n values with a correlation r of neighbours hold the evidence of n (1-r)/(1+r)
// independent ones (Bayley and Hammersley 1946). r is that of the residuals, and is corrected for its bias in short
// series (after Marriott and Pope 1954); trying all places of the jump is allowed for in shiftT (as in Andrews 1993).
func findShift(values []float64) (s shift, found bool) {
	middle := median(slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v == 0 }))
	if len(values) < shiftMin || middle == 0 {
		return s, false
	}
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(max(1/shiftSpan, min(shiftSpan, v/middle)))
	}
	center(logs)
	lineT, lineRest := fitLine(logs)
	at, jumpT, jumpRest := fitJump(logs)
	if jumpT > lineT {
		s = shift{at, median(values[:at]), median(values[at:]), independent(jumpT, jumpRest)}
	} else {
		rise := math.Exp(theilSen(logs) * float64(len(logs)-1) / 2)
		s = shift{0, middle / rise, middle * rise, independent(lineT, lineRest)}
	}
	least := min(s.from, s.to)
	return s, s.t > shiftT && math.Abs(s.to-s.from) > shiftLeast*least
}

// center takes their mean from values.
func center(values []float64) {
	mean := 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for i := range values {
		values[i] -= mean
	}
}

// fitLine fits a straight line to values about 0: t is the statistic of its slope, rest what it leaves.
func fitLine(values []float64) (t float64, rest []float64) {
	n := float64(len(values))
	var xy, xx, square float64
	for i, v := range values {
		x := float64(i) - (n-1)/2
		xy, xx = xy+x*v, xx+x*x
	}
	slope := xy / xx
	for i, v := range values {
		e := v - slope*(float64(i)-(n-1)/2)
		rest, square = append(rest, e), square+e*e
	}
	return ratio(math.Abs(slope), math.Sqrt(square/(n-2)/xx)), rest
}

// fitJump fits a jump to values about 0, at the place where it stands out most.
func fitJump(values []float64) (at int, t float64, rest []float64) {
	n := float64(len(values))
	square, before := 0.0, 0.0
	for _, v := range values {
		square += v * v
	}
	low, high := 0.0, 0.0 // the levels
	for k := 1; k < len(values); k++ {
		before += values[k-1]
		a, b := float64(k), n-float64(k)
		if min(a, b) < shiftEdge*n {
			continue
		}
		left := max(0, square-before*before/a-before*before/b)
		if tk := ratio(math.Abs(before/a+before/b), math.Sqrt(left/(n-2)*(1/a+1/b))); tk > t {
			at, t, low, high = k, tk, before/a, -before/b
		}
	}
	for i, v := range values {
		if i < at {
			rest = append(rest, v-low)
		} else {
			rest = append(rest, v-high)
		}
	}
	return at, t, rest
}

// ratio is a/b, where nothing divided by nothing is nothing.
func ratio(a, b float64) float64 {
	if a == 0 {
		return 0
	}
	return a / b
}

// independent is what is left of a statistic t when rest, the residuals of its fit, resemble their neighbours.
func independent(t float64, rest []float64) float64 {
	var product, square float64
	for i, e := range rest {
		square += e * e
		if i > 0 {
			product += e * rest[i-1]
		}
	}
	r := ratio(product, square)
	r = max(0, min(0.97, r+(3+4*r)/float64(len(rest))))
	return t * math.Sqrt((1-r)/(1+r))
}
