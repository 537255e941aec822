package results

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

// Truth is what a run says of an expectation.
type Truth string

// The answers.
const (
	Holds      Truth = "holds"
	Refuted    Truth = "refuted"
	CannotTell Truth = "cannot tell"
)

// Outcome is the answer to one expectation.
type Outcome struct {
	Text  string // the expectation
	Truth Truth
	Why   string // the figures of both sides, or why there is no answer
	// Indicative says that there were too few blocks for an interval: all of them agree.
	Indicative bool
}

// FewBlocks is the least number of blocks that can give an indicative answer: that three agree by chance, on either
// side, has a probability of 1 in 4; that five do, of 1 in 16.
const FewBlocks = 3

// mostChoices is how many ways to choose a row for each best and worst of a line are tried.
const mostChoices = 4096

// Judge answers an expectation by the trials of a run. Both sides are computed in each block from its own trials, so
// that what disturbs a whole block cancels out; the order-statistic 95 % interval of the median of their difference
// decides if it lies wholly on one side. Below MinTrials blocks there is no such interval: then all of them must agree,
// and the answer is indicative. Below least blocks there is no answer. A row that failed refutes what calls it good. An
// error wraps ErrExpect: the line names what the run does not have.
func (e *Expectation) Judge(run *Run, trials []Trial, least int) (Outcome, error) {
	options, ways := make([][]*expCell, len(e.figures)), 1
	for i, f := range e.figures {
		cells, err := f.cells(run, trials, least)
		if err != nil {
			return Outcome{}, fmt.Errorf("%w %q: %w", ErrExpect, e.Text, err)
		}
		options[i], ways = cells, ways*len(cells)
		if ways > mostChoices {
			return Outcome{Text: e.Text, Truth: CannotTell, Why: "too many rows can't be told from the best or the worst"}, nil
		}
	}
	var first Outcome
	for i, cells := range combinations(options) {
		out := e.judge(cells, least)
		switch {
		case i == 0:
			first = out
		case out.Truth != first.Truth:
			first.Truth = CannotTell
			first.Why += "; " + e.ties(options)
			return first, nil
		}
	}
	return first, nil
}

// combinations are all ways to choose one of each, the first one of all first.
func combinations(options [][]*expCell) [][]*expCell {
	all := [][]*expCell{nil}
	for _, cells := range options {
		var longer [][]*expCell
		for _, head := range all {
			for _, c := range cells {
				longer = append(longer, append(slices.Clone(head), c))
			}
		}
		all = longer
	}
	return all
}

// ties says that the answer depends on which of several rows is the best or the worst.
func (e *Expectation) ties(options [][]*expCell) string {
	var parts []string
	for i, cells := range options {
		if len(cells) > 1 {
			var names []string
			for _, c := range cells {
				names = append(names, c.row.Label)
			}
			parts = append(parts, fmt.Sprintf("%s may be any of %s", e.figures[i], strings.Join(names, ", ")))
		}
	}
	return strings.Join(parts, "; ") + ", and not all of them say the same"
}

// judge answers with one cell for each figure.
func (e *Expectation) judge(cells []*expCell, least int) Outcome {
	if why, refuted := e.failures(cells); why != "" {
		truth := CannotTell
		if refuted {
			truth = Refuted
		}
		return Outcome{Text: e.Text, Truth: truth, Why: why}
	}
	var sides [3][]float64 // left, right, and their ratio
	var differ, above, below []float64
	blocks, constant := shared(cells)
	for _, block := range blocks {
		of := map[*expFigure]float64{}
		for i, c := range cells {
			if of[e.figures[i]] = c.values[block]; c.constant {
				of[e.figures[i]] = c.values[0]
			}
		}
		l, r := e.left.value(of), e.right.value(of)
		if d := l - r; !math.IsNaN(d) && !math.IsInf(d, 0) {
			slack := Margin * math.Abs(r)
			differ, above, below = append(differ, d), append(above, d+slack), append(below, d-slack)
			for i, v := range []float64{l, r, ratioOf(l, r)} {
				sides[i] = append(sides[i], v)
			}
		}
	}
	why := e.sides(sides, differ, constant) + chosen(e.figures, cells)
	if len(differ) == 0 && constant {
		return Outcome{Text: e.Text, Truth: CannotTell, Why: "there is nothing to compare: a division by 0?"}
	}
	if len(differ) < max(least, 1) && !constant {
		return Outcome{Text: e.Text, Truth: CannotTell, Why: tooFewBlocks(len(differ), least, cells) + why}
	}
	truth := e.decide(interval(differ, constant), interval(above, constant), interval(below, constant))
	return Outcome{e.Text, truth, why, truth != CannotTell && len(differ) < MinTrials && !constant}
}

// interval is the 95 % interval of a median; of fewer values, all of them; a figure without trials has none.
func interval(values []float64, constant bool) Summary {
	s := Summarize(values)
	switch {
	case constant:
		s.Lo, s.Hi = s.Median, s.Median
	case s.N < MinTrials:
		s.Lo, s.Hi = s.Smallest, s.Biggest
	}
	return s
}

// decide compares the interval of a difference with 0; == asks whether it lies within Margin of the right side.
func (e *Expectation) decide(d, above, below Summary) Truth {
	var yes, no bool
	switch e.op {
	case "<":
		yes, no = d.Hi < 0, d.Lo >= 0
	case "<=":
		yes, no = d.Hi <= 0, d.Lo > 0
	case ">":
		yes, no = d.Lo > 0, d.Hi <= 0
	case ">=":
		yes, no = d.Lo >= 0, d.Hi < 0
	default:
		yes, no = above.Lo >= 0 && below.Hi <= 0, above.Hi < 0 || below.Lo > 0
	}
	switch {
	case yes:
		return Holds
	case no:
		return Refuted
	}
	return CannotTell
}

// shared are the blocks that all cells have a figure of; constant says that none of them has blocks.
func shared(cells []*expCell) (blocks []int, constant bool) {
	constant = !slices.ContainsFunc(cells, func(c *expCell) bool { return !c.constant })
	if constant {
		return []int{0}, true
	}
	seen, with := map[int]int{}, 0
	for _, c := range cells {
		if c.constant {
			continue
		}
		with++
		for block := range c.values {
			seen[block]++
		}
	}
	for _, block := range slices.Sorted(maps.Keys(seen)) {
		if seen[block] == with {
			blocks = append(blocks, block)
		}
	}
	return blocks, false
}

// failures says which of the cells have no figure at all, and whether that refutes the line: where one failed that the
// line calls good, and the others did not.
func (e *Expectation) failures(cells []*expCell) (why string, refuted bool) {
	var words []string
	said, failures, good := map[string]bool{}, 0, true
	for i, c := range cells {
		f := e.figures[i]
		if !c.failed && len(c.values) > 0 {
			continue
		}
		text := fmt.Sprintf("%s in %s: %s", c.row.Label, c.situation, c.word)
		if c.failed {
			failures++
			text = fmt.Sprintf("%s failed in %s: %s", c.row.Label, c.situation, c.word)
			good = good && e.praises(f)
		} else {
			good = false
		}
		if !said[text] {
			words, said[text] = append(words, text), true
		}
	}
	return strings.Join(words, "; "), good && failures > 0 && (failures < len(cells) || failures == 1)
}

// praises tells whether the line says of a figure that it is good: that it is low where lower is better, or high.
func (e *Expectation) praises(f *expFigure) bool {
	sign := e.left.sign(f) - e.right.sign(f) // of the difference, when the figure grows
	switch e.op {
	case "==":
		return true // as good as the other side
	case ">", ">=":
		sign = -sign
	}
	return sign > 0 && !f.metric.higher || sign < 0 && f.metric.higher
}

// sign tells whether a part grows with a figure (1) or shrinks (-1); 0: neither, or it depends.
func (n *expNode) sign(f *expFigure) int {
	switch n.kind {
	case 'f':
		if n.figure == f {
			return 1
		}
		return 0
	case '+':
		return n.left.sign(f) + n.right.sign(f)
	case '-':
		return n.left.sign(f) - n.right.sign(f)
	case '*':
		return n.left.sign(f)*n.right.side() + n.right.sign(f)*n.left.side()
	case '/':
		return n.left.sign(f)*n.right.side() - n.right.sign(f)*n.left.side()
	}
	return 0
}

// side is 1 for a part that is never negative, -1 for a negative number, 0 where it depends.
func (n *expNode) side() int {
	switch n.kind {
	case 'n':
		if n.number < 0 {
			return -1
		}
		return 1
	case 'f':
		return 1
	case '+':
		return max(0, min(n.left.side(), n.right.side()))
	case '*', '/':
		return n.left.side() * n.right.side()
	}
	return 0
}

// value computes a part; without an answer, such as of a division by 0, it is NaN or infinite.
func (n *expNode) value(of map[*expFigure]float64) float64 {
	switch n.kind {
	case 'n':
		return n.number
	case 'f':
		return of[n.figure]
	}
	l, r := n.left.value(of), n.right.value(of)
	switch n.kind {
	case '+':
		return l + r
	case '-':
		return l - r
	case '*':
		return l * r
	}
	return l / r
}

// sides prints the medians of both sides, and the ratio or the difference with its interval.
func (e *Expectation) sides(sides [3][]float64, differ []float64, constant bool) string {
	if len(differ) == 0 {
		return ""
	}
	unit := e.left.unit
	left, right := Summarize(sides[0]).Median, Summarize(sides[1]).Median
	text := fmt.Sprintf("%s against %s", unit.figure(left), unit.figure(right))
	if constant {
		return text + ", counted in one request"
	}
	s, name, show := Summarize(sides[2]), "ratio", func(v float64) string { return number(v, 3) }
	if math.IsNaN(s.Median) || slices.ContainsFunc(sides[2], math.IsNaN) {
		s, name, show = Summarize(differ), "difference", unit.figure
	}
	text += fmt.Sprintf(", %s %s", name, show(s.Median))
	if !math.IsNaN(s.Lo) {
		text += fmt.Sprintf(" (%s to %s)", show(s.Lo), show(s.Hi))
	}
	return text + fmt.Sprintf(", %s", plural(len(differ), "block"))
}

// chosen says which rows best and worst are.
func chosen(figures []*expFigure, cells []*expCell) (text string) {
	for i, f := range figures {
		if f.extreme != "" {
			text += fmt.Sprintf("; %s is %s", f, cells[i].row.Label)
		}
	}
	return text
}

// tooFewBlocks says why there is no interval.
func tooFewBlocks(n, least int, cells []*expCell) string {
	text := fmt.Sprintf("%s with all figures, and an interval needs %d", plural(n, "block"), MinTrials)
	if least < MinTrials {
		text = fmt.Sprintf("%s with all figures, and even a hint needs %d", plural(n, "block"), least)
	}
	said := map[string]bool{}
	for _, c := range cells {
		if t := fmt.Sprintf(" (%s in %s: %s)", c.row.Label, c.situation, c.word); c.word != "" && !said[t] {
			text, said[t] = text+t, true
		}
	}
	if n > 0 {
		text += "; "
	}
	return text
}

// WriteOutcomes prints the answers, each with its figures beneath it, in lines of at most 80 columns.
func WriteOutcomes(w io.Writer, all []Outcome, s Style) error {
	var lines []string
	for _, o := range all {
		mark := map[Truth]string{Holds: "✓", Refuted: "✗", CannotTell: "?"}[o.Truth]
		code := map[Truth]string{Holds: green, Refuted: red}[o.Truth]
		for i, part := range wrap(o.Text, screenWidth-4) {
			if i == 0 {
				lines = append(lines, s.paint(code, s.text(mark))+" "+s.text(clip(part, screenWidth-2)))
				continue
			}
			lines = append(lines, "    "+s.text(clip(part, screenWidth-4)))
		}
		for _, part := range wrap(string(o.Truth)+": "+o.Why, screenWidth-4) {
			lines = append(lines, "    "+s.text(clip(part, screenWidth-4)))
		}
	}
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("print the answers: %w", err)
	}
	return nil
}
