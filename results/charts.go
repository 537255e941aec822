package results

import (
	"fmt"
	"math"
	"slices"

	"serverlab/results/plot"
)

// Picture is a chart of a run and its name, which no other chart of the run has: letters, digits, - and _.
type Picture struct {
	Name  string
	About About
	Of    string // the situation, sweep or experiment; the first of several, "" of none
	// Experiment is whose question it answers, and in whose section it stands; "": it stands among those of its subject.
	Experiment string
	Look       string // a sentence or two: what to look for
	Chart      plot.Chart
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
	AboutExperiment About = "experiment" // a metric against what its situations differ in
)

// Charts makes a run's charts, in the order of its situations. An architecture has the same colour, dash and marker in
// all of them. What was not measured has no chart.
func Charts(run Run, trials []Trial) []Picture {
	var g pictures
	var reads []Column // the same reads, of servers that remember more or less
	columns := Columns(&run, trials)
	for i := range columns {
		col := &columns[i]
		switch s := col.Situation; {
		case isOpenClosed(*s):
			if firstOpenClosed(&run) == i {
				g.add(OpenClosedName, openClosedPictures(&run, columns)...)
			}
		case !col.tried():
		case s.Phase != nil: // a cell of the maps
		case s.State != "" && s.Metric == CPUPerRequest:
			reads = append(reads, *col)
		case s.X != nil && s.Experiment != "":
		case s.Sweep != "":
			if slices.IndexFunc(run.Situations, func(o Situation) bool { return o.Sweep == s.Sweep }) == i {
				g.answering(run.asks(s), s.Sweep, sweepPictures(&run, trials, s.Sweep)...)
			}
		default:
			g.answering(run.asks(s), s.Name, col.pictures(&run)...)
		}
	}
	if len(reads) > 0 {
		g.add(reads[0].Situation.Name, statesBars(reads))
	}
	figures := Figures(&run, trials)
	for i := range figures {
		if figures[i].Experiment.Name != OpenClosedName { // which has one of all its models
			g.add(figures[i].Experiment.Name, figures[i].picture())
		}
	}
	if run.Lie != nil {
		g.add(LieName, run.Lie.pictures()...)
	}
	g.add(PhaseName, phasePictures(&run, trials)...)
	if len(g.all) > 0 {
		g.add("", callBars(&run))
	}
	return g.all
}

// longestName is how long a picture's name may be before it is numbered, bytes: it becomes that of a file.
const longestName = 100

// pictures collects charts that show something, each under a name of its own.
type pictures struct {
	all  []Picture
	seen map[string]bool
}

// add takes in the pictures of a situation, and leaves out a Picture without a Chart: what it would show was not
// measured.
func (g *pictures) add(of string, some ...Picture) {
	if g.seen == nil {
		g.seen = map[string]bool{}
	}
	for _, p := range some {
		if p.Chart == nil {
			continue
		}
		p.Name, p.Of = plot.Identifier(p.Name), of
		if p.Name = p.Name[:min(len(p.Name), longestName)]; p.About == AboutExperiment {
			p.Experiment = of
		}
		for n, name := 2, p.Name; g.seen[p.Name]; n++ {
			p.Name = fmt.Sprintf("%s_%d", name, n)
		}
		g.seen[p.Name] = true
		g.all = append(g.all, p)
	}
}

// answering adds the pictures of a situation, or of a sweep, that is part of an experiment. What they show first is what
// the experiment asks; what else they show stands with its subject.
func (g *pictures) answering(experiment, of string, some ...Picture) {
	for i := range some {
		if some[i].About == some[0].About {
			some[i].Experiment = experiment
		}
	}
	g.add(of, some...)
}

// pictures are the charts of one situation that is no part of a larger picture.
func (col *Column) pictures(run *Run) (all []Picture) {
	s := col.Situation
	switch s.Metric {
	case CPUPerRequest:
		all = append(all, col.cpuBars(), col.trialDots(), col.quantity(switchesPerRequest), col.percentiles(),
			col.balance(), col.quantity(memoryPeak), col.quantity(tasksPeak))
	case Throughput:
		all = append(all, col.bars(), col.trialDots(), col.quantity(throughputPerCPU), col.percentiles())
	case Latency:
		all = append(all, col.percentiles(), col.trialDots())
	case MemoryPerSilent:
		all = append(all, col.bars(), idleBars(run))
	case Outage:
	default:
		all = append(all, col.bars())
	}
	if s.Fault != "" || s.Crash != "" {
		all = append(all, col.rateLine(), col.waitLine())
	}
	return all
}

func (col *Column) tried() bool {
	return slices.ContainsFunc(col.Cells, func(c Cell) bool { return len(c.Trials) > 0 })
}

// head is what all charts of a column say above the drawing. of is what its figures are: medians, or of one trial.
func (col *Column) head(title, of string) plot.Head {
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
	note := fmt.Sprintf("%s: %s, %s, %s", s.Name, modelName(s.Model, s.Rate), plural(busy, "client"), conns)
	if s.Silent > 0 {
		note += ", " + count(s.Silent) + " silent clients beside"
	}
	note += fmt.Sprintf("; %s of %s", of, plural(most, "trial"))
	if of == medians && most >= MinTrials {
		note += " with 95 % intervals"
	}
	return plot.Head{Title: title, Note: note + col.ownRates(), Desc: s.Meaning, Of: "architecture", Count: "trials"}
}

// ownRates names the rows that were offered a rate of their own: "; process at 190/s".
func (col *Column) ownRates() (text string) {
	for i := range col.Cells {
		c := &col.Cells[i]
		if rate, own := col.Situation.OwnRates[c.Architecture.Name]; own && len(c.Trials) > 0 {
			text += "; " + c.Architecture.Label + " at " + exact(rate) + "/s"
		}
	}
	return text
}

// medians says in a chart's note what its figures are.
const medians = "medians"

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
		return plot.Axis{Title: "longest response time", Unit: plot.Milliseconds}
	case Latency:
		return plot.Axis{Title: "p99 of the response time", Unit: plot.Milliseconds}
	case Throughput:
		return plot.Axis{Title: "right answers", Unit: plot.PerSecond}
	case Balance:
		return plot.Axis{Title: "Jain's index of fairness among workers"}
	case Goodput:
		return plot.Axis{Title: "right answers in time", Unit: plot.PerSecond}
	case Outage:
		return plot.Axis{Title: "time to the first right answer", Unit: plot.Milliseconds}
	}
	return plot.Axis{}
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
	if c.Verdict == Failed {
		return math.NaN(), nil
	}
	return c.Summary.drawn()
}

// drawn is the median and its interval; NaN and nil where there is none.
func (s Summary) drawn() (median float64, interval *plot.Interval) {
	if !math.IsNaN(s.Lo) {
		interval = &plot.Interval{Low: s.Lo, High: s.Hi}
	}
	return s.Median, interval
}

// figures sums up what f gives for the trials of a cell that count: those in which m is not void, or all where it is
// void in each. There are none where the server failed.
func (c *Cell) figures(m Metric, f func(*Trial) (float64, bool)) Summary {
	var good, void []float64
	for _, t := range c.Trials {
		v, ok := f(t)
		switch {
		case !ok || math.IsNaN(v) || math.IsInf(v, 0) || t.Failure != "" || c.Verdict == Failed:
		case t.Voided(m) == nil:
			good = append(good, v)
		default:
			void = append(void, v)
		}
	}
	if len(good) == 0 {
		return Summarize(void)
	}
	return Summarize(good)
}
