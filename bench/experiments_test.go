//go:build linux

package bench

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"serverlab/internal/cpuset"
	"serverlab/results"
)

// asked is a bench that was asked for experiments, with the rows that cmd would give it.
func asked(t *testing.T, trials int, names ...string) *bench {
	t.Helper()
	b := &bench{Options: Options{Trials: trials, Connections: 64, Experiments: names, Say: func(string, ...any) {},
		Split: cpuset.Split{Server: []int{0, 1, 2, 3}}}}
	for _, r := range sweepBench(trials).rows {
		b.Usual = append(b.Usual, r.Name)
	}
	for _, name := range RowsOf(names, trials, b.Usual) {
		row := results.Architecture{Name: name}
		switch name {
		case "process":
			row.Processes = results.PerRequest
		case "prefork":
			row.Processes = results.Pooled
		}
		b.Rows = append(b.Rows, row)
	}
	if err := b.choose(); err != nil {
		t.Fatal(err)
	}
	return b
}

// plannedFor is how long such a run takes on a machine that is as was guessed.
func (b *bench) plannedFor() time.Duration {
	run := results.Run{Architectures: b.rows, Situations: b.sits, Calibration: guessed(b.rows)}
	setRates(run.Situations, b.rows, run.Calibration)
	run.Plan = plan(run.Situations, b.rows, b.Trials, 1)
	return Planned(run)
}

// A look takes less than a minute, and what is run usually no longer than a class waits. What the plan does not know is
// how fast rows are on the machine.
func TestExperimentsArePlannedInTime(t *testing.T) {
	for _, name := range withLessons() {
		for trials, most := range map[int]time.Duration{3: time.Minute, 6: 8 * time.Minute} {
			b := asked(t, trials, name)
			if d := b.plannedFor(); d > most {
				t.Errorf("%s: %d trials of each of %d situations take %v, want at most %v", name, trials, len(b.sits),
					d, most)
			}
		}
	}
	b := asked(t, 3, LessonsName)
	if d := b.plannedFor(); d > 13*time.Minute {
		t.Errorf("all looks together take %v", d)
	}
	if n := len(plan(asked(t, 3, PhaseName).sits, asked(t, 3, PhaseName).rows, 1, 1)); n > 40 {
		t.Errorf("a look at the map has %d cells", n)
	}
}

// What a lesson says can be read, and names rows and situations that the run has, in a look too.
func TestLessonsNameWhatIsMeasured(t *testing.T) {
	for _, name := range withLessons() {
		for _, trials := range []int{3, results.MinTrials, 10} {
			b := asked(t, trials, name)
			run := results.Run{Architectures: b.rows, Situations: b.offered(b.sits, guessed(b.rows))}
			if len(b.asked) != 1 || len(b.asked[0].Lessons) < 2 && name != LieName {
				t.Fatalf("%s: %+v", name, b.asked)
			}
			for _, l := range b.asked[0].Lessons {
				e, err := results.ParseExpectation(l.Holds)
				if err != nil {
					t.Error(err)
					continue
				}
				if out, err := e.Judge(&run, nil, results.FewBlocks); err != nil || out.Truth != results.CannotTell ||
					l.Says == "" || l.Source == "" {
					t.Errorf("%s, %d trials: %+v: %+v, %v", name, trials, l, out, err)
				}
			}
		}
	}
}

// What screens say of a situation fits them, each has a trial, and those of an experiment rise along its axis.
func TestSituationsFitTheirScreens(t *testing.T) {
	for _, name := range withLessons() {
		for _, trials := range []int{3, results.MinTrials, 10} {
			b := asked(t, trials, name)
			cells, before := plan(b.sits, b.rows, 1, 1), map[[2]string]float64{}
			for _, s := range b.sits {
				if len([]rune(s.Title)) > 14 || len([]rune(s.Subtitle)) > 14 || len([]rune(s.Meaning)) > 78 {
					t.Errorf("%s: %q, %q, %q are too long", s.Name, s.Title, s.Subtitle, s.Meaning)
				}
				if !slices.ContainsFunc(cells, func(p results.Planned) bool { return p.Situation == s.Name }) {
					t.Errorf("%s: no row is tried", s.Name)
				}
				if s.X == nil {
					continue
				}
				if last, known := before[[2]string{name, s.Series}]; known && *s.X <= last {
					t.Errorf("%s: %v comes after %v", s.Name, *s.X, last)
				}
				before[[2]string{name, s.Series}] = *s.X
			}
		}
	}
}

// The README leads to a page of each experiment, which says how to ask for it and ends in three questions.
func TestEachExperimentHasItsPage(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	discussed := regexp.MustCompile(`(?m)^[0-9]\. .`)
	for _, name := range withLessons() {
		if name == StallName { // the page of mixed asks the same question over time
			continue
		}
		page, err := os.ReadFile("../docs/experiments/" + name + ".md")
		if err != nil {
			t.Error(err)
			continue
		}
		text := string(page)
		if !strings.Contains(string(readme), "| [`"+name+"`](docs/experiments/"+name+".md) |") {
			t.Errorf("the README does not lead to %s", name)
		}
		for _, part := range []string{"# " + name + ":", "**Question.**", "redict", "bench " + name,
			"ow to read", "hat was measured"} {
			if !strings.Contains(text, part) {
				t.Errorf("the page of %s lacks %q", name, part)
			}
		}
		_, questions, _ := strings.Cut(text, "or discussion")
		if n := len(discussed.FindAllString(questions, -1)); n != 3 {
			t.Errorf("the page of %s asks %d questions for discussion", name, n)
		}
	}
}
