package results

import (
	"slices"
	"strings"
	"testing"
)

func TestOverviewSaysWhatTheScreenSays(t *testing.T) {
	for name, of := range map[string]func() (Run, []Trial){
		"whole":      func() (Run, []Trial) { return fixture(8, 6) },
		"starved":    func() (Run, []Trial) { return starvedColumn(fixture(8, 6)) },
		"references": func() (Run, []Trial) { return withReferences(fixture(6, 6)) },
	} {
		run, trials := of()
		screen := strings.Split(screenText(t, run, trials, Style{}), "\n")
		o := NewOverview(&run, trials)
		if !strings.Contains(screen[0], o.Answer) {
			t.Errorf("%s: %q, the screen says %q", name, o.Answer, screen[0])
		}
		table := o.Tables[0]
		if len(table.Rows) != len(run.Architectures) {
			t.Fatalf("%s: %d rows, want %d", name, len(table.Rows), len(run.Architectures))
		}
		for _, r := range table.Rows {
			label := run.Architectures[r.Row].Label
			at := slices.IndexFunc(screen, func(l string) bool { return strings.HasPrefix(l, label+"  ") })
			for i, c := range r.Cells {
				if table.Columns[i].Name == "arrivals" { // the screen draws it
					continue
				}
				if text := strings.TrimSuffix(c.Text, ")"); at < 0 || !strings.Contains(screen[at], text) {
					t.Errorf("%s: %s of %s is not on its line of the screen", name, c.Text, label)
				}
				if (c.Mark == "") == (c.Word == string(Best) || c.Word == "fails" || c.Word == "tied with the best") {
					t.Errorf("%s: %s of %s has mark %q and word %q", name, c.Text, label, c.Mark, c.Word)
				}
				if c.Bar < 0 || c.Bar > 1 {
					t.Errorf("%s: a bar of %g", name, c.Bar)
				}
			}
		}
	}
}

func TestOverviewOfStatesAndFaults(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, table := range NewOverview(&run, trials).Tables {
		titles = append(titles, table.Title)
		for _, r := range table.Rows {
			if len(r.Cells) != len(table.Columns) {
				t.Errorf("%s: %d cells, %d columns", table.Title, len(r.Cells), len(table.Columns))
			}
		}
	}
	want := []string{"The closing table", "What does it cost to remember clients?", "What does a crash do?",
		"How much load does each row hold?"}
	if !slices.Equal(titles, want) {
		t.Errorf("%q, want %q", titles, want)
	}
}

func TestTrialList(t *testing.T) {
	run, trials := starvedColumn(fixture(8, 6))
	trials = append(slices.Clone(trials), Trial{Planned: Planned{"gone", "gone", 1}})
	verdicts := map[string]string{}
	for _, l := range TrialList(&run, trials) {
		if l.Trial.Block == 1 && l.Trial.Situation == "waits" || l.Situation < 0 {
			verdicts[l.Trial.Architecture] = l.Verdict
		}
	}
	for row, want := range map[string]string{"iterative": TrialFailed, "threadpool": TrialFailed,
		"goroutine": TrialVoid,
		"thread":    TrialValid, "gone": TrialValid} {
		if verdicts[row] != want {
			t.Errorf("%s is %s, want %s", row, verdicts[row], want)
		}
	}
}
