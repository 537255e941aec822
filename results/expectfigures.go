package results

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// expMetric is a figure that an expectation may name. Lower is better where higher is false.
type expMetric struct {
	name   string
	unit   expUnit
	about  Metric // of the situation that it is read from unless another one is named; "": a run with several names one
	higher bool
	beside bool // no column compares it: it counts where the figure does that its column compares
	value  func(*Trial) (float64, bool)
	swept  func(*Curve) map[int]float64 // of a whole sweep, whose name takes the situation's place, block by block
}

// perAnswer is a counter of a server divided by its requests.
func perAnswer(t *Trial) (float64, bool) {
	if t.Server.Switches == nil || t.Server.Requests == 0 {
		return 0, false
	}
	return float64(*t.Server.Switches) / float64(t.Server.Requests), true
}

func metricValue(m Metric) func(*Trial) (float64, bool) {
	return func(t *Trial) (float64, bool) { return t.Value(m) }
}

// responseQuantile is a quantile of a trial's response times, in seconds, unless it lies among requests without an
// answer.
func responseQuantile(q float64) func(*Trial) (float64, bool) {
	return func(t *Trial) (float64, bool) {
		v, ok := t.Load.Response.Quantile(q)
		return v, ok && !lowerBound(t, q)
	}
}

func positive(n int) (float64, bool) { return float64(n), n > 0 }

// syscalls is the metric whose figure the calibration has, and not the trials.
const syscalls = "syscalls"

// Metrics that count failures, so a trial that failed has a figure of them.
const (
	shedding = "shed"    // requests refused with 503
	starved  = "starved" // clients that were never served
	failed   = "failed"  // 1 of a trial whose server failed, else 0
	wrongly  = "errors"  // requests without a right answer
)

var expMetrics = []expMetric{
	{name: "cpu", unit: expUnit{seconds: 1}, about: CPUPerRequest, value: metricValue(CPUPerRequest)},
	{name: "throughput", about: Throughput, higher: true, value: metricValue(Throughput)},
	{name: "p50", unit: expUnit{seconds: 1}, about: Latency, value: responseQuantile(0.5)},
	{name: "p99", unit: expUnit{seconds: 1}, about: Latency, value: responseQuantile(0.99)},
	{name: "memory", unit: expUnit{bytes: 1}, about: MemoryPerSilent, value: metricValue(MemoryPerSilent)},
	{name: "harmed", about: Harmed, value: metricValue(Harmed)},
	{name: "gap", unit: expUnit{seconds: 1}, about: Harmed, beside: true, value: gapFigure},
	{name: "grown", unit: expUnit{bytes: 1}, about: Harmed, beside: true, value: grown},
	{name: "outage", unit: expUnit{seconds: 1}, about: Outage, value: metricValue(Outage)},
	{name: "lost", about: Outage, beside: true, value: func(t *Trial) (float64, bool) {
		if t.Load.Sessions == nil {
			return 0, false
		}
		return float64(t.Load.Sessions.Lost), true
	}},
	{name: "stall", unit: expUnit{seconds: 1}, about: Stall, value: metricValue(Stall)},
	{name: "balance", about: Balance, higher: true, value: metricValue(Balance)},
	{name: "goodput", about: Goodput, higher: true, value: metricValue(Goodput)},
	{name: "peak", about: Goodput, higher: true, swept: (*Curve).blockPeaks},
	{name: "knee", about: Goodput, higher: true, swept: (*Curve).blockKnees},
	{name: "past", about: Goodput, higher: true, swept: (*Curve).blockPasts},
	{name: "intime", about: Goodput, higher: true, swept: (*Curve).blockInTimes},
	{name: wrongly, beside: true, value: func(t *Trial) (float64, bool) {
		return float64(t.Load.ErrorCount() + t.Load.Shed), t.Failure == ""
	}},
	{name: shedding, beside: true, value: func(t *Trial) (float64, bool) {
		return float64(t.Load.Shed), t.Failure == ""
	}},
	{name: "switches", about: CPUPerRequest, beside: true, value: perAnswer},
	{name: "threads", about: CPUPerRequest, beside: true, value: func(t *Trial) (float64, bool) {
		return positive(t.Server.Threads)
	}},
	{name: "processes", about: CPUPerRequest, beside: true, value: func(t *Trial) (float64, bool) {
		return positive(t.Server.Processes)
	}},
	{name: syscalls, about: CPUPerRequest},
	{name: starved, beside: true, value: func(t *Trial) (float64, bool) {
		return float64(t.Load.Unserved), t.Failure == ""
	}},
	{name: failed, beside: true},
}

func expMetricOf(name string) *expMetric {
	for i := range expMetrics {
		if expMetrics[i].name == name {
			return &expMetrics[i]
		}
	}
	return nil
}

// expCell is one figure of one row, block by block.
type expCell struct {
	row       *Architecture
	situation string
	values    map[int]float64 // of trials that count
	constant  bool            // it is one figure and no trials': values[0]
	word      string          // why trials do not count: that of most of them
	failed    bool            // the server failed in half of its trials or more
}

// median is that of the cell's values.
func (c *expCell) median() float64 { return Summarize(list(c.values)).Median }

// cell reads a figure of a row. A trial counts as in the tables.
func (f *expFigure) cell(run *Run, trials []Trial, s *Situation, row *Architecture) *expCell {
	c := &expCell{row: row, situation: s.Name, values: map[int]float64{}}
	if f.metric.swept != nil {
		c.sweep(f.metric, run, trials, s.Sweep)
		return c
	}
	if f.metric.name == syscalls {
		c.situation = "its trace"
		c.constant = true
		if t, ok := run.Calibration.Traces[row.Name]; ok && len(t.Requests) > 0 {
			n := 0
			for _, calls := range t.Requests[0].Calls() {
				n += calls
			}
			c.values[0] = float64(n)
		} else {
			c.word = "not traced"
		}
		return c
	}
	words, failures, n := map[string]int{}, 0, 0
	for i := range trials {
		t := &trials[i]
		if t.Situation != s.Name || t.Architecture != row.Name {
			continue
		}
		n++
		v, word, fault := f.metric.judge(t, s)
		if fault {
			failures++
		}
		if word != "" {
			words[word]++
		} else {
			c.values[t.Block] = v
		}
	}
	c.word, c.failed = commonest(words), n > 0 && 2*failures >= n
	if n == 0 {
		c.word = "not measured"
	}
	return c
}

// sweep reads a figure of the row's whole sweep. A trial counts as in the curves.
func (c *expCell) sweep(m *expMetric, run *Run, trials []Trial, sweep string) {
	one := *run
	one.Architectures = []Architecture{*c.row}
	c.situation, c.word = sweep, "not measured"
	for _, curve := range Curves(&one, trials, sweep) {
		if curve.Measured == 0 {
			continue
		}
		c.values, c.failed = m.swept(&curve), 2*curve.Failures >= curve.Measured
		if c.word = ""; c.failed {
			c.word = "no figure"
		} else if len(c.values) == 0 {
			c.word = "none was found, or no trial counts"
			if (m.name == "past" || m.name == "intime") && !curve.Reached() {
				c.word = "it held all that was offered, or no trial counts"
			}
		}
	}
}

// judge is a trial's figure, or a word that says why it has none that counts, and whether that is the server's fault.
func (m *expMetric) judge(t *Trial, s *Situation) (v float64, word string, fault bool) {
	about := m.about
	if m.beside {
		about = s.Metric
	}
	ok := true
	switch m.name {
	case starved, wrongly, shedding:
		if t.Failure != "" {
			return 0, "no figure", false
		}
		v, _ = m.value(t)
		return v, "", false
	case failed:
		_, ok = t.Value(about)
	default:
		v, ok = m.value(t)
	}
	word, fault = wordOf(t, about, ok)
	if m.name != failed {
		return v, word, fault
	}
	if fault {
		return 1, "", false
	}
	return 0, word, false
}

// wordOf is trialWord, and knows when a server that was killed never came back.
func wordOf(t *Trial, about Metric, ok bool) (word string, fault bool) {
	if about != Outage {
		return trialWord(t, about, ok)
	}
	word = noOutage(t)
	switch {
	case word == "" && t.Load.Fault.First == nil:
		return "never answered again", true
	case word == "" && !ok:
		return "n/a", false
	}
	return word, t.Failure != "" || slices.Contains(serverFaults, word)
}

// place finds the situation that a figure is read from.
func (f *expFigure) place(run *Run) (*Situation, error) {
	if f.metric.swept != nil {
		return f.placeSweep(run)
	}
	var names []string
	var found, stateful []*Situation // about the metric; the second ones only beside others
	for i := range run.Situations {
		s := &run.Situations[i]
		names = append(names, s.Name)
		switch {
		case f.situation != "" && s.Name == f.situation:
			return s, nil
		case f.metric.about != "" && s.Metric != f.metric.about:
		case s.State == "" && !s.point():
			found = append(found, s)
		default:
			stateful = append(stateful, s)
		}
	}
	if len(found) == 0 {
		found = stateful
	}
	if f.situation == "" && len(found) > 1 {
		names = names[:0]
		for _, s := range found {
			names = append(names, s.Name)
		}
	}
	if len(run.Situations) == 1 {
		found = []*Situation{&run.Situations[0]}
	}
	list := "it has none"
	if len(names) > 0 {
		list = "there are " + listed(names)
	}
	switch {
	case f.situation != "":
		return nil, fmt.Errorf("the run has no situation %q: %s", f.situation, list)
	case len(found) != 1:
		return nil, fmt.Errorf("%s: name the situation: %s", f, list)
	}
	return found[0], nil
}

// placeSweep finds the first situation of the sweep that a figure is read from: of the only one, unless it is named.
func (f *expFigure) placeSweep(run *Run) (*Situation, error) {
	var found []*Situation
	var names []string
	for i := range run.Situations {
		s := &run.Situations[i]
		if s.Sweep != "" && !slices.Contains(names, s.Sweep) {
			names = append(names, s.Sweep)
			if f.situation == "" || f.situation == s.Sweep {
				found = append(found, s)
			}
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("%s is a figure of a rising load, and the run has none: `serverlab bench load` makes one", f)
	case len(found) == 0:
		return nil, fmt.Errorf("the run has no rising load %q: there are %s", f.situation, listed(names))
	case len(found) > 1:
		return nil, fmt.Errorf("%s: name the rising load: there are %s", f, listed(names))
	}
	return found[0], nil
}

// cells are the rows that a figure may be of: the one that is named; of best and worst, the row that is and all that
// can't be told apart from it, which come behind it. Where fewer than MinTrials blocks may answer, rows are told apart
// if all their values are.
func (f *expFigure) cells(run *Run, trials []Trial, least int) ([]*expCell, error) {
	s, err := f.place(run)
	if err != nil {
		return nil, err
	}
	if f.extreme == "" {
		row, missing, err := f.find(run)
		if err != nil {
			return nil, err
		}
		if missing != "" {
			return []*expCell{{row: row, situation: s.Name, word: missing}}, nil
		}
		return []*expCell{f.cell(run, trials, s, row)}, nil
	}
	var all []*expCell
	for i := range run.Architectures {
		if a := &run.Architectures[i]; !a.Reference {
			if c := f.cell(run, trials, s, a); !c.failed && len(c.values) > 0 {
				all = append(all, c)
			}
		}
	}
	if len(all) == 0 {
		return []*expCell{{row: &Architecture{Label: f.extreme}, situation: s.Name, word: "no row has a figure"}}, nil
	}
	sign := 1.0 // the lowest comes first
	if f.metric.higher == (f.extreme == "best") {
		sign = -1
	}
	slices.SortStableFunc(all, func(a, b *expCell) int { return cmp.Compare(sign*a.median(), sign*b.median()) })
	first := all[0]
	return slices.DeleteFunc(all, func(c *expCell) bool {
		if c == first {
			return false
		}
		if c.constant {
			return c.values[0] != first.values[0]
		}
		if few := min(len(c.values), len(first.values)); few < MinTrials && few >= least {
			a, b := Summarize(list(c.values)), Summarize(list(first.values))
			return a.Smallest > b.Biggest || a.Biggest < b.Smallest
		}
		return mannWhitney(list(c.values), list(first.values))*float64(len(all)-1) <= Alpha
	}), nil
}

// listed prints names of a record for an error, so that they can't steer the terminal.
func listed(names []string) string { return Style{}.text(strings.Join(names, ", ")) }

func list(values map[int]float64) []float64 { return slices.Collect(maps.Values(values)) }

// find is the row of a name, as the table or the command line has it; missing says why one was left out.
func (f *expFigure) find(run *Run) (row *Architecture, missing string, err error) {
	var names []string
	for i := range run.Architectures {
		a := &run.Architectures[i]
		names = append(names, a.Name)
		if a.Name == f.row || row == nil && strings.EqualFold(a.Label, f.row) {
			row = a
		}
	}
	if row != nil {
		return row, "", nil
	}
	for _, l := range run.LeftOut {
		if l.Name == f.row {
			return &Architecture{Name: l.Name, Label: l.Name}, "left out: " + firstLine(l.Why), nil
		}
	}
	return nil, "", fmt.Errorf("the run has no row %q: there are %s", f.row, listed(names))
}

// ratioOf is a / b where that means something.
func ratioOf(a, b float64) float64 {
	if b <= 0 || a < 0 {
		return math.NaN()
	}
	return a / b
}
