package results

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// ListTrials prints what trials hold by themselves: the list for a record whose run.json can't be read. Nothing is ranked
// and no median is taken, since what was asked, which column compares what and which trials are missing is lost with it.
func ListTrials(w io.Writer, trials []Trial, s Style) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "THE TRIALS, AS THEY RAN: %s\n", plural(len(trials), "trial"))
	b.WriteString("Without " + runFile + " nothing is ranked: what each column compares is not known.\n")
	grid := [][][]string{{{"situation", "row", "block", "requests/s", "CPU µs/req", "p99", "harmed", "verdict"}}, nil}
	for i := range trials {
		t := &trials[i]
		grid[1] = append(grid[1], []string{listedTrial(t.Situation, listWidth),
			listedTrial(t.Architecture, listWidth), fmt.Sprint(t.Block),
			trialFigure(t, Throughput, func(v float64) string { return number(v, 3) }),
			trialFigure(t, CPUPerRequest, func(v float64) string { return number(v*1e6, 3) }),
			trialFigure(t, Latency, func(v float64) string { return duration(v, 3) }),
			trialFigure(t, Harmed, exact), listedTrial(trialVerdict(t), 2*listWidth)})
	}
	if len(trials) > 0 {
		drawGrid(&b, grid)
	}
	b.WriteString("(…): a finding makes the figure useless; the verdict names it\n")
	if _, err := io.WriteString(w, s.text(b.String())); err != nil {
		return fmt.Errorf("list trials: %w", err)
	}
	return nil
}

// listWidth is how much of a name is shown, in columns: names are those of a record that is damaged.
const listWidth = 20

// listedTrial is text of a record in one line of at most so many columns.
func listedTrial(t string, most int) string { return clip(strings.Join(strings.Fields(t), " "), most) }

// trialFigure is one figure of a trial, in brackets where a finding voids it.
func trialFigure(t *Trial, m Metric, show func(float64) string) string {
	v, ok := t.Value(m)
	switch {
	case !ok || m != Throughput && t.Load.Requests == 0 && m != Harmed:
		return "n/a"
	case t.Voided(m) != nil:
		return "(" + show(v) + ")"
	}
	return show(v)
}

// trialVerdict names the findings of a trial, or says why it has no figure.
func trialVerdict(t *Trial) string {
	if t.Failure != "" {
		return "failed: " + t.Failure
	}
	var kinds []string
	for _, f := range t.Findings {
		kinds = append(kinds, f.Kind)
	}
	if len(kinds) == 0 {
		return "valid"
	}
	return strings.Join(kinds, ", ")
}
