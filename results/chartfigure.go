package results

import (
	"fmt"
	"math"
	"strings"

	"serverlab/results/plot"
)

// farAbove is by which factor a ceiling may be above all that was measured: what is further would only press the lines to
// the ground.
const farAbove = 3

// plotted is the axis as charts have it.
func (a Axis) plotted() plot.Axis {
	x := plot.Axis{Title: a.Title, Unit: plot.Unit{Symbol: a.Unit}}
	switch a.Unit {
	case "s":
		x.Unit = plot.Milliseconds
	case "B":
		x.Unit = plot.Kilobytes
	}
	if x.Title == "" {
		x.Title = "x"
	}
	if a.Log {
		x.Scale = plot.Counts
	}
	return x
}

// value prints a value of the axis without its unit, unless that depends on it.
func (a Axis) value(v float64) string {
	switch {
	case v == 0:
		return "0"
	case a.Unit == "s":
		return brief(v)
	case a.Unit == "B":
		return size(v)
	}
	return exact(v)
}

// brief prints a time that was asked for, with as many digits as it needs: "1 ms".
func brief(seconds float64) string {
	text := span(seconds)
	figure, unit, ok := strings.Cut(text, " ")
	if ok && strings.Contains(figure, ".") {
		text = strings.TrimRight(strings.TrimRight(figure, "0"), ".") + " " + unit
	}
	return text
}

// picture draws a line for each row that takes part, and the ceiling. A cell that failed is a gap, which the table names;
// one that is not ranked is hollow. Where there is only one column lines would be points above one another: it has bars.
func (f *Figure) picture() Picture {
	name := f.Experiment.Name + "-" + string(f.Metric)
	if f.Series != "" {
		name += "-" + f.Series
	}
	switch {
	case !f.plotted():
		return Picture{}
	case len(f.Columns) == 1:
		return f.bars(name)
	}
	most, lowest, top := 0, math.Inf(1), 0.0
	l := &plot.Lines{X: f.Experiment.X.plotted(), Y: f.Metric.axis()}
	for row := range f.Columns[0].Cells {
		s := plot.Series{Name: f.Columns[0].Cells[row].Architecture.Label, Style: row}
		for i := range f.Columns {
			c := &f.Columns[i].Cells[row]
			if len(c.Trials) == 0 {
				continue
			}
			y, interval := c.drawn()
			p := plot.Point{X: *f.Columns[i].Situation.X, Y: y, Interval: interval, N: c.Summary.N,
				Open: c.Verdict == Unranked}
			if c.Verdict == Failed {
				p.Mark = "fails: " + c.Word
			}
			if most = max(most, len(c.Trials)); y > 0 {
				lowest, top = min(lowest, y), max(top, y)
			}
			s.Points = append(s.Points, p)
		}
		if len(s.Points) > 0 {
			l.Series = append(l.Series, s)
		}
	}
	if len(l.Series) == 0 {
		return Picture{}
	}
	if limit := f.limit(top); len(limit.Points) > 0 {
		l.Series = append([]plot.Series{limit}, l.Series...)
	}
	l.Y.Scale = scaleOf(lowest, top)
	l.Head = f.head(most, f.heading()+" against "+l.X.Title+", a line for each architecture.")
	return Picture{Name: name, About: AboutExperiment, Chart: l, Look: f.fails()}
}

// fails says which rows have no point, since they failed there; "" if none did.
func (f *Figure) fails() string {
	var rows []string
	for row := range f.Columns[0].Cells {
		var at []string
		for i := range f.Columns {
			if f.Columns[i].Cells[row].Verdict == Failed {
				at = append(at, f.column(i))
			}
		}
		if len(at) > 0 {
			rows = append(rows, f.Columns[0].Cells[row].Architecture.Label+" at "+enumerate(at))
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return "A line has no point where its row fails: " + strings.Join(rows, "; ") + "."
}

// limit is the ceiling as a line, where it is not far above all that was measured.
func (f *Figure) limit(top float64) plot.Series {
	s := plot.Series{Name: "ceiling (Little's law)", Reference: true}
	for i := range f.Columns {
		if v, ok := f.ceiling(i); ok && v <= farAbove*top {
			s.Points = append(s.Points, plot.Point{X: *f.Columns[i].Situation.X, Y: v})
		}
	}
	return s
}

// bars is the picture of a figure with one column.
func (f *Figure) bars(name string) Picture {
	col, most := &f.Columns[0], 0
	for i := range col.Cells {
		most = max(most, len(col.Cells[i].Trials))
	}
	if most == 0 {
		return Picture{}
	}
	b := col.bars().Chart.(*plot.Bars)
	b.Head = f.head(most, f.heading()+", a bar for each architecture.")
	return Picture{Name: name, About: AboutExperiment, Chart: b}
}

// head says what is drawn, and beneath it the setting that all situations share. desc is for who can't see it.
func (f *Figure) head(trials int, desc string) plot.Head {
	s := f.Columns[0].Situation
	conns := "a connection per request"
	if s.KeepAlive {
		conns = "keep-alive"
	}
	note := f.Experiment.Name + ": "
	if len(f.Columns) == 1 && f.Experiment.X.Title != "" {
		note += f.Experiment.X.Title + " " + f.Experiment.X.value(*s.X) + ", "
	}
	note += fmt.Sprintf("%s; medians of %s", conns, plural(trials, "trial"))
	if trials >= MinTrials {
		note += " with 95 % intervals"
	}
	return plot.Head{Title: Capital(f.heading()), Of: "architecture", Count: "trials", Note: note, Desc: desc}
}
