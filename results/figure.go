package results

import (
	"cmp"
	"slices"
)

// Figure is one metric of an experiment against what its situations differ in: for each of them a column, and in it a
// cell for each row with median, interval and verdict, ranked as any column is.
type Figure struct {
	Experiment *Experiment
	Series     string // of the situations, where the experiment has several of them at the same X; "" of one only
	Metric     Metric
	Columns    []Column // in rising order of their situations' X, which is never nil
}

// Figures are those of a run: of each experiment with an axis all series of its first metric, then of the next one. An
// experiment that does not say what it shows shows what its situations measure.
func Figures(run *Run, trials []Trial) (all []Figure) {
	experiments := experimentsOf(run)
	for i := range experiments {
		e := &experiments[i]
		var sits []Situation
		var series []string
		shows := e.Shows
		for _, s := range run.Situations {
			if !s.onAxis() || s.Experiment != e.Name {
				continue
			}
			if sits = append(sits, s); !slices.Contains(series, s.Series) {
				series = append(series, s.Series)
			}
			if len(e.Shows) == 0 && !slices.Contains(shows, s.Metric) {
				shows = append(shows, s.Metric)
			}
		}
		if len(sits) == 0 {
			continue
		}
		slices.SortStableFunc(sits, func(a, b Situation) int { return cmp.Compare(*a.X, *b.X) })
		for _, m := range shows {
			columns := columnsBy(run, trials, sits, m)
			for _, name := range series {
				if !shownBy(sits, name, m) {
					continue
				}
				f := Figure{Experiment: e, Series: name, Metric: m}
				for _, col := range columns {
					if col.Situation.Series == name {
						f.Columns = append(f.Columns, col)
					}
				}
				all = append(all, f)
			}
		}
	}
	return all
}

// shownBy tells whether a series shows a metric: not one that only other series of its experiment were made to measure.
func shownBy(sits []Situation, series string, m Metric) bool {
	others := false
	for _, s := range sits {
		if m == Throughput && s.Series == series && s.Model != "closed" { // what is offered, and no more
			return false
		}
		if s.Metric == m {
			if s.Series == series {
				return true
			}
			others = true
		}
	}
	return !others
}

// columnsBy are situations as columns that compare a metric, whatever the situations were made for.
func columnsBy(run *Run, trials []Trial, sits []Situation, m Metric) []Column {
	by := *run
	by.Situations = slices.Clone(sits)
	for i := range by.Situations {
		by.Situations[i].Metric = m
	}
	return Columns(&by, trials)
}

// takesPart tells whether a row is about the figure at all: it was planned or tried somewhere.
func (f *Figure) takesPart(row int) bool {
	return slices.ContainsFunc(f.Columns, func(col Column) bool { return !col.Cells[row].absent() })
}

// ceiling is what no server can exceed at a column: right answers per second by Little's law.
func (f *Figure) ceiling(column int) (v float64, ok bool) {
	v = f.Columns[column].Situation.Ceiling
	return v, v > 0 && (f.Metric == Throughput || f.Metric == Goodput)
}

// heading is the metric in words, with the series.
func (f *Figure) heading() string {
	text := cmp.Or(f.Metric.axis().Title, string(f.Metric))
	if f.Series != "" {
		text = f.Series + ": " + text
	}
	return text
}
