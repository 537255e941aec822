package results

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// experimentFixture is an invented run of requests that block or wait for 0 to 20 ms: a loop serves one of them at a
// time, a pool 64. Where they block for 20 ms the loop fails, and where they wait for 5 ms the pool's trials are void.
func experimentFixture(blocks int) (run Run, all []Trial) {
	base, _ := fixture(6, 6)
	run = base
	run.Situations, run.Plan, run.Setup.Trials = nil, nil, blocks
	run.Architectures = slices.DeleteFunc(slices.Clone(base.Architectures), func(a Architecture) bool {
		return a.Name != "eventloop" && a.Name != "threadpool"
	})
	run.Experiments = []Experiment{{Name: "blocking", Question: "who keeps its CPU busy?",
		X: Axis{Title: "time that a request takes", Unit: "s"}, Shows: []Metric{Throughput, Latency}}}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, series := range []string{"blocks", "waits"} {
		for _, x := range []float64{0.02, 0, 0.001, 0.005} { // any order
			s := Situation{Name: fmt.Sprintf("%s-%gms", series, 1e3*x), Metric: Throughput, Model: "closed", Path: "/",
				Connections: 64, Experiment: "blocking", Series: series, X: pointer(x), Warmup: 0.1, Window: 1}
			if x > 0 {
				s.Ceiling = 64 / x
			}
			run.Situations = append(run.Situations, s)
			for block := 1; block <= blocks; block++ {
				for _, a := range run.Architectures {
					p := Planned{s.Name, a.Name, block}
					run.Plan, all = append(run.Plan, p), append(all, blockingTrial(rng, p, s))
				}
			}
		}
	}
	return run, all
}

func blockingTrial(rng *rand.Rand, p Planned, s Situation) Trial {
	rate := 20_000.0
	if atOnce := map[string]float64{"eventloop": 1, "threadpool": 64}[p.Architecture]; *s.X > 0 {
		rate = min(rate, atOnce / *s.X)
	}
	rate *= 1 + 0.01*rng.NormFloat64()
	t := Trial{Version: Version, Planned: p, Seconds: 1.1, Server: Server{Exit: "0"}}
	t.Load = Load{Model: "closed", Connections: 64, Threads: 1, Warmup: 0.1, Window: 1, Requests: uint64(rate),
		Response: histogramOf(rng, 1200, 64/rate, 0.1)}
	switch {
	case p.Architecture == "eventloop" && s.Name == "blocks-20ms":
		t.Load.Unserved = 14
		t.Findings = []Finding{{"starved", "14 of 64 clients were never served", []Metric{Throughput, Latency}}}
	case p.Architecture == "threadpool" && s.Name == "waits-5ms":
		t.Findings = []Finding{{"generator-bound", "the load generator was 99 % busy", []Metric{Throughput, Latency}}}
	}
	return t
}

// Each figure has its situations in the order of X, and its cells are those of a column of the same trials.
func TestFigures(t *testing.T) {
	run, trials := experimentFixture(6)
	figures := Figures(&run, trials)
	var got []string
	for _, f := range figures {
		text := f.Series + " " + string(f.Metric)
		for _, col := range f.Columns {
			text += fmt.Sprintf(" %g", 1e3**col.Situation.X)
		}
		got = append(got, text)
	}
	want := []string{"blocks throughput 0 1 5 20", "waits throughput 0 1 5 20", "blocks latency 0 1 5 20",
		"waits latency 0 1 5 20"}
	if !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	plain := Columns(&run, trials)
	for _, col := range figures[0].Columns {
		at := slices.IndexFunc(plain, func(o Column) bool { return o.Situation.Name == col.Situation.Name })
		for row := range col.Cells {
			a, b := &col.Cells[row], &plain[at].Cells[row]
			if a.Verdict != b.Verdict || a.Summary.Median != b.Summary.Median && a.Summary.N+b.Summary.N > 0 {
				t.Errorf("%s in %s: %v %v, its column says %v %v", a.Architecture.Name, col.Situation.Name, a.Verdict,
					a.Summary.Median, b.Verdict, b.Summary.Median)
			}
		}
	}
	failed, void := &figures[0].Columns[3].Cells[0], &figures[1].Columns[2].Cells[1]
	if failed.Verdict != Failed || void.Verdict != Unranked || len(void.Void) != 6 {
		t.Errorf("%v and %v with %d void, want %v and %v with 6", failed.Verdict, void.Verdict, len(void.Void), Failed, Unranked)
	}
	if figures[2].Columns[0].Cells[0].Summary.Median > 1 { // a p99 in seconds, and no rate
		t.Errorf("latency of %g s", figures[2].Columns[0].Cells[0].Summary.Median)
	}
}

// What is a point is no column of any table, is asked in no prediction, and answers nothing.
func TestPointsAreNoColumns(t *testing.T) {
	points, some := experimentFixture(6)
	run, trials := fixture(6, 6)
	run.Situations = slices.Concat(run.Situations, points.Situations)
	run.Plan, trials = slices.Concat(run.Plan, points.Plan), slices.Concat(trials, some)
	run.Experiments = points.Experiments
	without, alone := fixture(6, 6)
	if a, b := NewOverview(&run, trials), NewOverview(&without, alone); len(a.Tables) != len(b.Tables) ||
		len(a.Tables[0].Columns) != len(b.Tables[0].Columns) {
		t.Errorf("%d columns in the overview, want %d", len(a.Tables[0].Columns), len(b.Tables[0].Columns))
	}
	if a, b := len(Answers(&run, trials)), len(Answers(&without, alone)); a != b {
		t.Errorf("%d answers, want %d", a, b)
	}
	if a, b := len(Questions(&run)), len(Questions(&without)); a != b {
		t.Errorf("%d questions, want %d", a, b)
	}
	if a, b := ParetoFront(&run, trials), ParetoFront(&without, alone); len(a.Columns) != len(b.Columns) {
		t.Errorf("the front is over %d columns, want %d", len(a.Columns), len(b.Columns))
	}
	if text := screenText(t, run, trials, Style{}); strings.Contains(text, "blocks") {
		t.Errorf("points on the closing screen:\n%s", text)
	}
}

// The chart has a line for each row, with a gap that the table names where the row failed, a hollow mark where its
// trials are void, and the ceiling as far as it says anything.
func TestFigureChart(t *testing.T) {
	run, trials := experimentFixture(6)
	var lines *plot.Lines
	names := map[string]bool{}
	for _, p := range Charts(run, trials) {
		if p.About == AboutExperiment {
			names[p.Name] = true
			if p.Name == plot.Identifier("blocking-throughput-waits") {
				lines = p.Chart.(*plot.Lines)
			}
			plot.SVG(p.Chart, plot.Options{})
		}
	}
	if len(names) != 4 || lines == nil {
		t.Fatalf("charts %v", names)
	}
	table := string(lines.Table().CSV())
	for _, want := range []string{"ceiling (Little's law),5,12800", "ceiling (Little's law),20,3200", "not ranked"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	if strings.Contains(table, "64000") {
		t.Errorf("a ceiling far above all figures:\n%s", table)
	}
	for _, f := range Figures(&run, trials)[:1] {
		if table := string(f.picture().Chart.Table().CSV()); !strings.Contains(table, "n/a,,,0,fails: starved 14/64") {
			t.Errorf("the failure is not told:\n%s", table)
		}
	}
}

func experimentsText(t *testing.T, draw func(io.Writer, Run, []Trial, Style) error, run Run, trials []Trial) string {
	t.Helper()
	var b bytes.Buffer
	if err := draw(&b, run, trials, Style{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExperimentsGolden(t *testing.T) {
	run, trials := lessonsFixture(6)
	narrow := experimentsText(t, Experiments, run, trials)
	for _, line := range strings.Split(narrow, "\n") {
		if width(line) > screenWidth {
			t.Errorf("%d columns: %s", width(line), line)
		}
	}
	golden(t, "experiments.txt", narrow)
	golden(t, "experiments-wide.txt", experimentsText(t, WideExperiments, run, trials))
	var b bytes.Buffer
	if err := Markdown(&b, run, trials, nil, nil); err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`(?s)\n## blocking.*?\n## `).FindString(b.String())
	golden(t, "experiments.md", at)
}

// Where there are more values than room, the ends stay.
func TestSpaced(t *testing.T) {
	for _, x := range []struct {
		n, most int
		want    []int
	}{{3, 9, []int{0, 1, 2}}, {10, 4, []int{0, 3, 6, 9}}, {1, 5, []int{0}}, {5, 2, []int{0, 4}}} {
		if got := spaced(x.n, x.most); !slices.Equal(got, x.want) {
			t.Errorf("%d in %d: %v, want %v", x.n, x.most, got, x.want)
		}
	}
}

// At a rate that is offered throughput is no figure of the server.
func TestFiguresHaveNoThroughputOfAnOfferedRate(t *testing.T) {
	sits := []Situation{{Series: "procs", Metric: CPUPerRequest, Model: "constant"}}
	if shownBy(sits, "procs", Throughput) || !shownBy(sits, "procs", CPUPerRequest) {
		t.Error("shown: throughput at an offered rate, or not its CPU time")
	}
	sits[0].Model = "closed"
	if !shownBy(sits, "procs", Throughput) {
		t.Error("not shown: throughput of a closed loop")
	}
}
