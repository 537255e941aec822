package results

import (
	"bytes"
	"slices"
)

// markdownExperiments writes a section for each experiment: its question, its figures, their pictures, and its lessons.
func markdownExperiments(b *bytes.Buffer, run *Run, trials []Trial, pictures []Linked) {
	figures := Figures(run, trials)
	for _, e := range Learnt(run, trials) {
		of := slices.DeleteFunc(slices.Clone(figures), func(f Figure) bool { return f.Experiment.Name != e.Name })
		drawn := slices.DeleteFunc(slices.Clone(pictures), func(p Linked) bool { return p.Picture.Experiment != e.Name })
		if len(of)+len(e.Answers)+len(drawn) == 0 {
			continue
		}
		b.WriteString("\n## " + plain(e.Name+": "+e.Question) + "\n")
		for i := range of {
			of[i].markdown(b)
		}
		markdownPictures(b, drawn)
		for _, f := range e.Findings {
			b.WriteString("\n" + plain(f) + "\n")
		}
		if len(e.Answers) > 0 {
			b.WriteString("\nWhat the literature expects:\n\n")
		}
		for i := range e.Answers {
			a := &e.Answers[i]
			source := ""
			if a.Source != "" {
				source = " (" + a.Source + ")"
			}
			b.WriteString("- **" + a.Short() + "**: " + plain(a.Says+source) + "\n  - " + plain(a.Figures()) + "\n")
		}
	}
}

// markdown writes the figure as a table: a line for each row, a column for each X.
func (f *Figure) markdown(b *bytes.Buffer) {
	title := f.heading() + " (" + f.unit() + ")"
	if f.Experiment.X.Title != "" {
		title += ", against " + f.Experiment.X.Title
	}
	b.WriteString("\n" + plain(title) + ":\n\n| |")
	rule := "|---|"
	for i := range f.Columns {
		b.WriteString(" " + plain(f.column(i)) + " |")
		rule += "---|"
	}
	b.WriteString("\n" + rule + "\n")
	for row := range f.Columns[0].Cells {
		if !f.takesPart(row) {
			continue
		}
		b.WriteString("| " + plain(f.Columns[0].Cells[row].Architecture.Label) + " |")
		for i := range f.Columns {
			c := newOverviewCell(&f.Columns[i].Cells[row], f.Columns[i].Situation, 0)
			b.WriteString(" " + plain(c.words()) + " |")
		}
		b.WriteString("\n")
	}
}
