package page

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"serverlab/results"
	"serverlab/results/plot"
)

// view is what the template shows. Its strings are plain text; what is markup comes from package plot.
type view struct {
	shell
	results.Overview
	Run         *results.Run
	When        string
	Machine     string
	Damage      []string
	Riddle      []string // what a class is asked of a blind run
	Verdict     []aspect
	More        []aspect // of the verdict, folded
	Front       []string // the Pareto front in sentences
	Scores      []results.Score
	Total       string // of the scores
	Sections    []section
	Experiments []section // among them
	Rows        []row
	Sheets      []sheet
	Trials      []results.TrialLine
	Verdicts    []string // that a trial can have
	Facts       []factGroup
	Order       string // how the trials were mixed
	Margin      string // below which a difference says nothing
	Alpha       string
	Words       []word
}

// row is an architecture with what belongs to it.
type row struct {
	results.Architecture
	Number  int
	Swatch  template.HTML
	Sketch  template.HTML // who does what; "" where the record does not say
	Figures []figure
	Calls   []trace
}

// figure is what a cell of a table says, with its column's name.
type figure struct {
	Column, Unit string
	results.OverviewCell
}

// sheet is a closing table whose lines know their architectures.
type sheet struct {
	results.OverviewTable
	Lines []sheetLine
}

type sheetLine struct {
	*row
	Cells []figure
}

// trace is the system calls of one request, as text.
type trace struct {
	Count int
	Text  string
}

// aspect is what the verdict says of one thing.
type aspect struct {
	Name    string
	Answers []answer
}

// answer is one of them, and where its charts are; "" where there is none.
type answer struct {
	results.Answer
	Chart string
}

// mostAnswers are as many as a page shows unfolded.
const mostAnswers = 12

// section holds the charts of one subject.
type section struct {
	ID, Title, Lead string
	Name            string // of an experiment, "" for a subject
	Charts          []chart
	Findings        []string               // of an experiment
	Lessons         []results.LessonAnswer // likewise
}

// chart is a picture, drawn twice since text keeps its size: for a desk and for a telephone.
type chart struct {
	ID, Name, Title, Look string
	Of                    string // the situation
	Wide, Narrow          template.HTML
	Rows                  string // the architecture of each of its series, -1: none of them
	Table                 table
	CSV                   template.URL
}

// table is the figures of a chart; each line knows its architecture.
type table struct {
	Header []string
	Lines  []line
}

type line struct {
	Row   int
	Cells []string
}

type factGroup struct {
	Title string
	Facts []results.Fact
}

// subjects are the sections, in their order. A subject that is not among them comes last.
var subjects = []struct {
	about       results.About
	title, lead string
}{
	{results.AboutCost, "What a request costs", "Where all do the same work, what differs is the architecture's own."},
	{results.AboutThroughput, "Throughput", "Right answers per second; a wrong answer, or none, is not throughput."},
	{results.AboutLatency, "Response times", "From when a request should have been sent to the end of its answer."},
	{results.AboutLoad, "Up to the knee and past it", "What comes of more requests than a server can answer."},
	{results.AboutMemory, "Memory, processes and threads", "What a server holds while its clients are there."},
	{results.AboutFaults, "Crashes and stalls", "Who else notices when something goes wrong?"},
	{results.AboutState, "Remembering clients", "What state costs, and what it saves."},
	{results.AboutBalance, "Who does how much", "How the requests are spread over the workers of a server."},
	{"", "More", ""},
}

// The widths of the two drawings of a chart, and of the drawing of an architecture, pixels.
const (
	sketchWidth = 400
	wideChart   = 720
	narrowChart = 350
)

func newView(run *results.Run, trials []results.Trial, damage []string) (v *view, err error) {
	front := results.ParetoFront(run, trials)
	v = &view{shell: newShell(), Overview: results.NewOverview(run, trials), Run: run, Damage: run.Problems(damage),
		When:     run.Started.UTC().Format("2 January 2006, 15:04 UTC"),
		Machine:  machine(&run.Machine),
		Riddle:   results.Riddle(run),
		Scores:   results.Scores(run, trials),
		Sections: sections(run, trials),
		Trials:   results.TrialList(run, trials),
		Verdicts: results.TrialVerdicts,
		Facts: []factGroup{{"Machine", results.MachineFacts(run)}, {"Calibration, before the first trial",
			results.CalibrationFacts(run)}},
		Order:  results.PlanText(run, trials),
		Margin: fmt.Sprintf("%.0f %%", 100*results.Margin),
		Alpha:  fmt.Sprintf("%.0f %%", 100*results.Alpha),
	}
	all := results.Answers(run, trials)
	answers := front.Beside(all)
	shown := min(len(answers), mostAnswers)
	v.Verdict, v.More = verdict(answers[:shown], v.Sections), verdict(answers[shown:], v.Sections)
	for _, t := range front.Sentences() {
		if len(all) > 0 {
			v.Front = append(v.Front, results.Unbroken(t))
		}
	}
	v.Total = results.ScoreTotal(v.Scores)
	if settings := results.SettingFacts(run, trials); len(settings) > 0 {
		v.Facts = append(v.Facts, factGroup{"Settings in force, as each server reported them", settings})
	}
	for i := range run.Architectures {
		r, err := newRow(run, i, v.Tables)
		if err != nil {
			return nil, err
		}
		v.Rows = append(v.Rows, r)
	}
	v.Sheets = sheets(v.Tables, v.Rows)
	for _, s := range v.Sections {
		if s.Name != "" {
			v.Experiments = append(v.Experiments, s)
		}
	}
	v.Words, err = glossary()
	return v, err
}

// machine is the machine in a line.
func machine(m *results.Machine) string {
	var parts []string
	for _, p := range []string{m.CPU, fmt.Sprintf("%d CPUs", m.Cores), m.OS, m.GoVersion} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

// verdict puts answers of the same aspect together, in the order in which the aspects come up.
func verdict(all []results.Answer, sections []section) (aspects []aspect) {
	charts := map[string]string{} // the first of each situation
	for _, s := range sections {
		for _, c := range s.Charts {
			if charts[c.Of] == "" && c.Of != "" {
				charts[c.Of] = c.ID
			}
		}
	}
	at := map[string]int{}
	for _, a := range all {
		a.Text, a.Reasons = results.Unbroken(a.Text), slices.Clone(a.Reasons)
		for i, r := range a.Reasons {
			a.Reasons[i] = results.Unbroken(r)
		}
		i, known := at[a.Aspect]
		if !known {
			i = len(aspects)
			at[a.Aspect] = i
			aspects = append(aspects, aspect{Name: a.Aspect})
		}
		aspects[i].Answers = append(aspects[i].Answers, answer{a, charts[a.Situation]})
	}
	return aspects
}

// sheets gives each line of the tables its architecture.
func sheets(tables []results.OverviewTable, rows []row) (all []sheet) {
	for _, t := range tables {
		s := sheet{OverviewTable: t}
		for _, r := range t.Rows {
			l := sheetLine{row: &rows[r.Row]}
			for i, c := range r.Cells {
				l.Cells = append(l.Cells, figure{t.Columns[i].Title, t.Columns[i].Unit, c})
			}
			s.Lines = append(s.Lines, l)
		}
		all = append(all, s)
	}
	return all
}

// newRow collects what the tables say of a row, and the calls of one of its requests.
func newRow(run *results.Run, number int, tables []results.OverviewTable) (row, error) {
	r := row{Architecture: run.Architectures[number], Number: number, Swatch: template.HTML(plot.Swatch(number))}
	for _, t := range tables {
		for _, line := range t.Rows {
			if line.Row != number {
				continue
			}
			for i, c := range line.Cells {
				if c.Text != "–" && c.Text != "" {
					r.Figures = append(r.Figures, figure{t.Columns[i].Title, t.Columns[i].Unit, c})
				}
			}
		}
	}
	if !run.Blind {
		r.Sketch = template.HTML(r.Architecture.Sketch(plot.Options{ID: fmt.Sprintf("lanes-%d", number),
			Width: sketchWidth, Inline: true}))
	}
	t, traced := run.Calibration.Traces[r.Name]
	if !traced {
		return r, nil
	}
	t.Arch = r.Label
	for _, request := range t.Requests {
		one := results.SysTrace{Arch: t.Arch, KeepAlive: t.KeepAlive, Requests: []results.RequestTrace{request}}
		var text bytes.Buffer
		if err := one.Print(&text, results.Style{}); err != nil {
			return r, err
		}
		c := trace{Text: text.String()}
		for _, n := range request.Calls() {
			c.Count += n
		}
		r.Calls = append(r.Calls, c)
	}
	return r, nil
}

// sections are those of the experiments, and then the charts by their subjects; a subject without a chart is left out.
func sections(run *results.Run, trials []results.Trial) (all []section) {
	rows := rowsByLabel(run)
	bySubject, byExperiment := make([][]chart, len(subjects)), map[string][]chart{}
	for _, p := range results.Charts(*run, trials) {
		if e := p.Experiment; e != "" {
			byExperiment[e] = append(byExperiment[e], newChart(p, rows))
			continue
		}
		i := len(subjects) - 1
		for k, s := range subjects {
			if s.about == p.About {
				i = k
			}
		}
		bySubject[i] = append(bySubject[i], newChart(p, rows))
	}
	for i, x := range results.Learnt(run, trials) {
		s := section{ID: fmt.Sprintf("experiment-%d", i), Name: x.Name, Title: results.Capital(x.Question),
			Lead: "The experiment " + x.Name + ".", Charts: byExperiment[x.Name], Findings: x.Findings, Lessons: x.Answers}
		if len(s.Charts)+len(s.Lessons) > 0 {
			all = append(all, s)
		}
	}
	for i, charts := range bySubject {
		if s := subjects[i]; len(charts) > 0 {
			all = append(all, section{ID: "about-" + plot.Identifier(string(s.about)), Title: s.title, Lead: s.lead,
				Charts: charts})
		}
	}
	return all
}

// rowsByLabel finds rows by what the charts call them. A label that two rows have stands for neither.
func rowsByLabel(run *results.Run) map[string]int {
	rows := map[string]int{}
	for i, a := range run.Architectures {
		if _, twice := rows[a.Label]; twice {
			i = -1
		}
		rows[a.Label] = i
	}
	return rows
}

// rowOf is the row that a chart calls so; -1 where there is none.
func rowOf(rows map[string]int, label string) int {
	if i, ok := rows[label]; ok {
		return i
	}
	return -1
}

func newChart(p results.Picture, rows map[string]int) chart {
	t := p.Chart.Table()
	c := chart{ID: "chart-" + p.Name, Name: p.Name, Title: p.Chart.Heading().Title, Look: p.Look, Of: p.Of,
		Table:  table{Header: t.Header},
		Wide:   drawn(p.Chart, "wide-"+p.Name, wideChart),
		Narrow: drawn(p.Chart, "narrow-"+p.Name, narrowChart),
		CSV:    template.URL("data:text/csv;charset=utf-8;base64," + base64.StdEncoding.EncodeToString(t.CSV()))}
	var numbers []string
	number := func(label string, style int) {
		i := rowOf(rows, label)
		if i != style { // what only has the name of a row is none
			i = -1
		}
		numbers = append(numbers, strconv.Itoa(i))
	}
	switch x := p.Chart.(type) {
	case *plot.Lines:
		for _, s := range x.Series {
			number(s.Name, s.Style)
		}
	case *plot.Bars:
		for _, r := range x.Rows {
			number(r.Name, r.Style)
		}
	case *plot.Map:
		for _, k := range x.Keys {
			number(k.Name, k.Style)
		}
	case *plot.Dots:
		for _, r := range x.Rows {
			number(r.Name, r.Style)
		}
	}
	c.Rows = strings.Join(numbers, " ")
	for _, cells := range t.Rows {
		l := line{Row: -1, Cells: cells}
		if len(cells) > 0 {
			l.Row = rowOf(rows, cells[0])
		}
		c.Table.Lines = append(c.Table.Lines, l)
	}
	return c
}

func drawn(c plot.Chart, id string, width float64) template.HTML {
	return template.HTML(plot.SVG(c, plot.Options{ID: id, Width: width, Inline: true}))
}

// Percent is how long a figure's bar is, of 100; "" where there is none. What is above zero shows.
func (f figure) Percent() string {
	if math.IsNaN(f.Bar) || f.Bar <= 0 {
		return ""
	}
	return strconv.FormatFloat(min(max(100*f.Bar, 0.8), 100), 'f', 1, 64)
}
