package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// remembering closes the default run: what each state of the file service costs one row, and what a crash of the server
// loses, in a head and a line for each; in fewer words where there is room for fewer lines, and nothing where no trial
// of them has run.
func (d *screen) remembering(room int) []string {
	c := newCosts(d.run, d.trials, d.style)
	row := c.first()
	if row < 0 {
		return nil
	}
	a := &d.run.Architectures[row]
	head := left(clip(a.Label, labelWidth-1), labelWidth) + left("CPU µs/req", columnWidth) +
		left("memory, client", columnWidth) + left("a crash loses", columnWidth) + "and remembers"
	lines := []string{d.style.paint(bold, d.text(head)[0])}
	var words []string
	for j, s := range c.sits {
		cell := &c.rows[row][j]
		cpu := c.cpu(cell, s)
		mark := " "
		if cell.Leader() {
			mark = "●"
		}
		memory := "n/a"
		if h := d.run.Calibration.Held[s.Name][a.Name]; h.Memory != nil {
			memory = size(*h.Memory)
		}
		lost := d.lostInCrash(s, a.Name)
		line := left(s.State, labelWidth) + right(cpu, figureWidth+1) + " " + mark + "     " + right(memory, figureWidth) +
			strings.Repeat(" ", columnWidth-figureWidth) + left(lost, columnWidth) + remembered[s.State]
		lines = append(lines, d.text(line)...)
		words = append(words, fmt.Sprintf("%s %s µs, %s, %s", s.State, cpu, memory, lost))
	}
	if room <= 0 || len(lines) <= room {
		return lines
	}
	text := wrap(a.Label+": CPU per read, memory of a client, sessions lost in a crash: "+strings.Join(words, "; "),
		screenWidth)
	if len(text) <= room {
		return d.text(text...)
	}
	return d.text("What it costs to remember clients: serverlab bench state")
}

// remembered is what a server remembers of a client, in a few words.
var remembered = map[string]string{
	"stateless": "nothing",
	"soft":      "files, a while",
	"stateful":  "file and place",
}

// first is the first row that has a trial, -1 where none has.
func (d *costs) first() int {
	return slices.IndexFunc(d.rows, func(cells []Cell) bool {
		return slices.ContainsFunc(cells, func(c Cell) bool { return len(c.Trials) > 0 })
	})
}

// cpu is what a cell says of CPU time alone.
func (d *costs) cpu(c *Cell, s *Situation) string {
	if word := d.word(c, s); word != "" {
		return word
	}
	text := CPUPerRequest.figure(c.Summary.Median, 0)
	if c.Verdict == Unranked {
		text = "(" + text + ")"
	}
	return text
}

// lostInCrash is how many sessions the clients of a row lost when its server was killed: the median of its trials.
// Wrong answers would be worse than that, and are said instead.
func (d *screen) lostInCrash(of *Situation, row string) string {
	var lost []float64
	clients, wrong := 0, false
	for i := range d.run.Situations {
		s := &d.run.Situations[i]
		if s.Fault != "server" || s.State != of.State || s.Store != of.Store {
			continue
		}
		for k := range d.trials {
			t := &d.trials[k]
			if t.Situation != s.Name || t.Architecture != row || t.Failure != "" || t.Load.Sessions == nil ||
				NoFault(&t.Load) != nil {
				continue
			}
			lost, clients = append(lost, float64(t.Load.Sessions.Lost)), clientsOf(s)
			wrong = wrong || slices.ContainsFunc(t.Findings, func(f Finding) bool { return f.Kind == "wrong answers" })
		}
	}
	switch {
	case wrong:
		return "wrong answers ×"
	case len(lost) == 0:
		return "n/a"
	}
	n := math.Round(Summarize(lost).Median)
	if n == 0 {
		return "no session"
	}
	return fmt.Sprintf("%.0f of %d", n, clients)
}
