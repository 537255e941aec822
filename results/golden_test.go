package results

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with testdata/name, or writes it with -update.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs; look at the new text and run with -update if it is right:\n%s", path, text)
	}
}

func screenText(t *testing.T, run Run, trials []Trial, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := Screen(&b, run, trials, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// starvedColumn makes every trial of one situation fail, in the ways that there are.
func starvedColumn(run Run, trials []Trial) (Run, []Trial) {
	trials = slices.Clone(trials)
	for i := range trials {
		t := &trials[i]
		if t.Situation != "waits" {
			continue
		}
		void := []Metric{Throughput, Latency, CPUPerRequest}
		switch t.Architecture {
		case "iterative", "eventloop":
			t.Load.Unserved = 63
			t.Findings = []Finding{{"starved", "63 of 64 clients were never served", void}}
		case "epoll":
			t.Findings = []Finding{{"wrong answers", "12 of 400 answers had another digest", void}}
		case "threadpool":
			t.Failure = "the server did not say that it listens within 5 s"
			t.Load = Load{}
		case "goroutine":
			t.Findings = []Finding{{"generator-bound", "the load generator was 99 % busy", []Metric{Throughput, Latency}}}
		case "process":
			t.Findings = []Finding{{"overloaded", "8,000 requests were due and not sent", void}}
		}
	}
	return run, trials
}

// withReferences adds two servers of others behind the rows: one with the same handler, one that only sends a file.
func withReferences(run Run, trials []Trial) (Run, []Trial) {
	trials = slices.Clone(trials)
	run.Architectures, run.Plan = slices.Clone(run.Architectures), slices.Clone(run.Plan)
	for name, of := range map[string]string{"nethttp": "goroutine", "nginx": "eventloop"} {
		a := Architecture{Name: name, Lecture: "reference", Label: name, Reference: true, StaticOnly: name == "nginx"}
		run.Architectures = append(run.Architectures, a)
		for _, t := range trials {
			if t.Architecture != of || a.StaticOnly && (t.Situation == "waits" || t.Situation == "blast") {
				continue
			}
			t.Architecture = name
			run.Plan, trials = append(run.Plan, t.Planned), append(trials, t)
		}
	}
	slices.SortFunc(run.Architectures[len(run.Architectures)-2:], func(a, b Architecture) int {
		return strings.Compare(a.Name, b.Name)
	})
	run.LeftOut = []LeftOut{{"apache-event", "it is not installed here: scripts/setup.sh installs it"}}
	return run, trials
}

// without leaves rows out of a run.
func without(run Run, trials []Trial, names ...string) (Run, []Trial) {
	run.Architectures = slices.DeleteFunc(slices.Clone(run.Architectures), func(a Architecture) bool {
		return slices.Contains(names, a.Name)
	})
	run.Plan = slices.DeleteFunc(slices.Clone(run.Plan), func(p Planned) bool {
		return slices.Contains(names, p.Architecture)
	})
	trials = slices.DeleteFunc(slices.Clone(trials), func(t Trial) bool { return slices.Contains(names, t.Architecture) })
	return run, trials
}

func TestScreenGolden(t *testing.T) {
	for name, c := range map[string]struct {
		rows, trials, keep int // keep is the number of trials that were measured; 0 for all
		style              Style
		change             func(Run, []Trial) (Run, []Trial)
	}{
		"screen-6.txt":       {rows: 6, trials: 6},
		"screen-6-ascii.txt": {rows: 6, trials: 6, style: Style{ASCII: true}},
		"screen-6-color.txt": {rows: 6, trials: 6, style: Style{Color: true}},
		"screen-8.txt":       {rows: 8, trials: 6},
		"screen-8-ascii.txt": {rows: 8, trials: 6, style: Style{ASCII: true}},
		"screen-7.txt": {rows: 8, trials: 6, change: func(r Run, t []Trial) (Run, []Trial) {
			return without(r, t, "epoll")
		}},
		"screen-references.txt": {rows: 5, trials: 6, change: withReferences},
		"screen-variants.txt": {rows: 8, trials: 6, change: func(r Run, t []Trial) (Run, []Trial) {
			r.Architectures = slices.Clone(r.Architectures)
			for i, label := range map[int]string{1: "eventloop 2", 2: "eve edge", 7: "prefo pass 100"} {
				r.Architectures[i].Label = label
			}
			r.LeftOut = []LeftOut{{"symped", "SO_REUSEPORT is blocked by the container"}}
			return r, t
		}},
		"screen-no-baseline.txt": {rows: 6, trials: 6, change: func(r Run, t []Trial) (Run, []Trial) {
			return without(r, t, "iterative")
		}},
		"screen-interrupted.txt": {rows: 6, trials: 6, keep: 22},
		"screen-few-trials.txt":  {rows: 4, trials: 3},
		"screen-failed.txt":      {rows: 6, trials: 6, change: starvedColumn},
		"screen-no-spawn.txt": {rows: 6, trials: 6, change: func(r Run, t []Trial) (Run, []Trial) {
			r.Calibration.Spawn, r.Setup.Apart = nil, false
			return r, t
		}},
		"screen-one-winner.txt": {rows: 3, trials: 6, change: func(r Run, t []Trial) (Run, []Trial) {
			r.Situations = []Situation{r.Situations[0], r.Situations[2]}
			keep := func(name string) bool { return name == "trivial" || name == "crowd" }
			t = slices.DeleteFunc(slices.Clone(t), func(t Trial) bool { return !keep(t.Situation) })
			r.Plan = slices.DeleteFunc(slices.Clone(r.Plan), func(p Planned) bool { return !keep(p.Situation) })
			return r, t
		}},
	} {
		t.Run(name, func(t *testing.T) {
			run, trials := fixture(c.rows, c.trials)
			if c.keep > 0 {
				trials = trials[:c.keep]
			}
			if c.change != nil {
				run, trials = c.change(run, trials)
			}
			golden(t, name, screenText(t, run, trials, c.style))
		})
	}
}

// TestScreenFits draws complete, interrupted, failed and empty runs of 1 to 8 rows.
func TestScreenFits(t *testing.T) {
	for rows := 1; rows <= 8; rows++ {
		for _, kept := range []int{0, 9, 100} { // of a hundred
			for _, failed := range []bool{false, true} {
				for _, ascii := range []bool{false, true} {
					run, trials := fixture(rows, 6)
					trials = trials[:len(trials)*kept/100]
					if failed {
						run, trials = starvedColumn(run, trials)
					}
					if failed {
						s := slices.Clone(run.Situations)
						s[1].OwnRates = map[string]float64{"epoll": 100, "threadpool": 200}
						run.Situations, run.Setup.Apart = s, false
						run.LeftOut = []LeftOut{{"prefork", strings.Repeat("a long reason ", 9)}, {"symped", "why"}}
					}
					name := fmt.Sprintf("%d rows, %d %%, failed %v, ascii %v", rows, kept, failed, ascii)
					text := screenText(t, run, trials, Style{ASCII: ascii})
					lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
					if len(lines) > 24 {
						t.Errorf("%s: %d lines", name, len(lines))
					}
					for _, l := range lines {
						if width(l) > 80 {
							t.Errorf("%s: %d columns: %s", name, width(l), l)
						}
						if ascii && strings.ContainsFunc(l, func(r rune) bool { return r > 126 }) {
							t.Errorf("%s: not ASCII: %s", name, l)
						}
					}
					for _, a := range run.Architectures {
						if !strings.Contains(text, a.Label) {
							t.Errorf("%s: no row %s", name, a.Label)
						}
					}
					if !strings.Contains(text, " 64 clients, 6 trials") || !strings.Contains(text, "Next: serverlab") {
						t.Errorf("%s: the setting or what to run next is missing", name)
					}
				}
			}
		}
	}
}

// TestScreenOfTheDefaultRunIsComplete: with the seven rows of the default run nothing that explains the table may be
// dropped.
func TestScreenOfTheDefaultRunIsComplete(t *testing.T) {
	run, trials := fixture(8, 6)
	run, trials = without(run, trials, "epoll")
	text := screenText(t, run, trials, Style{})
	want := []string{"control", "≤ 12,800", "own rate 120/s", "fork+exec", "log", "Poisson",
		controlMeaning, "clients: each", "crashes: hit", "Next:", "◆ p50"}
	for _, s := range run.Situations[:4] {
		want = append(want, s.Title)
	}
	for _, s := range run.Situations[1:4] {
		want = append(want, s.Meaning)
	}
	for _, a := range run.Architectures {
		want = append(want, a.Lecture)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the screen lacks %q", w)
		}
	}
}

// TestProcessNeverWithoutFootnote: wherever the process row has a CPU figure, its bill stands on the same screen.
func TestProcessNeverWithoutFootnote(t *testing.T) {
	figure := regexp.MustCompile(`^process +█|│ cpu-per`)
	for rows := 6; rows <= 8; rows++ {
		for _, spawn := range []bool{true, false} {
			run, trials := fixture(rows, 6)
			want := "fork alone 96"
			if !spawn {
				run.Calibration.Spawn, want = nil, "was not measured"
			}
			texts := []string{screenText(t, run, trials, Style{})}
			if rows == 6 {
				var wide bytes.Buffer
				if err := Wide(&wide, run, trials, Style{}); err != nil {
					t.Fatal(err)
				}
				texts = append(texts, wide.String())
			}
			for _, text := range texts {
				if !strings.Contains(text, "¹ own rate") || !strings.Contains(text, want) {
					t.Errorf("%d rows, spawn %v: no footnote:\n%s", rows, spawn, text)
				}
				for line := range strings.Lines(text) {
					if figure.MatchString(line) && !strings.Contains(line, "¹") {
						t.Errorf("%d rows, spawn %v: a figure of process without its mark:\n%s", rows, spawn, line)
					}
				}
			}
		}
	}
}

func TestVoidIsShownAndNeverRanked(t *testing.T) {
	run, trials := starvedColumn(fixture(6, 6))
	var waits *Column
	columns := Columns(&run, trials)
	for i := range columns {
		if columns[i].Situation.Name == "waits" {
			waits = &columns[i]
		}
	}
	for i, want := range []struct {
		verdict Verdict
		word    string
	}{{Failed, "starved 63/64"}, {Failed, "starved 63/64"}, {Failed, "wrong"}, {Failed, "no figure"},
		{Unranked, "generator-bound"}, {Failed, "overloaded"}} {
		if c := waits.Cells[i]; c.Verdict != want.verdict || c.Word != want.word {
			t.Errorf("%s: %s %q, want %s %q", c.Architecture.Name, c.Verdict, c.Word, want.verdict, want.word)
		}
	}
	if text := screenText(t, run, trials, Style{}); !strings.Contains(text, "(12,400)") {
		t.Errorf("the void figure is not shown:\n%s", text)
	}
}

func TestWideGolden(t *testing.T) {
	run, trials := starvedColumn(fixture(6, 6))
	var b bytes.Buffer
	if err := Wide(&b, run, trials, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "wide.txt", b.String())
	b.Reset()
	run4, trials4 := withReferences(fixture(4, 6))
	if err := Wide(&b, run4, trials4, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "wide-references.txt", b.String())
	b.Reset()
	if err := Wide(&b, run, trials[:3], Style{ASCII: true}); err != nil {
		t.Fatal(err)
	}
	golden(t, "wide-interrupted-ascii.txt", b.String())
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r > 126 }); i >= 0 {
		t.Errorf("not ASCII at byte %d", i)
	}
}

func TestLoadSummaryGolden(t *testing.T) {
	_, trials := fixture(6, 1)
	closed := trials[9].Load
	closed.URL = "http://127.0.0.1:8080/"
	poisson := trials[29].Load
	poisson.Seed, poisson.Censored, poisson.Backlog, poisson.Unserved, poisson.Interrupted = 7, 40, 12, 3, true
	poisson.Errors = map[string]uint64{"timeout": 40, "reset": 2}
	few := Load{Model: "constant", Rate: 10, Connections: 1, Threads: 1, Window: 2, Requests: 20, KeepAlive: true}
	few.Response = NewHistogram()
	for i := range int64(20) {
		if err := few.Response.RecordValue(1_000_000 + 10_000*i); err != nil {
			t.Fatal(err)
		}
	}
	few.Service = few.Response
	partly, thinking := few, few
	partly.Model, partly.Rate, partly.Profile, partly.Visit, partly.Seed = "partly", 1000, "500..1500", 5, 7
	partly.Think, partly.Connections, partly.Backlog = "exponential:10ms", 64, 3
	partly.Shed, partly.ShedService = 1234, 0.00031
	thinking.Model, thinking.Rate, thinking.Think, thinking.Pacing = "closed", 0, "10ms", "epoll_pwait2"
	for name, l := range map[string]Load{"load-closed.txt": closed, "load-poisson.txt": poisson, "load-few.txt": few,
		"load-partly.txt": partly, "load-thinking.txt": thinking,
		"load-nothing.txt": {Model: "closed", Connections: 2, Threads: 1, Window: 1}} {
		var b bytes.Buffer
		if err := LoadSummary(&b, &l, Style{}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
		for line := range strings.Lines(b.String()) {
			if width(line) > 81 {
				t.Errorf("%s: %d columns: %s", name, width(line)-1, line)
			}
		}
	}
}
