package results

import (
	"fmt"
	"math"
	"slices"
)

// judgedColumns are the columns of a run, and what a fault did to each row as a column that is ranked like the others:
// there a row that never answered again, or answered wrongly, has failed.
func judgedColumns(run *Run, trials []Trial) []Column {
	columns := Columns(run, trials)
	groups := crashGroups(run, trials)
	for i := range columns {
		for j := range groups {
			if columns[i].Situation == groups[j].situation {
				columns[i] = groups[j].column(run)
			}
		}
	}
	return columns
}

// column ranks the rows of a group by the time to the first right answer.
func (g *crashGroup) column(run *Run) Column {
	col := Column{Situation: g.situation, Cells: make([]Cell, len(run.Architectures))}
	for i := range run.Architectures {
		c := &col.Cells[i]
		c.Architecture = &run.Architectures[i]
		at := slices.IndexFunc(g.cells, func(of crashCell) bool { return of.arch == c.Architecture })
		if at < 0 {
			c.Verdict, c.Word = Unranked, "n/a"
			continue
		}
		of := &g.cells[at]
		c.Trials, c.Values, c.Summary = of.trials, of.first, Summarize(of.first)
		switch {
		case of.wrong > 0:
			c.Verdict, c.Word = Failed, "wrong answers"
		case len(of.trials) == 0 && of.failed == 0:
			c.Verdict = NotMeasured
		case len(of.trials) == 0:
			c.Verdict, c.Word = Unranked, of.why
		case math.IsInf(c.Summary.Median, 1):
			c.Verdict, c.Word = Failed, "no right answer after the fault"
		default:
			c.Verdict = Undecided
		}
	}
	col.rank(run.Plan)
	return col
}

// afterFaults are the answers of the crash experiment, fault by fault: who is back first, and what is lost.
func (v *answering) afterFaults() (all []Answer) {
	const does = "gives the first right answer soonest"
	groups := crashGroups(v.run, v.trials)
	var heads []string // that begin an answer, one for each kind of fault
	byHead := map[string][]oneOf{}
	for i := range groups {
		g := &groups[i]
		col := g.column(v.run)
		text := v.column(&col, does)
		if text == "" {
			continue
		}
		head := "The " + g.situation.Fault + " is killed"
		if g.situation.Fault == "worker" { // one of several
			head = "A worker is killed"
		}
		if byHead[head] == nil {
			heads = append(heads, head)
		}
		name := g.situation.State
		if g.situation.Store != "" {
			name += " in " + g.situation.Store
		}
		byHead[head] = append(byHead[head], oneOf{Answer{"Recovery from a crash", g.situation.Name, text, g.reasons()},
			name, name, col})
	}
	for _, h := range heads {
		all = append(all, v.together(byHead[h], func(who string) string { return h + " (" + who + ")" }, does)...)
	}
	return all
}

// reasons are what the records of a fault tell beside the time: sessions lost, and how long the restart took of it.
func (g *crashGroup) reasons() (all []string) {
	var lost, restarts []string
	losses := map[string]bool{}
	for i := range g.cells {
		c := &g.cells[i]
		if len(c.trials) == 0 {
			continue
		}
		if n, _ := medianOf(c.lost); g.situation.State == "stateful" {
			figure := fmt.Sprintf("%s of %d", exact(n), clientsOf(g.situation))
			lost, losses[figure] = append(lost, figure+" in "+c.arch.Label), true
		}
		restart, ok := medianOf(c.restart)
		if first, _ := medianOf(c.first); ok && restart > 0 && restart <= first && !math.IsInf(first, 0) {
			restarts = append(restarts, fmt.Sprintf("%s of %s in %s", Duration(restart), Duration(first), c.arch.Label))
		}
	}
	switch {
	case len(lost) > 1 && len(losses) == 1:
		for figure := range losses {
			all = append(all, "Sessions lost, the same in each row: "+figure+".")
		}
	case len(lost) > 0:
		all = append(all, "Sessions lost: "+some(lost)+".")
	}
	if len(restarts) > 0 {
		all = append(all, "Starting again what was killed took "+some(restarts)+".")
	}
	return all
}

// remembering are the answers about what it costs to remember clients: each row is compared with itself, since each has
// a rate of its own, and rows that say the same answer together.
func (v *answering) remembering() []Answer {
	const does = "needs least CPU time"
	d := newCosts(v.run, v.trials, Style{})
	if len(d.sits) < 2 {
		return nil
	}
	var rows []oneOf
	for i, cells := range d.rows {
		a := &v.run.Architectures[i]
		s := *d.sits[0] // for what its variants have in common
		col := Column{Situation: &s, Cells: slices.Clone(cells)}
		for j := range col.Cells {
			variant := Architecture{Name: a.Name, Label: stateAndStore(d.sits[j])}
			c := &col.Cells[j]
			if c.Architecture = &variant; c.Verdict == NotMeasured && !planned(v.run.Plan, d.sits[j], a) {
				c.Verdict = Unranked
			}
		}
		if leaders, worse, failed, rest := sortCells(&col); len(leaders)+len(worse)+len(failed)+len(rest) < 2 {
			continue
		}
		who := a.Label
		if rate := s.OwnRates[a.Name]; rate > 0 {
			who += " at " + exact(rate) + " reads/s"
		}
		s.OwnRates = nil
		if text := v.column(&col, does); text != "" {
			rows = append(rows, oneOf{Answer{"The cost of remembering clients", s.Name, text,
				slices.Concat(v.heldReasons(d.sits, a), storeReasons(&col))}, who, a.Label, col})
		}
	}
	return v.together(rows, func(who string) string { return who }, does)
}

// stateAndStore names a variant of the file service.
func stateAndStore(s *Situation) string {
	if s.Store == "" {
		return s.State
	}
	if outside(s) {
		return s.State + " in an outside store"
	}
	return s.State + " in " + s.Store
}

// heldReasons tell what a remembered client holds.
func (v *answering) heldReasons(sits []*Situation, a *Architecture) []string {
	var parts []string
	for _, s := range sits {
		if h := v.run.Calibration.Held[s.Name][a.Name]; h.Memory != nil {
			parts = append(parts, stateAndStore(s)+" "+size(*h.Memory))
		}
	}
	if len(parts) < 2 {
		return nil
	}
	return []string{"Memory that the server holds for a client: " + enumerate(parts) + "."}
}

// storeReasons tell what an outside store used beside the server: it is no part of the figures.
func storeReasons(col *Column) (all []string) {
	for i := range col.Cells {
		c := &col.Cells[i]
		if s := Summarize(c.counted(CPUPerRequest, storeCPU)); s.N > 0 {
			all = append(all, fmt.Sprintf("Beside its figure, %s: the store's own CPU time, %s per read.",
				c.Architecture.Label, micro(s.Median)))
		}
	}
	return all
}
