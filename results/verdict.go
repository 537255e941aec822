package results

import (
	"cmp"
	"fmt"
	"slices"
)

// Verdict is what a cell says about its row.
type Verdict string

// The verdicts of a cell.
const (
	NotMeasured Verdict = "not measured" // no trial of it has run
	Best        Verdict = "best"
	Tied        Verdict = "tied"      // no measurable difference from the best
	Worse       Verdict = "worse"     // than the best, by a difference that chance does not explain
	Undecided   Verdict = "undecided" // too few trials to tell it from the best
	Failed      Verdict = "failed"    // Word says how
	Unranked    Verdict = "unranked"  // a figure that its trials' findings make useless, or none
	Beside      Verdict = "beside"    // a reference's figure, which is never ranked with the rows
)

// Cell is one row in one column: its trials, their figures, and the verdict.
type Cell struct {
	Architecture *Architecture
	Trials       []*Trial
	Values       []float64 // of the trials that count, in the order in which they ran
	Void         []float64 // figures that a finding voids: shown, never ranked
	Failures     int       // trials in which the server failed
	Summary      Summary   // of Values; of Void where the verdict is Unranked
	Verdict      Verdict
	Word         string      // why it Failed or is Unranked: "stuck", "starved 63/64", "generator-bound"
	Versus       *Comparison // with the best; nil for the best itself and for what is not ranked
}

// Column is one situation with a cell for each architecture of the run, in the run's order.
type Column struct {
	Situation *Situation
	Cells     []Cell
}

// Leader reports whether the cell is its column's best or not distinguishable from it.
func (c *Cell) Leader() bool { return c.Verdict == Best || c.Verdict == Tied }

// Columns sorts the trials into cells and ranks each column. A cell is Failed when the server failed in at least half
// of its trials; otherwise its valid trials are compared with those of the column's best.
func Columns(run *Run, trials []Trial) []Column {
	columns := make([]Column, len(run.Situations))
	for i := range run.Situations {
		columns[i] = Column{Situation: &run.Situations[i], Cells: make([]Cell, len(run.Architectures))}
		for j := range run.Architectures {
			c := &columns[i].Cells[j]
			c.Architecture = &run.Architectures[j]
			for k := range trials {
				if trials[k].Situation == run.Situations[i].Name && trials[k].Architecture == c.Architecture.Name {
					c.Trials = append(c.Trials, &trials[k])
				}
			}
			c.judge(columns[i].Situation.Metric)
			if c.Verdict == NotMeasured && !planned(run.Plan, columns[i].Situation, c.Architecture) {
				c.Verdict, c.Word = Unranked, "n/a"
			}
		}
		if !stateCost(columns[i].Situation) { // each row has a rate of its own there
			columns[i].rank(run.Plan)
		}
	}
	return columns
}

// planned tells whether a cell is part of the plan: a server that can only send a file is not asked for more.
func planned(plan []Planned, s *Situation, a *Architecture) bool {
	return slices.ContainsFunc(plan, func(p Planned) bool { return p.Situation == s.Name && p.Architecture == a.Name })
}

// judge fills the cell but for its rank: Undecided stands for "has a figure".
func (c *Cell) judge(m Metric) {
	words, failures := map[string]int{}, map[string]int{}
	for _, t := range c.Trials {
		v, ok := t.Value(m)
		word, failed := trialWord(t, m, ok)
		if word == "" {
			c.Values = append(c.Values, v)
			continue
		}
		words[word]++
		if failed {
			c.Failures++
			failures[word]++
		} else if ok {
			c.Void = append(c.Void, v)
		}
	}
	c.Summary = Summarize(c.Values)
	switch {
	case len(c.Trials) == 0:
		c.Verdict = NotMeasured
	case 2*c.Failures >= len(c.Trials):
		c.Verdict, c.Word = Failed, commonest(failures)
	case len(c.Values) == 0:
		c.Verdict, c.Word, c.Summary = Unranked, commonest(words), Summarize(c.Void)
	default:
		c.Verdict = Undecided
	}
}

// trialWord says in a word why a trial's figure does not count, and whether that is a failure of the server; a fault
// of the instrument or of the machine is not. An empty word means that it counts.
func trialWord(t *Trial, m Metric, ok bool) (word string, failed bool) {
	if t.Failure != "" {
		return "no figure", true
	}
	f := t.Voided(m)
	starved := f != nil && f.Kind == "starved"
	nobody := t.Load.Requests == 0
	unserved := f == nil && (t.Load.Unserved > 0 || nobody) || f != nil && f.Kind == "errors" && nobody
	switch {
	case m == MemoryPerSilent && (starved || unserved || t.Load.Requests == 0 && t.Load.Unserved > 0):
		return "stuck", true
	case starved:
		return fmt.Sprintf("starved %d/%d", t.Load.Unserved, t.Load.Connections), true
	case f != nil && f.Kind == "wrong answers":
		return "wrong", true
	case f != nil:
		return f.Kind, slices.Contains(serverFaults, f.Kind)
	case !ok && m != Latency && t.Load.Requests == 0:
		return "no figure", true
	case !ok:
		return "n/a", false
	}
	return "", false
}

// commonest is the word that most trials gave, the first in the alphabet of several.
func commonest(words map[string]int) (word string) {
	for w, n := range words {
		if n > words[word] || n == words[word] && w < word {
			word = w
		}
	}
	return word
}

// rank compares every cell that has a figure with the best one. While a planned cell has no trial yet, or one that is not
// ranked might be better, no row is best. References are compared with the best row, each on its own: they take no part in
// the ranking.
func (col *Column) rank(plan []Planned) {
	var ranked, beside []*Cell
	pending := col.disputed()
	for i := range col.Cells {
		switch c := &col.Cells[i]; c.Verdict {
		case Undecided:
			if c.Architecture.Reference {
				c.Verdict, beside = Beside, append(beside, c)
				continue
			}
			ranked = append(ranked, c)
		case NotMeasured:
			pending = pending || !c.Architecture.Reference && planned(plan, col.Situation, c.Architecture)
		}
	}
	if len(ranked) == 0 {
		return
	}
	best := lead(ranked, col.Situation.Metric, pending)
	for _, c := range beside {
		v := c.versus(best, col.Situation.Metric, 1)
		holm([]*Comparison{&v})
		c.Versus = &v
	}
}

// disputed tells whether figures that don't count keep all others from being the best: they look better, or only one is
// left beside them, which is best by default only where the others have failed.
func (col *Column) disputed() bool {
	counts, void := 0, 0
	for i := range col.Cells {
		switch c := &col.Cells[i]; {
		case c.Architecture.Reference:
		case c.Verdict == Unranked && len(c.Void) > 0:
			void++
		case c.counts():
			counts++
		}
	}
	return counts == 1 && void > 0 || len(col.rivals()) > 0
}

// counts tells whether a cell has a figure that can be ranked.
func (c *Cell) counts() bool { return c.Verdict != Failed && len(c.Values) > 0 }

// rivals are the cells whose figures don't count, and are better than every one that does: of a server that is faster than
// the load generator, say. They are no proof, and yet nobody can be called best beside them.
func (col *Column) rivals() (all []*Cell) {
	better := func(a, b *Cell) bool {
		if col.Situation.Metric.HigherIsBetter() {
			a, b = b, a
		}
		return a.Summary.Median < b.Summary.Median
	}
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.Verdict == Unranked && len(c.Void) > 0 && !c.Architecture.Reference &&
			!slices.ContainsFunc(col.Cells, func(o Cell) bool {
				return !o.Architecture.Reference && o.counts() && !better(c, &o)
			}) {
			all = append(all, c)
		}
	}
	return all
}

// versus compares the cell with the best one as one of so many comparisons.
func (c *Cell) versus(best *Cell, m Metric, of int) Comparison {
	v := compare(c.Values, best.Values, of)
	v.pair(c.byBlock(m), best.byBlock(m))
	return v
}

// lead compares cells that have a figure with the best of them, which it returns. While one that may be better is pending
// none is called best.
func lead(ranked []*Cell, m Metric, pending bool) (best *Cell) {
	best = slices.MinFunc(ranked, func(a, b *Cell) int {
		if m.HigherIsBetter() {
			a, b = b, a
		}
		return cmp.Compare(a.Summary.Median, b.Summary.Median)
	})
	var all []*Comparison
	for _, c := range ranked {
		if c != best {
			v := c.versus(best, m, len(ranked)-1)
			c.Versus, all = &v, append(all, &v)
		}
	}
	holm(all)
	decided := !pending
	for _, c := range ranked {
		if c == best {
			continue
		}
		switch {
		case c.Versus.Adjusted <= Alpha && c.Versus.matters(m):
			c.Verdict = Worse
		case c.Versus.Decidable:
			c.Verdict = Tied
		default:
			decided = false
		}
	}
	if decided {
		best.Verdict = Best
		return best
	}
	// A mark would claim more than the trials can carry: nobody gets one.
	for _, c := range ranked {
		if c.Leader() {
			c.Verdict = Undecided
		}
	}
	return best
}
