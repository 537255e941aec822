package results

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"serverlab/results/plot"
)

// LieName is the experiment that measures no server but clients, and other ways to mislead.
const LieName = "lie"

// lieScreens prints what a run has of the experiment: nothing, or the stall and then a screen for each other mistake.
func lieScreens(w io.Writer, run *Run, s Style) error {
	if run.Lie == nil {
		return nil
	}
	if err := LieScreen(w, run.Lie, s); err != nil {
		return err
	}
	return MistakesScreen(w, &run.Lie.Mistakes, s)
}

// pictures are the stall as its three clients tell it, and of each other mistake its figures beside one another. A
// picture has one unit and an axis that begins at zero.
func (l *Lie) pictures() (all []Picture) {
	all = append(all, l.stall())
	for i, m := range l.Mistakes.all() {
		look := m.lesson
		for _, time := range []bool{false, true} {
			b := m.bars(time)
			if len(b.Rows) == 0 {
				continue
			}
			all = append(all, Picture{Name: fmt.Sprintf("%s-mistake-%d", LieName, i+1), About: AboutExperiment, Chart: b,
				Look: look})
			look = "" // it has been said
		}
	}
	return all
}

// bars are the times of a mistake, or its rates, on an axis that begins at zero.
func (m *mistake) bars(time bool) *plot.Bars {
	axis := plot.Axis{Title: "requests per second", Unit: plot.PerSecond}
	if time {
		axis = plot.Axis{Title: "time", Unit: plot.Milliseconds}
	}
	b := &plot.Bars{Head: plot.Head{Title: m.title, Of: "who says it", Note: m.head + " One measurement each.",
		Desc: "The naive figure beside the honest one."}, Axis: axis, Parts: []string{axis.Title}}
	for _, r := range m.rows {
		if r.top > 0 && r.from == 0 && r.time == time {
			b.Rows = append(b.Rows, plot.BarRow{Name: strings.TrimSpace(r.who), Style: len(b.Rows),
				Values: []float64{r.value}})
		}
	}
	return b
}

// stall draws the response times of one stall by percentile, a line for each client and one of what is true.
func (l *Lie) stall() Picture {
	c := &plot.Lines{Head: plot.Head{Title: "One stall of a server, as three clients tell it", Of: "client",
		Note: fmt.Sprintf("it answers in %s, and once in %s not for %s", span(l.Answer), span(l.Window), span(l.Stall)),
		Desc: "Response time by percentile."},
		X: plot.Axis{Title: "percentile", Unit: plot.Percent, Scale: plot.Nines},
		Y: plot.Axis{Title: "response time", Unit: plot.Milliseconds, Scale: plot.Log}}
	truth := plot.Series{Name: "the truth, computed", Reference: true}
	for i, q := range lieQuantiles {
		if q.q < 1 && l.Truth[i] > 0 {
			truth.Points = append(truth.Points, plot.Point{X: q.q, Y: l.Truth[i]})
		}
	}
	c.Series = append(c.Series, truth)
	for i, client := range []struct {
		name string
		h    Histogram
	}{{"naive closed loop", l.Naive}, {"corrected afterwards", l.Corrected}, {"honest open loop", l.Honest}} {
		s := plot.Series{Name: client.name, Style: i}
		for _, q := range []float64{0.1, 0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99, 0.995, 0.999} {
			if v, ok := client.h.Quantile(q); ok && v > 0 {
				s.Points = append(s.Points, plot.Point{X: q, Y: v})
			}
		}
		if len(s.Points) > 0 {
			c.Series = append(c.Series, s)
		}
	}
	return Picture{Name: LieName + "-stall", About: AboutExperiment, Chart: c,
		Look: "At which percentile does each client begin to tell of the stall? The closed loop asks nothing while it " +
			"waits, so it leaves out the worst just when it happens: coordinated omission."}
}

// answers are its lessons with what was measured. Each rests on one measurement, so it is no more than indicative.
func (l *Lie) answers() (all []LessonAnswer) {
	add := func(says, source, holds string, known, ok bool, figures string, args ...any) {
		a := LessonAnswer{Lesson: Lesson{Says: says, Source: source, Holds: holds}, Indicative: true, Verdict: NotHere,
			Why: fmt.Sprintf(figures, args...)}
		switch {
		case !known:
			a.Verdict, a.Indicative, a.Why = LessonUnsure, false, "not measured"
		case ok:
			a.Verdict = AsExpected
		}
		all = append(all, a)
	}
	m := &l.Mistakes
	naive, few := l.Naive.Quantile(0.99)
	honest, many := l.Honest.Quantile(0.99)
	add("A closed loop hides a stall from the p99 of its clients, and an open loop shows it.",
		"Tene, How NOT to Measure Latency, Strange Loop 2015", "p99(closed loop) <= 0.1*p99(open loop)",
		few && many, naive <= 0.1*honest, "%s against %s", duration(naive, 3), duration(honest, 3))
	right := m.usual().Right
	add("A server that is asked for a page it does not have answers faster than one that has it.",
		"go-web-framework-benchmark, issue 76", "rate(wrong URL) >= 1.2*rate(right URL)", right > 0,
		m.Typing.Answers >= 1.2*right, "%s/s against %s/s", number(m.Typing.Answers, 3), number(right, 3))
	add("Four times the clients get more than twice as much from a server that waits: the limit was the clients'.",
		"Little, A proof for the queuing formula L = λW, Operations Research 9, 1961",
		fmt.Sprintf("rate(%d clients) >= 2*rate(%d clients)", m.MoreClients, m.Clients), m.Few > 0, m.Many >= 2*m.Few,
		"%s/s against %s/s", number(m.Many, 3), number(m.Few, 3))
	add("An entry with a CPU more wins, and needs no less CPU time for a request.",
		"gnet-benchmarks, which set GOMAXPROCS for one entry", "rate(favoured) >= 1.1*rate, at 0.9 of the CPU time or more",
		m.FavouredCPUs > m.CPUs && right > 0, m.Favoured.Right >= 1.1*right && m.Favoured.CPU >= 0.9*m.usual().CPU,
		"%s/s against %s/s, %s against %s", number(m.Favoured.Right, 3), number(right, 3),
		duration(m.Favoured.CPU, 3), duration(m.usual().CPU, 3))
	add("The mean of many p99s is less than half of the p99 of all requests, if one moment was bad.",
		"Tene, How NOT to Measure Latency, Strange Loop 2015", "mean of the p99s <= 0.5*p99", m.Merged > 0,
		m.Averaged <= 0.5*m.Merged, "%s against %s", duration(m.Averaged, 3), duration(m.Merged, 3))
	var rates []float64
	for _, x := range m.Same {
		rates = append(rates, x.Right)
	}
	lo, hi := slices.Min(rates), slices.Max(rates)
	add("The same server four times differs by less than a tenth, which only a cut axis makes a difference.",
		"Huff, How to Lie with Statistics, 1954", "slowest of four >= 0.9*fastest", lo > 0, lo >= 0.9*hi,
		"%s/s against %s/s", number(lo, 3), number(hi, 3))
	return all
}

// impossible names what no measurement can be; "" if nothing.
func (l *Lie) impossible() string {
	m := &l.Mistakes
	all := []figure{{"answer", l.Answer, mostSeconds}, {"stall", l.Stall, mostSeconds}, {"window", l.Window, mostSeconds},
		{"rate", l.Rate, mostPerSecond}, {"clients", float64(l.Clients), mostCount},
		{"cpus", float64(m.CPUs), mostCount}, {"favoured_cpus", float64(m.FavouredCPUs), mostCount},
		{"delay", m.Delay, mostSeconds}, {"clients", float64(m.Clients), mostCount}, {"few", m.Few, mostPerSecond},
		{"more_clients", float64(m.MoreClients), mostCount}, {"many", m.Many, mostPerSecond},
		{"averaged", m.Averaged, mostSeconds}, {"merged", m.Merged, mostSeconds}}
	for _, v := range l.Truth {
		all = append(all, figure{"truth", v, mostSeconds})
	}
	for _, x := range append(slices.Clone(m.Same[:]), m.Typing, m.Favoured) {
		all = append(all, figure{"answers", x.Answers, mostPerSecond}, figure{"right", x.Right, mostPerSecond},
			figure{"cpu", x.CPU, mostSeconds})
	}
	if what := outOfBounds(all); what != "" {
		return "of the experiment " + LieName + " " + what
	}
	for _, h := range []Histogram{l.Naive, l.Corrected, l.Honest} {
		if n := h.Count(); n > mostCount || n > 0 && !h.common() {
			return "of the experiment " + LieName + " a histogram is none that a client keeps"
		}
	}
	return ""
}
