package results

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
)

// The widths of a comparison's lines, in characters.
const (
	pairFigure   = 9
	pairInterval = 14
	pairRatio    = 7
	contrastName = 18
	contrastText = (screenWidth - contrastName - 2) / 2
)

// Compare draws two runs side by side, at most 80 columns wide: first what differs between their machines and set-ups,
// then both medians of each cell with their intervals, the ratio, and whether the difference is significant over all
// cells. It asks only what differs: a difference is that of the program, of the machine, and of the set-up together.
func Compare(w io.Writer, a, b Named, s Style) error {
	d := duel{style: s, a: &a, b: &b}
	d.pairs, d.onlyA, d.onlyB = pairs(&a, &b)
	if _, err := io.WriteString(w, strings.Join(d.lines(), "\n")+"\n"); err != nil {
		return fmt.Errorf("draw the comparison: %w", err)
	}
	return nil
}

// duel is what the parts of a comparison draw from.
type duel struct {
	style        Style
	a, b         *Named
	pairs        []*pair
	onlyA, onlyB []string
}

func (d *duel) lines() (lines []string) {
	put := func(code string, text ...string) {
		for _, t := range text {
			t = d.style.text(strings.TrimRight(clip(t, screenWidth), " "))
			if code != "" {
				t = d.style.paint(code, t)
			}
			lines = append(lines, t)
		}
	}
	put(bold, "A  "+tail(d.a.Name, screenWidth-3), "B  "+tail(d.b.Name, screenWidth-3))
	put("", d.contrasts()...)
	put("", "")
	put(bold, wrap(d.summary(), screenWidth)...)
	for _, only := range []struct {
		name  string
		cells []string
	}{{"A", d.onlyA}, {"B", d.onlyB}} {
		if len(only.cells) > 0 {
			put("", wrap("Only "+only.name+" has: "+strings.Join(only.cells, ", "), screenWidth)...)
		}
	}
	for i, c := range d.pairs {
		if i == 0 || c.sit != d.pairs[i-1].sit {
			put("", "")
			put(bold, pairHead(c.sit))
		}
		lines = append(lines, d.row(c))
	}
	return lines
}

// tail clips the beginning of a name, whose end tells more.
func tail(t string, n int) string {
	if r := []rune(t); len(r) > n {
		return "…" + string(r[len(r)-n+1:])
	}
	return t
}

// contrasts says first what the runs do not share, and what follows from it.
func (d *duel) contrasts() (lines []string) {
	all := contrasts(d.a, d.b)
	if len(all) == 0 {
		if identity(&d.a.Run, d.a.Trials) == identity(&d.b.Run, d.b.Trials) {
			return []string{"They are one and the same run."}
		}
		return []string{"Machine and set-up are alike."}
	}
	lines = append(lines, "", left("What differs", contrastName)+left("A", contrastText+1)+"B")
	rate, machine := false, false
	for _, c := range all {
		rate = rate || strings.HasSuffix(c.a+c.b, "/s")
		machine = machine || c.name == "CPU"
		name := left(c.name, contrastName-1) + " "
		if max(width(c.a), width(c.b)) <= contrastText {
			lines = append(lines, name+left(c.a, contrastText+1)+c.b)
			continue
		}
		for i, text := range []string{"A " + c.a, "B " + c.b} {
			for j, part := range wrap(text, screenWidth-contrastName-2) {
				indent := strings.Repeat(" ", contrastName)
				if i+j == 0 {
					indent = name
				}
				if j > 0 {
					indent += "  "
				}
				lines = append(lines, indent+part)
			}
		}
	}
	if machine {
		lines = append(lines, "Different machines: what differs below is no property of the program alone.")
	}
	if rate {
		lines = append(lines, "CPU and response time depend on the rate: where rates differ by more than a",
			"tenth they are not compared.")
	}
	return lines
}

// summary counts what was found.
func (d *duel) summary() string {
	n := map[outcome]int{}
	for _, c := range d.pairs {
		n[c.outcome]++
	}
	compared := n[better] + n[worse] + n[alike]
	if len(d.pairs) == 0 {
		return "No cell is in both runs: there is nothing to compare."
	}
	t := fmt.Sprintf("%s compared: ", plural(compared, "cell"))
	switch {
	case compared == 0:
		t = "No cell has two figures that can be compared: "
	case n[better]+n[worse] == 0:
		t += "no measurable difference"
	default:
		t += fmt.Sprintf("B better in %d, worse in %d, tied in %d", n[better], n[worse], n[alike])
	}
	var rest []string
	for _, o := range []outcome{firstFail, otherFail, bothFail, tooFew, noFigure, otherRate} {
		if n[o] > 0 {
			rest = append(rest, fmt.Sprintf("%s %d", o, n[o]))
		}
	}
	if len(rest) > 0 && compared > 0 {
		t += "; not compared: "
	}
	return t + strings.Join(rest, ", ") + "."
}

// pairHead names a column, its unit and what its figures are.
func pairHead(s *Situation) string {
	what, _ := plainUnit(s.Metric)
	const legend = 8 // of the first run, beside the name
	return left(s.Name+": "+what, labelWidth+pairFigure+pairInterval-legend) + right("A, 95 %", legend) +
		right("B, 95 %", pairFigure+pairInterval) + right("B/A", pairRatio)
}

// plainUnit is the unit of a metric in a table without room for units, and what base units are multiplied by for it.
func plainUnit(m Metric) (name string, factor float64) {
	switch m {
	case CPUPerRequest:
		return "CPU µs/request", 1e6
	case Throughput:
		return "requests/s", 1
	case MemoryPerSilent:
		return "KB/client", 1.0 / 1024
	case Harmed:
		return "clients hit", 1
	case Latency:
		return "p99, ms", 1e3
	case Outage:
		return "outage, ms", 1e3
	case Goodput:
		return "goodput/s", 1
	case Balance:
		return "fairness", 1
	case Stall:
		return "longest wait, ms", 1e3
	}
	return string(m), 1
}

// row is one cell of both runs.
func (d *duel) row(c *pair) string {
	t := left(clip(c.a.Architecture.Label, labelWidth-1), labelWidth)
	for _, cell := range []*Cell{c.a, c.b} {
		t += pairText(cell, c.sit.Metric)
	}
	if math.IsNaN(c.ratio) {
		t += right("–", pairRatio)
	} else {
		t += right(number(c.ratio, 3), pairRatio)
	}
	code := cmp.Or(map[outcome]string{better: green, worse: red, firstFail: red, otherFail: red}[c.outcome], dim)
	return d.style.text(t+"  ") + d.style.paint(code, d.style.text(string(c.outcome)))
}

// pairText is a median with its interval, or the word that stands for them.
func pairText(c *Cell, m Metric) string {
	_, factor := plainUnit(m)
	show := func(v float64) string {
		if m == Harmed {
			return exact(v)
		}
		return number(v*factor, 3)
	}
	switch {
	case c.Verdict == Failed:
		return right(c.Word, pairFigure+pairInterval)
	case c.Summary.N == 0:
		return right(c.Word, pairFigure) + right("", pairInterval)
	}
	figure, interval := show(c.Summary.Median), "–"
	if !math.IsNaN(c.Summary.Lo) {
		interval = show(c.Summary.Lo) + "–" + show(c.Summary.Hi)
	}
	if c.Verdict == Unranked {
		return right("("+figure+")", pairFigure) + right(interval, pairInterval)
	}
	return right(figure, pairFigure) + right(interval, pairInterval)
}
