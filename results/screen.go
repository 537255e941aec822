package results

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// The closing screen fits a terminal of 80 columns and 24 lines, which is what a projector shows.
const (
	screenWidth = 80
	screenLines = 24
	question    = "WHICH ARCHITECTURE IS MOST EFFICIENT?"
	whoWaits    = "WHO ELSE HAS TO WAIT?"
)

// Screen draws the closing screen: at most 80 columns and, for up to 8 rows, 24 lines. When room is short, the line
// that repeats the marks goes first, and then lines that say what a column means, whose place `serverlab explain
// columns` takes; the table, its footnotes and the histograms always stay. What has a screen of its own follows, save
// where it only closes the run with a few lines.
func Screen(w io.Writer, run Run, trials []Trial, s Style) error {
	d := screen{style: s, run: &run, trials: trials}
	blocked := d
	for _, c := range Columns(&run, trials) {
		switch {
		case c.Situation.State != "", c.Situation.point(), blasted(c.Situation), // it closes the screen, or has its own
			run.aside(c.Situation):
		case c.Situation.Metric == Latency:
			d.latency = append(d.latency, c)
		case c.Situation.Metric == Stall:
			blocked.columns = append(blocked.columns, c)
		default:
			d.columns = append(d.columns, c)
		}
	}
	costs := d.apart(stateCost)
	points := slices.ContainsFunc(run.Situations, func(s Situation) bool { return s.point() })
	sweeps := slices.ContainsFunc(run.Situations, func(s Situation) bool { return s.Sweep == LoadSweep })
	blasts := slices.ContainsFunc(run.Situations, func(s Situation) bool { return blasted(&s) })
	var lines []string
	if len(d.columns)+len(d.latency) > 0 || !costs && !points && !blasts && run.Lie == nil && len(blocked.columns) == 0 {
		lines = d.lines()
	}
	if len(blocked.columns) > 0 {
		lines = append(lines, blocked.lines()...)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return fmt.Errorf("draw screen: %w", err)
		}
	}
	if sweeps {
		if err := Loads(w, run, trials, s); err != nil {
			return err
		}
	}
	if blasts {
		if err := Blast(w, run, trials, s); err != nil {
			return err
		}
	}
	if costs {
		return Costs(w, run, trials, s)
	}
	return nil
}

// blocks tells a screen of nothing but requests that block: it stands beneath that of the others.
func (d *screen) blocks() bool {
	other := func(c Column) bool { return c.Situation.Metric != Stall }
	return len(d.columns) > 0 && !slices.ContainsFunc(d.columns, other)
}

// apart tells whether situations of a kind have a screen of their own: not if one row of several stands for all.
func (d *screen) apart(kind func(*Situation) bool) bool {
	return slices.ContainsFunc(d.run.Situations, func(s Situation) bool {
		return kind(&s) && (len(s.Rows) != 1 || len(d.columns)+len(d.latency) == 0)
	})
}

// screen is what the parts of the closing screen draw from.
type screen struct {
	style   Style
	run     *Run
	trials  []Trial
	columns []Column // of the table
	latency []Column // drawn as histograms
}

// lines puts the parts together and makes them fit.
func (d *screen) lines() []string {
	title := []string{d.style.paint(bold, d.style.text(d.title()))}
	table, hist := d.table(), d.histograms()
	notes := d.text(d.notes()...)
	last := []string{firstFit(screenWidth, d.captions("  Next: serverlab explain")...)}
	room := screenLines - len(title) - len(table) - len(notes) - len(hist) - len(last)
	if room < 0 && len(notes) > 2 {
		notes, room = notes[:2], room+len(notes)-2
	}
	var remembering []string
	if !d.apart(stateCost) && !d.blocks() {
		remembering = d.remembering(room)
	}
	room -= len(remembering)
	brackets := d.text(d.brackets()...)
	brackets = brackets[:min(len(brackets), max(room, 0))]
	notes, room = append(notes, brackets...), room-len(brackets)
	stalled := d.text(d.stalled()...)
	stalled = stalled[:min(len(stalled), max(room, 0))]
	room -= len(stalled)
	meanings := d.text(d.meanings(room)...)
	room -= len(meanings)
	var tail []string
	if t := d.text(d.tied(1)...); len(t) <= room {
		tail = t
	}
	var shared []string
	if room -= len(tail); room > 0 {
		shared = d.text(d.fairness()...)
	}
	if room -= len(shared); room > 0 {
		last = []string{d.captions("")[0], "Next: serverlab explain p99, serverlab report DIR --wide"}
		if longer := d.text(d.tied(room)...); len(longer) > len(tail) {
			tail = longer
		}
	}
	sections := [][]string{title, append(table, notes...), hist, stalled, meanings, remembering,
		slices.Concat(tail, shared, d.text(last...))}
	return spread(sections, screenLines)
}

// spread joins the sections with an empty line between them as far as the lines allow.
func spread(sections [][]string, limit int) (lines []string) {
	room := limit
	for _, s := range sections {
		room -= len(s)
	}
	for i, s := range sections {
		if i > 0 && len(s) > 0 && room > 0 {
			lines, room = append(lines, ""), room-1
		}
		lines = append(lines, s...)
	}
	return lines
}

// text clips finished lines to the screen and prepares them for the terminal.
func (d *screen) text(lines ...string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = d.style.text(clip(strings.TrimRight(l, " "), screenWidth))
	}
	return out
}

// title is the question and the short answer.
func (d *screen) title() string {
	asked := question
	if d.blocks() {
		asked = whoWaits
	}
	if answer := d.answer(); answer != "" {
		return asked + "   " + answer
	}
	return asked
}

// answer is the short answer; "" where there is no table that could give it.
func (d *screen) answer() string {
	winners, undecided := d.winners()
	switch {
	case len(d.trials) < len(d.run.Plan):
		return fmt.Sprintf("Not complete: %d of %d trials.", len(d.trials), len(d.run.Plan))
	case len(d.columns) == 0:
		return ""
	case !d.ranked() && slices.ContainsFunc(d.columns, func(c Column) bool { w, _ := voids([]Column{c}); return len(w) > 0 }):
		return "No figure counts: see below."
	case !d.ranked():
		return "Nothing could be measured."
	case undecided:
		return "Too few valid trials to tell."
	case d.blocks():
		return "One request blocks who serves it."
	case len(winners) == 1:
		return firstFit(screenWidth-width(question)-3, winners[0]+" is best or tied in every column.",
			winners[0]+": best or tied everywhere.")
	case len(winners) > 1:
		return fmt.Sprintf("%d rows are best or tied everywhere.", len(winners))
	}
	return "It depends: no row wins every column."
}

// ranked tells whether any row has a figure that counts.
func (d *screen) ranked() bool {
	for _, col := range d.columns {
		if slices.ContainsFunc(col.Cells, func(c Cell) bool {
			return c.Verdict != Unranked && c.Verdict != Failed && c.Verdict != NotMeasured
		}) {
			return true
		}
	}
	return false
}

// winners are the labels of the rows that lead every column that ranks anything, or would perhaps if there were more
// trials: then undecided is true.
func (d *screen) winners() (labels []string, undecided bool) {
	for i, a := range d.run.Architectures {
		if a.Reference {
			continue
		}
		wins, perhaps := true, false
		for _, col := range d.columns {
			ranks := slices.ContainsFunc(col.Cells, func(c Cell) bool { return c.Verdict != Unranked })
			perhaps = perhaps || col.Cells[i].Verdict == Undecided || ranks && d.alone(col, i)
			wins = wins && (col.Cells[i].Leader() || col.Cells[i].Verdict == Undecided || !ranks)
		}
		if wins {
			labels, undecided = append(labels, a.Label), undecided || perhaps
		}
	}
	return labels, undecided
}

// alone tells whether a row is the only one of several that has a figure, or a failure, in a column: to lead it is no
// victory over anybody.
func (d *screen) alone(col Column, row int) bool {
	others, rivals := 0, 0
	for i, a := range d.run.Architectures {
		if i == row || a.Reference {
			continue
		}
		others++
		if v := col.Cells[i].Verdict; v != Unranked && v != NotMeasured {
			rivals++
		}
	}
	return others > 0 && rivals == 0
}

// meanings is one line per column, in at most limit lines; that of the histograms comes last, and is the first that may
// be missing.
func (d *screen) meanings(limit int) (lines []string) {
	for _, c := range slices.Concat(d.columns, d.latency) {
		m := c.Situation.Meaning
		if _, billed := c.control(); billed {
			m = controlMeaning
		}
		if m == "" {
			continue
		}
		if !strings.HasPrefix(strings.ToLower(m), strings.ToLower(c.Situation.Title)) {
			m = firstFit(screenWidth, c.Situation.Title+": "+m, c.Situation.Name+": "+m, m)
		}
		if slices.Contains(lines, m) {
			continue
		}
		lines = append(lines, m)
	}
	if limit = max(limit, 0); limit < min(len(d.columns), len(lines)) {
		if lines = lines[:limit]; limit > 0 {
			lines[limit-1] = "What the columns say: serverlab explain columns"
		}
	}
	return lines[:min(len(lines), limit)]
}

// tied names what could not be told apart, in at most limit lines: labels where they fit, otherwise names.
func (d *screen) tied(limit int) []string {
	var labels, names []string
	for _, col := range slices.Concat(d.columns, d.latency) {
		var l, n []string
		for _, c := range col.Cells {
			if c.Leader() {
				l, n = append(l, c.Architecture.Label), append(n, c.Architecture.Name)
			}
		}
		if len(l) > 1 {
			labels = append(labels, col.Situation.Name+" "+strings.Join(l, " = "))
			names = append(names, col.Situation.Name+" "+strings.Join(n, "="))
		}
	}
	if len(labels) == 0 {
		return nil
	}
	const head = "No measurable difference: "
	for _, t := range []string{head + strings.Join(labels, "; "), "Not told apart: " + strings.Join(names, ", "),
		"Tied: " + strings.Join(names, ", ")} {
		if lines := wrap(t, screenWidth); len(lines) <= limit {
			return lines
		}
	}
	for n := len(names) - 1; n > 0; n-- {
		t := fmt.Sprintf("Tied: %s, and %s", strings.Join(names[:n], ", "), plural(len(names)-n, "more column"))
		if width(t) <= screenWidth {
			return []string{t}
		}
	}
	return []string{"Tied: see the rows with ● in one column"}
}

// captions are ways to say the setting, the longest first: CPUs, clients, trials and the time they took.
func (d *screen) captions(end string) []string {
	set := d.run.Setup
	server, client := len(set.ServerCPUs), len(set.ClientCPUs)
	cpus := fmt.Sprintf("server %s, client %s", plural(server, "CPU"), plural(client, "CPU"))
	short := fmt.Sprintf("CPUs %d+%d", server, client)
	if !set.Apart {
		cpus, short = "server+client share cores", "shared cores"
	}
	seconds, void := 0.0, 0
	for _, t := range d.trials {
		seconds += t.Seconds
	}
	for _, col := range slices.Concat(d.columns, d.latency) {
		for _, c := range col.Cells {
			if c.Verdict != Failed { // a failure is on the screen already
				void += len(c.Void) + c.Failures
			}
		}
	}
	trials := plural(set.Trials, "trial")
	if void > 0 {
		trials += fmt.Sprintf(" (%d void)", void)
	}
	rest := plural(set.Connections, "client") + ", " + trials
	return []string{
		fmt.Sprintf("%s, %s, %s%s", cpus, rest, elapsed(seconds), end),
		fmt.Sprintf("%s, %s, %.0f s%s", cpus, rest, seconds, end),
		fmt.Sprintf("%s, %s, %.0f s%s", short, rest, seconds, end),
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
