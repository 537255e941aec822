package results

import (
	"serverlab/results/plot"
)

// remainders are the shares of requests that are slower than a point of a percentile curve, of each decade.
var remainders = []float64{1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15}

// percentiles draws the response times of each row's trial with the median p99, as far as its samples reach.
func (col *Column) percentiles() *plot.Lines {
	l := &plot.Lines{Head: col.head("Response time by percentile"),
		X: plot.Axis{Title: "percentile", Unit: plot.Percent, Scale: plot.Nines},
		Y: plot.Axis{Title: "response time", Unit: plot.Milliseconds, Scale: plot.Log}}
	l.Note += "; the trial with the median p99"
	for i := range col.Cells {
		c := &col.Cells[i]
		t := c.typical()
		if t == nil || c.Verdict == Failed {
			continue
		}
		s := plot.Series{Name: c.Architecture.Label, Style: i}
		for decade := 1.0; decade > 1e-5; decade /= 10 {
			for _, r := range remainders {
				q := 1 - r*decade
				if v, ok := t.Load.Response.Quantile(q); ok {
					s.Points = append(s.Points, plot.Point{X: q, Y: v,
						Open: c.Verdict == Unranked || lowerBound(t, q)})
				}
			}
		}
		l.Series = append(l.Series, s)
	}
	return l
}

// timelines draws the right answers of each row before and after its fault, of the trial with the median outage.
func (col *Column) timelines() *plot.Lines {
	l := &plot.Lines{Head: col.head("A crash in time"), X: plot.Axis{Title: "time since the fault", Unit: plot.Seconds},
		Y: plot.Axis{Title: "right answers", Unit: plot.PerSecond}}
	l.Moments = []plot.Moment{{At: 0, Label: col.Situation.Fault + " killed"}}
	for i := range col.Cells {
		c := &col.Cells[i]
		t := c.middle(Outage, func(t *Trial) (float64, bool) { return t.Value(Outage) })
		if t == nil || t.Load.Series == nil || t.Load.Series.Step <= 0 {
			continue
		}
		step, points := t.Load.Series.Step, t.Load.Series.Points
		points = points[:min(len(points), int(t.Load.Window/step+0.5))] // what comes after the window is no whole step
		s := plot.Series{Name: c.Architecture.Label, Style: i}
		for k, p := range points {
			s.Points = append(s.Points, plot.Point{X: (float64(k)+0.5)*step - t.Load.Fault.Begun,
				Y: float64(p.Requests) / step})
		}
		l.Series = append(l.Series, s)
	}
	return l
}

// Charts draws a sweep: the response time against what was reached, with the knee, and, of a sweep by rate, what was
// reached against what was offered. name is what the line is called.
func (s *Sweep) Charts(name string) (all []Picture) {
	latency := &plot.Lines{Head: s.chartHead("Latency against throughput"),
		X: plot.Axis{Title: "right answers", Unit: plot.PerSecond},
		Y: plot.Axis{Title: "p99 of the response time", Unit: plot.Milliseconds, Scale: plot.Log}}
	offered := &plot.Lines{Head: s.chartHead("Throughput against offered load"),
		X: plot.Axis{Title: "offered", Unit: plot.PerSecond}, Y: plot.Axis{Title: "right answers", Unit: plot.PerSecond}}
	ideal := plot.Series{Name: "as offered", Reference: true}
	reached, times := plot.Series{Name: name}, plot.Series{Name: name}
	for i := range s.Points {
		p := &s.Points[i]
		if p.Achieved == nil {
			continue
		}
		mark := ""
		if i == s.Knee {
			mark = "knee"
		}
		ideal.Points = append(ideal.Points, plot.Point{X: p.Load, Y: p.Load})
		reached.Points = append(reached.Points, plot.Point{X: p.Load, Y: *p.Achieved, Open: p.Void, Mark: mark})
		if p.P99 != nil {
			times.Points = append(times.Points, plot.Point{X: *p.Achieved, Y: *p.P99, Open: p.Void, Mark: mark})
		}
	}
	latency.Series = []plot.Series{times}
	all = []Picture{{Name: "latency-throughput", About: AboutLoad, Chart: latency}}
	if s.By == "rate" {
		offered.Series = []plot.Series{ideal, reached}
		all = append(all, Picture{Name: "throughput-offered", About: AboutLoad, Chart: offered})
	}
	return all
}

// chartHead is what both charts of a sweep say above the drawing.
func (s *Sweep) chartHead(title string) plot.Head {
	conns := "a connection per request"
	if s.KeepAlive {
		conns = "keep-alive"
	}
	return plot.Head{Title: title, Of: "server", Note: s.Model + " arrivals, " + conns + ", medians of " +
		plural(s.Repeat, "trial") + " at each " + s.By,
		Desc: "The knee is where throughput over response time is highest; past it there is waiting and little more."}
}
