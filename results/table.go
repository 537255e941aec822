package results

import (
	"fmt"
	"slices"
	"strings"
)

// The widths of the closing table, in characters. A column is a bar, a figure, and a mark; its last character parts it
// from the next one.
const (
	columnWidth  = 16
	labelWidth   = 16
	lectureWidth = 30 // of label and lecture's word, where there is room for both
	figureWidth  = 8
)

// table draws the head and a row for each architecture, the references below a rule. The legend stands in the head's
// first cell.
func (d *screen) table() (lines []string) {
	if len(d.columns) == 0 {
		return nil
	}
	wide := min(columnWidth, (screenWidth-labelWidth)/len(d.columns))
	labels := labelWidth
	if screenWidth-wide*len(d.columns) >= lectureWidth {
		labels = lectureWidth
	}
	head := [2]string{left("● best or tied", labels), left("× fails", labels)}
	for _, c := range d.columns {
		head[0] += left(c.Situation.Title, wide-1) + " "
		head[1] += left(subtitle(&c, wide-1), wide-1) + " "
	}
	for _, h := range head {
		lines = append(lines, d.style.paint(bold, d.text(h)[0]))
	}
	drawn := make([][]string, len(d.columns))
	for i, c := range d.columns {
		drawn[i] = d.column(c, wide)
	}
	for i, a := range d.run.Architectures {
		if !takesPart(d.columns, i) {
			continue
		}
		if a.Reference && (i == 0 || !d.run.Architectures[i-1].Reference) {
			lines = append(lines, d.text(referenceRule)...)
		}
		line := d.style.text(left(left(a.Label, labelWidth)+a.Lecture, labels))
		if labels == labelWidth {
			line = d.style.text(left(a.Label, labels))
		}
		for _, cells := range drawn {
			line += cells[i]
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// takesPart tells whether any column is about a row: it was planned or tried there.
func takesPart(columns []Column, row int) bool {
	return slices.ContainsFunc(columns, func(col Column) bool { return !col.Cells[row].absent() })
}

// referenceRule parts the rows from the references.
const referenceRule = "── references, not ranked: they bring a parser of their own ────────────────────"

// subtitle is the second line of a column's head: the unit, and what no server could exceed or what stands beside it.
func subtitle(col *Column, room int) string {
	s := col.Situation
	if _, ok := col.control(); ok {
		return firstFit(room, "CPU µs control", s.Subtitle)
	}
	if s.Ceiling > 0 {
		top := " ≤ " + s.Metric.figure(s.Ceiling, 0)
		return firstFit(room, s.Subtitle+top, "req/s"+top, s.Subtitle)
	}
	return s.Subtitle
}

// column draws the cells of one column to one width: all bars start at zero and share the column's own scale. Where
// there is a bill of process control, it takes the place of the bars.
func (d *screen) column(col Column, wide int) []string {
	bills, billed := col.control()
	top, body, widest := col.Situation.Ceiling, wide-3, figureWidth
	figures := make([]string, len(col.Cells))
	for i := range col.Cells {
		c := &col.Cells[i]
		figures[i] = d.figure(c, col.Situation)
		if c.Summary.N > 0 && c.Verdict != Failed {
			top, widest = max(top, c.Summary.Median), max(widest, width(figures[i]))
		}
	}
	cells := make([]string, len(col.Cells))
	for i := range col.Cells {
		c := &col.Cells[i]
		mark, code := " ", ""
		t := right(figures[i], body)
		switch c.Verdict {
		case Best, Tied:
			mark, code = "●", green
		case Failed:
			mark, code = "×", red
		}
		if billed {
			t = withControl(figures[i], c, bills[i], body, i == col.baseline())
		} else if bars := body - 1 - widest; bars >= 3 && c.Verdict != Failed && c.Verdict != Unranked && c.Summary.N > 0 {
			t = bar(c.Summary.Median, top, bars) + " " + right(figures[i], widest)
		}
		cells[i] = d.style.text(t+" ") + d.style.paint(code, d.style.text(mark)) + " "
	}
	return cells
}

// withControl puts the bill of process control beside a figure, where there is room for both; base tells the row that
// the bill is held against.
func withControl(figure string, c *Cell, bill Summary, room int, base bool) string {
	if c.Verdict == Failed || c.Verdict == NotMeasured || c.Summary.N == 0 {
		return right(figure, room)
	}
	t := signed(bill.Median)
	if base {
		t = "–"
	}
	return firstFit(room, right(figure, room-7)+" "+right(t, 6), figure+" "+t, right(figure, room))
}

// figure is what a cell says: its median, the word of its failure, or why there is none.
func (d *screen) figure(c *Cell, sit *Situation) string {
	switch {
	case c.Verdict == NotMeasured || c.absent():
		return "–"
	case c.Verdict == Failed && width(c.Word) > columnWidth-3: // "starved 906/1000": the last line has how many there are
		short, _, _ := strings.Cut(c.Word, "/")
		return short
	case c.Verdict == Failed:
		return c.Word
	case c.Summary.N == 0:
		return c.Word // n/a, or the finding that leaves no figure
	}
	t := sit.Metric.figure(c.Summary.Median, clients(c, sit)) + d.noteMark(c.Architecture, sit)
	if c.Verdict == Unranked {
		return "(" + t + ")"
	}
	return t
}

// clients is the number of busy clients of a cell's trials.
func clients(c *Cell, sit *Situation) int {
	if len(c.Trials) > 0 && c.Trials[0].Load.Connections > 0 {
		return c.Trials[0].Load.Connections
	}
	return sit.Connections
}

// spawns tells a row whose CPU time goes into starting a program for each request. Records from before a row said what
// its processes are have only its name.
func spawns(a *Architecture) bool {
	return a.Processes == PerRequest && !a.Forked || a.Processes == "" && a.Name == "process"
}

// noteMark is the superscript of a figure that must not be read without its footnote.
func (d *screen) noteMark(a *Architecture, sit *Situation) string {
	rate, own := sit.OwnRates[a.Name]
	switch {
	case spawns(a) && own && sit.Metric != CPUPerRequest && rate != d.billedAt(a):
		return "¹²"
	case spawns(a) && sit.Metric != MemoryPerSilent && sit.Metric != Harmed && sit.Metric != Stall:
		return "¹" // it names the row's own rate, too
	case own:
		return "²"
	}
	return ""
}

// billedAt is the row's own rate in the column of which the first note bills its CPU time; 0 where there is none.
func (d *screen) billedAt(a *Architecture) float64 {
	for _, col := range d.columns {
		if col.Situation.Metric == CPUPerRequest {
			return col.Situation.OwnRates[a.Name]
		}
	}
	return 0
}

// notes are the footnotes: what a process costs before it serves, which rows are missing, and which ran at a rate of
// their own.
func (d *screen) notes() (lines []string) {
	var own []string // what the first note does not say
	rate, total := "", -1.0
	for _, col := range slices.Concat(d.columns, d.latency) {
		for i := range col.Cells {
			c := &col.Cells[i]
			r, has := col.Situation.OwnRates[c.Architecture.Name]
			first := spawns(c.Architecture) && col.Situation.Metric == CPUPerRequest && rate == "" && total < 0
			if first && c.Summary.N > 0 {
				total = c.Summary.Median
			}
			switch {
			case has && first:
				rate = exact(r) + "/s"
			case has && spawns(c.Architecture) && r == d.billedAt(c.Architecture): // the first note names it
			case has:
				own = append(own, fmt.Sprintf("%s %s/s (%s)", c.Architecture.Label, exact(r), col.Situation.Name))
			}
		}
	}
	if !d.blocks() && slices.ContainsFunc(d.run.Architectures, func(a Architecture) bool { return spawns(&a) }) {
		lines = append(lines, spawnBill(d.run.Calibration.Spawn, total, rate))
	}
	if len(d.run.LeftOut) > 0 {
		lines = append(lines, leftOut(d.run.LeftOut))
	}
	if len(own) > 0 {
		lines = append(lines, firstFit(screenWidth, "² at its own rate: "+strings.Join(own, ", "),
			fmt.Sprintf("² %d cells at rates of their own, see --wide", len(own))))
	}
	return lines
}

// brackets says why figures stand in brackets; --wide says it, too.
func (d *screen) brackets() []string {
	var void []string
	columns := slices.Concat(d.columns, d.latency)
	for _, col := range columns {
		for _, c := range col.Cells {
			if c.Verdict == Unranked && len(c.Void) > 0 {
				void = append(void, fmt.Sprintf("%s in %s (%s)", c.Architecture.Label, col.Situation.Name, c.Word))
			}
		}
	}
	if len(void) == 0 {
		return nil
	}
	words, rows := voids(columns)
	var whose, many []string
	for _, w := range words {
		whose = append(whose, w+" ("+strings.Join(rows[w], ", ")+")")
		many = append(many, fmt.Sprintf("%d %s", len(rows[w]), w))
	}
	return []string{firstFit(screenWidth, "In brackets, not ranked: "+strings.Join(void, ", "),
		"In brackets, not ranked: "+strings.Join(whose, ", "),
		"In brackets, not ranked: "+strings.Join(many, ", ")+" (see --wide)",
		fmt.Sprintf("In brackets, not ranked: %d cells whose trials are void, see --wide", len(void)))}
}

// voids are the reasons for which figures don't count, in the order in which they come, and the labels of their rows.
func voids(columns []Column) (words []string, rows map[string][]string) {
	rows = map[string][]string{}
	for i := range columns {
		for _, c := range columns[i].Cells {
			if c.Verdict != Unranked || len(c.Void) == 0 {
				continue
			}
			if rows[c.Word] == nil {
				words = append(words, c.Word)
			}
			rows[c.Word] = append(rows[c.Word], c.Architecture.Label)
		}
	}
	return words, rows
}

// leftOut names the rows that could not be measured here, with the reason where there is room.
func leftOut(rows []LeftOut) string {
	var names, whys []string
	for _, r := range rows {
		names, whys = append(names, r.Name), append(whys, r.Name+": "+r.Why)
	}
	return firstFit(screenWidth, "Left out: "+strings.Join(whys, "; "),
		"Left out: "+strings.Join(names, ", ")+" (why: see --wide)",
		fmt.Sprintf("Left out: %d rows, see --wide", len(rows)))
}

// fork is what a fork without exec takes.
func (s *Spawn) fork() string {
	if s.Fork == nil {
		return "n/a"
	}
	return number(*s.Fork*1e6, 2) + " µs"
}

// spawnBill is the footnote of the process row in one line: where total, its CPU time per request in seconds, goes;
// negative when it was not measured. rate is the row's own offered rate, empty when it held that of all.
func spawnBill(b *Spawn, total float64, rate string) string {
	head := "¹ "
	if rate != "" {
		head = "¹ own rate " + rate + ": "
	}
	if b == nil {
		return head + "how much of it only starts a process was not measured"
	}
	us := func(v float64) string { return number(v*1e6, 3) }
	exec, run, init := us(b.Exec), us(b.Runtime-b.Exec), us(b.Init-b.Runtime)
	rest := ""
	switch {
	case total >= b.Init:
		rest = ", request " + us(total-b.Init)
	case total >= 0:
		rest = ", request: too little to tell"
	}
	alone := ""
	if b.Fork != nil {
		alone = "; fork alone " + number(*b.Fork*1e6, 2)
	}
	return firstFit(screenWidth,
		fmt.Sprintf("%sbare fork and exec %s, Go runtime %s, package init %s%s%s µs", head, exec, run, init, rest,
			alone),
		fmt.Sprintf("%sfork+exec %s, Go runtime %s, package init %s%s%s µs", head, exec, run, init, rest, alone),
		fmt.Sprintf("%sfork+exec %s, Go runtime %s, package init %s%s%s", head, exec, run, init, rest, alone),
		fmt.Sprintf("%sfork+exec %s, Go start %s, package init %s%s%s", head, exec, run, init, rest, alone),
		fmt.Sprintf("%sfork+exec %s, Go %s, init %s%s%s", head, exec, run, init, rest, alone),
		fmt.Sprintf("%sfork+exec %s, Go %s, init %s%s", head, exec, run, init,
			strings.ReplaceAll(rest+alone, "fork alone", "fork")),
		fmt.Sprintf("%sfork+exec %s, Go %s, init %s%s", head, exec, run, init, alone))
}
