package page

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"serverlab/results"
)

// phaseRun is the reference run's column of silent clients, as the two cells of a map: one row holds them best.
func phaseRun(t *testing.T) (run results.Run, all []results.Trial) {
	t.Helper()
	run, trials := reference(t)
	at := slices.IndexFunc(run.Situations, func(s results.Situation) bool { return s.Name == "crowd" })
	if at < 0 {
		t.Fatal("the reference has no situation crowd")
	}
	s := run.Situations[at]
	run.Situations, run.Plan = nil, nil
	run.Experiments = []results.Experiment{{Name: results.PhaseName, Question: "who wins where?"}}
	for name, service := range map[string]float64{"phase-a": 0.001, "phase-b": 0.005} {
		s.Name, s.Experiment = name, results.PhaseName
		s.Phase = &results.PhasePoint{Service: service, Blocking: 1}
		run.Situations = append(run.Situations, s)
		for _, x := range trials {
			if x.Situation == "crowd" {
				x.Situation = name
				run.Plan, all = append(run.Plan, x.Planned), append(all, x)
			}
		}
	}
	return run, all
}

// TestMapByKeyboard walks through the cells of a map, and switches off who wins there.
func TestMapByKeyboard(t *testing.T) {
	run, trials := phaseRun(t)
	p := open(t, browser(t), written(t, run, trials), look{1920, "light"})
	const drawing = `#chart-phase-16 .drawing`
	tip := `document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent`
	var seen []string
	if err := chromedp.Do(p.ctx, chromedp.Focus(chromedp.CSS(drawing))); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{kb.ArrowRight, kb.ArrowRight} {
		if err := chromedp.Do(p.ctx, chromedp.KeyEvent(key)); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, eval[string](p, tip))
	}
	if !strings.Contains(seen[0], ", 100 %, 1.0 ms: ") || !strings.Contains(seen[1], ", 100 %, 5.0 ms: ") {
		t.Errorf("the arrows show %q", seen)
	}
	winner, _, _ := strings.Cut(seen[0], ",")
	row := slices.IndexFunc(run.Architectures, func(a results.Architecture) bool { return a.Label == winner })
	if row < 0 {
		t.Fatalf("%q is no row", winner)
	}
	shown := `[...document.querySelectorAll('` + drawing + ` .wide .series title')].filter(
		e => e.textContent.startsWith('` + winner + `') && e.parentNode.getClientRects().length).length`
	if n := eval[int](p, shown); n != 2 {
		t.Errorf("%d cells of %s", n, winner)
	}
	click := `document.querySelectorAll('[data-switch]')[` + strconv.Itoa(row) + `].click()`
	eval[any](p, click)
	if n := eval[int](p, shown); n != 0 {
		t.Errorf("switched off, %s has %d cells", winner, n)
	}
	p.quiet()
}
