package results

import (
	"bytes"
	"fmt"
	"io"
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

// Markdown writes a run as a report in GitHub-flavoured Markdown: the riddle of a blind run, what of the record could not
// be read (damage, a line each), the verdict with the Pareto front, the tables with their intervals, the experiments with
// their lessons, what was predicted, the pictures, what does not count, and the machine. Nothing in a record becomes markup. An error is one of w.
func Markdown(w io.Writer, run Run, trials []Trial, pictures []Linked, damage []string) error {
	var b bytes.Buffer
	o := NewOverview(&run, trials)
	b.WriteString("# " + plain(o.Question) + "\n\n")
	if o.Answer != "" {
		b.WriteString(plain(o.Answer) + "\n\n")
	}
	item(&b, o.Setup)
	m := &run.Machine
	item(&b, fmt.Sprintf("%s, %s; %s %s, %s", m.CPU, plural(m.Cores, "usable CPU"), m.OS, m.Kernel, m.GoVersion))
	item(&b, "measured "+run.Started.UTC().Format("2 January 2006")+" by "+run.Program)
	if riddle := Riddle(&run); len(riddle) > 0 {
		section(&b, riddle[0], riddle[1:])
	}
	section(&b, "Damage: what of the record could not be read", run.Problems(damage))
	markdownAnswers(&b, &run, trials)
	markdownTables(&b, &run, o.Tables)
	markdownExperiments(&b, &run, trials, pictures)
	markdownScores(&b, Scores(&run, trials))
	pictures = slices.DeleteFunc(slices.Clone(pictures), func(p Linked) bool { return p.Picture.Experiment != "" })
	if len(pictures) > 0 {
		b.WriteString("\n## Pictures\n")
	}
	markdownPictures(&b, pictures)
	section(&b, "Trials that do not count as they are", findingLines(&run, trials))
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
	b.WriteString("\n## " + plain(title) + "\n\n")
	for _, l := range lines {
		item(b, l)
	}
}

func item(b *bytes.Buffer, text string) { b.WriteString("- " + plain(text) + "\n") }

func markdownAnswers(b *bytes.Buffer, run *Run, trials []Trial) {
	answers := Answers(run, trials)
	if len(answers) == 0 {
		return
	}
	b.WriteString("\n## Verdict\n\n")
	front := ParetoFront(run, trials)
	for _, a := range front.Beside(answers) {
		aspect := plain(a.Aspect)
		if aspect != "" {
			aspect = "**" + aspect + "** "
		}
		fmt.Fprintf(b, "- %s(%s): %s\n", aspect, plain(a.Situation), Unbroken(plain(a.Text)))
		for _, r := range a.Reasons {
			b.WriteString("  - " + Unbroken(plain(r)) + "\n")
		}
	}
	section(b, "In place of a single winner", front.Sentences())
}

// markdownTables writes the closing tables, and what their columns say.
func markdownTables(b *bytes.Buffer, run *Run, tables []OverviewTable) {
	var titles, meanings []string
	for i := range tables {
		t := &tables[i]
		b.WriteString("\n## " + plain(t.Title) + "\n\n")
		if i == 0 {
			b.WriteString("Medians of the trials that count; in brackets the interval in which the true median lies, with a " +
				"confidence of 95 %, and what else a figure must be read with.\n\n")
		}
		if t.Note != "" {
			b.WriteString(plain(t.Note) + "\n\n")
		}
		head, rule := "| |", "|---|"
		for _, c := range t.Columns {
			head += " " + plain(c.Title)
			if c.Unit != "" {
				head += ", " + plain(c.Unit)
			}
			head, rule = head+" |", rule+"---|"
			if n := len(meanings) - 1; n >= 0 && meanings[n] == c.Meaning {
				titles[n] += ", " + c.Title
			} else {
				titles, meanings = append(titles, c.Title), append(meanings, c.Meaning)
			}
		}
		b.WriteString(head + "\n" + rule + "\n")
		for _, row := range t.Rows {
			b.WriteString("| " + plain(run.Architectures[row.Row].Label) + " |")
			for _, c := range row.Cells {
				b.WriteString(" " + plain(c.words()) + " |")
			}
			b.WriteString("\n")
		}
	}
	var lines []string
	for i, m := range meanings {
		if m != "" {
			lines = append(lines, titles[i]+": "+m)
		}
	}
	section(b, "What the columns say", lines)
}

// words is a cell without marks: "40.0 (34.4 – 45.5), best".
func (c *OverviewCell) words() string {
	text := c.Text
	if len(c.More) > 0 {
		text += " (" + strings.Join(c.More, "; ") + ")"
	}
	switch c.Word {
	case "", string(Worse), string(Undecided):
		return text
	case "fails":
		return "fails: " + text
	}
	return text + ", " + c.Word
}

func markdownPictures(b *bytes.Buffer, pictures []Linked) {
	for _, p := range pictures {
		fmt.Fprintf(b, "\n![%s](<%s>)\n", plain(p.Picture.Chart.Heading().Title), &url.URL{Path: p.Path})
		if p.Picture.Look != "" {
			fmt.Fprintf(b, "\n%s\n", plain(p.Picture.Look))
		}
	}
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
