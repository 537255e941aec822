package results

import (
	"slices"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// TestColumnsStandWithTheirQuestion asks for the closing table of a run of one experiment, and that further ones put its
// columns into a section, where its rate stands, too.
func TestColumnsStandWithTheirQuestion(t *testing.T) {
	run, trials := fixture(6, 6)
	run.Situations = slices.DeleteFunc(slices.Clone(run.Situations), func(s Situation) bool {
		return s.Metric != CPUPerRequest || s.State != ""
	})
	for i := range run.Situations {
		run.Situations[i].Experiment = "hello"
	}
	title := run.Situations[0].Title
	run.Experiments = []Experiment{{Name: "hello", Question: "what does a request cost?"}}
	if o := NewOverview(&run, trials); len(o.Tables) == 0 || o.Question != "What does a request cost?" {
		t.Errorf("alone: %d tables, %q", len(o.Tables), o.Question)
	}
	if figures := Figures(&run, trials); len(figures) != 0 {
		t.Errorf("alone it stands in the closing table, and in %d more", len(figures))
	}
	other, more := experimentFixture(6)
	run.Situations = append(run.Situations, other.Situations...)
	run.Experiments = append(run.Experiments, other.Experiments...)
	run.Plan, trials = append(slices.Clone(run.Plan), other.Plan...), append(slices.Clone(trials), more...)
	o := NewOverview(&run, trials)
	for _, table := range o.Tables {
		if slices.ContainsFunc(table.Columns, func(c OverviewColumn) bool { return c.Title == title }) {
			t.Errorf("beside another experiment it stands in the table %q", table.Title)
		}
	}
	if want := "What do 2 experiments show of what the literature expects?"; o.Question != want {
		t.Errorf("question %q, want %q", o.Question, want)
	}
	var b strings.Builder
	if err := Experiments(&b, run, trials, Style{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "HELLO: what does a request cost?\nCPU time per request") ||
		!strings.Contains(b.String(), title) {
		t.Errorf("its section lacks its table:\n%s", b.String())
	}
	for _, p := range Charts(run, trials) {
		if want := p.About == AboutCost && p.Of == run.Situations[0].Name; want && p.Experiment != "hello" {
			t.Errorf("the picture %s stands elsewhere: %q", p.Name, p.Experiment)
		}
	}
}

// TestOneValueIsBars asks that a figure with one value on its axis is no column of points.
func TestOneValueIsBars(t *testing.T) {
	run, trials := experimentFixture(6)
	run.Situations = slices.DeleteFunc(run.Situations, func(s Situation) bool { return *s.X != 0 })
	figures := Figures(&run, trials)
	for i := range figures {
		p := figures[i].picture()
		b, ok := p.Chart.(*plot.Bars)
		if !ok || len(b.Rows) != 2 || !strings.Contains(b.Note, "time that a request takes 0") {
			t.Errorf("%s: %+v", p.Name, p.Chart)
		}
	}
	if len(figures) != 4 {
		t.Errorf("%d figures", len(figures))
	}
}

// TestSeriesOfOneRowShareATable asks for a table in place of one for each series, and that who is alone wins nothing.
func TestSeriesOfOneRowShareATable(t *testing.T) {
	run, trials := experimentFixture(6)
	run.Architectures = run.Architectures[:1]
	run.Plan = slices.DeleteFunc(run.Plan, func(p Planned) bool { return p.Architecture != run.Architectures[0].Name })
	trials = slices.DeleteFunc(trials, func(t Trial) bool { return t.Architecture != run.Architectures[0].Name })
	var b strings.Builder
	if err := Experiments(&b, run, trials, Style{}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Count(text, "against ") != 1 || !strings.Contains(text, "\nblocks ") ||
		!strings.Contains(text, "\nwaits ") || strings.Count(text, "●") != 1 {
		t.Errorf("not one table of two lines without a winner:\n%s", text)
	}
}

// TestOfferedRateIsNoThroughput asks that what was offered is not shown as what came out, save where that was asked.
func TestOfferedRateIsNoThroughput(t *testing.T) {
	run, trials := experimentFixture(6)
	for i := range run.Situations {
		run.Situations[i].Model, run.Situations[i].Metric = "constant", Latency
	}
	for _, f := range Figures(&run, trials) {
		if f.Metric == Throughput {
			t.Errorf("the figure %s shows it", f.heading())
		}
	}
}

// TestPictureNamesWhoFails asks that a line which ends says why.
func TestPictureNamesWhoFails(t *testing.T) {
	run, trials := experimentFixture(6)
	for _, f := range Figures(&run, trials) {
		want := ""
		if f.Series == "blocks" {
			want = "A line has no point where its row fails: event loop at 20 ms."
		}
		if got := f.picture().Look; got != want {
			t.Errorf("%s: %q, want %q", f.heading(), got, want)
		}
	}
}
