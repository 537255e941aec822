package results

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// wideCurves prints each row of the sweep over offered rates: a line for each rate, with intervals, and what was found in
// its trials.
func wideCurves(b *bytes.Buffer, run *Run, trials []Trial) {
	curves := Curves(run, trials, LoadSweep)
	for i := range curves {
		c := &curves[i]
		fmt.Fprintf(b, "%s, MORE AND MORE REQUESTS\n%s arrivals, a connection per request, at most %s at a time\n",
			c.Architecture.Label, c.Sweep.Model, count(c.Sweep.Connections))
		grid := [][][]string{{{"offered/s", "answers/s", "of those offered", "p50", "p99", "no answer", "trials", ""}}, {}}
		if c.Deadline > 0 {
			grid[0][0] = slices.Insert(grid[0][0], 2, "within "+duration(c.Deadline, 3))
		}
		for j := range c.Points {
			p := &c.Points[j]
			word := c.Sweep.Points[j].Verdict
			if j == c.Sweep.Knee {
				word += ", knee"
			}
			percent := func(v float64) string { return number(100*v, 3) + " %" }
			line := []string{exact(p.Rate), p.show(p.Achieved, func(v float64) string { return number(v, 4) }),
				p.show(p.Held, percent), p.show(p.P50, Duration), p.show(p.P99, Duration), p.show(p.Errors, percent),
				fmt.Sprintf("%d of %d", p.Valid, p.Trials), word}
			if c.Deadline > 0 {
				line = slices.Insert(line, 2, p.show(p.InTime, func(v float64) string { return number(v, 4) }))
			}
			grid[1] = append(grid[1], line)
		}
		drawGrid(b, grid)
		fmt.Fprintln(b, c.Sweep.Verdict())
		b.WriteString("\n")
	}
	if len(curves) == 0 {
		return
	}
	for _, col := range Columns(run, trials) {
		for i := range col.Cells {
			if col.Situation.Sweep == LoadSweep {
				for _, line := range col.Cells[i].findings() {
					b.WriteString(col.Situation.Name + ": " + line + "\n")
				}
			}
		}
	}
	b.WriteString("\n")
}

// show is a figure with its interval; in brackets where no trial counts.
func (p *CurvePoint) show(s Summary, format func(float64) string) string {
	if s.N == 0 {
		return "n/a"
	}
	text := format(s.Median)
	if !math.IsNaN(s.Lo) {
		text += " [" + format(s.Lo) + ", " + format(s.Hi) + "]"
	}
	if p.Void != "" {
		return "(" + text + ")"
	}
	return text
}
