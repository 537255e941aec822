package results

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// narrowest is the least width of a column of a figure on the screen, with its mark and the space before it.
const narrowest = 8

// Experiments draws what the experiments of a run came to, at most 80 columns wide: of each the question, the first
// metric of each series against what its situations differ in, and the lessons; their sources are on the wide one and in
// WriteLessons. Nothing where a run has none.
func Experiments(w io.Writer, run Run, trials []Trial, s Style) error {
	return drawExperiments(w, &run, trials, s, false)
}

// WideExperiments is Experiments with all metrics, and with a column for each situation, however many there are.
func WideExperiments(w io.Writer, run Run, trials []Trial, s Style) error {
	return drawExperiments(w, &run, trials, s, true)
}

func drawExperiments(w io.Writer, run *Run, trials []Trial, s Style, wide bool) error {
	figures := Figures(run, trials)
	var above string // what parts a section from the one above it
	for _, e := range Learnt(run, trials) {
		var some []Figure
		for _, f := range figures {
			drawn := slices.ContainsFunc(some, func(other Figure) bool { return other.Series == f.Series })
			if f.Experiment.Name == e.Name && (wide || !drawn) {
				some = append(some, f)
			}
		}
		var letters []string
		if e.Name == PhaseName {
			letters = phaseLines(run, trials)
		}
		if len(some)+len(letters)+len(e.Answers) == 0 {
			continue
		}
		d := figureScreen{style: s, room: screenWidth - labelWidth}
		if d.put(bold, wrap(strings.ToUpper(e.Name)+": "+e.Question, screenWidth)...); wide {
			d.room = 1 << 16
		}
		if !wide {
			some = stacked(some)
		}
		var columns []Column
		for i := range some {
			d.table(&some[i])
			columns = append(columns, some[i].Columns...)
		}
		d.put("", bracketed(columns)...)
		d.put("", letters...)
		for _, f := range e.Findings {
			d.put("", wrap(f, screenWidth)...)
		}
		d.lines = append(d.lines, lessonLines(e.Answers, s, wide)...)
		if e.Name == LieName && (wide || len(run.Experiments) == 1) {
			if err := lieScreens(w, run, s); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, above+strings.Join(d.lines, "\n")+"\n"); err != nil {
			return fmt.Errorf("draw the experiment %s: %w", Style{}.text(e.Name), err)
		}
		above = "\n"
	}
	return nil
}

// stacked puts the series of one row beneath one another, as rows of one table, where none of them has more than that row:
// tables of a line would say everything else again and again. Rows of such a table do not compete.
func stacked(figures []Figure) []Figure {
	if len(figures) < 2 {
		return figures
	}
	all := figures[0]
	all.Series, all.Columns = "", slices.Clone(all.Columns)
	for i := range all.Columns {
		all.Columns[i].Cells = nil
	}
	for _, f := range figures {
		if f.Metric != all.Metric || len(f.Columns) != len(all.Columns) {
			return figures
		}
		cells := f.Columns[0].Cells
		only := slices.DeleteFunc(places(len(cells)), func(row int) bool { return !f.takesPart(row) })
		if len(only) != 1 || all.Series != "" && all.Series != cells[only[0]].Architecture.Label {
			return figures
		}
		for i := range f.Columns {
			if f.column(i) != all.column(i) {
				return figures
			}
			c := f.Columns[i].Cells[only[0]]
			row := *c.Architecture
			all.Series, row.Label = row.Label, f.Series
			if c.Architecture = &row; c.Leader() {
				c.Verdict = Undecided
			}
			all.Columns[i].Cells = append(all.Columns[i].Cells, c)
		}
	}
	return []Figure{all}
}

// places are 0 to n-1.
func places(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// bracketed says why figures of an experiment stand in brackets, and of how many cells.
func bracketed(columns []Column) []string {
	words, rows := voids(columns)
	if len(words) == 0 {
		return nil
	}
	var many []string
	for _, w := range words {
		many = append(many, fmt.Sprintf("%d %s", len(rows[w]), w))
	}
	return wrap("In brackets, not ranked: "+strings.Join(many, ", ")+" (serverlab explain "+words[0]+")", screenWidth)
}

// figureScreen draws the figures of one experiment.
type figureScreen struct {
	style Style
	room  int // for the columns, characters
	lines []string
}

func (d *figureScreen) put(code string, lines ...string) {
	for _, l := range lines {
		d.lines = append(d.lines, d.style.paint(code, d.style.text(clip(strings.TrimRight(l, " "), labelWidth+d.room))))
	}
}

// table is a line for each row that takes part and a column for each X, or as many of them as there is room for.
func (d *figureScreen) table(f *Figure) {
	wide := narrowest
	for i := range f.Columns {
		wide = max(wide, width(f.column(i))+2)
		for row := range f.Columns[i].Cells {
			wide = max(wide, width(f.cell(i, row))+2)
		}
	}
	shown := spaced(len(f.Columns), max(2, d.room/wide))
	against := f.heading() + " (" + f.unit() + ")"
	if title := f.Experiment.X.Title; title != "" && f.plotted() {
		against += ", against " + title
	}
	if len(shown) < len(f.Columns) {
		against += fmt.Sprintf(": %d of %d values, all by --wide", len(shown), len(f.Columns))
	}
	if !f.plotted() {
		against += f.Columns[0].ownRates()
	}
	d.put("", wrap(against, screenWidth)...)
	head, limit, limited := left("● best × fails", labelWidth), left("ceiling", labelWidth), false
	for _, i := range shown {
		head += right(f.column(i), wide-1) + " "
		top := "–"
		if v, ok := f.ceiling(i); ok {
			top, limited = f.Metric.figure(v, 0), true
		}
		limit += right(top, wide-1) + " "
	}
	d.put(bold, head)
	for row := range f.Columns[0].Cells {
		if !f.takesPart(row) {
			continue
		}
		line := d.style.text(left(f.Columns[0].Cells[row].Architecture.Label, labelWidth))
		for _, i := range shown {
			mark, code := " ", ""
			switch f.Columns[i].Cells[row].Verdict {
			case Best, Tied:
				if f.rivals(i) {
					mark, code = "●", green
				}
			case Failed:
				mark, code = "×", red
			}
			line += d.style.text(right(f.cell(i, row), wide-1)) + d.style.paint(code, d.style.text(mark))
		}
		d.lines = append(d.lines, strings.TrimRight(line, " "))
	}
	if limited {
		d.put("", limit)
	}
}

// rivals tells whether there is anybody to be better than: to lead a column alone is no victory.
func (f *Figure) rivals(column int) bool {
	n := 0
	for row := range f.Columns[column].Cells {
		if !f.Columns[column].Cells[row].absent() {
			n++
		}
	}
	return n > 1
}

// cell is a figure in few characters: in brackets where it is not ranked; why there is none.
func (f *Figure) cell(column, row int) string {
	col := &f.Columns[column]
	switch c := &col.Cells[row]; {
	case c.Verdict == NotMeasured || c.absent():
		return "–"
	case c.Verdict == Failed:
		short, _, _ := strings.Cut(c.Word, " ") // "starved 63/64"
		return firstFit(narrowest, c.Word, short)
	case c.Summary.N == 0:
		return "n/a"
	case c.Verdict == Unranked:
		return "(" + f.Metric.figure(c.Summary.Median, clients(c, col.Situation)) + ")"
	default:
		return f.Metric.figure(c.Summary.Median, clients(c, col.Situation))
	}
}

// unit is that of the figures, or which way is better where each figure names its own.
func (f *Figure) unit() string {
	better := "less is better"
	if f.Metric.HigherIsBetter() {
		better = "more is better"
	}
	if u := f.Metric.unit(); u != "" {
		return u + ", " + better
	}
	return better
}

// spaced are at most most of n places, the first and the last among them, evenly spread.
func spaced(n, most int) (places []int) {
	if n <= most {
		most = n
	}
	for i := range most {
		at := i
		if most > 1 {
			at = i * (n - 1) / (most - 1)
		}
		places = append(places, at)
	}
	return places
}
