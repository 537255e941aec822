package results

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// fixtureLieRun is a run of nothing but the experiment.
func fixtureLieRun(t *testing.T) Run {
	t.Helper()
	l := fixtureLie(t)
	l.Mistakes = fixtureMistakes()
	return Run{Version: Version, Experiments: []Experiment{{Name: LieName, Question: "how far from the truth?"}}, Lie: &l}
}

// A lesson of the experiment comes out, does not, or can't be told, by the figures.
func TestLieTeaches(t *testing.T) {
	run := fixtureLieRun(t)
	verdicts := func() (all string) {
		for _, x := range Learnt(&run, nil) {
			for _, a := range x.Answers {
				all += a.Mark()
				if (a.Verdict == LessonUnsure) == a.Indicative || a.Why == "" || a.Source == "" {
					t.Errorf("%+v", a)
				}
			}
		}
		return all
	}
	if got := verdicts(); got != "✓✓✓✓✓✓" {
		t.Errorf("mistakes as they are known: %s", got)
	}
	m := &run.Lie.Mistakes
	m.Typing.Answers, m.Many, m.Favoured.CPU, m.Averaged, m.Same[1].Right = 6100, 3080, 1e-5, 0.9, 60
	run.Lie.Honest = run.Lie.Naive
	if got := verdicts(); got != "✗✗✗✗✗✗" {
		t.Errorf("figures that show none of them: %s", got)
	}
	run.Lie = &Lie{}
	if got := verdicts(); got != "??????" {
		t.Errorf("no figures: %s", got)
	}
	run.Lie = nil
	if got := verdicts(); got != "" {
		t.Errorf("not asked for: %s", got)
	}
}

// A run of the experiment alone shows its screens, has a section in Markdown, comes back from its directory and has no
// table of rows.
func TestRunOfLieAlone(t *testing.T) {
	run := fixtureLieRun(t)
	dir := t.TempDir()
	w, err := Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	back, trials, err := Read(dir)
	if err != nil || back.Lie == nil || back.Lie.Honest.Count() != run.Lie.Honest.Count() {
		t.Fatalf("%+v, %v", back.Lie, err)
	}
	var screen, markdown strings.Builder
	for _, draw := range []func() error{
		func() error { return Screen(&screen, back, trials, Style{}) },
		func() error { return Experiments(&screen, back, trials, Style{}) },
		func() error { return Markdown(&markdown, back, trials, nil, nil) },
	} {
		if err := draw(); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"WHO TELLS THE TRUTH", "WHO LOOKS AT THE ANSWERS?",
		"✓ as the literature expects (indicative)"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("the screen lacks %q:\n%s", want, screen.String())
		}
	}
	if strings.Contains(screen.String(), "WHICH ARCHITECTURE") {
		t.Errorf("a table of no rows:\n%s", screen.String())
	}
	if !strings.Contains(markdown.String(), "## lie: how far from the truth?") {
		t.Errorf("no section:\n%s", markdown.String())
	}
	pictures := Charts(back, trials)
	if len(pictures) != 7 {
		t.Errorf("%d pictures", len(pictures))
	}
	for _, p := range pictures {
		if p.About != AboutExperiment || p.Of != LieName {
			t.Errorf("%s stands elsewhere: %+v", p.Name, p)
		}
		if svg := plot.SVG(p.Chart, plot.Options{ID: p.Name, Width: 720}); bytes.Contains(svg, []byte("no figures")) {
			t.Errorf("%s is empty: %+v", p.Name, p.Chart)
		}
	}
}

func TestImpossibleLie(t *testing.T) {
	for _, spoil := range []func(*Lie){
		func(l *Lie) { l.Mistakes.Many = -1 },
		func(l *Lie) { l.Truth[2] = math.Inf(1) },
		func(l *Lie) { l.Mistakes.Same[3].CPU = math.NaN() },
	} {
		run := fixtureLieRun(t)
		if what := run.impossible(); what != "" {
			t.Fatal(what)
		}
		if spoil(run.Lie); run.impossible() == "" {
			t.Errorf("it is taken as possible: %+v", run.Lie.Mistakes)
		}
	}
}
