package results

import (
	"slices"
	"strings"
	"testing"
)

// TestLoadAnswers: of a sweep both the peaks and what is kept of them are told, and only of rows that were driven past
// what they can hold.
func TestLoadAnswers(t *testing.T) {
	run, trials := sweepFixture(6)
	golden(t, "answers-load.txt", answersText(run, trials))
	text := func(trials []Trial, aspect string) string {
		for _, a := range Answers(&run, trials) {
			if a.Aspect == aspect {
				return a.Text + strings.Join(a.Reasons, " ")
			}
		}
		return ""
	}
	// One row loses half of its peak at the highest rates.
	collapsed := slices.Clone(trials)
	for i := range collapsed {
		if l := &collapsed[i].Load; collapsed[i].Architecture == "eventloop" && l.Rate > 18_000 {
			l.Ended /= 2
		}
	}
	worst := text(collapsed, "Past the knee")
	if !strings.Contains(worst, "event loop follows, a factor of 2.0 behind") ||
		!strings.Contains(worst, "Not ranked: iterative") {
		t.Errorf("the row that collapses is not the worst: %s", worst)
	}
	few, fewTrials := sweepFixture(3)
	for _, a := range Answers(&few, fewTrials) {
		if !strings.Contains(a.Text, "no ranking; ask for --trials 6") {
			t.Errorf("3 trials: %s", a.Text)
		}
	}
}
