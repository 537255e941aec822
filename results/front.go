package results

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/aclements/go-moremath/stats"
)

// Front is the Pareto front of a run, in place of a single winner: the rows that no other row beats without losing
// anything. A row is off the front if another one is, in every column, at least as good or not to be told apart, and
// surely better in at least one. A cell that fails is worse than any figure; two that fail are alike.
//
// A front looks at all pairs of rows in all columns, so chance has many occasions to put a row off it. Surely better
// therefore means by the column's own test and by Welch's t-test of the logarithms, corrected for all pairs and columns
// (Bonferroni): ranks of six trials alone could not reach that, however far apart two rows are.
type Front struct {
	Columns []*Situation    // that the rows were compared in
	On      []*Architecture // in the order of the run
	Off     []Dominated
	Open    []*Architecture // that can't be placed: in some column they have too few trials, or no figure that counts
	// None says why there is no front; then the lists are empty. "": there is one.
	None string
}

// Dominated is a row that is off the front, and by which row and in which column.
type Dominated struct {
	Row, By *Architecture
	In      *Situation // where By is better
	Text    string     // with both figures
}

// relation is how a row stands to another one in one column.
type relation int

// The relations. A difference is as significant, and as big, as that of a row from its column's best must be.
const (
	unknown relation = iota // too few trials, or no figure that counts
	same                    // not to be told apart
	ahead
	behind
)

// relation compares two rows of a column: by the column's verdict where one of them is its best, otherwise by the same
// test, corrected for a row's comparisons with all the others (Bonferroni, so that it is symmetric).
func (col *Column) relation(a, b *Cell) relation {
	figure := func(c *Cell) bool { return len(c.Values) > 0 && c.Verdict != Failed && c.Verdict != Unranked }
	switch {
	case a.Verdict == Failed && b.Verdict == Failed:
		return same
	case a.Verdict == Failed && figure(b):
		return behind
	case figure(a) && b.Verdict == Failed:
		return ahead
	case !figure(a) || !figure(b):
		return unknown
	case a.Verdict == Best && b.Verdict == Worse:
		return ahead
	case a.Verdict == Worse && b.Verdict == Best:
		return behind
	case a.Verdict == Best && b.Verdict == Tied, a.Verdict == Tied && b.Verdict == Best:
		return same
	}
	others := 0
	for i := range col.Cells {
		if c := &col.Cells[i]; !c.Architecture.Reference && figure(c) {
			others++
		}
	}
	m := col.Situation.Metric
	forth := compare(a.Values, b.Values, others-1)
	back := Comparison{Delta: -forth.Delta, Ratio: 1 / forth.Ratio}
	switch {
	case !forth.Decidable:
		return unknown
	case forth.P*float64(others-1) > Alpha:
		return same
	case back.matters(m):
		return ahead
	case forth.matters(m):
		return behind
	}
	return same
}

// ParetoFront compares every row with every other one in all columns that rank rows: those of the table, latency, and
// what a crash does. Where experiments with rows of their own were run together, these are the rows and the columns in
// which a row is compared most often. References and points of a curve are left out.
func ParetoFront(run *Run, trials []Trial) (f Front) {
	p := newPareto(run, trials)
	if f.None = p.none(); f.None != "" {
		return f
	}
	for i := range p.columns {
		f.Columns = append(f.Columns, p.columns[i].Situation)
	}
	for a := range p.rows {
		switch by := p.winner(a); {
		case by >= 0:
			f.Off = append(f.Off, p.dominated(a, by))
		case p.settled(a):
			f.On = append(f.On, p.rows[a])
		default:
			f.Open = append(f.Open, p.rows[a])
		}
	}
	return f
}

// pareto holds how every row stands to every other one.
type pareto struct {
	v       *answering
	rows    []*Architecture
	columns []Column
	cells   [][]*Cell      // of each column, by row
	to      [][][]relation // of each column: how the first row stands to the second one
	sure    [][][]bool     // likewise: that it is ahead, whatever else was looked at
	reaches [][]bool       // the first row dominates the second one, or one that reaches it
	direct  [][]bool       // it dominates it
}

// mostOnFront is how many rows are compared each with each: the work grows with their cube, and a record may be foreign.
const mostOnFront = 64

func newPareto(run *Run, trials []Trial) *pareto {
	p := &pareto{v: &answering{run: run, trials: trials}}
	for i := range run.Architectures {
		if a := &run.Architectures[i]; !a.Reference {
			p.rows = append(p.rows, a)
		}
	}
	if len(p.rows) > mostOnFront {
		return p
	}
	columns := slices.DeleteFunc(judgedColumns(run, trials), func(col Column) bool {
		return col.Situation.point() || stateCost(col.Situation)
	})
	columns = p.narrow(columns)
	for _, col := range columns {
		p.add(col, len(columns)*len(p.rows)*(len(p.rows)-1)/2)
	}
	p.dominance()
	return p
}

// narrow leaves the rows of one of the columns, and returns the columns that are about all of those: the choice in which
// a row is compared most often. Without a column about two rows it leaves all as it is.
func (p *pareto) narrow(columns []Column) (theirs []Column) {
	rows, most := p.rows, 0
	for i := range columns {
		of := slices.DeleteFunc(slices.Clone(p.rows), func(a *Architecture) bool { return !columns[i].Situation.about(a) })
		whole := slices.DeleteFunc(slices.Clone(columns), func(col Column) bool {
			return slices.ContainsFunc(of, func(a *Architecture) bool { return !col.Situation.about(a) })
		})
		if n := len(whole) * (len(of) - 1); n > most {
			rows, theirs, most = of, whole, n
		}
	}
	p.rows = rows
	return theirs
}

// add takes a column in, if two of its rows can be compared at all. looks is how many comparisons the front makes.
func (p *pareto) add(col Column, looks int) {
	var cells []*Cell
	for i := range col.Cells {
		if c := &col.Cells[i]; slices.Contains(p.rows, c.Architecture) {
			cells = append(cells, c)
		}
	}
	to, sure, known := make([][]relation, len(cells)), make([][]bool, len(cells)), false
	for a := range cells {
		to[a], sure[a] = make([]relation, len(cells)), make([]bool, len(cells))
	}
	for a := range cells {
		for b := range a {
			to[a][b] = col.relation(cells[a], cells[b])
			known = known || to[a][b] != unknown
			to[b][a] = map[relation]relation{ahead: behind, behind: ahead, same: same}[to[a][b]]
			apart := (to[a][b] == ahead || to[a][b] == behind) && col.surely(cells[a], cells[b], looks)
			sure[a][b], sure[b][a] = apart && to[a][b] == ahead, apart && to[a][b] == behind
		}
	}
	if known {
		p.columns, p.cells = append(p.columns, col), append(p.cells, cells)
		p.to, p.sure = append(p.to, to), append(p.sure, sure)
	}
}

// surely tells whether two rows of a column differ by more than chance explains when so many pairs are looked at. Times
// and rates scatter by a share of themselves, so their logarithms are compared; clients that were harmed are counted.
func (col *Column) surely(a, b *Cell, looks int) bool {
	if a.Verdict == Failed || b.Verdict == Failed {
		return true
	}
	scale := math.Log
	if col.Situation.Metric == Harmed || min(a.Summary.Smallest, b.Summary.Smallest) <= 0 {
		scale = func(v float64) float64 { return v }
	}
	return welch(scaled(a.Values, scale), scaled(b.Values, scale))*float64(looks) <= Alpha
}

func scaled(values []float64, scale func(float64) float64) (all []float64) {
	for _, v := range values {
		all = append(all, scale(v))
	}
	return all
}

// welch is the two-sided p-value of Welch's t-test (1947); 0 where neither scatters and the two differ.
func welch(a, b []float64) float64 {
	t, err := stats.TwoSampleWelchTTest(stats.Sample{Xs: a}, stats.Sample{Xs: b}, stats.LocationDiffers)
	switch {
	case errors.Is(err, stats.ErrZeroVariance) && a[0] != b[0]:
		return 0
	case err != nil:
		return 1
	}
	return t.P
}

// dominance fills direct and reaches. Not to be told apart is not transitive, so that rows can dominate each other in a
// ring; the closure (Warshall 1962) shows such rings.
func (p *pareto) dominance() {
	n := len(p.rows)
	p.direct, p.reaches = make([][]bool, n), make([][]bool, n)
	for a := range n {
		p.direct[a], p.reaches[a] = make([]bool, n), make([]bool, n)
		for b := range n {
			p.direct[a][b] = a != b && p.dominates(a, b)
			p.reaches[a][b] = p.direct[a][b]
		}
	}
	for k := range n {
		for a := range n {
			for b := range n {
				p.reaches[a][b] = p.reaches[a][b] || p.reaches[a][k] && p.reaches[k][b]
			}
		}
	}
}

// dominates tells whether row a is as good as row b in every column, or not to be told apart, and surely better in one.
func (p *pareto) dominates(a, b int) bool {
	better := false
	for i, to := range p.to {
		if to[a][b] == behind || to[a][b] == unknown {
			return false
		}
		better = better || p.sure[i][a][b]
	}
	return better
}

// winner is a row that puts row a off the front, one that is on it if there is such a one; -1 where there is none. Rows
// that dominate each other in a ring stay on: none of them is worse than all.
func (p *pareto) winner(a int) int {
	by := -1
	for b := range p.rows {
		if p.direct[b][a] && !p.reaches[a][b] && (by < 0 || p.winner(by) >= 0) {
			by = b
		}
	}
	return by
}

// settled tells whether a row that nobody is known to dominate is on the front for sure: what is unknown can't change
// that where it is ahead in another column.
func (p *pareto) settled(a int) bool {
	for b := range p.rows {
		open, wins := false, false
		for _, to := range p.to {
			open = open || a != b && to[a][b] == unknown
			wins = wins || to[a][b] == ahead
		}
		if open && !wins {
			return false
		}
	}
	return true
}

// none says why there is no front.
func (p *pareto) none() string {
	switch {
	case len(p.rows) < 2:
		return "There are no two rows to compare."
	case len(p.rows) > mostOnFront:
		return fmt.Sprintf("%d rows are too many to compare each with each.", len(p.rows))
	}
	figures := 0 // pairs of them that can be compared
	for i, cells := range p.cells {
		for a := range cells {
			for b := range cells {
				if len(cells[a].Values) > 0 && len(cells[b].Values) > 0 && p.to[i][a][b] != unknown {
					figures++
				}
			}
		}
	}
	if figures > 0 {
		return ""
	}
	for _, col := range judgedColumns(p.v.run, p.v.trials) {
		if !stateCost(col.Situation) && !col.Situation.point() {
			if _, _, _, rest := sortCells(&col); len(rest) > 1 {
				return p.v.tooFew(&col)
			}
		}
	}
	if len(p.columns) > 0 {
		return "" // rows that fail, and rows that don't
	}
	return "No column of this run has figures of two rows."
}

// dominated says by whom a row is put off the front, with both figures in the column in which the difference is
// greatest: a failure before any factor.
func (p *pareto) dominated(a, by int) Dominated {
	at, most := -1, 0.0
	for i := range p.to {
		if !p.sure[i][by][a] {
			continue
		}
		if f := p.factor(i, by, a); at < 0 || f > most {
			at, most = i, f
		}
	}
	s, good, bad := p.columns[at].Situation, p.cells[at][by], p.cells[at][a]
	figures := p.v.figure(good.Summary.Median, good, s) + " against " + p.v.figure(bad.Summary.Median, bad, s)
	if bad.Verdict == Failed {
		figures = p.v.figure(good.Summary.Median, good, s) + ", where " + p.rows[a].Label + " fails (" + bad.Word + ")"
	}
	text := fmt.Sprintf("%s is off the front: %s is nowhere measurably worse, and better in %s, %s.", p.rows[a].Label,
		p.rows[by].Label, s.Name, figures)
	return Dominated{Row: p.rows[a], By: p.rows[by], In: s, Text: text}
}

// factor is how many times better one row is than another one in a column; infinite where the other one fails.
func (p *pareto) factor(column, good, bad int) float64 {
	x, y := p.cells[column][good], p.cells[column][bad]
	if y.Verdict == Failed {
		return math.Inf(1)
	}
	if f := factor(x, y, p.columns[column].Situation.Metric); !math.IsNaN(f) {
		return f
	}
	return 0
}

// Sentences say the front in words: who is on it, who is off it and why, and who can't be placed.
func (f *Front) Sentences() (all []string) {
	if f.None != "" {
		return []string{f.None}
	}
	labels := func(rows []*Architecture) (names []string) {
		for _, a := range rows {
			names = append(names, a.Label)
		}
		return names
	}
	var columns []string
	for _, s := range f.Columns {
		columns = append(columns, s.Name)
	}
	over := "over " + enumerate(columns)
	switch on := labels(f.On); len(on) {
	case 0:
	case 1:
		all = append(all, fmt.Sprintf("Pareto front %s: %s alone.", over, on[0]))
	default:
		all = append(all, fmt.Sprintf("Pareto front %s: %s. None of them beats another without losing elsewhere.", over,
			enumerate(on)))
	}
	for _, d := range f.Off {
		all = append(all, d.Text)
	}
	if len(f.Open) > 0 {
		all = append(all, "Can't be placed: "+enumerate(labels(f.Open))+
			". In a column each has too few trials, or no figure that counts.")
	}
	return all
}
