package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Answer is one sentence of the verdict: which architecture is most efficient, in what. Ties are called ties.
type Answer struct {
	Aspect    string   // a heading: "CPU per request at a fixed rate"
	Situation string   // the column that it comes from
	Text      string   // with its figures and their intervals
	Reasons   []string // why, a sentence each: at most three, the most telling first
}

// aspects are what a server can be efficient in, in the order in which they are answered: the metric that decides each,
// and what its best row does.
var aspects = []struct {
	metric     Metric
	name, does string
}{
	{Throughput, "Throughput per CPU", "answers most"},
	{CPUPerRequest, "CPU per request at a fixed rate", "needs least CPU time"},
	{Latency, "Tail latency", "has the shortest p99"},
	{MemoryPerSilent, "Memory per connection", "needs least memory"},
	{Harmed, "Isolation after a crash", "harms fewest clients"},
	{Stall, "Isolation from a request that blocks", "keeps the others waiting least"},
}

// Answers are the verdict of a run, aspect by aspect; what was not measured has none.
func Answers(run *Run, trials []Trial) (all []Answer) {
	v := &answering{run: run, trials: trials}
	columns := Columns(run, trials)
	for _, a := range aspects {
		for i := range columns {
			col := &columns[i]
			if s := col.Situation; s.Metric != a.metric || s.point() || s.State != "" {
				continue
			}
			if text := v.column(col, a.does); text != "" {
				all = append(all, Answer{a.name, col.Situation.Name, text, v.reasons(col)})
			}
		}
		if a.metric == Latency {
			all = append(all, v.pastTheKnee()...)
		}
	}
	return slices.Concat(all, v.afterFaults(), v.remembering())
}

// Beside are the answers that say more than a front without rows, which stands above them: too few trials are too few
// for every column.
func (f *Front) Beside(all []Answer) []Answer {
	return slices.DeleteFunc(slices.Clone(all), func(a Answer) bool {
		return f.None != "" && a.Text == f.None && len(a.Reasons) == 0
	})
}

// answering is what the sentences of a verdict are made from.
type answering struct {
	run    *Run
	trials []Trial
	format func(float64) string // of a figure; nil: as its metric is printed
}

// column is the answer of one column, "" where nothing of it was measured.
func (v *answering) column(col *Column, does string) string {
	leaders, worse, failed, rest := sortCells(col)
	measured := len(leaders) + len(worse) + len(failed) + len(rest)
	if measured == 0 {
		return ""
	}
	if len(leaders) == 0 && len(rest) > 0 && col.disputed() {
		return sentences(v.dispute(col, rest), failures(failed), v.notRanked(col))
	}
	if len(rest) > 0 {
		return v.tooFew(col)
	}
	return sentences(v.first(col, leaders, measured, does), v.behind(leaders, worse, col.Situation), failures(failed),
		v.notRanked(col))
}

// dispute says whose figures keep a column from having a best row.
func (v *answering) dispute(col *Column, rest []*Cell) string {
	var names []string
	for _, c := range col.rivals() {
		names = append(names, c.Architecture.Label+", "+v.figure(c.Summary.Median, c, col.Situation))
	}
	if len(names) == 0 {
		return "No ranking: only " + rest[0].Architecture.Label + " has a figure that counts."
	}
	return "No ranking: better than every figure that counts is what does not: " + enumerate(names) + "."
}

// sortCells parts the rows of a column, references apart, into those that lead it, those that are worse (the best of
// them first), those that fail, and those with a figure that can't be ranked or is still to come.
func sortCells(col *Column) (leaders, worse, failed, rest []*Cell) {
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.Architecture.Reference {
			continue
		}
		switch c.Verdict {
		case Best:
			leaders = slices.Insert(leaders, 0, c)
		case Tied:
			leaders = append(leaders, c)
		case Worse:
			worse = append(worse, c)
		case Failed:
			failed = append(failed, c)
		case Undecided:
			rest = append(rest, c)
		}
	}
	order := func(a, b *Cell) int {
		if col.Situation.Metric.HigherIsBetter() {
			a, b = b, a
		}
		return cmp.Compare(a.Summary.Median, b.Summary.Median)
	}
	if len(leaders) > 1 {
		slices.SortStableFunc(leaders[1:], order)
	}
	slices.SortStableFunc(worse, order)
	return leaders, worse, failed, rest
}

// tooFew says why a column has no ranking, and what would give it one.
func (v *answering) tooFew(col *Column) string {
	least, of, who := math.MaxInt, 0, ""
	rows := 0
	var missing []string
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.Architecture.Reference {
			continue
		}
		switch {
		case c.Verdict == NotMeasured:
			missing = append(missing, c.Architecture.Label)
		case c.Verdict == Failed || c.Verdict == Unranked:
		default:
			if rows++; len(c.Values) < least {
				least, of, who = len(c.Values), len(c.Trials), c.Architecture.Label
			}
		}
	}
	need := max(MinTrials, trialsFor(rows-1))
	switch {
	case len(missing) > 0:
		return "Not complete, so no ranking: no trial of " + enumerate(missing) + " yet."
	case rows < 2:
		return ""
	case least < of:
		return fmt.Sprintf("No ranking: %s has %s of %d that count; %d are needed.", who, plural(least, "trial"), of,
			need)
	}
	if b := col.Situation.Blocks; b > 0 && b < need { // more trials of the run are no more of this
		return fmt.Sprintf("%s: no interval, no ranking.", plural(least, "trial"))
	}
	return fmt.Sprintf("%s: no interval, no ranking; ask for --trials %d.", plural(least, "trial"), need)
}

// trialsFor is the least number of trials of each row with which one of m comparisons can be significant.
func trialsFor(m int) int {
	n := 1
	for leastP(n, n)*float64(max(m, 1)) > Alpha {
		n++
	}
	return n
}

// multiple prints a factor with two digits, and with a third where two would leave nothing of it.
func multiple(factor float64) string {
	if factor < 1.1 {
		return number(factor, 3)
	}
	return number(factor, 2)
}

// figure prints a median with its unit; throughput for each CPU that the server may use.
func (v *answering) figure(value float64, c *Cell, s *Situation) string {
	if v.format != nil {
		return v.format(value)
	}
	switch s.Metric {
	case Throughput:
		return number(value/float64(v.cpus()), 3) + " requests/s"
	case CPUPerRequest:
		return number(value*1e6, 3) + " µs"
	case Outage:
		if math.IsInf(value, 1) {
			return "never"
		}
	}
	return s.Metric.figure(value, clients(c, s))
}

// cpus is how many CPUs the server may use; 1 where the record does not say, so that a figure is that of all.
func (v *answering) cpus() int { return max(1, len(v.run.Setup.ServerCPUs)) }

// withInterval prints a cell's median and, in brackets, its interval: "59.4 µs (58.0 to 61.2)".
func (v *answering) withInterval(c *Cell, s *Situation) string {
	text := v.figure(c.Summary.Median, c, s)
	if s.Metric == Throughput && v.format == nil && len(v.run.Setup.ServerCPUs) > 1 {
		text += " per CPU"
	}
	if c.Summary.Smallest == c.Summary.Biggest && c.Summary.N > 1 {
		return text + fmt.Sprintf(" (in each of %s)", plural(len(c.Values), "trial"))
	}
	if math.IsNaN(c.Summary.Lo) {
		return text + fmt.Sprintf(" (%s, no interval)", plural(len(c.Values), "trial"))
	}
	lo, hi := v.figure(c.Summary.Lo, c, s), v.figure(c.Summary.Hi, c, s)
	if number, unit, found := strings.Cut(lo, " "); found && strings.HasSuffix(hi, " "+unit) {
		lo, hi = number, strings.TrimSuffix(hi, " "+unit) // the figure before them has it
		if !strings.Contains(text, " "+unit) {
			hi += " " + unit
		}
	}
	return text + " (" + lo + " to " + hi + ")"
}
