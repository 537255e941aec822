package results

import (
	"math"
	"slices"

	"serverlab/results/plot"
)

// longestPath is how much of a path a note has room for, in characters.
const longestPath = 20

// loadLine is one row of a sweep as its charts need it.
type loadLine struct {
	name  string
	style int
	knee  int     // number of the point; -1: there is none
	peak  float64 // right answers per second; 0: there is none
	at    []CurvePoint
}

// sweepPictures draws all rows of a run's sweep over one another.
func sweepPictures(run *Run, trials []Trial, sweep string) []Picture {
	var lines []loadLine
	var theories []*Theory
	most, clients, conns, asked, refuses := 0, 0, "a connection per request", "", false
	curves := Curves(run, trials, sweep)
	for k := range curves {
		c := &curves[k]
		if t, _ := TheoryOf(run, c); t != nil {
			theories = append(theories, t)
		}
		line := loadLine{name: c.Architecture.Label, style: styleOf(run, c.Architecture), knee: c.Sweep.Knee,
			peak: c.Peak.Summary.Median, at: c.Points}
		for _, p := range c.Points {
			most = max(most, p.Trials)
			refuses = refuses || p.Shed.Median > 0
		}
		clients = max(clients, c.Sweep.Connections)
		if c.Sweep.KeepAlive {
			conns = "keep-alive"
		}
		if asked = "GET " + clip(c.Path, longestPath); c.Path == "" {
			asked = "GET /"
		}
		lines = append(lines, line)
	}
	head := plot.Head{Note: sweep + ": " + asked + ", open loop, " + plural(clients, "connection") + " at most, " +
		conns + "; medians of " + plural(most, "trial") + " at each rate", Count: "trials", Of: "architecture",
		Desc: "The knee is where throughput over response time is highest; past it there is waiting and little more."}
	if refuses {
		head.Desc += " What was refused with 503 has no response time, which makes who refuses look fast."
	}
	if most >= MinTrials {
		head.Note += " with 95 % intervals"
	}
	pictures := []Picture{throughputOffered(sweep, head, lines)}
	if len(curves) > 0 && curves[0].Deadline > 0 {
		pictures = append(pictures, inTimeOffered(sweep, curves[0].Deadline, head, lines))
	}
	return slices.Concat(pictures, latencyThroughput(sweep, head, lines),
		[]Picture{theoryPicture(run, sweep, head, theories)})
}

// throughputOffered draws what was answered against what was asked for, beside the line of who answers everything.
func throughputOffered(name string, head plot.Head, lines []loadLine) Picture {
	l := &plot.Lines{Head: head, X: plot.Axis{Title: "offered", Unit: plot.PerSecond}, Y: Throughput.axis()}
	l.Title = "Throughput against offered load"
	low, top := math.Inf(1), 0.0
	for _, line := range lines {
		s := plot.Series{Name: line.name, Style: line.style}
		for i := range line.at {
			p := &line.at[i]
			if p.Achieved.N > 0 {
				s.Points = append(s.Points, line.point(i, p.Rate, p.Achieved))
				low, top = min(low, p.Rate), max(top, p.Rate)
			}
		}
		if len(s.Points) > 0 {
			l.Series = append(l.Series, s)
		}
	}
	if len(l.Series) == 0 {
		return Picture{}
	}
	l.X.Scale = scaleOf(low, top)
	if l.Y.Scale = l.X.Scale; l.X.Scale == plot.Linear {
		low = 0
	}
	l.Series = append([]plot.Series{{Name: "as offered", Reference: true,
		Points: []plot.Point{{X: low, Y: low}, {X: top, Y: top}}}}, l.Series...)
	return Picture{Name: name + "-throughput-offered", About: AboutLoad, Chart: l,
		Look: "A server keeps to the line for as long as it can. Then look at what it does with too much: a " +
			"level line goes on at capacity, a falling one spends its time on requests that it cannot finish."}
}

// inTimeOffered draws what each row answered before it was of no use any more against what it was offered, both as
// shares of the row's peak, so that slow and fast rows lie over one another.
func inTimeOffered(name string, deadline float64, head plot.Head, lines []loadLine) Picture {
	l := &plot.Lines{Head: head, X: plot.Axis{Title: "offered, of the row's peak", Unit: plot.Percent},
		Y: plot.Axis{Title: "right answers in time, of the row's peak", Unit: plot.Percent}}
	l.Title = "Answers within " + duration(deadline, 3) + " against offered load"
	top := 1.0
	for _, line := range lines {
		s := plot.Series{Name: line.name, Style: line.style}
		for i := range line.at {
			if p := &line.at[i]; p.InTime.N > 0 && line.peak > 0 {
				y := p.InTime
				y.Median, y.Lo, y.Hi = y.Median/line.peak, y.Lo/line.peak, y.Hi/line.peak
				s.Points = append(s.Points, line.point(i, p.Rate/line.peak, y))
				top = max(top, p.Rate/line.peak)
			}
		}
		if len(s.Points) > 0 {
			l.Series = append(l.Series, s)
		}
	}
	if len(l.Series) == 0 {
		return Picture{}
	}
	l.Series = append([]plot.Series{{Name: "the best there is", Reference: true,
		Points: []plot.Point{{X: 0, Y: 0}, {X: 1, Y: 1}, {X: top, Y: 1}}}}, l.Series...)
	return Picture{Name: name + "-in-time-offered", About: AboutLoad, Chart: l,
		Look: "Right of 100 % more is asked than a row can do. Who takes it on lets everybody wait, and its line " +
			"falls, though its throughput does not; who turns away what is too much answers the others in time."}
}

// latencyThroughput draws p50 and p99 against what was answered, each in a chart of its own.
func latencyThroughput(name string, head plot.Head, lines []loadLine) (all []Picture) {
	for _, q := range []struct {
		name string
		of   func(*CurvePoint) Summary
	}{{"p50", func(p *CurvePoint) Summary { return p.P50 }}, {"p99", func(p *CurvePoint) Summary { return p.P99 }}} {
		l := &plot.Lines{Head: head, X: Throughput.axis(),
			Y: plot.Axis{Title: q.name + " of the response time", Unit: plot.Milliseconds, Scale: plot.Log}}
		l.Title = "Latency against throughput: " + q.name
		low, top := math.Inf(1), 0.0
		for _, line := range lines {
			s := plot.Series{Name: line.name, Style: line.style}
			for i := range line.at {
				p := &line.at[i]
				if y := q.of(p); y.N > 0 && p.Achieved.N > 0 {
					low, top = min(low, p.Achieved.Median), max(top, p.Achieved.Median)
					s.Points = append(s.Points, line.point(i, p.Achieved.Median, y))
				}
			}
			if len(s.Points) > 0 {
				l.Series = append(l.Series, s)
			}
		}
		if len(l.Series) == 0 {
			continue
		}
		l.X.Scale = scaleOf(low, top)
		all = append(all, Picture{Name: name + "-latency-throughput-" + q.name, About: AboutLoad, Chart: l,
			Look: "A line goes right while more load costs little time, and turns up at its knee, which has a " +
				"ring. Past capacity it can even turn back: more waiting for fewer answers. Whose knee is " +
				"furthest to the right, and is that row also the fastest before it?"})
	}
	return all
}

// scaleOf is logarithmic where the slowest row would have no room beside the fastest one.
func scaleOf(low, top float64) plot.Scale {
	if low > 0 && top > 20*low {
		return plot.Log
	}
	return plot.Linear
}

// point is point i of a line at x.
func (line *loadLine) point(i int, x float64, y Summary) plot.Point {
	v, interval := y.drawn()
	p := plot.Point{X: x, Y: v, Interval: interval, N: y.N, Open: line.at[i].Void != ""}
	if i == line.knee {
		p.Mark = "knee"
	}
	return p
}
