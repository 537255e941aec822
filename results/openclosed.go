package results

import (
	"slices"

	"serverlab/results/plot"
)

// OpenClosedName is the experiment that offers the same rates by three models of clients.
const OpenClosedName = "open-closed"

// OpenClosedModels are those models: the word for each in the experiment, and its Situation.Model.
var OpenClosedModels = []struct{ Name, Model string }{{"closed", "closed"}, {"partly", "partly"}, {"open", "poisson"}}

// openClosedPictures draws for each row its mean response time against its throughput, a line for each model.
func openClosedPictures(run *Run, columns []Column) (all []Picture) {
	for i := range run.Architectures {
		l := &plot.Lines{Head: plot.Head{Title: "Closed, partly open and open load: " + run.Architectures[i].Label,
			Of: "model", Count: "trials", Desc: "The same rates by three models of clients.",
			Note: "open-closed: requests that compute, a connection per request; medians of the trials that count"},
			X: Throughput.axis(), Y: plot.Axis{Title: "mean response time", Unit: plot.Milliseconds, Scale: plot.Log}}
		for style, model := range OpenClosedModels {
			s := plot.Series{Name: model.Name, Style: style}
			for k := range columns {
				if sit := columns[k].Situation; sit.Experiment == OpenClosedName && sit.Model == model.Model {
					s.Points = append(s.Points, columns[k].Cells[i].openClosedPoint()...)
				}
			}
			if len(s.Points) > 0 {
				l.Series = append(l.Series, s)
			}
		}
		if len(l.Series) > 0 {
			all = append(all, Picture{Name: OpenClosedName + "-" + exact(float64(i+1)), About: AboutExperiment, Chart: l,
				Look: "The lines part where waiting begins. A closed loop never offers more than the server answers, so " +
					"its line ends at capacity; the others turn up there. Which of them are the users of a web site?"})
		}
	}
	return all
}

// openClosedPoint is the cell's point, or none.
func (c *Cell) openClosedPoint() []plot.Point {
	x := c.figures(Latency, func(t *Trial) (float64, bool) { return t.Load.goodput() })
	y := c.figures(Latency, func(t *Trial) (float64, bool) { return t.Load.Response.mean() })
	if x.N == 0 || y.N == 0 {
		return nil
	}
	v, interval := y.drawn()
	return []plot.Point{{X: x.Median, Y: v, Interval: interval, N: y.N, Open: c.Verdict == Unranked}}
}

// isOpenClosed tells a situation of the experiment.
func isOpenClosed(s Situation) bool { return s.Experiment == OpenClosedName }

// firstOpenClosed is the number of the experiment's first situation, -1 without one: its pictures stand there.
func firstOpenClosed(run *Run) int { return slices.IndexFunc(run.Situations, isOpenClosed) }
