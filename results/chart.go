package results

import (
	"math"
	"strings"
)

// bar draws v on a scale that starts at zero and ends at top, in n characters of eight steps each. What is above zero
// shows at least one step.
func bar(v, top float64, n int) string {
	if n <= 0 || math.IsNaN(v) || v <= 0 || top <= 0 {
		return strings.Repeat(" ", max(n, 0))
	}
	steps := min(max(int(math.Round(v/top*float64(8*n))), 1), 8*n)
	t := strings.Repeat("█", steps/8)
	if steps%8 > 0 {
		t += string([]rune("▏▎▍▌▋▊▉")[steps%8-1])
	}
	return left(t, n)
}

// logAxis maps seconds to characters: each step to the right multiplies by the same factor.
type logAxis struct {
	lo, hi float64 // seconds
	width  int
}

// newLogAxis spans all values of the histograms, and at least the given ratio of its ends; ok is false when there are
// no values.
func newLogAxis(width int, ratio float64, all ...Histogram) (a logAxis, ok bool) {
	a = logAxis{math.Inf(1), 0, width}
	for _, h := range all {
		if h.Count() > 0 {
			a.lo = math.Min(a.lo, math.Max(float64(h.Min()), 1)/1e9)
			a.hi = math.Max(a.hi, float64(h.Max())/1e9)
		}
	}
	if math.IsInf(a.lo, 1) {
		return a, false
	}
	if a.hi < a.lo*ratio { // one value, or nearly: give it a place in the middle
		middle := math.Sqrt(a.lo * a.hi)
		a.lo, a.hi = middle/math.Sqrt(ratio), middle*math.Sqrt(ratio)
	}
	return a, true
}

// at is the character in which a value falls.
func (a logAxis) at(seconds float64) int {
	if seconds <= a.lo {
		return 0
	}
	x := math.Log(seconds/a.lo) / math.Log(a.hi/a.lo) * float64(a.width)
	return min(int(x), a.width-1)
}

// edge is the value at the left side of character i.
func (a logAxis) edge(i int) float64 {
	return a.lo * math.Pow(a.hi/a.lo, float64(i)/float64(a.width))
}

// String draws the axis with a tick and a label at each power of ten, at 2 and 5 too where they are few.
func (a logAxis) String() string {
	steps := []float64{1}
	if a.hi/a.lo < 150 {
		steps = []float64{1, 2, 5}
	}
	line := []rune(strings.Repeat("─", a.width))
	free := 0
	for exp := math.Floor(math.Log10(a.lo)); exp <= math.Log10(a.hi); exp++ {
		for _, step := range steps {
			v := step * math.Pow(10, exp)
			label := []rune("┬" + duration(v, 1))
			x := a.at(v)
			if v < a.lo || v > a.hi || x < free || x+len(label) > a.width {
				continue
			}
			copy(line[x:], label)
			free = x + len(label) + 1
		}
	}
	return string(line)
}

// counts is the number of values in each character of the axis.
func (a logAxis) counts(h Histogram) []int64 {
	n := make([]int64, a.width)
	if h.Count() == 0 {
		return n
	}
	for _, b := range h.Distribution() {
		if b.Count > 0 {
			n[a.at(float64(b.From+b.To)/2e9)] += b.Count
		}
	}
	return n
}

// spark draws a histogram in one line. The height is the share of the requests in that character, relative to the
// line's own highest; a single request still shows. p50 and p99 are marked ◆ and ◇ (◈ where they share a character)
// if there are samples enough for them.
func (a logAxis) spark(h Histogram) string {
	n := a.counts(h)
	top := int64(1)
	for _, c := range n {
		top = max(top, c)
	}
	levels := []rune("▁▂▃▄▅▆▇█")
	line := []rune(strings.Repeat(" ", a.width))
	for i, c := range n {
		if c > 0 {
			line[i] = levels[min(int(8*float64(c)/float64(top)), 7)]
		}
	}
	p50, ok50 := h.Quantile(0.5)
	p99, ok99 := h.Quantile(0.99)
	if ok99 {
		line[a.at(p99)] = '◇'
	}
	if ok50 {
		line[a.at(p50)] = '◆'
		if ok99 && a.at(p50) == a.at(p99) {
			line[a.at(p50)] = '◈'
		}
	}
	return string(line)
}
