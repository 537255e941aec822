package results

import (
	"bytes"
	"strings"
)

// wideAnswers prints the verdict in 80 columns: for each aspect its sentences and the reasons that the counters show,
// and then the Pareto front.
func wideAnswers(b *bytes.Buffer, run *Run, trials []Trial) {
	answers := Answers(run, trials)
	if len(answers) == 0 {
		return
	}
	b.WriteString("WHICH ARCHITECTURE IS MOST EFFICIENT, IN WHAT?\n")
	put := func(first, indent, text string) {
		for i, line := range wrap(text, screenWidth-len(indent)) {
			if i == 0 {
				line = first + line
			} else {
				line = indent + line
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	front := ParetoFront(run, trials)
	for _, a := range front.Beside(answers) {
		put("", "", a.Aspect+" ("+a.Situation+")")
		put("  ", "  ", a.Text)
		for _, r := range a.Reasons {
			put("  - ", "    ", r)
		}
	}
	b.WriteString("The Pareto front, in place of a single winner\n")
	for _, t := range front.Sentences() {
		put("  ", "  ", t)
	}
	b.WriteString("\n")
}
