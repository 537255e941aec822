package results

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Lie is one stall of one server as three clients tell it. Times are seconds.
type Lie struct {
	Answer    float64    `json:"answer"` // what the server takes for an answer otherwise
	Stall     float64    `json:"stall"`  // for so long it answered nobody, once
	Window    float64    `json:"window"`
	Rate      float64    `json:"rate"` // of the open loop, requests per second
	Clients   int        `json:"clients"`
	Truth     [5]float64 `json:"truth"`     // p50, p90, p99, p99.9 and max, computed
	Naive     Histogram  `json:"naive"`     // of a closed loop: from sending to the answer
	Corrected Histogram  `json:"corrected"` // the same, with what must have been left out put in afterwards
	Honest    Histogram  `json:"honest"`    // of an open loop: from the intended moment to the answer
	Mistakes  Mistakes   `json:"mistakes"`  // others, see MistakesScreen
}

// lieQuantiles are those of Lie.Truth.
var lieQuantiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}}

// slow counts the values of h that are at least ten times a server's usual time: those of the stall.
func (l *Lie) slow(h Histogram) (n int64) {
	if h.Count() == 0 {
		return 0
	}
	for _, bar := range h.Distribution() {
		if bar.Count > 0 && float64(bar.From) >= 10*l.Answer*1e9 {
			n += bar.Count
		}
	}
	return n
}

// LieScreen prints what three clients say about one stall, beside what is true, on one screen.
func LieScreen(w io.Writer, l *Lie, s Style) error {
	var b bytes.Buffer
	say := func(format string, args ...any) { b.WriteString(s.text(fmt.Sprintf(format, args...)) + "\n") }
	b.WriteString(s.paint(bold, s.text("WHO TELLS THE TRUTH ABOUT A STALL?")) + "\n")
	say("A server answers in %s. Once in these %s it answers nobody for %s,", span(l.Answer), span(l.Window),
		span(l.Stall))
	bad := "n/a"
	if share := 100 * l.Stall / l.Window; share <= 100 { // not where a record lacks the window
		bad = fmt.Sprintf("%.0f %%", share)
	}
	say("and then everybody who has waited: %s of all moments are bad ones to ask.\n", bad)
	head := left("response times", 21)
	for _, q := range lieQuantiles {
		head += right(q.name, 10)
	}
	b.WriteString(s.paint(bold, s.text(head+right("stalled", 9))) + "\n")
	line := left("the truth, computed", 21)
	for _, v := range l.Truth {
		line += right(duration(v, 3), 10)
	}
	say("%s", line+right(bad, 9))
	for _, c := range []struct {
		name string
		h    Histogram
	}{{"naive closed loop", l.Naive}, {"corrected afterwards", l.Corrected}, {"honest open loop", l.Honest}} {
		say("%s", l.client(c.name, c.h))
	}
	b.WriteString("\n")
	l.lesson(say)
	for line := range strings.Lines(b.String()) {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return fmt.Errorf("print the screen: %w", err)
		}
	}
	return nil
}

// client is one client's line.
func (l *Lie) client(name string, h Histogram) string {
	line := left(name, 21)
	for _, q := range lieQuantiles {
		v, ok := h.Quantile(q.q)
		if q.q == 1 && h.Count() > 0 {
			v, ok = float64(h.Max())/1e9, true
		}
		t := "n/a"
		if ok {
			t = duration(v, 3)
		}
		line += right(t, 10)
	}
	return line + right(count(l.slow(h)), 9)
}

// lesson explains the table: each client in a few words.
func (l *Lie) lesson(say func(string, ...any)) {
	const head = 11
	for _, c := range []struct{ name, text string }{
		{"naive", fmt.Sprintf("%d clients, each waits for its answer before it asks again. In the stall they are "+
			"silent: of %s answers only %s met it. The worst is left out just when it happens: coordinated omission "+
			"(Gil Tene).", l.Clients, count(l.Naive.Count()), count(l.slow(l.Naive)))},
		{"corrected", "the same answers; beside each long one those are made up for which its client had no time, " +
			"one every usual interval (HdrHistogram). A guess, and good only where that interval is known."},
		{"honest", fmt.Sprintf("%s requests/s are due whatever the server does, and the clock of each runs from the "+
			"moment at which it was due (as in wrk2): nothing can hide.", exact(l.Rate))},
	} {
		for i, line := range wrap(c.text, 80-head) {
			if i > 0 {
				c.name = ""
			}
			say("%s", left(c.name, head)+line)
		}
	}
	say("\nNext: serverlab explain coordinated omission; serverlab check --instrument")
}
