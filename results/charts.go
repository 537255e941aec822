package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"serverlab/results/plot"
)

// Picture is a chart of a run and its name, which no other chart of the run has: letters, digits, - and _.
type Picture struct {
	Name  string
	About About
	Look  string // a sentence or two: what to look for
	Chart plot.Chart
}

// About is what a chart is about: a page shows charts of the same subject together.
type About string

// The subjects, in the order in which a report has them.
const (
	AboutCost       About = "cost"       // CPU time, context switches, system calls of a request
	AboutThroughput About = "throughput" // right answers per second
	AboutLatency    About = "latency"    // response times
	AboutLoad       About = "load"       // up to the knee and past it
	AboutMemory     About = "memory"     // memory, processes, threads
	AboutFaults     About = "faults"     // crashes and stalls
	AboutState      About = "state"      // what a server remembers
	AboutBalance    About = "balance"    // who of the workers does how much
)

// Charts makes a run's charts, in the order of its situations. An architecture has the same colour, dash and marker in
// all of them. What was not measured has no chart.
func Charts(run Run, trials []Trial) (all []Picture) {
	seen := map[string]int{}
	add := func(about About, name string, c plot.Chart) {
		name = plot.Identifier(name)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s_%d", name, seen[name])
		}
		all = append(all, Picture{Name: name, About: about, Chart: c})
	}
	var reads []Column // the same reads, of servers that remember more or less
	for _, col := range Columns(&run, trials) {
		if !slices.ContainsFunc(col.Cells, func(c Cell) bool { return len(c.Trials) > 0 }) {
			continue
		}
		name := col.Situation.Name
		switch col.Situation.Metric {
		case Latency:
			add(AboutLatency, name+"-percentiles", col.percentiles())
		case Outage:
			add(AboutFaults, name+"-timeline", col.timelines())
		case CPUPerRequest:
			if col.Situation.State != "" {
				reads = append(reads, col)
				continue
			}
			add(AboutCost, name+"-cpu", col.cpuBars())
			add(AboutCost, name+"-trials", col.trialDots())
			if c := col.balance(); len(c.Rows) > 0 {
				add(AboutBalance, name+"-balance", c)
			}
		case Throughput:
			add(AboutThroughput, name, col.bars())
		case Harmed, Stall:
			add(AboutFaults, name, col.bars())
		case Goodput: // a point of a sweep, which is drawn as a whole
		default:
			add(AboutMemory, name, col.bars())
		}
	}
	if len(reads) > 0 {
		add(AboutState, "states-cpu", statesBars(reads))
	}
	return all
}

// head is what all charts of a column say above the drawing.
func (col *Column) head(title string) plot.Head {
	s := col.Situation
	most, busy := 0, s.Connections
	for i := range col.Cells {
		if n := len(col.Cells[i].Trials); n > 0 {
			most, busy = max(most, n), clients(&col.Cells[i], s)
		}
	}
	conns := "a connection per request"
	if s.KeepAlive {
		conns = "keep-alive"
	}
	note := fmt.Sprintf("%s: %s, %s, %s, %s", s.Name, modelName(s.Model, s.Rate), plural(busy, "client"), conns,
		plural(most, "trial"))
	if s.Silent > 0 {
		note += ", " + count(uint64(s.Silent)) + " silent clients beside"
	}
	for i := range col.Cells {
		if rate, own := s.OwnRates[col.Cells[i].Architecture.Name]; own && len(col.Cells[i].Trials) > 0 {
			note += "; " + col.Cells[i].Architecture.Label + " at " + exact(rate) + "/s"
		}
	}
	return plot.Head{Title: title, Note: note, Desc: s.Meaning, Of: "architecture"}
}

// axis is what a metric is drawn on.
func (m Metric) axis() plot.Axis {
	switch m {
	case CPUPerRequest:
		return plot.Axis{Title: "CPU time per request", Unit: plot.Microseconds}
	case MemoryPerSilent:
		return plot.Axis{Title: "memory per silent client", Unit: plot.Kilobytes}
	case Harmed:
		return plot.Axis{Title: "clients that saw an error"}
	case Stall:
		return plot.Axis{Title: "longest response time", Unit: plot.Seconds}
	}
	return plot.Axis{Title: "right answers", Unit: plot.PerSecond}
}

// absent tells that a situation is not about the cell's row. One that waits for its turn is drawn without a figure.
func (c *Cell) absent() bool { return len(c.Trials) == 0 && c.Verdict != NotMeasured }

// note is what stands beside a cell's figure: why it is not ranked, or why there is none.
func (c *Cell) note() string {
	switch {
	case c.Verdict == NotMeasured:
		return "not measured"
	case c.Verdict == Unranked && len(c.Void) > 0:
		return "(" + c.Word + ")"
	case c.Verdict == Failed || c.Verdict == Unranked:
		return c.Word
	}
	return ""
}

// drawn is the cell's median and interval; NaN and nil where it failed, since a bar would be read as a result.
func (c *Cell) drawn() (median float64, interval *plot.Interval) {
	if c.Verdict == Failed || c.Summary.N == 0 {
		return math.NaN(), nil
	}
	if !math.IsNaN(c.Summary.Lo) {
		interval = &plot.Interval{Low: c.Summary.Lo, High: c.Summary.Hi}
	}
	return c.Summary.Median, interval
}

// bars draws the medians of a column, with the ceiling that no server can pass.
func (col *Column) bars() *plot.Bars {
	m := col.Situation.Metric
	title := map[Metric]string{Throughput: "Throughput", MemoryPerSilent: "Memory of a silent client",
		Harmed: "Clients harmed by one crash", Stall: "How long the others waited for one that blocks"}[m]
	b := &plot.Bars{Head: col.head(title), Axis: m.axis(), Parts: []string{m.axis().Title}}
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.absent() {
			continue
		}
		v, interval := c.drawn()
		b.Rows = append(b.Rows, plot.BarRow{Name: c.Architecture.Label, Style: i, Values: []float64{v},
			Intervals: []*plot.Interval{interval}, Notes: []string{c.note()}})
	}
	if ceiling := col.Situation.Ceiling; ceiling > 0 {
		b.Moments = []plot.Moment{{At: ceiling, Label: "ceiling " + number(ceiling, 3)}}
	}
	b.Cut = cutOf(b.Rows, longest)
	return b
}

// cutOf is where the bars of the longest row are cut so that the others can be seen: when it has more than four times
// what any other has.
func cutOf(rows []plot.BarRow, length func(plot.BarRow) float64) float64 {
	var lengths []float64
	for _, r := range rows {
		if v := length(r); !math.IsNaN(v) {
			lengths = append(lengths, v)
		}
	}
	slices.Sort(lengths)
	if n := len(lengths); n > 1 && lengths[n-1] > 4*lengths[n-2] && lengths[n-2] > 0 {
		return 1.4 * lengths[n-2]
	}
	return 0
}

// total and longest are the lengths of a row whose bars are stacked, and side by side.
func total(r plot.BarRow) (sum float64) {
	for _, v := range r.Values {
		sum += v
	}
	return sum
}

func longest(r plot.BarRow) float64 {
	most := math.NaN()
	for _, v := range r.Values {
		if math.IsNaN(most) || v > most {
			most = v
		}
	}
	return most
}

// cpuBars splits the median CPU time per request by the median share that was the program's own.
func (col *Column) cpuBars() *plot.Bars {
	b := &plot.Bars{Head: col.head("CPU time per request: in the program, and in the kernel for it"),
		Axis: CPUPerRequest.axis(), Parts: []string{"user", "system"}, Stacked: true}
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.absent() {
			continue
		}
		v, interval := c.drawn()
		share := Summarize(c.userShares()).Median
		row := plot.BarRow{Name: c.Architecture.Label, Style: i, Values: []float64{v * share, v * (1 - share)},
			Intervals: []*plot.Interval{interval}, Notes: []string{c.note()}}
		if math.IsNaN(share) && !math.IsNaN(v) {
			row.Notes, row.Intervals = []string{number(v*1e6, 3) + ", split unknown " + c.note()}, nil
		}
		b.Rows = append(b.Rows, row)
	}
	b.Cut = cutOf(b.Rows, total)
	return b
}

// statesBars sets the variants of the file service side by side, row by row.
func statesBars(columns []Column) *plot.Bars {
	b := &plot.Bars{Head: columns[0].head("CPU time per read, by what the server remembers"), Axis: CPUPerRequest.axis()}
	b.Axis.Title = "CPU time per read"
	b.Note = strings.TrimPrefix(b.Note, columns[0].Situation.Name+": ")
	b.Desc = "Each row has a rate of its own, so bars of one row can be compared, and rows can't."
	for _, col := range columns {
		name := col.Situation.State
		if col.Situation.Store != "" {
			name += ", " + col.Situation.Store
		}
		b.Parts = append(b.Parts, name)
	}
	for i := range columns[0].Cells {
		row, measured := plot.BarRow{Name: columns[0].Cells[i].Architecture.Label, Style: i}, false
		for _, col := range columns {
			c := &col.Cells[i]
			v, interval := c.drawn()
			row.Values, row.Intervals = append(row.Values, v), append(row.Intervals, interval)
			row.Notes = append(row.Notes, c.note())
			measured = measured || !c.absent()
		}
		if measured {
			b.Rows = append(b.Rows, row)
		}
	}
	b.Cut = cutOf(b.Rows, longest)
	return b
}

// userShares are the shares of CPU time in user mode of the trials that the cell's median is of.
func (c *Cell) userShares() (shares []float64) {
	for _, t := range c.Trials {
		s := &t.Server
		_, ok := t.Value(CPUPerRequest)
		counts := t.Voided(CPUPerRequest) == nil || len(c.Values) == 0
		if ok && counts && s.CPUUser != nil && s.CPUSystem != nil && *s.CPUUser+*s.CPUSystem > 0 {
			shares = append(shares, *s.CPUUser/(*s.CPUUser+*s.CPUSystem))
		}
	}
	return shares
}

// trialDots shows every trial that counts, and the median, on a logarithmic axis.
func (col *Column) trialDots() *plot.Dots {
	m := col.Situation.Metric
	d := &plot.Dots{Head: col.head("CPU time per request, trial by trial"), Axis: m.axis()}
	d.Axis.Scale = plot.Log
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.absent() {
			continue
		}
		row := plot.DotRow{Name: c.Architecture.Label, Style: i, Values: c.Values, Note: c.note()}
		if c.Verdict == Unranked {
			row.Values = c.Void
		}
		if c.Verdict != Failed && c.Summary.N > 0 {
			row.Median = &plot.Median{Value: c.Summary.Median, Low: c.Summary.Lo, High: c.Summary.Hi}
		}
		d.Rows = append(d.Rows, row)
	}
	return d
}

// balance shows what each worker did, of the trial with the middle index of fairness.
func (col *Column) balance() *plot.Dots {
	d := &plot.Dots{Head: col.head("How evenly do the workers share the requests?"),
		Axis: plot.Axis{Title: "requests of a worker, of a fair share", Unit: plot.Percent}}
	d.Moments = []plot.Moment{{At: 1, Label: "fair share"}}
	for i := range col.Cells {
		c := &col.Cells[i]
		t := c.middle(col.Situation.Metric, func(t *Trial) (float64, bool) {
			f, ok := fairness(t)
			return f.Jain, ok
		})
		if t == nil {
			continue
		}
		sum := 0.0
		for _, n := range t.Server.PerWorker {
			sum += float64(n)
		}
		row := plot.DotRow{Name: c.Architecture.Label, Style: i}
		for _, n := range t.Server.PerWorker {
			row.Values = append(row.Values, float64(n)*float64(len(t.Server.PerWorker))/sum)
		}
		d.Rows = append(d.Rows, row)
	}
	return d
}

// middle is the trial whose figure is the median, the lower one of two, of those whose m counts; nil without any.
func (c *Cell) middle(m Metric, figure func(*Trial) (float64, bool)) *Trial {
	var with []*Trial
	for _, t := range c.Trials {
		if _, ok := figure(t); ok && t.Voided(m) == nil {
			with = append(with, t)
		}
	}
	if len(with) == 0 {
		return nil
	}
	slices.SortStableFunc(with, func(a, b *Trial) int {
		x, _ := figure(a)
		y, _ := figure(b)
		return cmp.Compare(x, y)
	})
	return with[(len(with)-1)/2]
}
