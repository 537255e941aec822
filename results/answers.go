package results

// Answer is one sentence of the verdict: which architecture is most efficient, in what. Ties are called ties.
type Answer struct {
	Aspect    string   // "CPU per request at a fixed rate"
	Situation string   // the column that it comes from
	Text      string   // with its figures and their intervals
	Reasons   []string // that the counters show, a sentence each
}

// Answers are the verdict of a run, aspect by aspect; what was not measured has none.
func Answers(run *Run, trials []Trial) (all []Answer) {
	for _, col := range Columns(run, trials) {
		for i := range col.Cells {
			if c := &col.Cells[i]; c.Verdict == Best {
				all = append(all, Answer{Aspect: col.Situation.Meaning, Situation: col.Situation.Name,
					Text: c.Architecture.Label + " is best: " + col.Situation.Metric.figure(c.Summary.Median,
						clients(c, col.Situation)) + " (" + col.Situation.Subtitle + ")."})
			}
		}
	}
	return all
}
