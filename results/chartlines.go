package results

import (
	"math"

	"serverlab/results/plot"
)

// remainders are the shares of requests that are slower than a point of a percentile curve, of each decade.
var remainders = []float64{1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15}

// percentiles draws the response times of each row as far as their samples reach: at each quantile the median of what
// the trials have there. Requests of different trials are never thrown together, and quantiles never averaged.
func (col *Column) percentiles() Picture {
	l := &plot.Lines{Head: col.head("Response time by percentile, "+col.Situation.Name, medians),
		X: plot.Axis{Title: "percentile", Unit: plot.Percent, Scale: plot.Nines},
		Y: plot.Axis{Title: "response time", Unit: plot.Milliseconds, Scale: plot.Log}}
	for i := range col.Cells {
		c := &col.Cells[i]
		s := plot.Series{Name: c.Architecture.Label, Style: i}
		for decade := 1.0; decade > 1e-5; decade /= 10 {
			for _, r := range remainders {
				q, censored := 1-r*decade, false
				f := c.figures(Latency, func(t *Trial) (float64, bool) {
					censored = censored || lowerBound(t, q)
					return t.Load.Response.Quantile(q)
				})
				if f.N == 0 {
					continue
				}
				v, interval := f.drawn()
				s.Points = append(s.Points, plot.Point{X: q, Y: v, Interval: interval, N: f.N,
					Open: c.Verdict == Unranked || censored})
			}
		}
		if len(s.Points) > 0 {
			l.Series = append(l.Series, s)
		}
	}
	if len(l.Series) == 0 {
		return Picture{}
	}
	return Picture{Name: col.Situation.Name + "-percentiles", About: AboutLatency, Chart: l,
		Look: "Read it from the right: one request in a hundred takes longer than at 99 %, and a page that needs " +
			"a hundred requests waits for the slowest. Lines that lie together at 50 % may part in the tail; a " +
			"line ends where there are too few requests to say more."}
}

// A time line has at least so many steps, since fewer show no course, and at most so many: several steps of the record
// make one of the chart where a window is long.
const (
	leastSteps = 8
	mostShown  = 160
)

// eventTitle names what was done to the servers of a situation on purpose.
func (s *Situation) eventTitle() string {
	if s.Fault != "" || s.Metric == Harmed {
		return "A crash in time, " + s.Name
	}
	return "One request that went wrong, in time, " + s.Name
}

// rateLine draws the right answers of each row before and after its fault.
func (col *Column) rateLine() Picture {
	axis := plot.Axis{Title: "right answers", Unit: plot.PerSecond}
	return col.timeLine("timeline", col.Situation.eventTitle()+": right answers", axis,
		func(steps []Point, seconds float64) (float64, bool) {
			n := 0.0
			for _, p := range steps {
				n += float64(p.Requests)
			}
			return n / seconds, true
		},
		"How deep is the dip, and how wide? A row that goes on lost only what it was doing; one at zero has lost "+
			"everybody. What would a row look like that comes back and is slower than before?")
}

// waitLine draws the longest response time of each step: in a step are too few answers for a p99, and who had to wait
// while nobody was served shows in no rate.
func (col *Column) waitLine() Picture {
	axis := plot.Axis{Title: "longest response time", Unit: plot.Milliseconds, Scale: plot.Log}
	return col.timeLine("wait", col.Situation.eventTitle()+": the longest wait", axis,
		func(steps []Point, _ float64) (v float64, ok bool) {
			for _, p := range steps {
				if p.Response.Count() > 0 {
					v, ok = max(v, float64(p.Response.Max())/1e9), true
				}
			}
			return v, ok
		},
		"An answer stands where it arrived. A peak says that somebody had waited for so long; a gap, that nobody "+
			"got an answer. Whose clients notice nothing at all?")
}

// timeLine draws a figure of each step of the series, of the trial with the median of what the situation compares.
func (col *Column) timeLine(name, title string, y plot.Axis,
	figure func(steps []Point, seconds float64) (float64, bool), look string) Picture {
	m := col.Situation.Metric
	l := &plot.Lines{Head: col.head(title, "the middle one"), X: plot.Axis{Title: "time", Unit: plot.Seconds}, Y: y}
	l.Count = ""
	if l.Desc == "" {
		l.Desc = title + ", step by step, of each row's trial in the middle."
	}
	for i := range col.Cells {
		c := &col.Cells[i]
		t, void := c.middle(m, func(t *Trial) (float64, bool) {
			v, ok := t.Value(m)
			if !ok { // it never came back, say, which is worse than any figure
				v = math.Inf(1)
			}
			return v, t.Failure == "" && t.Load.steps() >= leastSteps
		})
		if t == nil {
			continue
		}
		from := 0.0
		if f := t.Load.Fault; f != nil {
			from = f.Begun
			l.X.Title = "time since the fault"
			l.Moments = []plot.Moment{{At: 0, Label: col.Situation.Fault + " killed"}}
		} else if at := t.Load.CrashSent; at != nil {
			from = *at
			l.X.Title = "time since that request"
			l.Moments = []plot.Moment{{At: 0, Label: "it is sent"}}
		}
		step, points := t.Load.Series.Step, t.Load.Series.Points[:t.Load.steps()]
		several := (len(points) + mostShown - 1) / mostShown
		s := plot.Series{Name: c.Architecture.Label, Style: i}
		for k := 0; k+several <= len(points); k += several {
			length := float64(several) * step
			v, ok := figure(points[k:k+several], length)
			if !ok {
				v = math.NaN()
			}
			s.Points = append(s.Points, plot.Point{X: float64(k)*step + length/2 - from, Y: v, Open: void})
		}
		l.Series = append(l.Series, s)
	}
	if len(l.Series) == 0 {
		return Picture{}
	}
	return Picture{Name: col.Situation.Name + "-" + name, About: AboutFaults, Look: look, Chart: l}
}

// steps is how many whole steps of its series lie in a load's window.
func (l *Load) steps() int {
	if l.Series == nil || !(l.Series.Step > 0) || !(l.Window > 0) {
		return 0
	}
	return int(min(l.Window/l.Series.Step+0.5, float64(len(l.Series.Points))))
}
