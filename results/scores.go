package results

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// ScoreOutcome is what became of a prediction.
type ScoreOutcome string

// The outcomes of a prediction.
const (
	ScoredRight ScoreOutcome = "right"       // the row is best, or not distinguishable from the best
	ScoredWrong ScoreOutcome = "wrong"       // another one is better, and chance does not explain it; or it fails
	NotScored   ScoreOutcome = "cannot tell" // Why says why
)

// The limits of what is said of a predicted factor.
const (
	nearFactor = 1.25
	fairFactor = 2
)

// Score is a prediction held against what was measured.
type Score struct {
	Prediction Prediction
	Winner     string // the label of the row; of a state the name of its situation
	Claim      string // "trivial: iterative is best"
	Outcome    ScoreOutcome
	Why        string // in a few words: "tied with epoll loop"

	// Measured is by what factor the row was better: the median of the factors of the blocks in which both have a valid
	// trial, with its interval. Its N is 0 where no factor was predicted, or there is none.
	Measured Summary
	// Off is the predicted factor over the measured one, or the inverse, the one above 1; NaN: there is none.
	Off float64
	// Factor is what became of the predicted factor: "3 times as good as prefork 64: 2.05 measured (1.98 – 2.11), within
	// a factor of 2"; "": there was none.
	Factor string
}

// contest is what takes part in a question: rows in a column, or states of a row.
type contest struct {
	metric        Metric
	names, labels []string
	cells         []Cell
	states        bool
	blocks        func(*Cell) map[int]float64 // the figures of a cell block by block
}

// Scores holds each prediction of a run against its trials. Ratios are paired by block, so that what disturbs both rows
// cancels out.
func Scores(run *Run, trials []Trial) (all []Score) {
	if len(run.Predictions) == 0 {
		return nil
	}
	columns := Columns(run, trials)
	states := newCosts(run, trials, Style{})
	curves := Curves(run, trials, LoadSweep)
	for _, p := range run.Predictions {
		c, winner := contestOf(run, columns, states, &p)
		if p.Situation == LoadSweep && winner < 0 && len(curves) > 0 {
			c, winner = peakContest(curves, p.Winner)
		}
		all = append(all, c.score(p, winner))
	}
	return all
}

// contestOf finds what a prediction is about; the place of its winner is negative where that takes no part.
func contestOf(run *Run, columns []Column, states *costs, p *Prediction) (c contest, winner int) {
	at := slices.IndexFunc(columns, func(c Column) bool { return c.Situation.Name == p.Situation })
	row := slices.IndexFunc(run.Architectures, func(a Architecture) bool { return a.Name == p.Winner })
	if at < 0 || row < 0 {
		return c, -1
	}
	s := columns[at].Situation
	c.metric = s.Metric
	c.blocks = func(cell *Cell) map[int]float64 { return cell.byBlock(s.Metric) }
	if stateCost(s) {
		for _, s := range states.sits {
			c.names = append(c.names, s.Name)
		}
		c.labels, c.cells, c.states = c.names, states.rows[row], true
		return c, slices.Index(c.names, p.Situation)
	}
	for i := range run.Architectures {
		c.names, c.labels = append(c.names, run.Architectures[i].Name), append(c.labels, run.Architectures[i].Label)
	}
	c.cells = columns[at].Cells
	return c, row
}

// peakContest is about the peaks of a rising load.
func peakContest(curves []Curve, row string) (c contest, winner int) {
	c.metric, winner = Goodput, -1
	for i := range curves {
		a := curves[i].Architecture
		c.names, c.labels, c.cells = append(c.names, a.Name), append(c.labels, a.Label), append(c.cells, curves[i].Peak)
		if a.Name == row {
			winner = i
		}
	}
	c.blocks = func(cell *Cell) map[int]float64 {
		at := slices.IndexFunc(curves, func(o Curve) bool { return o.Architecture == cell.Architecture })
		return curves[at].blockPeaks()
	}
	return c, winner
}

func (c *contest) score(p Prediction, winner int) Score {
	s := Score{Prediction: p, Winner: p.Winner, Measured: Summarize(nil), Off: math.NaN()}
	s.Claim = p.Situation + ": " + p.Winner
	if winner < 0 {
		s.Outcome, s.Why = NotScored, "the run has no such row or column"
		return s
	}
	s.Winner = c.labels[winner]
	s.Claim = p.Situation + ": " + s.Winner
	if c.states {
		s.Claim = c.cells[winner].Architecture.Label + ": " + s.Winner
	}
	s.Claim += " is best"
	s.Outcome, s.Why = c.outcome(winner)
	if p.Factor > 0 {
		c.scoreFactor(&s, winner)
	}
	return s
}

// ranks tells whether a cell has a figure that counts in the ranking.
func (c *Cell) ranks() bool {
	switch c.Verdict {
	case Best, Tied, Worse, Undecided:
		return c.Summary.N > 0
	}
	return false
}

// outcome says whether a cell is best, and why.
func (c *contest) outcome(winner int) (ScoreOutcome, string) {
	cell, best := &c.cells[winner], c.best()
	rivals := 0
	for i := range c.cells {
		if o := &c.cells[i]; i != winner && !o.Architecture.Reference && (o.ranks() || o.Verdict == Failed) {
			rivals++
		}
	}
	switch cell.Verdict {
	case NotMeasured:
		return NotScored, "it was not measured"
	case Beside:
		return NotScored, "a reference is not ranked"
	case Unranked:
		return NotScored, "no figure that counts: " + cell.Word
	case Failed:
		if best < 0 {
			return NotScored, "no row has a figure; it fails: " + cell.Word
		}
		return ScoredWrong, fmt.Sprintf("it fails (%s), %s does not", cell.Word, c.labels[best])
	case Worse:
		why := c.labels[best] + " is better"
		if f := c.factor(best, winner); f.N > 0 {
			why = fmt.Sprintf("%s is %s times as good%s", c.labels[best], times(f.Median), c.interval(f))
		}
		return ScoredWrong, why
	case Undecided:
		return NotScored, "too few valid trials to tell it from others"
	}
	if rivals == 0 {
		return NotScored, "no other row has a figure"
	}
	return ScoredRight, c.others(winner)
}

// others says of a leader whether others lead with it.
func (c *contest) others(winner int) string {
	var tied []string
	for i := range c.cells {
		if i != winner && c.cells[i].Leader() {
			tied = append(tied, c.labels[i])
		}
	}
	if len(tied) == 0 {
		return "alone"
	}
	return "tied with " + strings.Join(tied, ", ")
}

// best is the place of the best median that counts, and worst that of the worst one, but for the winner itself;
// negative where there is none.
func (c *contest) best() int { return c.extreme(-1, c.metric.HigherIsBetter()) }

func (c *contest) worst(winner int) int { return c.extreme(winner, !c.metric.HigherIsBetter()) }

func (c *contest) extreme(but int, highest bool) (at int) {
	at = -1
	for i := range c.cells {
		if i == but || !c.cells[i].ranks() {
			continue
		}
		if at >= 0 {
			order := cmp.Compare(c.cells[i].Summary.Median, c.cells[at].Summary.Median)
			if order == 0 || (order > 0) != highest {
				continue
			}
		}
		at = i
	}
	return at
}

// factor is by what factor one cell is better than another, block by block; its N is 0 where a figure is missing or is
// not above 0, so that there is no ratio.
func (c *contest) factor(one, other int) Summary {
	var ratios []float64
	with := c.blocks(&c.cells[other])
	for block, v := range c.blocks(&c.cells[one]) {
		w, ok := with[block]
		if !ok {
			continue
		}
		if v <= 0 || w <= 0 {
			return Summarize(nil)
		}
		if c.metric.HigherIsBetter() {
			v, w = w, v
		}
		ratios = append(ratios, w/v)
	}
	return Summarize(ratios)
}

// scoreFactor holds the predicted factor against the measured one.
func (c *contest) scoreFactor(s *Score, winner int) {
	than, label := c.worst(winner), "the worst"
	if s.Prediction.Than != "" {
		than, label = slices.Index(c.names, s.Prediction.Than), s.Prediction.Than
	}
	if than >= 0 {
		label = c.labels[than]
		if s.Prediction.Than == "" {
			label = "the worst (" + label + ")"
		}
	}
	s.Factor = fmt.Sprintf("%s times as good as %s: ", predicted(s.Prediction.Factor), label)
	switch {
	case than < 0:
		s.Factor += "there is no other figure"
	case c.cells[winner].Verdict == Failed:
		s.Factor += "no factor, since " + s.Winner + " fails"
	case c.cells[than].Verdict == Failed && c.cells[winner].ranks():
		s.Factor += "better than a failure, which has no factor"
	case c.cells[than].Verdict == Failed:
		s.Factor += "no factor, since " + c.labels[than] + " fails"
	default:
		s.measure(c.factor(winner, than), c)
	}
}

// measure says how far the predicted factor is from the measured one.
func (s *Score) measure(m Summary, c *contest) {
	s.Measured = m
	if m.N == 0 {
		s.Factor += "no factor, since no block has two figures above 0"
		return
	}
	s.Off = max(s.Prediction.Factor/m.Median, m.Median/s.Prediction.Factor)
	s.Factor += times(m.Median) + " measured" + c.interval(m) + ", "
	switch {
	case s.Off <= nearFactor:
		s.Factor += "within 25 %"
	case s.Off <= fairFactor:
		s.Factor += "within a factor of 2"
	default:
		s.Factor += "off by " + times(s.Off) + " times"
	}
}

// interval is the 95 % interval of a factor in brackets, or why there is none.
func (c *contest) interval(f Summary) string {
	if math.IsNaN(f.Lo) {
		return " (" + plural(f.N, "block") + ": no interval)"
	}
	return " (" + times(f.Lo) + " – " + times(f.Hi) + ")"
}

// predicted prints a factor as it was given.
func predicted(v float64) string {
	if v < 1000 && v >= 0.01 {
		return exact(v)
	}
	return times(v)
}

// times prints a factor; one out of any reason is not printed with all its digits.
func times(v float64) string {
	switch {
	case v >= mostFactor:
		return "over " + number(mostFactor, 1)
	case v > 0 && v < 1/mostFactor:
		return "under 0.000001"
	case v >= 1000 || v == math.Trunc(v):
		return exact(math.Round(v))
	}
	return number(v, 3)
}

// ScoreTotal is all scores in one line: "4 of 5 right; factors: 2 of 3 within a factor of 2".
func ScoreTotal(scores []Score) string {
	right, open, near, factors := 0, 0, 0, 0
	for i := range scores {
		switch s := &scores[i]; s.Outcome {
		case ScoredRight:
			right++
		case NotScored:
			open++
		}
		if off := scores[i].Off; !math.IsNaN(off) {
			if factors++; off <= fairFactor {
				near++
			}
		}
	}
	text := fmt.Sprintf("%d of %d right", right, len(scores))
	if open > 0 {
		text += fmt.Sprintf(", %d can't be told", open)
	}
	if factors > 0 {
		text += fmt.Sprintf("; factors: %d of %d within a factor of 2", near, factors)
	}
	return text
}

// scoreMargin is the width of the outcome's column.
const scoreMargin = 13

// Predicted draws what became of the predictions of a run, at most 80 columns wide; nothing where there are none.
func Predicted(w io.Writer, run Run, trials []Trial, s Style) error {
	scores := Scores(&run, trials)
	if len(scores) == 0 {
		return nil
	}
	var b strings.Builder
	for _, line := range wrap("PREDICTED: "+ScoreTotal(scores), screenWidth) {
		b.WriteString(s.paint(bold, s.text(line)) + "\n")
	}
	for i := range scores {
		sc := &scores[i]
		code := map[ScoreOutcome]string{ScoredRight: green, ScoredWrong: red}[sc.Outcome]
		const room = screenWidth - scoreMargin
		for n, line := range slices.Concat(wrap(sc.Claim+": "+sc.Why, room), wrap(sc.Factor, room)) {
			head := ""
			if n == 0 {
				head = string(sc.Outcome)
			}
			b.WriteString(s.paint(code, left(head, scoreMargin)) + s.text(clip(line, room)) + "\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("draw the predictions: %w", err)
	}
	return nil
}
