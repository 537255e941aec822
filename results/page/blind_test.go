package page

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"serverlab/results"
)

// renamed gives the rows of the reference other identities wherever its record has them, and texts that tell a row where
// it has none.
func renamed(t *testing.T, names func(i int) results.Architecture) (results.Run, []results.Trial) {
	t.Helper()
	run, trials := reference(t)
	other := map[string]string{}
	for i := range run.Architectures {
		old := run.Architectures[i].Name
		run.Architectures[i] = names(i)
		other[old] = run.Architectures[i].Name
	}
	rename := func(v reflect.Value) {
		if name, ok := other[v.String()]; ok && v.Type() == reflect.TypeFor[string]() {
			v.SetString(name)
		}
	}
	changeStrings(reflect.ValueOf(&run.Situations), rename)
	changeStrings(reflect.ValueOf(&run.Plan), rename)
	changeStrings(reflect.ValueOf(&run.Calibration), rename)
	run.Calibration.Traces = map[string]results.SysTrace{}
	for _, a := range run.Architectures {
		run.Calibration.Traces[a.Name] = results.SysTrace{Arch: a.Name, Requests: []results.RequestTrace{{
			Steps: []results.Step{{Kind: results.KindCall, Name: "execve", Args: `"` + a.Name + `"`}}}}}
	}
	for i := range trials {
		x := &trials[i]
		x.Architecture = other[x.Architecture]
		x.Server.Settings = map[string]string{"arch": x.Architecture}
		x.Findings = append(slices.Clone(x.Findings), results.Finding{Kind: "noted", Evidence: "it is " + x.Architecture})
	}
	first := run.Architectures[0]
	run.Notes = []string{"It says that " + first.Name + " is slow."}
	run.LeftOut = []results.LeftOut{{Name: "symped", Why: first.Idea + " is not here"}}
	run.Predictions = []results.Prediction{{Situation: "trivial", Winner: first.Name, Factor: 2}}
	return run, trials
}

// zebras are identities that no other text of the page has.
func zebras(i int) results.Architecture {
	return results.Architecture{Name: fmt.Sprintf("zebra%d", i), Label: fmt.Sprintf("zebra %d", i), Lecture: "zebra-based",
		Idea: fmt.Sprintf("a herd of %d zebras", i), AtOnce: i, StaticOnly: i%2 == 0,
		Processes: []string{"", results.Pooled, results.PerRequest}[i%3],
		Lanes:     []results.Lane{{Who: "zebra", Many: true, Does: []string{"accept"}}}}
}

// TestBlindPageDependsOnNoName blinds a run twice, with other identities of its rows: the pages may differ in nothing but
// what the letters may stand for.
func TestBlindPageDependsOnNoName(t *testing.T) {
	run, _ := reference(t)
	var pages []string
	for _, names := range []func(int) results.Architecture{zebras, func(i int) results.Architecture {
		return run.Architectures[i]
	}} {
		r, trials := renamed(t, names)
		r, trials, _ = results.Blind(r, trials, 11)
		r.Choices = nil
		pages = append(pages, written(t, r, trials, "trials.jsonl:7 is damaged: "+names(0).Name))
	}
	one, two := strings.Split(pages[0], "\n"), strings.Split(pages[1], "\n")
	for i := range min(len(one), len(two)) {
		if one[i] != two[i] {
			t.Fatalf("line %d tells the rows:\n%.300s\n%.300s", i+1, one[i], two[i])
		}
	}
	if len(one) != len(two) {
		t.Errorf("%d and %d lines", len(one), len(two))
	}
}

// TestBlindPageKeepsTheSecret looks for names, ideas, lecture's words, drawings and settings in a page, which shows them
// all where it is not blind.
func TestBlindPageKeepsTheSecret(t *testing.T) {
	run, trials := renamed(t, zebras)
	for _, sign := range []string{"zebra", `class="sketch"`, "a herd", "arch="} {
		if !strings.Contains(written(t, run, trials), sign) {
			t.Errorf("the page that is not blind lacks %q", sign)
		}
	}
	blind, hidden, _ := results.Blind(run, trials, 7)
	html := written(t, blind, hidden, "trials.jsonl:7 is damaged: zebra1")
	riddle, rest, found := strings.Cut(html, `class="riddle"`)
	if !found {
		t.Fatal("the page does not ask which row is which")
	}
	asked, rest, _ := strings.Cut(rest, "</section>")
	if n := strings.Count(asked, "a herd of"); n != len(run.Architectures) {
		t.Errorf("the riddle gives %d rows to choose from, of %d", n, len(run.Architectures))
	}
	for _, sign := range []string{"zebra", "symped", `class="sketch"`, "a herd", "arch="} {
		if at := strings.Index(riddle+rest, sign); at >= 0 {
			t.Errorf("the blind page holds %q: %.200q", sign, (riddle + rest)[max(0, at-100):])
		}
	}
}
