package results

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Linked is a picture that lies beside a Markdown report, and its path from there, with slashes.
type Linked struct {
	Picture Picture
	Path    string
}

// Markdown writes a run as a report in GitHub-flavoured Markdown: the verdict, tables of the figures with their
// intervals, what was predicted, what does not count, the pictures, and the machine. Nothing in a record becomes
// markup.
func Markdown(w io.Writer, run Run, trials []Trial, pictures []Linked) error {
	var b bytes.Buffer
	d := screen{run: &run, trials: trials}
	columns := Columns(&run, trials)
	for _, c := range columns {
		if c.Situation.State == "" && c.Situation.Sweep == "" && c.Situation.Metric != Latency {
			d.columns = append(d.columns, c)
		}
	}
	_, answer, _ := strings.Cut(d.title(), "?")
	fmt.Fprintf(&b, "# Which architecture is most efficient?\n\n")
	if answer = strings.TrimSpace(answer); answer != "" {
		b.WriteString(plain(answer) + "\n\n")
	}
	item(&b, d.captions("")[0])
	m := &run.Machine
	item(&b, fmt.Sprintf("%s, %s; %s %s, %s", m.CPU, plural(m.Cores, "usable CPU"), m.OS, m.Kernel, m.GoVersion))
	item(&b, "measured "+run.Started.UTC().Format("2 January 2006")+" by "+run.Program)
	markdownAnswers(&b, &run, trials)
	rankStates(columns, newCosts(&run, trials, Style{}))
	markdownTables(&b, &run, columns)
	d.columns = slices.DeleteFunc(columns, func(c Column) bool {
		return stateCost(c.Situation) || c.Situation.Sweep != ""
	})
	section(&b, "Notes", slices.DeleteFunc(d.notes(), func(note string) bool {
		return strings.HasPrefix(note, "In brackets") // the table has words instead
	}))
	markdownScores(&b, Scores(&run, trials))
	section(&b, "Trials that do not count as they are", findingLines(&run, trials))
	if len(pictures) > 0 {
		b.WriteString("\n## Pictures\n")
	}
	for _, p := range pictures {
		if p.Picture.Look != "" {
			fmt.Fprintf(&b, "\n%s\n", plain(p.Picture.Look))
		}
		fmt.Fprintf(&b, "\n![%s](<%s>)\n", plain(p.Picture.Name), &url.URL{Path: p.Path})
	}
	var machine []string
	for _, f := range MachineFacts(&run) {
		machine = append(machine, f.Name+": "+f.Value)
	}
	section(&b, "Machine and settings", machine)
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write Markdown: %w", err)
	}
	return nil
}

// section writes a list below a heading, and nothing where it would be empty.
func section(b *bytes.Buffer, title string, lines []string) {
	lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.TrimSpace(l) == "" })
	if len(lines) == 0 {
		return
	}
	b.WriteString("\n## " + title + "\n\n")
	for _, l := range lines {
		item(b, l)
	}
}

func item(b *bytes.Buffer, text string) { b.WriteString("- " + plain(text) + "\n") }

func markdownAnswers(b *bytes.Buffer, run *Run, trials []Trial) {
	answers := Answers(run, trials)
	if len(answers) > 0 {
		b.WriteString("\n## Verdict\n\n")
	}
	for _, a := range answers {
		aspect := plain(a.Aspect)
		if aspect != "" {
			aspect = "**" + aspect + "** "
		}
		fmt.Fprintf(b, "- %s(%s): %s\n", aspect, plain(a.Situation), Unbroken(plain(a.Text)))
		for _, r := range a.Reasons {
			b.WriteString("  - " + Unbroken(plain(r)) + "\n")
		}
	}
}

// rankStates puts the cells that are compared row by row, since each row has a rate of its own, into their columns.
func rankStates(columns []Column, states *costs) {
	j := 0
	for _, col := range columns {
		if !stateCost(col.Situation) {
			continue
		}
		for i := range col.Cells {
			col.Cells[i] = states.rows[i][j]
		}
		j++
	}
}

// rowsTried is how many rows of a column have trials.
func rowsTried(col *Column) (n int) {
	for i := range col.Cells {
		if len(col.Cells[i].Trials) > 0 {
			n++
		}
	}
	return n
}

// markdownTables writes what is measured of every row in one table, and in tables of their own what is only asked of
// servers that remember clients, what a crash does, and each load that is swept.
func markdownTables(b *bytes.Buffer, run *Run, columns []Column) {
	b.WriteString("\n## Figures\n\nMedians of the valid trials, with 95 % intervals of the median in brackets.\n")
	groups := map[string][]Column{}
	var order []string
	for _, c := range columns {
		group := ""
		switch s := c.Situation; {
		case s.Sweep != "":
			group = "Load: " + s.Sweep
		case s.Fault != "":
			group = "A crash under load: until the first right answer"
		case stateCost(s):
			group = "What it costs to remember clients: CPU per read; a row is compared with itself"
		}
		if groups[group] == nil {
			order = append(order, group)
		}
		groups[group] = append(groups[group], c)
	}
	for _, group := range order {
		if !slices.ContainsFunc(groups[group], func(c Column) bool { return rowsTried(&c) > 0 }) {
			continue
		}
		if group != "" {
			b.WriteString("\n### " + plain(group) + "\n")
		}
		markdownTable(b, run, groups[group])
	}
	var meanings []string
	for _, c := range columns {
		if s := c.Situation; s.Meaning != "" && s.State == "" && s.Sweep == "" {
			meanings = append(meanings, s.Name+": "+s.Meaning)
		}
	}
	section(b, "What the columns say", meanings)
}

func markdownTable(b *bytes.Buffer, run *Run, columns []Column) {
	head, rule := "| |", "|---|"
	for _, c := range columns {
		head += " " + plain(c.Situation.Name)
		if unit := c.Situation.Metric.unit(); unit != "" {
			head += ", " + unit
		} else if c.Situation.Metric == Latency {
			head += ", p99"
		}
		head, rule = head+" |", rule+"---|"
	}
	b.WriteString("\n" + head + "\n" + rule + "\n")
	for i := range run.Architectures {
		line, measured := "| "+plain(run.Architectures[i].Label)+" |", false
		for _, c := range columns {
			cell, alone := &c.Cells[i], rowsTried(&c) < 2 && !stateCost(c.Situation)
			measured = measured || len(cell.Trials) > 0
			line += " " + plain(cellWords(cell, c.Situation, alone)) + " |"
		}
		if measured {
			b.WriteString(line + "\n")
		}
	}
}

// cellWords is a cell with its interval, and what it is worth in words; to lead a column alone is worth nothing.
func cellWords(c *Cell, s *Situation, alone bool) string {
	switch {
	case c.Verdict == NotMeasured:
		return "not measured"
	case c.Verdict == Failed:
		return "fails: " + c.Word
	case c.Summary.N == 0:
		return c.Word
	}
	n := clients(c, s)
	figure := func(v float64) string { return s.Metric.figure(v, n) }
	text := figure(c.Summary.Median)
	if !stateCost(s) { // its heading says that rates are the rows' own
		text += (&screen{}).noteMark(c.Architecture, s)
	}
	if !math.IsNaN(c.Summary.Lo) {
		if s.Metric == Harmed {
			figure = exact // not the number of clients once more
		}
		text += " (" + figure(c.Summary.Lo) + " – " + figure(c.Summary.Hi) + ")"
	}
	if own, ok := s.OwnRates[c.Architecture.Name]; ok && !stateCost(s) {
		text += " at its own " + exact(own) + "/s"
	}
	switch c.Verdict {
	case Best, Tied:
		if !alone {
			text += ", " + string(c.Verdict)
		}
	case Beside:
		text += ", a reference"
	case Unranked:
		text += ", not ranked: " + c.Word
	}
	return text
}

func markdownScores(b *bytes.Buffer, scores []Score) {
	if len(scores) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## Predictions\n\n%s\n\n| | predicted | measured | factor |\n|---|---|---|---|\n",
		plain(ScoreTotal(scores)+"."))
	for i := range scores {
		s := &scores[i]
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", s.Outcome, plain(s.Claim), plain(s.Why), plain(s.Factor))
	}
}

// findingLines are what is wrong with the trials, cell by cell.
func findingLines(run *Run, trials []Trial) (lines []string) {
	for _, col := range Columns(run, trials) {
		for i := range col.Cells {
			for _, line := range col.Cells[i].findings() {
				lines = append(lines, col.Situation.Name+": "+line)
			}
		}
	}
	return lines
}

// plain writes a text so that Markdown shows it as it is: on one line, and with nothing that could be markup, HTML, a
// link, or the end of a table's cell. A control character, and one that turns the direction of writing, becomes a
// question mark; an @ within a word, which GitHub would take for a person or an address, becomes (at).
func plain(t string) string {
	t = strings.Join(strings.Fields(t), " ")
	var b strings.Builder
	runes := []rune(t)
	for i, r := range runes {
		before, after := ' ', ' '
		if i > 0 {
			before = runes[i-1]
		}
		if i+1 < len(runes) {
			after = runes[i+1]
		}
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			b.WriteRune('?')
		case r == '<':
			b.WriteString("&lt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' && (before != ' ' || after != ' '):
			b.WriteString("(at)")
		case strings.ContainsRune("\\`*_{}[]|~$#", r), // which mean something anywhere
			strings.ContainsRune("-+=>", r) && i == 0,                           // a list, a rule, a quotation
			strings.ContainsRune(".)", r) && after == ' ' && numeral(runes[:i]), // a numbered list
			r == ':' && after != ' ',                                            // http://
			r == '.' && strings.HasSuffix(strings.ToLower(string(runes[max(0, i-3):i])), "www"):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// numeral tells a number alone, which before a full stop begins a list.
func numeral(runes []rune) bool {
	return len(runes) > 0 && !slices.ContainsFunc(runes, func(r rune) bool { return r < '0' || r > '9' })
}
