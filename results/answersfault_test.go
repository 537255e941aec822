package results

import (
	"strings"
	"testing"
)

// sixCrashes is the invented crash experiment, each trial twice.
func sixCrashes() (run Run, trials []Trial) {
	run, trials = crashFixture()
	for _, t := range trials {
		t.Block += 3
		run.Plan, trials = append(run.Plan, t.Planned), append(trials, t)
	}
	return run, trials
}

func TestFaultAnswersGolden(t *testing.T) {
	run, trials := sixCrashes()
	golden(t, "answers-crash.txt", answersText(run, trials))
	states, all := withStates(fixture(8, 6))
	golden(t, "answers-states.txt", answersText(states, all))
}

// TestNoAnswerAfterAFault: a row that never answers again, or wrongly, fails, and its place on the front goes with it.
func TestNoAnswerAfterAFault(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Load)
		want   string
	}{
		"as it is": {func(*Load) {}, "needs"},
		"never":    {func(l *Load) { l.Fault.First = nil }, "eventloop fails: no right answer after the fault."},
		"wrong":    {func(l *Load) { l.Errors = map[string]uint64{"body": 3} }, "eventloop fails: wrong answers."},
	} {
		run, trials := sixCrashes()
		run.Architectures[1].Label = "eventloop"
		for i := range trials {
			if trials[i].Architecture == "eventloop" && trials[i].Situation == "crash-stateless--server" {
				fault := *trials[i].Load.Fault
				trials[i].Load.Fault = &fault
				c.change(&trials[i].Load)
			}
		}
		var text string
		for _, a := range Answers(&run, trials) {
			if a.Situation == "crash-stateless--server" {
				text = a.Text
			}
		}
		failed := strings.Contains(text, "fails")
		if failed != (name != "as it is") || failed && !strings.Contains(text, c.want) {
			t.Errorf("%s: %s", name, text)
		}
		f := ParetoFront(&run, trials)
		if on := strings.Contains(labelsOf(f.On), "eventloop"); on == failed {
			t.Errorf("%s: on the front %v: %v", name, on, f.Sentences())
		}
	}
}
