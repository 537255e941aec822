package results

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Orders collects in which order the rows come in each column of many runs, as one for each laptop of a class. It keeps
// the figures of the trials and not their histograms, so a class of any size fits into memory.
type Orders struct {
	runs     int
	columns  []*ordered
	begun    map[string]string // the name of the run that began then
	cpus     map[string]bool
	programs map[string]bool
}

// ErrCopy says that a run has been handed in twice: it would count twice, and always agree with itself.
var ErrCopy = errors.New("is a copy of")

// ordered is one column of all runs.
type ordered struct {
	sit   *Situation
	rows  []string         // that any run has, in the order in which they came
	cells []map[string]one // of each run that has the column, by row
}

// one is a row in a column of one run.
type one struct {
	values []float64
	blocks map[int]float64 // of them, by block
	median float64
	failed bool
}

// Add takes in one run, of that name. Rows that are only shown for reference take no part, nor do columns in which each
// row has a rate of its own. A run that has been added is refused (ErrCopy).
func (o *Orders) Add(name string, run Run, trials []Trial) error {
	if o.begun == nil {
		o.begun, o.cpus, o.programs = map[string]string{}, map[string]bool{}, map[string]bool{}
	}
	began := identity(&run, trials)
	if other, twice := o.begun[began]; twice {
		return fmt.Errorf("%s %w %s", name, ErrCopy, other)
	}
	o.runs++
	o.begun[began], o.cpus[run.Machine.CPU], o.programs[run.Program] = name, true, true
	for _, c := range Columns(&run, trials) {
		if stateCost(c.Situation) {
			continue
		}
		cells := map[string]one{}
		for i := range c.Cells {
			cell := &c.Cells[i]
			fails := cell.Verdict == Failed
			if !cell.Architecture.Reference && (fails || len(cell.Values) > 0) {
				cells[cell.Architecture.Name] = one{cell.Values, cell.byBlock(c.Situation.Metric), cell.Summary.Median,
					fails}
			}
		}
		if len(cells) == 0 {
			continue
		}
		at := slices.IndexFunc(o.columns, func(k *ordered) bool { return sameQuestion(k.sit, c.Situation) })
		if at < 0 {
			sit := *c.Situation // alone: a pointer into the run would keep all of it
			at, o.columns = len(o.columns), append(o.columns, &ordered{sit: &sit})
		}
		col := o.columns[at]
		for _, a := range run.Architectures {
			if _, has := cells[a.Name]; has && !slices.Contains(col.rows, a.Name) {
				col.rows = append(col.rows, a.Name)
			}
		}
		col.cells = append(col.cells, cells)
	}
	return nil
}

// What one run says about the order of two rows.
const (
	holds   = '●'
	unclear = '◇' // no measurable difference, or too few trials
	against = '×'
)

// Draw draws one line for each column and two rows that follow each other in the order that most runs agree on, or with
// every for any two rows, with one mark for each run that has both: whether this order holds there, so that chance
// does not explain it: Mann-Whitney with Holm's correction over a column's neighbours, or with every over the rows
// behind the same first one, and Margin. At most 80 columns.
func (o *Orders) Draw(w io.Writer, every bool, s Style) error {
	title := fmt.Sprintf("WHICH ORDER HOLDS ON HOW MANY?   %s, %s, %s", plural(o.runs, "run"),
		plural(len(o.cpus), "CPU model"), plural(len(o.programs), "program"))
	lines := []string{s.paint(bold, s.text(title)),
		s.text("a mark for each run:  ● it holds   ◇ can't be told apart   × the other way round")}
	for _, c := range o.columns {
		if pairs := c.pairs(every); len(pairs) > 0 {
			lines = append(lines, "", s.paint(bold, s.text(c.head(pairs))))
			for _, p := range pairs {
				lines = append(lines, c.line(p, s)...)
			}
		}
	}
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("draw the orders: %w", err)
	}
	return nil
}

// rowPair is two rows, the one that comes first in most runs first, and what each run that has both says.
type rowPair struct {
	first, second string
	family        string // pairs of the same one are corrected together
	marks         []rune
}

// pairs are the neighbours in the common order, or any two rows.
func (c *ordered) pairs(every bool) (all []rowPair) {
	order := c.order()
	for i := range order {
		for j := i + 1; j < len(order) && (every || j == i+1); j++ {
			p := rowPair{first: order[i], second: order[j]}
			if every { // of 28 pairs at once six trials could tell none apart
				p.family = p.first
			}
			all = append(all, p)
		}
	}
	for _, cells := range c.cells {
		c.judge(cells, all)
	}
	return slices.DeleteFunc(all, func(p rowPair) bool { return len(p.marks) == 0 }) // no run has both
}

// judge appends what one run says to each pair of rows.
func (c *ordered) judge(cells map[string]one, all []rowPair) {
	versus := make([]*Comparison, len(all))
	families := map[string][]*Comparison{}
	for i, p := range all {
		x, y := cells[p.first], cells[p.second]
		if len(x.values) > 0 && len(y.values) > 0 && !x.failed && !y.failed {
			v := compare(y.values, x.values, 1)
			v.pair(y.blocks, x.blocks)
			versus[i], families[p.family] = &v, append(families[p.family], &v)
		}
	}
	for _, tested := range families {
		holm(tested)
	}
	for i := range all {
		x, hasX := cells[all[i].first]
		y, hasY := cells[all[i].second]
		if !hasX || !hasY {
			continue
		}
		mark := unclear
		switch v := versus[i]; {
		case x.failed != y.failed:
			if mark = holds; x.failed {
				mark = against
			}
		case v == nil || v.Adjusted > Alpha:
		case v.matters(c.sit.Metric):
			mark = holds
		case v.reversed().matters(c.sit.Metric):
			mark = against
		}
		all[i].marks = append(all[i].marks, mark)
	}
}

// reversed is the comparison seen from the other side.
func (c *Comparison) reversed() *Comparison {
	r := *c
	r.Delta, r.Ratio = -c.Delta, 1/c.Ratio
	p := &c.Paired
	r.Paired = Summary{p.N, 1 / p.Median, 1 / p.Hi, 1 / p.Lo, 1 / p.Biggest, 1 / p.Smallest}
	return &r
}

// order sorts the rows by their mean rank over all runs that have them; a row that fails comes last in its run.
func (c *ordered) order() []string {
	sum, n := map[string]float64{}, map[string]float64{}
	for _, cells := range c.cells {
		for row, x := range cells {
			behind := 0.0
			for _, y := range cells {
				switch {
				case c.before(y, x):
					behind++
				case !c.before(x, y):
					behind += 0.5 // the row itself and its equals
				}
			}
			sum[row] += behind / float64(len(cells))
			n[row]++
		}
	}
	order := slices.Clone(c.rows)
	slices.SortStableFunc(order, func(a, b string) int {
		return cmp.Compare(math.Round(1e9*sum[a]/n[a]), math.Round(1e9*sum[b]/n[b]))
	})
	return order
}

// before tells whether the median of x is the better one, chance or not.
func (c *ordered) before(x, y one) bool {
	switch {
	case x.failed || y.failed:
		return !x.failed
	case c.sit.Metric.HigherIsBetter():
		return x.median > y.median
	}
	return x.median < y.median
}

// head names the column and says how many runs hold nothing against the order below it.
func (c *ordered) head(pairs []rowPair) string {
	clear, runs := 0, len(c.cells)
	for _, cells := range c.cells {
		again := make([]rowPair, len(pairs))
		for i, p := range pairs {
			again[i] = rowPair{first: p.first, second: p.second, family: p.family}
		}
		c.judge(cells, again)
		if !slices.ContainsFunc(again, func(p rowPair) bool { return slices.Contains(p.marks, against) }) {
			clear++
		}
	}
	unit, _ := plainUnit(c.sit.Metric)
	return clip(fmt.Sprintf("%s: %s   the whole order: nothing against it on %d of %d", c.sit.Name, unit, clear, runs),
		screenWidth)
}

// The widths of a line of marks, in characters.
const (
	orderNames = 36
	orderMarks = 30
)

// line is what all runs say about two rows: as many lines as their marks need.
func (c *ordered) line(p rowPair, s Style) (lines []string) {
	slices.SortStableFunc(p.marks, func(a, b rune) int {
		return strings.IndexRune("●◇×", a) - strings.IndexRune("●◇×", b)
	})
	n := 0
	for _, m := range p.marks {
		if m == holds {
			n++
		}
	}
	name := left(fmt.Sprintf("%s before %s", p.first, p.second), orderNames-1) + " "
	for at := 0; at == 0 || at < len(p.marks); at += orderMarks {
		part, found := p.marks[at:min(at+orderMarks, len(p.marks))], ""
		if at > 0 {
			name = strings.Repeat(" ", orderNames)
		} else {
			found = right(fmt.Sprintf("%d of %d", n, len(p.marks)), screenWidth-orderNames-orderMarks)
		}
		lines = append(lines, strings.TrimRight(s.text(left(name+string(part), orderNames+orderMarks)+found), " "))
	}
	return lines
}
