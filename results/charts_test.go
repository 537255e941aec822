package results

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// drawAll draws every picture and asks that it is XML, and that its table has a row.
func drawAll(t *testing.T, all []Picture) (names []string) {
	t.Helper()
	for _, p := range all {
		svg := plot.SVG(p.Chart, plot.Options{ID: p.Name})
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s is not XML: %v", p.Name, err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
				t.Errorf("%s holds a script", p.Name)
			}
		}
		if len(p.Chart.Table().Rows) == 0 {
			t.Errorf("%s has no row in its table", p.Name)
		}
		if h := p.Chart.Heading(); p.Look == "" || p.About == "" || h.Title == "" || h.Note == "" || h.Desc == "" {
			t.Errorf("%s does not say what it is about: %+v", p.Name, h)
		}
		if regexp.MustCompile(`[^\w-]`).MatchString(p.Name) || slices.Contains(names, p.Name) {
			t.Errorf("%q is no name for a file, or was given twice", p.Name)
		}
		names = append(names, p.Name)
	}
	return names
}

func TestChartsOfARun(t *testing.T) {
	run, trials := fixture(8, 6)
	names := strings.Join(drawAll(t, Charts(run, trials)), " ")
	if want := "trivial-cpu trivial-trials trivial-switches trivial-percentiles trivial-balance trivial-memory " +
		"trivial-tasks waits waits-trials waits-per-cpu waits-percentiles crowd connection-memory blast " +
		"arrivals-percentiles arrivals-trials"; names != want {
		t.Errorf("%q, want %q", names, want)
	}
	if none := Charts(run, nil); len(none) > 0 {
		t.Errorf("%d charts of a run without a trial", len(none))
	}
	for _, n := range []int{1, 9, 22, 60} {
		drawAll(t, Charts(run, trials[:n]))
	}
	drawAll(t, Charts(starvedColumn(run, trials)))
	drawAll(t, Charts(withReferences(run, trials)))
}

func TestChartsOfTheReference(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	names := drawAll(t, Charts(run, trials))
	for _, want := range []string{"states-cpu", "crash-stateful-timeline", "arrivals-percentiles"} {
		if !slices.Contains(names, want) {
			t.Errorf("no chart %s among %q", want, names)
		}
	}
}

// TestChartsSayWhatTheScreenSays compares the medians of the charts' tables with those of the columns.
func TestChartsSayWhatTheScreenSays(t *testing.T) {
	run, trials := starvedColumn(fixture(6, 6))
	columns := Columns(&run, trials)
	for _, p := range Charts(run, trials) {
		i := slices.IndexFunc(columns, func(c Column) bool { return c.Situation.Name == p.Name })
		if i < 0 {
			continue
		}
		b := p.Chart.(*plot.Bars)
		for j, c := range columns[i].Cells {
			got := b.Rows[j]
			if failed := c.Verdict == Failed; failed != (got.Values[0] != got.Values[0]) {
				t.Errorf("%s of %s: %g, verdict %s", p.Name, got.Name, got.Values[0], c.Verdict)
			} else if !failed && c.Summary.N > 0 && got.Values[0] != c.Summary.Median {
				t.Errorf("%s of %s: %g, want %g", p.Name, got.Name, got.Values[0], c.Summary.Median)
			}
			if (c.Verdict == Failed || c.Verdict == Unranked) && !strings.Contains(got.Notes[0], c.Word) {
				t.Errorf("%s of %s: note %q, want %q", p.Name, got.Name, got.Notes[0], c.Word)
			}
		}
	}
}

// TestChartsOfHostileNames puts a script into the names of a record.
func TestChartsOfHostileNames(t *testing.T) {
	const script = `../"><script>alert(1)</script>`
	shared, trials := fixture(3, 6)
	text, err := json.Marshal(shared)
	if err != nil {
		t.Fatal(err)
	}
	var run Run // a copy that may be changed
	if err := json.Unmarshal(text, &run); err != nil {
		t.Fatal(err)
	}
	trials = slices.Clone(trials)
	for i := range run.Architectures {
		a := &run.Architectures[i]
		for j := range trials {
			if trials[j].Architecture == a.Name {
				trials[j].Architecture += script
				trials[j].Findings = []Finding{{script, script, Everything}}
			}
		}
		a.Name, a.Label, a.Idea = a.Name+script, script, script
	}
	for i := range run.Situations {
		s := &run.Situations[i]
		for j := range trials {
			if trials[j].Situation == s.Name {
				trials[j].Situation = script + s.Name
			}
		}
		s.Name, s.Meaning, s.Model, s.Sweep = script+s.Name, script, script, map[bool]string{true: script}[i == 4]
	}
	if n := len(drawAll(t, Charts(run, trials))); n < 5 {
		t.Errorf("%d charts, want one of each situation", n)
	}
}
