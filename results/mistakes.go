package results

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Mistakes are famous mistakes of benchmarks, made on purpose, each with the figures that it should have told. Rates are
// per second, times are seconds.
type Mistakes struct {
	Same   [4]Mistaken `json:"same"`   // one server, asked for the same, one time after the other
	Typing Mistaken    `json:"typing"` // the same server, asked for a path that it does not have

	CPUs         int      `json:"cpus"`          // of the server of Same
	FavouredCPUs int      `json:"favoured_cpus"` // of Favoured; no more than CPUs: there was no other to give
	Favoured     Mistaken `json:"favoured"`      // the same server with more of them

	Delay       float64 `json:"delay"`   // for which a server waits before each answer
	Clients     int     `json:"clients"` // who ask it,
	Few         float64 `json:"few"`     // and what they get,
	MoreClients int     `json:"more_clients"`
	Many        float64 `json:"many"`

	Averaged float64 `json:"averaged"` // the mean of the p99 of each 100 ms
	Merged   float64 `json:"merged"`   // the p99 of all
}

// Mistaken is one load: its answers of any kind, and what of it is worth something.
type Mistaken struct {
	Answers float64 `json:"answers"`
	Right   float64 `json:"right"`
	CPU     float64 `json:"cpu"` // of the server for each right answer; 0: not known
}

// mistake is one of them, as a screen of at most 24 lines.
type mistake struct {
	title, head string
	rows        []said
	lesson      string
}

// said is one line of it: a figure, and the bar that is drawn of it.
type said struct {
	who   string
	value float64 // per second, or seconds
	time  bool    // of the two
	from  float64 // where its axis begins
	top   float64 // where it ends; 0: there is no figure
}

// text is the figure.
func (x *said) text() string {
	switch {
	case x.top == 0:
		return "n/a"
	case x.time:
		return duration(x.value, 3)
	}
	return number(x.value, 3) + "/s"
}

// The widths of a line of a mistake.
const (
	mistakeWho  = 34
	mistakeSays = 18
	mistakeBar  = 26
)

// MistakesScreen prints a screen for each of the mistakes.
func MistakesScreen(w io.Writer, m *Mistakes, s Style) error {
	var b bytes.Buffer
	for _, one := range m.all() {
		b.WriteString("\n" + s.paint(bold, s.text(strings.ToUpper(one.title))) + "\n" + s.text(one.head) + "\n\n")
		for _, r := range one.rows {
			line := left(r.who, mistakeWho) + right(r.text(), mistakeSays)
			if r.top > 0 {
				line += "  " + bar(r.value-r.from, r.top-r.from, mistakeBar)
			}
			b.WriteString(s.text(strings.TrimRight(line, " ")) + "\n")
		}
		b.WriteString("\n")
		for _, line := range wrap(one.lesson, screenWidth) {
			b.WriteString(s.text(line) + "\n")
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("print the screen: %w", err)
	}
	return nil
}

// usual is the median of the four equal loads, figure by figure.
func (m *Mistakes) usual() Mistaken {
	median := func(figure func(Mistaken) float64) float64 {
		var all []float64
		for _, x := range m.Same {
			all = append(all, figure(x))
		}
		slices.Sort(all)
		return middle(all)
	}
	return Mistaken{Answers: median(func(x Mistaken) float64 { return x.Answers }),
		Right: median(func(x Mistaken) float64 { return x.Right }), CPU: median(func(x Mistaken) float64 { return x.CPU })}
}

// all are the mistakes in the order in which they are shown.
func (m *Mistakes) all() []mistake {
	return []mistake{m.notFound(), m.little(), m.favoured(), m.averaged(), m.cut()}
}

// perSecond is a rate, and took a time, whose bars start at zero.
func perSecond(who string, rate, top float64) said { return said{who: who, value: rate, top: top} }
func took(who string, seconds, top float64) said {
	return said{who: who, value: seconds, time: true, top: top}
}

func (m *Mistakes) notFound() mistake {
	honest, naive := m.usual(), m.Typing
	top := max(honest.Right, naive.Answers)
	return mistake{"Who looks at the answers?", "The same server; in the second load the URL has a typing error.",
		[]said{
			perSecond("right URL, right answers", honest.Right, top),
			perSecond("wrong URL, naive: all answers", naive.Answers, top),
			perSecond("wrong URL, honest: right answers", naive.Right, top),
		},
		"A 404 is an answer, and mostly a cheap one. A client that counts answers without reading them praises the " +
			"server that does nothing (go-web-framework-benchmark, issue 76: for years). serverlab compares status, " +
			"length and content of each, and an error is never throughput."}
}

func (m *Mistakes) little() mistake {
	ceiling := func(clients int) float64 { return float64(clients) / m.Delay }
	top := max(m.Few, m.Many, ceiling(m.MoreClients))
	return mistake{"Whose limit was measured?", fmt.Sprintf("The same server; it waits %s before each answer.",
		span(m.Delay)),
		[]said{
			perSecond(fmt.Sprintf("naive: its limit, with %d clients", m.Clients), m.Few, top),
			perSecond("  Little's law allows", ceiling(m.Clients), top),
			perSecond(fmt.Sprintf("honest: %d clients", m.MoreClients), m.Many, top),
			perSecond("  Little's law allows", ceiling(m.MoreClients), top),
		},
		"A client that waits for its answer sends no more than one request in that time: in flight = rate x time, " +
			"whatever the server (Little 1961). Who measures a rate near clients / time has measured the clients. " +
			"serverlab prints that ceiling beside the figure."}
}

func (m *Mistakes) favoured() mistake {
	one := m.usual()
	head := "The same server, the same requests; the second entry was given more CPUs."
	if m.FavouredCPUs <= m.CPUs {
		return mistake{"Who had more CPUs?", head, []said{{who: "not measured"}},
			"This machine has no CPU more to give to one of the entries."}
	}
	top, dear := max(one.Right, m.Favoured.Right), max(one.CPU, m.Favoured.CPU)
	mine, other := plural(m.CPUs, "CPU"), plural(m.FavouredCPUs, "CPU")
	return mistake{"Who had more CPUs?", head,
		[]said{
			perSecond("naive: "+mine, one.Right, top), perSecond("naive: "+other, m.Favoured.Right, top),
			took("honest, CPU per request: "+mine, one.CPU, dear),
			took("honest, CPU per request: "+other, m.Favoured.CPU, dear),
		},
		"Nothing was improved but the budget, here with the load generator's own CPU. GOMAXPROCS set for one entry only " +
			"does the same (gnet-benchmarks did it once). serverlab gives all rows the same CPUs, states GOMAXPROCS, and " +
			"leads with CPU time per request."}
}

func (m *Mistakes) averaged() mistake {
	top := max(m.Averaged, m.Merged)
	return mistake{"What is an average of percentiles?",
		"The open loop of above, stall included: a p99 for every 100 ms, and one of all.",
		[]said{
			took("naive: the mean of the p99s", m.Averaged, top), took("honest: the p99 of all requests", m.Merged, top),
		},
		"One request in a hundred takes longer than the p99. The mean of many p99s is a time of which nothing can be " +
			"said: quiet moments outvote the bad one. Histograms can be added, percentiles can't (Tene). serverlab " +
			"merges the histograms of a trial, and takes the median across trials."}
}

// cut draws the best and the worst of four equal trials twice: on an axis that begins just below, and at zero.
func (m *Mistakes) cut() mistake {
	var rates []float64
	for _, x := range m.Same {
		rates = append(rates, x.Right)
	}
	lo, hi := slices.Min(rates), slices.Max(rates)
	from := max(0, lo-(hi-lo)/4)
	cutAt := func(who string, rate float64) said { return said{who: who, value: rate, from: from, top: hi} }
	return mistake{"Where does the axis begin?",
		"One server, four times the same load: the slowest and the fastest of the four.",
		[]said{
			cutAt("naive, from "+number(from, 3)+"/s: slowest", lo), cutAt("naive, fastest", hi),
			perSecond("honest, from 0: slowest", lo, hi), perSecond("honest, fastest", hi, hi),
		},
		"There is no difference here but chance; an axis that is cut makes it one (Huff, How to Lie with Statistics, " +
			"1954). serverlab's axes begin at zero, or are logarithmic and say so, and it tells rows apart by their " +
			"trials, not by the length of bars."}
}
