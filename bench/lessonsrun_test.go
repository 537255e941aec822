//go:build linux

package bench

import (
	"slices"
	"testing"

	"serverlab/results"
)

// The run that is kept for who has no Linux machine is one of all experiments that have lessons, and each of its lessons
// has a verdict, save those that ask for more CPUs than its machine had.
func TestKeptLessonsAreOfAllExperiments(t *testing.T) {
	run, trials, err := results.Read("../results/lessons.run")
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	untold := 0
	for _, x := range results.Learnt(&run, trials) {
		asked = append(asked, x.Name)
		for _, a := range x.Answers {
			if a.Verdict == results.LessonUnsure {
				untold++
				t.Logf("%s: %s: %s", x.Name, a.Says, a.Why)
			}
		}
	}
	if want := withLessons(); !slices.Equal(asked, want) {
		t.Errorf("it is of %v, want %v", asked, want)
	}
	if len(trials) != len(run.Plan) || untold > 6 {
		t.Errorf("%d of %d trials, and %d lessons can't be told", len(trials), len(run.Plan), untold)
	}
}
