package results

import (
	"strings"
	"testing"
)

// lessonsFixture has a lesson that holds, one that does not, and three that can't be told: no difference, no such row,
// and no expectation at all.
func lessonsFixture(blocks int) (run Run, trials []Trial) {
	run, trials = experimentFixture(blocks)
	run.Experiments[0].Lessons = []Lesson{
		{Says: "A pool of 64 serves 64 requests that block in the time of one.", Source: "Little 1961",
			Holds: "throughput(threadpool, blocks-5ms) >= 20*throughput(eventloop, blocks-5ms)"},
		{Says: "A loop is faster where nothing blocks.", Source: "nobody",
			Holds: "throughput(eventloop, waits-0ms) >= 2*throughput(threadpool, waits-0ms)"},
		{Says: "A pool of 64 reaches the ceiling of 3,200 a second.", Holds: "throughput(threadpool, blocks-20ms) >= 3200"},
		{Says: "It needs a row that is not there.", Holds: "throughput(amped, blocks-5ms) > 1"},
		{Says: "It can't be read.", Holds: "throughput("},
	}
	return run, trials
}

func TestLessons(t *testing.T) {
	for _, x := range []struct {
		blocks     int
		want       [5]LessonVerdict
		indicative bool
	}{
		{6, [5]LessonVerdict{AsExpected, NotHere, LessonUnsure, LessonUnsure, LessonUnsure}, false},
		{3, [5]LessonVerdict{AsExpected, NotHere, LessonUnsure, LessonUnsure, LessonUnsure}, true},
		{2, [5]LessonVerdict{LessonUnsure, LessonUnsure, LessonUnsure, LessonUnsure, LessonUnsure}, false},
	} {
		run, trials := lessonsFixture(x.blocks)
		all := Learnt(&run, trials)
		if len(all) != 1 || len(all[0].Answers) != len(x.want) {
			t.Fatalf("%d blocks: %+v", x.blocks, all)
		}
		for i, a := range all[0].Answers {
			if a.Verdict != x.want[i] || a.Indicative != (x.indicative && a.Verdict != LessonUnsure) || a.Why == "" {
				t.Errorf("%d blocks: %s: %s, %q, want %s", x.blocks, a.Says, a.Short(), a.Why, x.want[i])
			}
		}
	}
}

// A hint needs blocks that agree: one of three that says the contrary leaves nothing.
func TestLessonsDisagree(t *testing.T) {
	run, trials := lessonsFixture(3)
	for i := range trials {
		if p := trials[i].Planned; p.Block == 2 && p.Situation == "blocks-5ms" && p.Architecture == "threadpool" {
			trials[i].Load.Requests = 10
		}
	}
	if a := Learnt(&run, trials)[0].Answers[0]; a.Verdict != LessonUnsure || a.Indicative {
		t.Errorf("%s: %s", a.Short(), a.Why)
	}
}

// Below MinTrials, best is told from rows whose values all lie apart from its own, and from no others.
func TestFewBlocksFindTheBest(t *testing.T) {
	run, trials := experimentFixture(3)
	run.Experiments[0].Lessons = []Lesson{
		{Holds: "best(throughput, blocks-5ms) > 5000"}, // the pool, and only the pool, has more
		{Holds: "worst(throughput, blocks-5ms) < 5000"},
		{Holds: "best(throughput, waits-0ms) > 25000"},
	}
	for i, want := range []LessonVerdict{AsExpected, AsExpected, NotHere} {
		if a := Learnt(&run, trials)[0].Answers[i]; a.Verdict != want || !a.Indicative {
			t.Errorf("%s: %s: %s", a.Holds, a.Short(), a.Why)
		}
	}
}

// A foreign record can't make a line take long: many rows that are alike in three of best and worst.
func TestManyChoices(t *testing.T) {
	run, trials := experimentFixture(3)
	first := run.Architectures[0]
	run.Architectures = nil
	for i := range 30 {
		a := first
		a.Name = letter(i)
		run.Architectures = append(run.Architectures, a)
		for _, o := range trials[6:12] {
			o.Architecture = a.Name
			trials = append(trials, o)
		}
	}
	name := run.Situations[1].Name // where nobody failed
	e, err := ParseExpectation(strings.ReplaceAll("best(p50, x) + best(p99, x) > worst(p50, x)", "x", `"`+name+`"`))
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Judge(&run, trials, FewBlocks)
	if err != nil || out.Truth != CannotTell || !strings.Contains(out.Why, "too many rows") {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestLessonsGolden(t *testing.T) {
	run, trials := lessonsFixture(3)
	golden(t, "lessons.txt", experimentsText(t, WriteLessons, run, trials))
	run.Experiments = nil
	if text := experimentsText(t, WriteLessons, run, trials); !strings.Contains(text, "no lessons") {
		t.Errorf("%q", text)
	}
}
