package results

import (
	"cmp"
	"math"
	"slices"

	"serverlab/results/plot"
)

// trialDots shows every trial that counts, and the median, on a logarithmic axis.
func (col *Column) trialDots() Picture {
	m := col.Situation.Metric
	about := map[Metric]About{CPUPerRequest: AboutCost, Throughput: AboutThroughput, Latency: AboutLatency}[m]
	title := map[Metric]string{CPUPerRequest: "CPU time per request", Throughput: "Throughput",
		Latency: "The 99th percentile of the response time"}[m]
	d := &plot.Dots{Head: col.head(title+", trial by trial", medians), Each: "trial", Axis: m.axis()}
	d.Axis.Scale = plot.Log
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.absent() {
			continue
		}
		row := plot.DotRow{Name: c.Architecture.Label, Style: i, Values: c.Values, Note: c.note()}
		if c.Verdict == Unranked {
			row.Values = c.Void
		}
		if v, _ := c.drawn(); !math.IsNaN(v) {
			row.Median = &plot.Median{Value: v, Low: c.Summary.Lo, High: c.Summary.Hi}
		}
		d.Rows = append(d.Rows, row)
	}
	return Picture{Name: col.Situation.Name + "-trials", About: about, Chart: d,
		Look: "Each dot is a whole trial with a server of its own. Where the dots of two rows lie among each " +
			"other, one run more could turn them round; the line through the dots is the interval of the median."}
}

// balance shows what each worker did, of the trial with the middle index of fairness.
func (col *Column) balance() Picture {
	d := &plot.Dots{Head: col.head("How evenly do the workers share the requests?", "the middle one by fairness"),
		Each: "worker", Axis: plot.Axis{Title: "requests of a worker, of a fair share", Unit: plot.Percent}}
	d.Moments = []plot.Moment{{At: 1, Label: "fair share"}}
	for i := range col.Cells {
		c := &col.Cells[i]
		t, _ := c.middle(col.Situation.Metric, func(t *Trial) (float64, bool) {
			f, ok := fairness(t)
			return f.Jain, ok
		})
		if t == nil {
			continue
		}
		sum := 0.0
		for _, n := range t.Server.PerWorker {
			sum += float64(n)
		}
		row := plot.DotRow{Name: c.Architecture.Label, Style: i, Note: c.note()}
		for _, n := range t.Server.PerWorker {
			row.Values = append(row.Values, float64(n)*float64(len(t.Server.PerWorker))/sum)
		}
		d.Rows = append(d.Rows, row)
	}
	if len(d.Rows) == 0 {
		return Picture{}
	}
	return Picture{Name: col.Situation.Name + "-balance", About: AboutBalance, Chart: d,
		Look: "A dot is a worker. Nobody hands out the requests where all workers accept for themselves, so it " +
			"is the kernel that decides who gets the next one: is it fair, and does it have to be?"}
}

// middle is the trial whose figure is the median, the lower one of two, of those whose m counts, or of all where it is
// void in each; nil without any.
func (c *Cell) middle(m Metric, figure func(*Trial) (float64, bool)) (t *Trial, void bool) {
	for _, void := range []bool{false, true} {
		var with []*Trial
		for _, t := range c.Trials {
			if _, ok := figure(t); ok && (t.Voided(m) != nil) == void {
				with = append(with, t)
			}
		}
		if len(with) == 0 {
			continue
		}
		slices.SortStableFunc(with, func(a, b *Trial) int {
			x, _ := figure(a)
			y, _ := figure(b)
			return cmp.Compare(x, y)
		})
		return with[(len(with)-1)/2], void
	}
	return nil, false
}
