package results

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// LessonVerdict is what a run says of a lesson.
type LessonVerdict string

// The verdicts on a lesson.
const (
	AsExpected   LessonVerdict = "as the literature expects"
	NotHere      LessonVerdict = "not here"
	LessonUnsure LessonVerdict = "cannot tell"
)

// LessonAnswer is what a run says of one lesson of one of its experiments.
type LessonAnswer struct {
	Lesson
	Verdict    LessonVerdict
	Indicative bool   // fewer than MinTrials blocks, which all agree
	Why        string // the figures of both sides, or why there is no answer
}

// LearntOf is an experiment with what a run says of its lessons.
type LearntOf struct {
	Experiment
	Answers  []LessonAnswer // as many as Lessons, in their order
	Findings []string       // what else follows from its figures, a sentence each
}

// Learnt judges the lessons of all experiments of a run, in the order in which these were asked for. Already FewBlocks
// blocks answer, as indicative; a lesson that the run can't answer, since a row or a situation is missing, can't be
// told. An experiment without lessons is among them.
func Learnt(run *Run, trials []Trial) (all []LearntOf) {
	for _, e := range experimentsOf(run) {
		x := LearntOf{Experiment: e}
		if e.Name == CoresName {
			x.Findings = scalingSentences(run, trials)
		}
		if e.Name == LieName && run.Lie != nil {
			x.Answers = run.Lie.answers()
		}
		for _, l := range e.Lessons {
			x.Answers = append(x.Answers, l.answer(run, trials))
		}
		all = append(all, x)
	}
	return all
}

func (l Lesson) answer(run *Run, trials []Trial) LessonAnswer {
	a := LessonAnswer{Lesson: l, Verdict: LessonUnsure}
	e, err := ParseExpectation(l.Holds)
	var out Outcome
	if err == nil {
		out, err = e.Judge(run, trials, FewBlocks)
	}
	if a.Why, a.Indicative = out.Why, out.Indicative; err != nil {
		prefix := fmt.Sprintf("%v %q", ErrExpect, strings.TrimSpace(l.Holds))
		a.Why = strings.TrimLeft(strings.TrimPrefix(firstLine(err.Error()), prefix), ":, ")
		a.Why, _, _ = strings.Cut(a.Why, ": there are ") // all names that there are help who has mistyped one
	}
	switch out.Truth {
	case Holds:
		a.Verdict = AsExpected
	case Refuted:
		a.Verdict = NotHere
	}
	return a
}

// Short is the verdict with its label: "not here (indicative)".
func (a *LessonAnswer) Short() string {
	if a.Indicative {
		return string(a.Verdict) + " (indicative)"
	}
	return string(a.Verdict)
}

// Mark is ✓, ✗ or ?.
func (a *LessonAnswer) Mark() string {
	return map[LessonVerdict]string{AsExpected: "✓", NotHere: "✗", LessonUnsure: "?"}[a.Verdict]
}

// Figures are the lesson as an expectation and what came out: "cpu(a) < cpu(b): 3 µs against 4 µs, ...".
func (a *LessonAnswer) Figures() string { return a.Holds + ": " + a.Why }

// lessonLines are the lessons for a screen: the verdict, and beneath it the figures; with who says it where sources are
// asked for.
func lessonLines(all []LessonAnswer, s Style, sources bool) (lines []string) {
	for i := range all {
		a := &all[i]
		code := map[LessonVerdict]string{AsExpected: green, NotHere: red}[a.Verdict]
		says := a.Says
		if sources && a.Source != "" {
			says += " (" + a.Source + ")"
		}
		for k, part := range wrap(a.Short()+": "+says, screenWidth-4) {
			head := "  "
			if k == 0 {
				head = s.paint(code, s.text(a.Mark())) + " "
			}
			lines = append(lines, head+s.text(clip(part, screenWidth-4)))
		}
		for _, part := range wrap(a.Figures(), screenWidth-4) {
			lines = append(lines, "    "+s.text(clip(part, screenWidth-4)))
		}
	}
	return lines
}

// lessonTotal is how many lessons came out in which way; "" where there are none.
func lessonTotal(all []LearntOf) string {
	n, counts := 0, map[LessonVerdict]int{}
	for _, x := range all {
		n += len(x.Answers)
		for _, a := range x.Answers {
			counts[a.Verdict]++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d %s, %d %s, %d %s", plural(n, "lesson"), counts[AsExpected], AsExpected,
		counts[NotHere], NotHere, counts[LessonUnsure], LessonUnsure)
}

// WriteLessons prints all lessons of a run, each behind its experiment's name, in lines of at most 80 columns, and how
// many came out in which way.
func WriteLessons(w io.Writer, run Run, trials []Trial, s Style) error {
	var lines []string
	learnt := Learnt(&run, trials)
	for _, x := range learnt {
		if len(x.Answers) > 0 {
			lines = append(lines, s.paint(bold, s.text(clip(strings.ToUpper(x.Name), screenWidth))))
		}
		lines = append(lines, lessonLines(x.Answers, s, true)...)
	}
	total := cmp.Or(lessonTotal(learnt), "The run has no lessons: `serverlab list` names the experiments that have.")
	if _, err := io.WriteString(w, strings.Join(append(lines, total), "\n")+"\n"); err != nil {
		return fmt.Errorf("print the lessons: %w", err)
	}
	return nil
}
