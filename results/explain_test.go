package results

import (
	"regexp"
	"strings"
	"testing"
)

func TestGlossaryIsWellFormed(t *testing.T) {
	seen := map[string]string{}
	for _, e := range glossary() {
		if n := len(e.lines); n < 2 || n > 6 {
			t.Errorf("%s has %d lines, want at most 5 and the references", e.names[0], n)
		}
		for _, l := range e.lines {
			if width(l) > 76 { // 78 with the indentation
				t.Errorf("%s: %d columns: %s", e.names[0], width(l), l)
			}
		}
		for _, name := range e.names {
			if other, ok := seen[plainTerm(name)]; ok && other != e.names[0] {
				t.Errorf("%q names both %s and %s", name, other, e.names[0])
			}
			seen[plainTerm(name)] = e.names[0]
		}
	}
	see := regexp.MustCompile(`^See also: (.*)\.$`)
	for _, e := range glossary() {
		m := see.FindStringSubmatch(e.lines[len(e.lines)-1])
		if m == nil {
			t.Errorf("%s does not end in its references", e.names[0])
			continue
		}
		for _, ref := range strings.Split(m[1], ", ") {
			if seen[plainTerm(ref)] == "" || seen[plainTerm(ref)] == e.names[0] {
				t.Errorf("%s refers to %q, which is no other entry", e.names[0], ref)
			}
		}
	}
}

func TestExplainFindsWhatTheScreensSay(t *testing.T) {
	for _, term := range []string{"p99", "P-99", "Closed Loop", "closed-loop", "closedloop", "Little's law", "littles law",
		"keepalive", "sequential", "event-based", "thread-based", "process-based", "Mann Whitney", "mann-whitney", "stuck",
		"starved", "wrong", "generator-bound", "overloaded", "tied", "ceiling", "censored", "PSS", "exec", "knee", "control",
		"process control", "columns", "Jain's index", "fairness", "hybrid", "reference", "prefork", "reuseport", "pass",
		"amped", "symped", "SEDA", "left out", "idle connection", "verdict", "non-stationary", "near the ceiling",
		"too few samples", "correlated samples", "disturbed", "queued", "arrivals", "partly open", "think time", "ramp",
		"state", "session", "cursor", "lease", "store", "soft state", "goodput", "stall", "offered load", "past the knee"} {
		text, err := Explain(term)
		if err != nil {
			t.Errorf("%s: %v", term, err)
		}
		if !strings.HasSuffix(text, ".\n") {
			t.Errorf("%s: %q does not end its last line", term, text)
		}
	}
	for _, term := range Terms() {
		if _, err := Explain(term); err != nil {
			t.Errorf("%s is listed: %v", term, err)
		}
	}
}

func TestExplainSuggests(t *testing.T) {
	for term, want := range map[string]string{
		"kne":         `no entry for "kne"; did you mean knee? ` + "`serverlab explain` lists all",
		"percentil":   `no entry for "percentil"; did you mean percentile? ` + "`serverlab explain` lists all",
		"man-whitney": `no entry for "man-whitney"; did you mean Mann-Whitney? ` + "`serverlab explain` lists all",
		"zebra":       `no entry for "zebra": ` + "`serverlab explain` lists all",
		"":            `no entry for "": ` + "`serverlab explain` lists all",
	} {
		if _, err := Explain(term); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", term, err, want)
		}
	}
}
