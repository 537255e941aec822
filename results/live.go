package results

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The most that a frame takes, lines and columns, and what is drawn in it.
const (
	liveLines   = 16
	liveColumns = 100
	liveSteps   = 40 // of the rate
	liveLast    = 1  // seconds
	liveLabel   = 10 // columns of the first word of a line
	liveBars    = 4  // lines of the histogram
)

// liveView is a load as it is drawn while it goes on.
type liveView struct {
	*Load
	elapsed  float64
	step     float64 // seconds; 0 where nothing was recorded yet
	points   []Point // all
	last     []Point // those of the last second, or of so much of it as there is
	all      Packed  // response times
	recently Packed  // those of the last second
}

func newLiveView(l *Load, elapsed float64) *liveView {
	v := &liveView{Load: l, elapsed: max(0, elapsed), all: NewPacked(), recently: NewPacked()}
	if l.Response.Count() > 0 {
		v.all.MergeFrom(l.Response.Histogram) // of the same range: nothing is dropped, here and below
	}
	if l.Series == nil || l.Series.Step <= 0 {
		return v
	}
	v.step, v.points = l.Series.Step, l.Series.Points
	v.last = v.points[max(0, len(v.points)-perLast(v.step)):]
	for _, p := range v.last {
		if p.Response.Count() > 0 {
			v.recently.Merge(p.Response.PackedHistogram)
		}
	}
	return v
}

// perLast is the number of steps in the last second; one, where a step is longer.
func perLast(step float64) int { return max(1, int(math.Round(liveLast/step))) }

// LiveFrame draws a load while it goes on: what was asked for (the whole length of the window as well) and what was
// seen of it so far, elapsed seconds after its beginning, warm-up included. It takes at most so many rows and s.Width
// columns (0: 80), and each line ends in a line feed. The last column stays free, since terminals differ in what they
// do after it. Where there is little room, what says least is left out.
func LiveFrame(l *Load, elapsed float64, rows int, s Style) string {
	v := newLiveView(l, elapsed)
	if s.Width <= 0 {
		s.Width = 80
	}
	s.Width = max(min(s.Width, liveColumns)-1, 1)
	rows = max(0, min(rows, liveLines))
	lines := []liveLine{
		{9, "", v.title(s.Width)}, {1, "", v.progress(s.Width)}, {2, "", v.rateNow(s.Width)},
		{7, "", v.rateLine(s.Width)}, {8, "", v.onTheWay(s.Width)}, {3, v.alarm(), v.failed()},
	}
	for i, t := range v.quantiles(s.Width) {
		lines = append(lines, liveLine{[]int{5, 4, 6}[i], []string{dim, "", ""}[i], t})
	}
	if bars := min(liveBars, rows-len(lines)-3); bars >= 2 {
		for _, t := range v.histogram(s.Width, bars) {
			lines = append(lines, liveLine{text: t})
		}
	}
	for place := len(lines); len(lines) > rows; place-- {
		lines = slices.DeleteFunc(lines, func(l liveLine) bool { return l.place == place })
	}
	var b strings.Builder
	for _, l := range lines {
		text := s.text(strings.TrimRight(clip(l.text, s.Width), " "))
		if l.colour != "" {
			text = s.paint(l.colour, text)
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}

// liveLine is a line of a frame. A line with a higher place is left out before one with a lower place.
type liveLine struct {
	place        int
	colour, text string
}

func (v *liveView) title(n int) string {
	model := modelName(v.Model, v.Rate)
	clients := plural(v.Connections, slotName(v.Load))
	if s := v.Sessions; s != nil {
		clients = plural(s.Clients, "client") + " on " + clients
	}
	return firstFit(n, v.URL+"   "+model+", "+clients, v.URL+"   "+model, v.URL)
}

// progress is how far the load has come, of warm-up and window together.
func (v *liveView) progress(n int) string {
	total := v.Warmup + v.Window
	phase, past := "window", min(v.elapsed, total)
	switch {
	case v.elapsed < v.Warmup:
		phase = "warm-up"
	case v.elapsed >= total:
		phase = "ended"
	}
	text := fmt.Sprintf("  %.1f s of %s", math.Floor(10*past)/10, span(total))
	if room := n - liveLabel - 2 - width(text); room >= 8 {
		text = "│" + bar(past, total, room) + "│" + text
	}
	return left(phase, liveLabel) + strings.TrimLeft(text, " ")
}

// rateNow is what is reached, and what was asked for.
func (v *liveView) rateNow(n int) string {
	offered := ""
	switch {
	case v.Profile != "":
		offered = v.Profile + "/s"
	case v.Rate > 0:
		offered = exact(v.Rate) + "/s"
	}
	long, short, least := "not measured yet", "not measured yet", "n/a"
	until := min(v.step*float64(len(v.points)), v.elapsed-v.Warmup) // where it is interrupted, the last step is short
	if from := v.step * float64(len(v.points)-len(v.last)); until > from {
		sum := uint64(0)
		for _, p := range v.last {
			sum += p.Requests
		}
		now := number(float64(sum)/(until-from), 4)
		window := number(float64(v.Requests)/min(until, v.Window), 4)
		long, short, least = now+"/s now, "+window+"/s over the window", now+"/s now, "+window+"/s", now+"/s"
	}
	if offered != "" {
		long, short = long+", "+offered+" offered", short+" of "+offered
	}
	return left("rate", liveLabel) + firstFit(n-liveLabel, long, short, least)
}

// rateLine draws the rate of the last steps, from zero; a step without an answer stays empty.
func (v *liveView) rateLine(n int) string {
	steps := max(0, min(liveSteps, n-liveLabel))
	points := v.points[max(0, len(v.points)-steps):]
	top := uint64(0)
	for _, p := range points {
		top = max(top, p.Requests)
	}
	if top == 0 {
		return ""
	}
	line := []rune(strings.Repeat(" ", steps))
	for i, p := range points {
		line[steps-len(points)+i] = eighth(float64(p.Requests) / float64(top))
	}
	text := left("", liveLabel) + string(line)
	scale := fmt.Sprintf("0 to %s/s, %s each", number(float64(top)/v.step, 3), span(v.step))
	return firstFit(n, text+"  "+scale, text)
}

// eighth is a block as high as the share, from 0 to 1; what is above zero shows.
func eighth(share float64) rune {
	if share <= 0 {
		return ' '
	}
	return []rune("▁▂▃▄▅▆▇█")[min(max(int(math.Ceil(8*share)), 1), 8)-1]
}

// onTheWay is what was on its way, and what could not go, when the last step ended.
func (v *liveView) onTheWay(n int) string {
	long, short := "not measured yet", "n/a"
	if len(v.points) > 0 {
		p := v.points[len(v.points)-1]
		short = count(p.InFlight) + " in flight"
		switch long = short; {
		case p.Waiting > 0:
			long += ", the oldest of those not sent yet has waited " + duration(p.Waiting, 3)
			short += ", oldest " + duration(p.Waiting, 3)
		case v.Rate > 0:
			long += ", none waits to be sent"
		}
	}
	return left("requests", liveLabel) + firstFit(n-liveLabel, long, short)
}

func (v *liveView) failed() string {
	n := v.ErrorCount()
	shed := ""
	if v.Shed > 0 {
		shed = "; " + count(v.Shed) + " shed (503)"
	}
	if n == 0 {
		return left("errors", liveLabel) + "none" + shed
	}
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(v.Errors)) {
		kinds = append(kinds, k+" "+count(v.Errors[k]))
	}
	return left("errors", liveLabel) + count(n) + ": " + strings.Join(kinds, ", ") + shed
}

// alarm is the colour of the errors.
func (v *liveView) alarm() string {
	if v.ErrorCount()+v.Shed > 0 {
		return red
	}
	return ""
}

// quantiles are three lines: the names, the response times so far, and those of the last second.
func (v *liveView) quantiles(n int) []string {
	length := 1.0
	if v.step > 0 {
		length = v.step * float64(perLast(v.step))
	}
	lines := []string{left("response", liveLabel), left("so far", liveLabel), left("last "+span(length), liveLabel)}
	shown := []float64{0.5, 0.9, 0.99, 1}
	for _, fewer := range [][]float64{{0.5, 0.99, 1}, {0.5, 0.99}, {0.99}} {
		if (n-liveLabel)/len(shown) < 9 {
			shown = fewer
		}
	}
	each := max(0, min((n-liveLabel)/len(shown), 13))
	for _, q := range shown {
		name := fmt.Sprintf("p%g", 100*q)
		if q == 1 {
			name = "max"
		}
		for i, t := range []string{name, quantileText(v.all, q), quantileText(v.recently, q)} {
			lines[i] += right(t, each)
		}
	}
	return lines
}

// quantileText is a quantile of h as text, the maximum for 1.
func quantileText(h Packed, q float64) string {
	if q == 1 && h.Count() > 0 {
		return duration(float64(h.Max())/1e9, 3)
	}
	if v, ok := h.Quantile(q); ok {
		return duration(v, 3)
	}
	return "n/a"
}

// histogram draws all response times in so many lines of bars, above a logarithmic axis and the places of p50 and p99.
// The ends of the axis are round figures, so that it does not move with every frame.
func (v *liveView) histogram(n, bars int) (lines []string) {
	h := v.all
	if h.Count() == 0 {
		return nil
	}
	axis := logAxis{roundDown(float64(max(h.Min(), 1)) / 1e9), roundUp(float64(h.Max()) / 1e9), n}
	for axis.hi < 4*axis.lo { // room for two labels
		axis.hi = roundUp(axis.hi)
	}
	counts, top := make([]int64, n), int64(1)
	i, next := 0, axis.edge(1)*1e9
	h.ForEachBucket(func(value, c int64) bool { // in rising order
		for ; i < n-1 && float64(value) >= next; next = axis.edge(i+1) * 1e9 {
			i++
		}
		counts[i] += c
		top = max(top, counts[i])
		return true
	})
	lines = []string{firstFit(n, "response times so far; logarithmic axis, bars from zero", "response times, log axis")}
	for row := bars - 1; row >= 0; row-- {
		line := make([]rune, n)
		for i, c := range counts {
			line[i] = eighth(float64(c)/float64(top)*float64(bars) - float64(row))
		}
		lines = append(lines, string(line))
	}
	return append(lines, axis.String(), axis.marks(h))
}

// marks is a line that shows where p50 and p99 are, if there are samples enough for them.
func (a logAxis) marks(h Packed) string {
	line := []rune(strings.Repeat(" ", a.width))
	p99, ok99 := h.Quantile(0.99)
	if ok99 {
		x := a.at(p99)
		copy(line[x:], []rune("◇"))
		if x+5 <= a.width {
			copy(line[x:], []rune("◇ p99"))
		}
	}
	if p50, ok := h.Quantile(0.5); ok {
		x := a.at(p50)
		line[x] = '◆'
		if ok99 && x == a.at(p99) {
			line[x] = '◈'
		}
		if x >= 4 {
			copy(line[x-4:], []rune("p50 "))
		}
	}
	return string(line)
}

// roundDown and roundUp are the nearest 1, 2 or 5 times a power of ten that is below v, or above it.
func roundDown(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{5, 2, 1} {
		if step*unit < v {
			return step * unit
		}
	}
	return unit / 2
}

func roundUp(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if step*unit > v {
			return step * unit
		}
	}
	return 10 * unit
}
