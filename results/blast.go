package results

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// The widths of the blast screen, in characters, and its time line.
const (
	blastLabel  = 15
	blastHarmed = 9
	blastAgain  = 12
	blastRate   = 9
	blastGrown  = 9
	blastKind   = 16 // a column of the summary
	blastLine   = 22 // of the time line in all, the bar apart
	blastLead   = 4  // of it before the bad request
)

// leakPath asks for the bad request after which the memory is of interest.
const leakPath = "/chaos/leak"

// blastKinds say in words what a bad request does, by its path.
var blastKinds = []struct{ path, heading, short string }{
	{"/chaos/panic", "ONE REQUEST PANICS: its caller catches that, answers 500 and closes", "panics"},
	{"/chaos/loop", "ONE REQUEST LOOPS FOR EVER", "loops"},
	{leakPath, "ONE REQUEST LEAKS 64 MB", "leaks 64 MB"},
	{"/chaos/exit", "ONE REQUEST KILLS ITS PROCESS", "kills"},
}

// Blast draws what one bad request of each kind does to the other clients of each row, at most 80 columns wide: a line
// for each; beneath them, on the last 24 lines, the same in a small matrix.
func Blast(w io.Writer, run Run, trials []Trial, s Style) error {
	groups := blastGroups(&run, trials)
	if len(groups) == 0 {
		return nil
	}
	var b bytes.Buffer
	say := func(code, line string) {
		b.WriteString(s.paint(code, s.text(clip(strings.TrimRight(line, " "), screenWidth))) + "\n")
	}
	first := groups[0].situation
	say(bold, fmt.Sprintf("WHO ELSE IS HARMED BY ONE BAD REQUEST?   %d clients, a connection per request.",
		first.Connections))
	say(bold, blastRow("medians", "harmed", "silent for", "rate", "memory", "requests, each "+
		duration(first.blastEach(), 2)))
	for i := range groups {
		g := &groups[i]
		heading := g.heading()
		if each := g.situation.blastEach(); each != first.blastEach() {
			heading += fmt.Sprintf(" (each %s)", duration(each, 2))
		}
		say(bold, heading)
		for j := range g.cells {
			say("", g.line(&g.cells[j]))
		}
	}
	for _, line := range blastMatrix(groups) {
		say(line.code, line.text)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("draw screen: %w", err)
	}
	return nil
}

// blastEach is how long a character of the time line stands for, in seconds.
func (s *Situation) blastEach() float64 {
	return max(0.02, 0.02*float64(int(s.Window/(0.02*blastLine)+0.99)))
}

func (g *blastGroup) heading() string {
	for _, k := range blastKinds {
		if k.path == g.situation.Crash {
			return k.heading
		}
	}
	return strings.ToUpper(g.situation.Title)
}

// short is the heading of the matrix.
func (g *blastGroup) short() string {
	for _, k := range blastKinds {
		if k.path == g.situation.Crash {
			return k.short
		}
	}
	return g.situation.Title
}

// blastRow is a line of the table.
func blastRow(label, harmed, again, rate, grown, line string) string {
	return left(label, blastLabel) + right(harmed, blastHarmed) + right(again, blastAgain) + right(rate, blastRate) +
		right(grown, blastGrown) + "  " + line
}

// harmed is how many clients of how many were harmed, or why nobody knows.
func (b *blastCell) harmed(s *Situation) string {
	if len(b.cell.Values) == 0 {
		if b.cell.Word != "" {
			return b.cell.Word
		}
		return "not measured"
	}
	return fmt.Sprintf("%s of %d", exact(b.cell.Summary.Median), s.Connections)
}

func (g *blastGroup) line(b *blastCell) string {
	label := " " + b.cell.Architecture.Label
	if b.sample == nil {
		return left(label, blastLabel) + "  " + b.harmed(g.situation)
	}
	rate, memory := "n/a", "n/a"
	if v, ok := medianOf(b.rates); ok {
		rate = fmt.Sprintf("%.0f %%", 100*v)
	}
	if v, ok := medianOf(b.grown); g.situation.Crash != leakPath {
		memory = ""
	} else if ok {
		memory = fmt.Sprintf("%+.0f MB", v/(1<<20))
	}
	return blastRow(label, b.harmed(g.situation), b.again(), rate, memory,
		timeline(b.sample, blastLine, blastLead, g.situation.blastEach()))
}

type paintedLine struct{ code, text string }

// blastMatrix is the closing part: a row for each architecture, a column for each kind.
func blastMatrix(groups []blastGroup) (lines []paintedLine) {
	head, label := left("harmed, silence", blastLabel), map[string]string{}
	var order []string
	for i := range groups {
		head += right(groups[i].short(), blastKind)
		for j := range groups[i].cells {
			b := &groups[i].cells[j]
			name := b.cell.Architecture.Name
			if _, known := label[name]; !known {
				order = append(order, name)
				label[name] = left(b.cell.Architecture.Label, blastLabel)
			}
			text := b.harmed(groups[i].situation)
			if b.sample != nil {
				text = fmt.Sprintf("%s, %s", exact(b.cell.Summary.Median), b.again())
			}
			label[name] += strings.Repeat(" ", max(0, blastLabel+i*blastKind-width(label[name]))) + right(text, blastKind)
		}
	}
	lines = append(lines, paintedLine{"", ""}, paintedLine{bold, head})
	for _, name := range order {
		lines = append(lines, paintedLine{"", label[name]})
	}
	for _, note := range []string{
		"harmed: clients whose request failed or took longer than " + duration(groups[0].situation.Timeout, 2),
		"silent: the longest time in which nobody was answered; never: to the end",
		"rate: what is answered in the end, of what was before it; memory: growth (PSS)",
	} {
		lines = append(lines, paintedLine{"", note})
	}
	return lines
}
