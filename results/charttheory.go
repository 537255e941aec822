package results

import (
	"fmt"
	"slices"

	"serverlab/results/plot"
)

// theoryPicture draws the rows of a sweep over the curves of queueing theory. In service times and utilisation, rows of
// any speed have the same curve to follow.
func theoryPicture(run *Run, sweep string, head plot.Head, theories []*Theory) Picture {
	l := &plot.Lines{Head: head, X: plot.Axis{Title: "utilisation: offered / capacity", Unit: plot.Percent},
		Y: plot.Axis{Title: "mean time in the queue and in service, in service times", Scale: plot.Log}}
	l.Title = "Queueing theory and what was measured"
	l.Desc = "The response time less what keeps no server busy, over the mean service time."
	lowest, servers := steadyUntil, []int{}
	for _, t := range theories {
		s := plot.Series{Name: t.Curve.Architecture.Label, Style: styleOf(run, t.Curve.Architecture)}
		for _, p := range t.Points() {
			if p.Measured.N == 0 || p.Queue.Utilisation() > steadyUntil {
				continue
			}
			s.Points = append(s.Points, t.point(p))
			lowest = min(lowest, p.Queue.Utilisation())
		}
		if len(s.Points) == 0 {
			continue
		}
		if l.Series = append(l.Series, s); !slices.Contains(servers, t.Queue.Servers) {
			servers = append(servers, t.Queue.Servers)
		}
	}
	if len(l.Series) == 0 {
		return Picture{}
	}
	l.Series = append(theoryCurves(servers, lowest), l.Series...)
	return Picture{Name: sweep + "-theory", About: AboutLoad, Chart: l,
		Look: "Each row begins on its curve, as the time that keeps no server busy is taken from its lowest rate; what " +
			"follows is prediction. Equal requests wait half as long as M/M/1 says. Above the curve something costs " +
			"more that theory does not know: switching, collecting garbage, a stop of the machine."}
}

// point is a point of the measured line.
func (t *Theory) point(p TheoryPoint) plot.Point {
	scaled := func(v float64) float64 { return (v - t.Delay) / t.Queue.Service }
	v, interval := p.Measured.drawn()
	if interval != nil {
		interval = &plot.Interval{Low: scaled(interval.Low), High: scaled(interval.High)}
	}
	return plot.Point{X: p.Queue.Utilisation(), Y: scaled(v), Interval: interval, N: p.Measured.N, Open: p.Against != ""}
}

// theoryCurves are M/M/c for each number of servers, and M/D/1, which no queue of one server can do better than.
func theoryCurves(servers []int, from float64) (all []plot.Series) {
	const steps = 60
	curve := func(name string, servers int, spread float64) {
		s := plot.Series{Name: name, Reference: true}
		for i := range steps + 1 {
			busy := from + (steadyUntil-from)*float64(i)/steps
			q := Queue{Rate: busy * float64(servers), Service: 1, Spread: spread, Servers: servers}
			wait := q.WaitMM()
			if spread == 0 {
				wait = q.WaitMG()
			}
			s.Points = append(s.Points, plot.Point{X: busy, Y: 1 + wait})
		}
		all = append(all, s)
	}
	for _, c := range servers {
		curve(fmt.Sprintf("M/M/%d", c), c, 1)
	}
	if slices.Contains(servers, 1) {
		curve("M/D/1", 1, 0)
	}
	return all
}

// styleOf is the style that a row has in all charts of a run: its number.
func styleOf(run *Run, a *Architecture) int {
	for i := range run.Architectures {
		if &run.Architectures[i] == a {
			return i
		}
	}
	return 0
}
