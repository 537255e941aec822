package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A counter explains a difference only where it differs itself: in the same direction, by more than chance, by more
// than reasonFactor, and by enough for the difference that it is to explain.
const (
	reasonFactor = 1.25
	explainShare = 0.5  // of the figure's own relative difference that a counter has
	busyShare    = 0.8  // of the CPU budget in use: there is little left
	spawnShare   = 0.5  // of the difference in CPU time that starting a process explains
	littleShare  = 0.75 // of the ceiling by Little's law that is reached: it is the limit
	mostReasons  = 3    // for an answer
)

// gauge is a figure of a trial; ok is false where there is none.
type gauge func(*Trial) (v float64, ok bool)

// reason is a sentence, and the rows that it explains; without text there is none.
type reason struct {
	text string
	rows []*Cell
}

// whys collects the reasons of an answer.
type whys struct {
	all  []string
	open []*Cell // worse rows that nothing has explained yet
}

// add takes reasons in, the most telling first.
func (w *whys) add(some ...reason) {
	for _, r := range some {
		if r.text != "" {
			w.all = append(w.all, r.text)
			w.open = slices.DeleteFunc(slices.Clone(w.open), func(c *Cell) bool { return slices.Contains(r.rows, c) })
		}
	}
}

// widest is, of counters that say the same, the one that explains most rows, the first of several.
func widest(some ...reason) (most reason) {
	for _, r := range some {
		if r.text != "" && (most.text == "" || len(r.rows) > len(most.rows)) {
			most = r
		}
	}
	return most
}

// reasons are why the rows of a column that are worse, or fail, are so: what can be calculated before what the counters
// show, and of these only those that explain much of the difference.
func (v *answering) reasons(col *Column) []string {
	leaders, worse, failed, rest := sortCells(col)
	if len(rest) > 0 || len(leaders) == 0 || len(worse)+len(failed) == 0 {
		return nil
	}
	best, m := leaders[0], col.Situation.Metric
	w := &whys{open: worse}
	more := func(what string, unit func(float64) string, least float64, f gauge) reason {
		return moreThan(what, unit, least, best, w.open, m, relative(best, m), f)
	}
	switch m {
	case CPUPerRequest:
		w.add(v.spawning(best, worse, m)...)
		w.add(widest(v.systemCalls(best, w.open, m), v.switching(best, w.open, m, 0),
			v.timeShare("System", best, w.open, func(s *Server) *float64 { return s.CPUSystem }),
			v.timeShare("User", best, w.open, func(s *Server) *float64 { return s.CPUUser })))
	case Throughput:
		w.add(v.oneAtATime(col, best, worse), v.places(col, worse))
		w.add(v.spawning(best, worse, m)...)
		w.add(v.littleCeiling(col, best))
		w.add(widest(v.usedUp(best, w.open), v.switching(best, w.open, m, busyShare)))
	case Latency:
		w.add(v.spawning(best, worse, m)...)
		w.add(v.waitedToBeSent(w.open),
			more("Overflows of the accept queue", exact, 1,
				counter(func(s *Server) *uint64 { return s.ListenOverflows })),
			more("Due and not sent at the end", exact, 1, backlogOf))
		w.add(widest(more("CPU in use, of what the server has", percent, busyShare, v.busy),
			v.switching(best, w.open, m, 0)))
		w.add(more("The median, p50, of the response time", Duration, 0, quantileOfTrial(0.5)))
		w.add(more("p99 as a multiple of p50", three, 0, tailRatio))
	case MemoryPerSilent:
		w.add(v.occupied(col, failed), more("Threads", exact, 0, threadsOf))
		w.add(more("Processes", exact, 0, processesOf))
	case Harmed:
		w.add(oneProcess(leaders, worse))
	case Stall:
		w.add(blockedTogether(col, best, worse))
	}
	return w.all[:min(len(w.all), mostReasons)]
}

func three(x float64) string   { return number(x, 3) }
func micro(x float64) string   { return number(x*1e6, 3) + " µs" }
func percent(x float64) string { return number(100*x, 3) + " %" }

// counted are the figures of a cell's trials that count for a metric.
func (c *Cell) counted(m Metric, f gauge) (values []float64) {
	for _, t := range c.Trials {
		_, ok := t.Value(m)
		if word, _ := trialWord(t, m, ok); word != "" {
			continue
		}
		if x, ok := f(t); ok && !math.IsNaN(x) && !math.IsInf(x, 0) {
			values = append(values, x)
		}
	}
	return values
}

// enough tells whether a counter differs by enough to explain how far a row is behind: base is that of the best row.
type enough func(c *Cell, x, base float64) bool

// relative asks for a difference of the order of the figure's own: a row that is 80 times worse is not so because it
// switches twice as often. What the best row has none of may explain anything.
func relative(best *Cell, m Metric) enough {
	return func(c *Cell, x, base float64) bool {
		own := factor(best, c, m)
		return base == 0 || math.IsNaN(own) || math.IsInf(own, 0) || x/base-1 >= explainShare*(own-1)
	}
}

// moreThan names the rows in which a counter is significantly higher than in the best row, and by enough, the highest
// first. least is what a row must have at least.
func moreThan(what string, unit func(float64) string, least float64, best *Cell, worse []*Cell, m Metric, far enough,
	f gauge) (why reason) {
	values := best.counted(m, f)
	base := Summarize(values).Median
	medians := map[*Cell]float64{}
	var cells []*Cell
	var all []*Comparison
	for _, c := range worse {
		if x := c.counted(m, f); len(x) > 0 && len(values) > 0 {
			v := compare(x, values, 1)
			medians[c], cells, all = Summarize(x).Median, append(cells, c), append(all, &v)
		}
	}
	holm(all)
	for i, v := range all {
		c := cells[i]
		big := math.IsNaN(v.Ratio) || v.Ratio >= reasonFactor // NaN: the best row has none
		if v.Adjusted <= Alpha && v.Delta > 0 && big && medians[c] >= least && far(c, medians[c], base) {
			why.rows = append(why.rows, c)
		}
	}
	if len(why.rows) == 0 {
		return reason{}
	}
	slices.SortStableFunc(why.rows, func(a, b *Cell) int { return cmp.Compare(medians[b], medians[a]) })
	var parts []string
	for _, c := range why.rows {
		parts = append(parts, unit(medians[c])+" in "+c.Architecture.Label)
	}
	why.text = fmt.Sprintf("%s: %s in %s; %s.", what, unit(base), best.Architecture.Label, some(parts))
	return why
}

// timeShare names the rows in which one kind of CPU time makes up much of what a request needs above the best row.
func (v *answering) timeShare(kind string, best *Cell, worse []*Cell, of func(*Server) *float64) reason {
	part := func(c *Cell, x, base float64) bool {
		return x-base >= explainShare*(c.Summary.Median-best.Summary.Median)
	}
	return moreThan(kind+" time per request", micro, 0, best, worse, CPUPerRequest, part, share(of))
}

// usedUp names the rows that leave hardly any CPU time unused and need more of it for a request.
func (v *answering) usedUp(best *Cell, worse []*Cell) reason {
	return moreThan("With the CPU nearly used up, what a request needs of it counts", micro, 0, best, worse, Throughput,
		relative(best, Throughput), func(t *Trial) (float64, bool) {
			if used, ok := v.busy(t); t.Architecture != best.Architecture.Name && (!ok || used < busyShare) {
				return 0, false
			}
			return t.Value(CPUPerRequest)
		})
}

// The figures of a trial that reasons are made of.
func switchesEach(t *Trial) (float64, bool) {
	if t.Server.Switches == nil || t.Server.Requests == 0 {
		return 0, false
	}
	return float64(*t.Server.Switches) / float64(t.Server.Requests), true
}

func share(of func(*Server) *float64) gauge {
	return func(t *Trial) (float64, bool) {
		p := of(&t.Server)
		if p == nil || t.Load.Requests == 0 {
			return 0, false
		}
		return *p / float64(t.Load.Requests), true
	}
}

func backlogOf(t *Trial) (float64, bool) { return float64(t.Load.Backlog), true }

func threadsOf(t *Trial) (float64, bool) { return float64(t.Server.Threads), t.Server.Threads > 0 }

func processesOf(t *Trial) (float64, bool) {
	return float64(t.Server.Processes), t.Server.Processes > 0
}

func quantileOfTrial(q float64) gauge {
	return func(t *Trial) (float64, bool) { return t.Load.Response.Quantile(q) }
}

func tailRatio(t *Trial) (float64, bool) {
	p99, ok := t.Load.Response.Quantile(0.99)
	p50, ok50 := t.Load.Response.Quantile(0.5)
	return p99 / p50, ok && ok50 && p50 > 0
}

// busy is the share of the server's CPU budget that was in use within the window. A process that ends in the window is
// charged for what it did before, too, which can make it more than all.
func (v *answering) busy(t *Trial) (float64, bool) {
	if t.Server.CPU == nil || t.Load.Window <= 0 || len(v.run.Setup.ServerCPUs) == 0 {
		return 0, false
	}
	return min(1, *t.Server.CPU/t.Load.Window/float64(v.cpus())), true
}
