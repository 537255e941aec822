package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Overview is the tables that close a run, for pages and files: the figures, marks and words of the screens without
// their widths. Every text is finished; none is markup.
type Overview struct {
	Question string // that the run asks
	Answer   string // the short one; "" where there is none
	Setup    string // CPUs, clients, trials and how long they took
	Tables   []OverviewTable
}

// OverviewTable has a row for each architecture that takes part and a cell for each column.
type OverviewTable struct {
	Title   string
	Note    string // what its figures must not be read without
	Columns []OverviewColumn
	Rows    []OverviewRow
}

// OverviewColumn is a situation.
type OverviewColumn struct {
	Name, Title, Unit string
	Meaning           string // what the column says, a sentence
	Asked             string // the load, its arrival model named
}

// OverviewRow is an architecture, by its place in Run.Architectures.
type OverviewRow struct {
	Row   int
	Cells []OverviewCell
}

// OverviewCell is one figure.
type OverviewCell struct {
	Text string   // the figure, or why there is none
	More []string // its interval, and what else it must be read with
	Mark string   // "●", "×" or ""
	Word string   // what the mark says, for who can't see it
	Bar  float64  // the figure's share of its column's scale, which starts at zero; 0: there is no bar
}

// NewOverview makes the tables of a run: of its situations; of what it costs to remember clients; of what a fault does.
// What is a point of a curve is no column.
func NewOverview(run *Run, trials []Trial) Overview {
	d := screen{run: run, trials: trials}
	var shown []Column
	for _, col := range Columns(run, trials) {
		switch s := col.Situation; {
		case s.State != "" || s.Metric == Outage || s.point() || run.aside(s):
			continue
		case s.Metric == Latency:
			d.latency = append(d.latency, col)
		default:
			d.columns = append(d.columns, col)
		}
		shown = append(shown, col)
	}
	o := Overview{Setup: d.captions("")[0]}
	if len(shown) > 0 {
		o.Question, o.Answer = d.asked()
		o.Tables = append(o.Tables, d.overview(shown))
	}
	if t := d.remembered(); len(t.Rows) > 0 {
		o.Tables = append(o.Tables, t)
	}
	if t := d.broken(); len(t.Rows) > 0 {
		o.Tables = append(o.Tables, t)
	}
	if t := d.offered(); len(t.Rows) > 0 {
		o.Tables = append(o.Tables, t)
	}
	if o.Question == "" {
		o.Question = "What was measured?"
		if len(o.Tables) > 0 {
			o.Question = o.Tables[0].Title
		}
		if len(run.Experiments) > 0 {
			o.Question, o.Answer = learning(run, trials)
		}
	}
	return o
}

// asked is the question of a run with a closing table, and its short answer. Where all its columns are those of
// experiments, these ask, and not the table.
func (d *screen) asked() (question, answer string) {
	of := func(s Situation) bool { return d.run.asks(&s) == "" }
	if len(d.run.Experiments) > 0 && !slices.ContainsFunc(d.run.Situations, of) {
		return learning(d.run, d.trials)
	}
	return "Which architecture is most efficient?", d.answer()
}

// learning is what a run of nothing but experiments asks, and how their lessons came out.
func learning(run *Run, trials []Trial) (question, answer string) {
	question = Capital(run.Experiments[0].Question)
	if n := len(run.Experiments); n > 1 {
		question = fmt.Sprintf("What do %d experiments show of what the literature expects?", n)
	}
	return question, lessonTotal(Learnt(run, trials))
}

func newOverviewColumn(s *Situation) OverviewColumn {
	return OverviewColumn{Name: s.Name, Title: s.Title, Unit: s.Subtitle, Meaning: s.Meaning, Asked: asked(s)}
}

func (d *screen) overview(columns []Column) OverviewTable {
	t := OverviewTable{Title: "The closing table", Rows: make([]OverviewRow, len(d.run.Architectures))}
	for i := range t.Rows {
		t.Rows[i].Row = i
	}
	for k := range columns {
		col := &columns[k]
		head := newOverviewColumn(col.Situation)
		if col.Situation.Metric == Latency {
			head.Unit = "p99"
		}
		bills, billed := col.control()
		top := col.Situation.Ceiling
		for i := range col.Cells {
			if c := &col.Cells[i]; c.Summary.N > 0 && c.Verdict != Failed {
				top = max(top, c.Summary.Median)
			}
		}
		t.Columns = append(t.Columns, head)
		for i := range col.Cells {
			c := &col.Cells[i]
			cell := newOverviewCell(c, col.Situation, top)
			if billed && bills[i].N > 0 && bills[i].Median != 0 && c.Verdict != Failed {
				cell.More = append(cell.More, "control "+signed(bills[i].Median))
			}
			t.Rows[i].Cells = append(t.Rows[i].Cells, cell)
		}
	}
	t.Rows = slices.DeleteFunc(t.Rows, func(r OverviewRow) bool { return !takesPart(columns, r.Row) })
	return t
}

// newOverviewCell says what a cell of a column says on the screen. top is where the column's scale ends.
func newOverviewCell(c *Cell, s *Situation, top float64) OverviewCell {
	o := OverviewCell{Text: "–", Word: string(c.Verdict)}
	m := s.Metric
	show := func(v float64) string { return m.figure(v, clients(c, s)) }
	switch {
	case c.absent():
		return OverviewCell{Text: "–", Word: "not asked"}
	case c.Verdict == NotMeasured:
		return o
	case c.Verdict == Failed:
		return OverviewCell{Text: c.Word, Mark: "×", Word: "fails"}
	case c.Summary.N == 0:
		return OverviewCell{Text: c.Word}
	}
	o.Text = show(c.Summary.Median)
	if !math.IsNaN(c.Summary.Lo) && c.Summary.Lo != c.Summary.Hi {
		o.More = append(o.More, show(c.Summary.Lo)+" – "+show(c.Summary.Hi))
	}
	if rate, own := s.OwnRates[c.Architecture.Name]; own {
		o.More = append(o.More, "at its own "+exact(rate)+"/s")
	}
	if top > 0 && c.Summary.Median > 0 {
		o.Bar = c.Summary.Median / top
	}
	switch c.Verdict {
	case Best:
		o.Mark = "●"
	case Tied:
		o.Mark, o.Word = "●", "tied with the best"
	case Unranked:
		o.Text, o.Bar, o.Word = "("+o.Text+")", 0, "not ranked"
		o.More = append(o.More, c.Word)
	case Beside:
		o.Word = "a reference, not ranked"
	}
	return o
}

// remembered is the table of what it costs to remember clients.
func (d *screen) remembered() OverviewTable {
	c := newCosts(d.run, d.trials, d.style)
	t := OverviewTable{Title: "What does it cost to remember clients?",
		Note: "CPU time of a read, µs. Each row has a rate of its own: compare within a row, not between rows."}
	for _, s := range c.sits {
		head := newOverviewColumn(s)
		head.Title, head.Unit = s.State, "CPU µs/read"
		if s.Store != "" {
			head.Title += ", " + s.Store
		}
		t.Columns = append(t.Columns, head)
	}
	for i, cells := range c.rows {
		if !c.tried(i) {
			continue
		}
		row := OverviewRow{Row: i}
		for j := range cells {
			cell, s := &cells[j], c.sits[j]
			o := newOverviewCell(cell, s, 0)
			if word := c.word(cell, s); word != "" {
				o = OverviewCell{Text: strings.TrimSuffix(word, " ×")}
				if o.Text != word {
					o.Mark, o.Word = "×", "fails"
				}
			} else if share := p50p99(cell); share != "n/a" {
				o.More = append(o.More, "p50/p99 "+share+" ms")
			}
			if h := d.run.Calibration.Held[s.Name][cell.Architecture.Name]; h.Memory != nil {
				o.More = append(o.More, size(*h.Memory)+" a client")
			}
			row.Cells = append(row.Cells, o)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// broken is the table of what a fault does.
func (d *screen) broken() OverviewTable {
	t := OverviewTable{Title: "What does a crash do?",
		Note: "Time from the fault to the first right answer; sessions that were lost, where there are any to lose."}
	groups := crashGroups(d.run, d.trials)
	for i := range groups {
		s := groups[i].situation
		head := newOverviewColumn(s)
		head.Title, head.Unit = s.State, s.Fault+" killed"
		if s.Store != "" {
			head.Title += ", " + s.Store
		}
		t.Columns = append(t.Columns, head)
	}
	for i := range d.run.Architectures {
		a := &d.run.Architectures[i]
		row, known := OverviewRow{Row: i}, false
		for k := range groups {
			cell := OverviewCell{Text: "–"}
			if at := slices.IndexFunc(groups[k].cells, func(c crashCell) bool { return c.arch == a }); at >= 0 {
				c := &groups[k].cells[at]
				known = known || len(c.trials)+c.failed > 0
				if cell.Text = c.brief(); cell.Text == "wrong" || cell.Text == "never" {
					cell.Mark, cell.Word = "×", "fails"
				} else if lost, first, ok := strings.Cut(cell.Text, ", "); ok {
					cell.Text = first
					cell.More = []string{fmt.Sprintf("%s of %d sessions lost", lost, clientsOf(groups[k].situation))}
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		if known {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// offered is the table of a sweep over offered rates: how far each row goes. Its curves are charts.
func (d *screen) offered() OverviewTable {
	t := OverviewTable{Title: "How much load does each row hold?", Columns: []OverviewColumn{
		{Title: "knee", Unit: "offered, 1/s", Meaning: "where throughput over response time is highest"},
		{Title: "at the knee", Unit: "p99", Meaning: "the response time there; past it there is mostly waiting"},
		{Title: "peak", Unit: "right answers, 1/s", Meaning: "the highest goodput, whatever it costs in time"}}}
	sits := sweepOf(d.run, LoadSweep)
	for _, c := range Curves(d.run, d.trials, LoadSweep) {
		row := slices.IndexFunc(d.run.Architectures, func(a Architecture) bool { return a.Name == c.Architecture.Name })
		if row < 0 || c.Measured == 0 {
			continue
		}
		knee, wait := OverviewCell{Text: "–"}, OverviewCell{Text: "–"}
		if k := c.Sweep.Knee; k >= 0 && k < len(c.Points) {
			knee.Text, wait.Text = exact(c.Points[k].Rate), duration(c.Points[k].P99.Median, 3)
		}
		peak := newOverviewCell(&c.Peak, sits[0], 0)
		t.Rows = append(t.Rows, OverviewRow{Row: row, Cells: []OverviewCell{knee, wait, peak}})
	}
	return t
}
