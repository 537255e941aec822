package results

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// The widths of the crash screen, in characters, and its time line.
const (
	crashLabel  = 15
	crashFailed = 7
	crashLost   = 9
	crashWrong  = 8
	crashFirst  = 10
	crashBack   = 9
	crashLead   = 4  // characters of the time line before the fault
	crashLine   = 20 // of it in all, the bar apart
)

// Crash draws what a crash does to each row with each state, at most 80 columns wide: a line for each; beneath them, on
// the last 24 lines, the same in a small matrix, and in words what was found.
func Crash(w io.Writer, run Run, trials []Trial, s Style) error {
	d := crashScreen{style: s, run: &run, groups: crashGroups(&run, trials), done: len(trials)}
	var b bytes.Buffer
	d.draw(&b)
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("draw screen: %w", err)
	}
	return nil
}

type crashScreen struct {
	style  Style
	run    *Run
	groups []crashGroup
	done   int // trials of the whole run
}

func (d *crashScreen) draw(b *bytes.Buffer) {
	say := func(code, line string) {
		b.WriteString(d.style.paint(code, d.style.text(clip(strings.TrimRight(line, " "), screenWidth))) + "\n")
	}
	s := d.groups[0].situation
	title := fmt.Sprintf("WHAT DOES A CRASH DO?   %d clients read files on %s, until SIGKILL.", s.Clients,
		plural(s.Connections, "connection"))
	if d.done < len(d.run.Plan) {
		title = fmt.Sprintf("WHAT DOES A CRASH DO?   Not complete: %d of %d trials.", d.done, len(d.run.Plan))
	}
	say(bold, title)
	say(bold, crashRow("medians, ranges", "failed", "sessions", "wrong", "first", "rate", "requests, each "+
		duration(s.each(), 2)))
	blocks := 0
	for i := range d.groups {
		for j := range d.groups[i].cells {
			blocks = max(blocks, len(d.groups[i].cells[j].trials))
		}
	}
	say(bold, crashRow("of "+plural(blocks, "trial"), "", "lost", "answers", "answer", "back",
		strings.Repeat(" ", crashLead)+"│ killed"))
	for i := range d.groups {
		g := &d.groups[i]
		name := g.name()
		if each := g.situation.each(); each != s.each() {
			name += fmt.Sprintf(" (each %s)", duration(each, 2))
		}
		say(bold, name)
		for j := range g.cells {
			code := ""
			if g.cells[j].wrong > 0 {
				code = red
			}
			say(code, d.line(&g.cells[j], g.situation.each()))
		}
		for _, a := range g.missing {
			say("", left(" "+a.Label, crashLabel)+"  same as stateless¹")
		}
	}
	for i, line := range d.matrix() {
		code := ""
		if i < matrixHead {
			code = bold
		}
		say(code, line)
	}
	for _, note := range d.notes() {
		say("", note)
	}
	for _, text := range d.found() {
		for _, line := range wrap(text, screenWidth) {
			say("", line)
		}
	}
}

// each is how long a character of the time line stands for, in seconds, so that a window fits.
func (s *Situation) each() float64 {
	const unit = 0.02
	return unit * math.Ceil(s.Window/(crashLine*unit))
}

// line is a row's figures, medians over its trials, and the time line of the median one, each character so long.
func (d *crashScreen) line(c *crashCell, each float64) string {
	load := c.shown()
	wrong := count(c.wrong)
	if c.wrong > 0 {
		wrong = "× " + wrong
	}
	if load == nil {
		word := "not measured"
		if c.failed > 0 {
			word = fmt.Sprintf("no figure × %d", c.failed)
		}
		if c.wrong == 0 {
			wrong = "–"
		}
		return left(" "+c.arch.Label, crashLabel) + left(" "+word, crashFailed+crashLost) + right(wrong, crashWrong)
	}
	failed, _ := medianOf(c.errors)
	lostText := "–"
	if load.Sessions.State == "stateful" {
		lostText = from(slices.Min(c.lost), slices.Max(c.lost), "–")
		if width(lostText) >= crashLost {
			lost, _ := medianOf(c.lost)
			lostText = count(int64(math.Round(lost)))
		}
	}
	return crashRow(" "+c.arch.Label, count(int64(math.Round(failed))), lostText, wrong, c.answered(), c.back(),
		timeline(load, crashLine, crashLead, each))
}

// crashRow is a line of the table.
func crashRow(label, failed, lost, wrong, first, back, line string) string {
	return left(label, crashLabel) + right(failed, crashFailed) + right(lost, crashLost) + right(wrong, crashWrong) +
		right(first, crashFirst) + right(back, crashBack) + " " + line
}

// answered is when the first right answer came: the median, or the range where that tells another story.
func (c *crashCell) answered() string {
	lo, hi := slices.Min(c.first), slices.Max(c.first)
	first, _ := medianOf(c.first)
	if math.IsInf(first, 0) {
		return "never"
	}
	if hi > wideRange*lo && !math.IsInf(hi, 0) {
		if text := number(1e3*lo, 2) + "–" + number(1e3*hi, 2) + " ms"; width(text) < crashFirst {
			return text
		}
	}
	return duration(first, 2)
}

// wideRange is how far apart the ends of a range must be to be shown.
const wideRange = 1.5

// back is when the previous throughput was there again: 0 where it never fell.
func (c *crashCell) back() string {
	rate, ok := medianOf(c.rate)
	switch {
	case !ok:
		return "n/a"
	case 2*c.notBack > len(c.rate):
		return "> " + duration(rate, 2)
	case rate == 0:
		return "no dip"
	}
	return duration(rate, 2)
}

// notes are what has to be known to read the table.
func (d *crashScreen) notes() (notes []string) {
	reconnects, missing, trials, shaken := []string{}, false, 0, 0
	why, again, most := "", false, 0
	for i := range d.groups {
		g := &d.groups[i]
		missing = missing || len(g.missing) > 0
		for j := range g.cells {
			c := &g.cells[j]
			trials, shaken, most = trials+len(c.trials), shaken+c.shaken, max(most, len(c.trials))
			again = again || len(c.lost) > 0 && slices.Max(c.lost) > float64(g.situation.Clients)
			if c.failed > 0 && why == "" {
				why = c.arch.Label + ": " + firstLine(c.why)
			}
			if l := c.shown(); l != nil && !l.KeepAlive && !slices.Contains(reconnects, c.arch.Label) {
				reconnects = append(reconnects, c.arch.Label)
			}
		}
	}
	if missing {
		notes = append(notes, "¹ a process that lives for one request can keep no file open for the next one")
	}
	if len(reconnects) > 0 {
		why := ", since it serves one at a time"
		if d.run.Blind {
			why = "" // that is for the class to find out
		}
		notes = append(notes, strings.Join(reconnects, ", ")+": a connection per request"+why)
	}
	if shaken > 0 {
		notes = append(notes, fmt.Sprintf("%d of %s disturbed, perhaps by other programs: don't trust their times",
			shaken, plural(trials, "trial")))
	}
	if again {
		notes = append(notes, "more lost than clients: in the memory of each process also without a crash")
	}
	if why != "" {
		notes = append(notes, "no figure: "+why)
	}
	if most == 1 {
		notes = append(notes, "one trial of each: a look, no result; --trials 3 gives ranges")
	}
	return append(notes, "rate back: 90 % of before, for 100 ms: serverlab explain recovery")
}

// found says in three lines what the figures say.
func (d *crashScreen) found() []string {
	return []string{d.foundWrong(), d.foundLost(), d.foundSlow()}
}

// cells are those of the groups that is chooses.
func (d *crashScreen) cells(is func(*crashGroup) bool) (cells []*crashCell) {
	for i := range d.groups {
		if g := &d.groups[i]; is(g) {
			for j := range g.cells {
				cells = append(cells, &g.cells[j])
			}
		}
	}
	return cells
}

// foundWrong is about right and wrong, and about workers that outlived their server.
func (d *crashScreen) foundWrong() string {
	var requests, wrong, stray uint64
	orphans, lived, workers := 0, 0.0, false
	for _, c := range d.cells(func(*crashGroup) bool { return true }) {
		requests, wrong, stray, orphans = requests+c.requests, wrong+c.wrong, stray+c.stray, orphans+c.orphans
		workers = workers || c.arch.Processes != ""
		for _, l := range c.lived {
			lived = max(lived, l)
		}
	}
	text := fmt.Sprintf("%s wrong answers of %s.", count(wrong), count(requests+wrong))
	switch {
	case orphans > 0:
		return text + fmt.Sprintf(" %s outlived their server and had to be killed.", plural(orphans, "worker"))
	case stray > 0:
		return text + fmt.Sprintf(" Workers outlived their server by up to %s and answered %s requests meanwhile.",
			duration(lived, 2), count(stray))
	}
	if workers {
		text += " No worker answered after the death of its server."
	}
	return text
}

// foundLost is about sessions: who lost how many, of one crash of the server.
func (d *crashScreen) foundLost() string {
	lost := func(is func(*crashGroup) bool) string {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, c := range d.cells(is) {
			first, answered := medianOf(c.first) // who never answers tells nobody that a session is lost
			if v, ok := medianOf(c.lost); ok && answered && !math.IsInf(first, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		switch {
		case math.IsInf(lo, 0):
			return ""
		}
		return from(lo, hi, "–")
	}
	text := ""
	for _, v := range []struct {
		what                string
		state, store, fault string
	}{
		{"in memory", "stateful", "", "server"}, {"in Redis", "stateful", "redis", "server"},
		{"Redis killed", "stateful", "redis", "store"}, {"worker killed", "stateful", "", "worker"},
	} {
		if n := lost(func(g *crashGroup) bool { return g.is(v.state, v.store, v.fault) }); n != "" {
			text += fmt.Sprintf(", %s %s", v.what, n)
		}
	}
	if text == "" {
		return "No session could be lost: nothing was kept that the client could not say again."
	}
	return fmt.Sprintf("Lost of %d sessions:%s.", d.groups[0].situation.Clients, strings.TrimPrefix(text, ","))
}

// from prints a range of counts, or the one that both are.
func from(lo, hi float64, to string) string {
	if lo == hi {
		return count(int64(math.Round(lo)))
	}
	return count(int64(math.Round(lo))) + to + count(int64(math.Round(hi)))
}

// foundSlow is about time, of servers that remember nothing: who answered first again, who last, and how much of that was the start.
func (d *crashScreen) foundSlow() string {
	var fast, slow *crashCell
	var least, most float64
	for _, c := range d.cells(func(g *crashGroup) bool { return g.is("stateless", "", "server") }) {
		v, ok := medianOf(c.first)
		if !ok || math.IsInf(v, 0) {
			continue
		}
		if fast == nil || v < least {
			fast, least = c, v
		}
		if slow == nil || v > most {
			slow, most = c, v
		}
	}
	if fast == nil {
		return "No stateless server answered again."
	}
	text := fmt.Sprintf("Stateless: %s answered in %s", fast.arch.Label, duration(least, 2))
	if slow == fast {
		return text + "."
	}
	text += fmt.Sprintf(", %s in %s", slow.arch.Label, duration(most, 2))
	if start, ok := medianOf(slow.restart); ok {
		text += fmt.Sprintf(" (%s to start)", duration(start, 2))
	}
	return text + "."
}
