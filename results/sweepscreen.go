package results

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// The widths of the load screen, in characters: label, curve, and the figures beside it.
const (
	curveWidth  = 27
	curveFigure = 11
	levelsUp    = "▁▂▃▄▅▆▇█"
)

// loadScreen draws the sweep over offered rates: for each row a curve of what was answered, and one of its p99.
type loadScreen struct {
	style  Style
	run    *Run
	trials []Trial
	curves []Curve

	lowest, highest float64 // rates
	step            float64 // of the curves' logarithmic axis, in nats for each character
	fast, slow      float64 // the range of p99, seconds
}

// Loads draws the sweep of offered rates, at most 80 columns wide and, for up to 7 rows, in 24 lines; nothing where a
// run has none.
func Loads(w io.Writer, run Run, trials []Trial, s Style) error {
	d := loadScreen{style: s, run: &run, trials: trials, curves: Curves(&run, trials, LoadSweep)}
	if len(d.curves) == 0 {
		return nil
	}
	d.axes()
	for _, line := range d.lines() {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return fmt.Errorf("draw the load screen: %w", err)
		}
	}
	return nil
}

// axes finds what all curves share: the rates, a character for each step of their series where there is room for it,
// and the range of p99.
func (d *loadScreen) axes() {
	var rates []float64
	d.fast, d.slow = math.Inf(1), 0
	for i := range d.curves {
		for _, p := range d.curves[i].Points {
			rates = append(rates, p.Rate)
			if p.P99.N > 0 && p.P99.Median > 0 && p.Void == "" {
				d.fast, d.slow = min(d.fast, p.P99.Median), max(d.slow, p.P99.Median)
			}
		}
	}
	slices.Sort(rates)
	d.lowest, d.highest, d.step = rates[0], rates[len(rates)-1], math.Inf(1)
	var steps []float64
	for i := 1; i < len(rates); i++ {
		if step := math.Log(rates[i] / rates[i-1]); step > 0.01 {
			steps = append(steps, step)
		}
	}
	if usual, ok := medianOf(steps); ok {
		all := math.Log(d.highest / d.lowest) // in whole steps, so that no error adds up along the axis
		d.step = all / max(min(math.Round(all/usual), curveWidth-1), 1)
	}
}

// curve puts a character at the rate of each point.
func (d *loadScreen) curve(c *Curve, mark func(i int) rune) string {
	line := []rune(strings.Repeat(" ", curveWidth))
	for i, p := range c.Points {
		at := int(math.Round(math.Log(p.Rate/d.lowest) / d.step))
		line[min(max(at, 0), curveWidth-1)] = mark(i)
	}
	return string(line)
}

// level is a share of 1 as one of eight heights.
func level(share float64) rune {
	return []rune(levelsUp)[min(max(int(math.Ceil(8*share)), 1), 8)-1]
}

// answered is the height of what was answered of what was offered, K the knee, ? what does not count.
func (d *loadScreen) answered(c *Curve) string {
	return d.curve(c, func(i int) rune {
		p := &c.Points[i]
		switch {
		case p.Trials == 0:
			return '·'
		case p.Void != "":
			return '?'
		case i == c.Sweep.Knee:
			return 'K'
		case p.Held.Median >= heldLeast:
			return '█'
		}
		return level(min(p.Held.Median, 0.875))
	})
}

// tail is the height of p99 on a logarithmic scale.
func (d *loadScreen) tail(c *Curve) string {
	return d.curve(c, func(i int) rune {
		p := &c.Points[i]
		switch {
		case p.Void != "" && p.Trials > 0:
			return '?'
		case p.P99.N == 0 || !(p.P99.Median > 0):
			return '·'
		case d.slow <= d.fast:
			return level(1)
		}
		return level(math.Log(p.P99.Median/d.fast)/math.Log(d.slow/d.fast)*0.999 + 0.001)
	})
}

func (d *loadScreen) lines() (lines []string) {
	put := func(code, text string) {
		lines = append(lines, d.style.paint(code, d.style.text(strings.TrimRight(clip(text, screenWidth), " "))))
	}
	row := func(label, curve string, figures ...string) string {
		t := left(label, labelWidth) + left(curve, curveWidth) + " "
		for _, f := range figures {
			t += right(f, curveFigure)
		}
		return t
	}
	put(bold, d.title())
	put(bold, row("● best or tied", "answered, of those offered", "knee", "peak", "past the"))
	knee := "knee"
	if d.deadline() > 0 {
		knee = "/ in time"
	}
	put(bold, row("a row's rates", d.axis(), "offered/s", "answers/s", knee))
	for i := range d.curves {
		c := &d.curves[i]
		mark, code := "  ", ""
		if c.Peak.Leader() {
			mark, code = " ●", green
		}
		t := row(c.Architecture.Label, d.answered(c), d.knee(c), d.peak(c))
		lines = append(lines, strings.TrimRight(d.style.text(t)+d.style.paint(code, d.style.text(mark))+
			d.style.text(right(past(c), curveFigure-2)), " "))
	}
	put(bold, row("response time", d.scale(), "half knee", "at knee", "at last"))
	for i := range d.curves {
		c := &d.curves[i]
		put("", row(c.Architecture.Label, d.tail(c), tailOf(c.HalfKnee()), tailOf(c.Knee()), tailOf(c.Last())))
	}
	last := d.caption()
	notes := d.notes()
	if room := max(screenLines-len(lines)-1, 1); len(notes) > room {
		notes = notes[:room]
	}
	for _, n := range notes {
		put("", n)
	}
	put("", last)
	return lines
}

func (d *loadScreen) title() string {
	planned, measured := 0, 0
	for i := range d.curves {
		planned, measured = planned+d.curves[i].Planned, measured+d.curves[i].Measured
	}
	if measured < planned {
		return fmt.Sprintf("HOW MUCH CAN EACH HOLD?   Not complete: %d of %d trials.", measured, planned)
	}
	if !slices.ContainsFunc(d.curves, func(c Curve) bool { return c.Peak.Summary.N > 0 }) {
		return "HOW MUCH CAN EACH HOLD?   Nothing could be measured."
	}
	if d.computes() {
		return "HOW MUCH CAN EACH HOLD?   Requests that compute come at random, more and more."
	}
	return "HOW MUCH CAN EACH HOLD?   Requests arrive at random, more and more of them."
}

// axis names the ends of the curves.
func (d *loadScreen) axis() string {
	first, last := exact(d.lowest)+" ", " "+exact(d.highest)+"/s"
	n := min(int(math.Round(math.Log(d.highest/d.lowest)/d.step))+1, curveWidth)
	return first + strings.Repeat("─", max(n-width(first)-width(last), 0)) + last
}

// scale names the ends of the heights of p99.
func (d *loadScreen) scale() string {
	if d.slow == 0 {
		return "p99"
	}
	return "p99: ▁ " + duration(d.fast, 2) + ", █ " + duration(d.slow, 2)
}

// knee is the rate at a row's knee.
func (d *loadScreen) knee(c *Curve) string {
	switch p := c.Knee(); {
	case p == nil:
		return "–"
	case c.Sweep.Knee == 0:
		return "≤ " + exact(p.Rate)
	default:
		return exact(p.Rate)
	}
}

// peak is the highest goodput, marked where more was not tried.
func (d *loadScreen) peak(c *Curve) string {
	switch {
	case c.Peak.Summary.N == 0:
		return "n/a"
	case !c.Reached():
		return "≥ " + number(c.Peak.Summary.Median, 3)
	}
	return number(c.Peak.Summary.Median, 3)
}

// past is what a row answers at the highest rate, of its peak.
func past(c *Curve) string {
	share, ok := c.Past()
	if !ok {
		return "–"
	}
	if inTime, ok := c.PastInTime(); ok {
		return fmt.Sprintf("%.0f/%.0f %%", 100*share, 100*inTime)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

// deadline is after how many seconds an answer is of no use any more; 0: it always is.
func (d *loadScreen) deadline() float64 { return d.curves[0].Deadline }

// tailOf is the p99 at a point.
func tailOf(p *CurvePoint) string {
	switch {
	case p == nil:
		return "–"
	case p.P99.N == 0:
		return "n/a"
	}
	return duration(p.P99.Median, 2)
}

// notes say how to read the screen, the most needed first.
func (d *loadScreen) notes() (lines []string) {
	if void := d.void(); void != "" {
		lines = append(lines, void)
	}
	for i := range d.curves {
		if c := &d.curves[i]; c.Peak.Summary.N > 0 && !c.Reached() {
			lines = append(lines, fmt.Sprintf("≥ it held all that was offered; the load generator's own ceiling is %s/s.",
				number(d.run.Calibration.Ceiling["per-connection"], 3)))
			break
		}
	}
	text := "K, the knee: highest throughput / p50. Past it █ sinks: not all is answered in time. " +
		"Past the knee: answers/s at a row's highest rate, of its peak"
	if d.deadline() > 0 {
		text += fmt.Sprintf(" / those within %s", duration(d.deadline(), 3))
	}
	lines = append(lines, wrap(text+".", screenWidth)...)
	return append(lines, fmt.Sprintf("A connection per request, at most %s at a time; the rest waits in the client.",
		count(d.curves[0].Sweep.Connections)))
}

// computes tells whether each request of the sweep asks for work, so that the servers are the limit.
func (d *loadScreen) computes() bool {
	return len(d.curves) > 0 && strings.Contains(d.curves[0].Path, "spin=")
}

// void names the points that do not count.
func (d *loadScreen) void() string {
	var points []string
	for i := range d.curves {
		c := &d.curves[i]
		for _, p := range c.Points {
			if p.Void != "" && p.Trials > 0 {
				points = append(points, fmt.Sprintf("%s at %s/s (%s)", c.Architecture.Label, exact(p.Rate), p.Void))
			}
		}
		if c.Failures > 0 {
			points = append(points, fmt.Sprintf("%s failed in %s", c.Architecture.Label, plural(c.Failures, "trial")))
		}
	}
	if len(points) == 0 {
		return ""
	}
	return firstFit(screenWidth, "? void: "+strings.Join(points, ", "),
		fmt.Sprintf("? void: %s, see --wide", plural(len(points), "point")))
}

// caption is the setting in a line.
func (d *loadScreen) caption() string {
	set, seconds, void := d.run.Setup, 0.0, 0
	for _, t := range d.trials {
		seconds += t.Seconds
	}
	for i := range d.curves {
		for _, p := range d.curves[i].Points {
			void += p.Trials - p.Valid
		}
	}
	cpus := fmt.Sprintf("CPUs %d+%d", len(set.ServerCPUs), len(set.ClientCPUs))
	if !set.Apart {
		cpus = "shared cores"
	}
	trials := plural(set.Trials, "trial")
	if void > 0 {
		trials += fmt.Sprintf(" (%d void)", void)
	}
	return fmt.Sprintf("%s, %s, %.0f s  Next: serverlab explain knee", cpus, trials, seconds)
}
