package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A counter explains a difference only where it differs itself: in the same direction, by more than chance, and by more
// than reasonFactor.
const (
	reasonFactor = 1.25
	busyShare    = 0.8  // of the CPU budget in use: there is little left
	spawnShare   = 0.5  // of the difference in CPU time that starting a process explains
	littleShare  = 0.75 // of the ceiling by Little's law that is reached: it is the limit
)

// reading is a figure of a trial; ok is false where there is none.
type reading func(*Trial) (v float64, ok bool)

// reasons are what the counters show about a column: why the rows that are worse, or fail, are so.
func (v *answering) reasons(col *Column) (all []string) {
	leaders, worse, failed, rest := sortCells(col)
	if len(rest) > 0 || len(leaders) == 0 || len(worse)+len(failed) == 0 {
		return nil
	}
	best, m := leaders[0], col.Situation.Metric
	say := func(texts ...string) {
		for _, t := range texts {
			if t != "" {
				all = append(all, t)
			}
		}
	}
	more := func(what string, unit func(float64) string, least float64, f reading) string {
		return moreThan(what, unit, least, best, worse, m, f)
	}
	busy := func() string {
		return more("CPU in use, of what the server has", percent, busyShare, v.busy)
	}
	switch m {
	case CPUPerRequest:
		say(v.spawning(best, worse, m)...)
		say(v.switching(best, worse, m, 0),
			more("System time per request", micro, 0, share(func(s *Server) *float64 { return s.CPUSystem })),
			more("User time per request", micro, 0, share(func(s *Server) *float64 { return s.CPUUser })),
			v.systemCalls(best, worse), v.gomaxprocs(slices.Concat(leaders, worse)))
	case Throughput:
		say(v.oneAtATime(col, best, worse), v.places(col, worse), v.littleCeiling(col, best))
		say(v.spawning(best, worse, m)...)
		say(busy(), v.switching(best, worse, m, busyShare))
	case Latency:
		say(v.spawning(best, worse, m)...)
		say(more("The median, p50, of the response time", Duration, 0, quantileOfTrial(0.5)),
			more("p99 as a multiple of p50", three, 0, tailRatio), busy(), v.waitedToBeSent(worse),
			more("Due and not sent at the end", exact, 1, backlogOf),
			more("Overflows of the accept queue", exact, 1,
				counter(func(s *Server) *uint64 { return s.ListenOverflows })),
			v.switching(best, worse, m, 0))
	case MemoryPerSilent:
		say(more("Threads", exact, 0, threadsOf), more("Processes", exact, 0, processesOf), v.occupied(col, failed))
	case Harmed:
		say(oneProcess(leaders, worse))
	case Stall:
		say(blockedTogether(col, best, worse))
	}
	return all
}

func three(x float64) string   { return number(x, 3) }
func micro(x float64) string   { return number(x*1e6, 3) + " µs" }
func percent(x float64) string { return number(100*x, 3) + " %" }

// counted are the figures of a cell's trials that count for a metric.
func (c *Cell) counted(m Metric, f reading) (values []float64) {
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

// moreThan names the rows in which a counter is significantly higher than in the best row, the highest first; "" where
// there are none. least is what a row must have at least.
func moreThan(what string, unit func(float64) string, least float64, best *Cell, worse []*Cell, m Metric,
	f reading) string {
	base := best.counted(m, f)
	var cells []*Cell
	var medians []float64
	var all []*Comparison
	for _, c := range worse {
		if values := c.counted(m, f); len(values) > 0 && len(base) > 0 {
			v := compare(values, base, 1)
			cells, medians, all = append(cells, c), append(medians, Summarize(values).Median), append(all, &v)
		}
	}
	holm(all)
	type named struct {
		label  string
		median float64
	}
	var found []named
	for i, v := range all {
		far := math.IsNaN(v.Ratio) || v.Ratio >= reasonFactor // NaN: the best row has none
		if v.Adjusted <= Alpha && v.Delta > 0 && far && medians[i] >= least {
			found = append(found, named{cells[i].Architecture.Label, medians[i]})
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.SortStableFunc(found, func(a, b named) int { return cmp.Compare(b.median, a.median) })
	var parts []string
	for _, n := range found {
		parts = append(parts, n.label+" "+unit(n.median))
	}
	return fmt.Sprintf("%s: %s in %s; more in %s.", what, unit(Summarize(base).Median), best.Architecture.Label,
		enumerate(parts))
}

// The figures of a trial that reasons are made of.
func switchesEach(t *Trial) (float64, bool) {
	if t.Server.Switches == nil || t.Server.Requests == 0 {
		return 0, false
	}
	return float64(*t.Server.Switches) / float64(t.Server.Requests), true
}

func share(of func(*Server) *float64) reading {
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

func quantileOfTrial(q float64) reading {
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
