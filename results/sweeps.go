package results

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// LoadSweep is the Situation.Sweep of the experiment that offers every row more and more requests.
const LoadSweep = "load"

// heldLeast is the share of what is offered that a server which can hold it answers within the window at least. What is
// on its way at either edge of the window makes it miss 1 now and then.
const heldLeast = 0.95

// Curve is one row of a sweep over offered rates: what it answered, and how fast, up to the knee and past it.
type Curve struct {
	Architecture *Architecture
	Path         string  // that is asked for
	Deadline     float64 // seconds after which an answer is of no use any more; 0: it always is
	// Sweep has the medians of each point and the knee; its trials are those of the run. Points has the intervals, and
	// as many elements in the same order.
	Sweep  *Sweep
	Points []CurvePoint
	// Peak is the highest goodput of each block, ranked with the peaks of the other rows; without a figure where no
	// point counts.
	Peak     Cell
	Failures int // trials in which the server failed: they are in no point
	Planned  int // trials
	Measured int // of them
}

// CurvePoint is one offered rate: medians and order-statistic intervals over the trials that count, or over all that
// there are where Void says why none counts. Where N is 0 there is no figure.
type CurvePoint struct {
	Rate     float64 // offered, requests per second
	Achieved Summary // goodput: right answers per second within the window
	Held     Summary // goodput over what was really offered, which is random; 1: nothing is left over
	InTime   Summary // right answers per second within the curve's Deadline; no figure without one
	P50, P99 Summary // response time of what was answered, seconds
	Shed     Summary // share of what was offered that was refused with 503
	Errors   Summary // share of the requests without a right answer a second after the window
	Valid    int     // trials that count
	Trials   int
	Void     string // the commonest reason why no trial counts: of the load generator or the machine; "": some do
}

// Curves are the rows of a run's sweep of that name (see LoadSweep), in the run's order; a row without a point has none,
// and nil says that the run has no such sweep.
func Curves(run *Run, trials []Trial, sweep string) (all []Curve) {
	sits := sweepOf(run, sweep)
	if len(sits) == 0 {
		return nil
	}
	byCell := map[[2]string][]*Trial{}
	for i := range trials {
		key := [2]string{trials[i].Situation, trials[i].Architecture}
		byCell[key] = append(byCell[key], &trials[i])
	}
	plans := map[[2]string]int{}
	for _, p := range run.Plan {
		plans[[2]string{p.Situation, p.Architecture}]++
	}
	for i := range run.Architectures {
		a := &run.Architectures[i]
		c := Curve{Architecture: a, Path: sits[0].Path, Deadline: sits[0].Deadline, Sweep: &Sweep{By: "rate",
			Model: sits[0].Model, KeepAlive: sits[0].KeepAlive, Connections: sits[0].Connections, Seed: run.Setup.Seed,
			Repeat: run.Setup.Trials, Warmup: sits[0].Warmup,
			Window: sits[0].Window}}
		for _, s := range sits {
			key := [2]string{s.Name, a.Name}
			if plans[key] > 0 {
				c.Planned, c.Measured = c.Planned+plans[key], c.Measured+len(byCell[key])
				c.add(s, byCell[key])
			}
		}
		if c.Planned > 0 {
			c.Sweep.FindKnee()
			c.peak()
			all = append(all, c)
		}
	}
	rankPeaks(all)
	return all
}

// The rates that are taken for rates: a record may hold anything.
const (
	leastRate = 1e-3
	mostRate  = 1e9
)

// sweepOf are the situations of a sweep by rising rate, each rate once.
func sweepOf(run *Run, sweep string) (sits []*Situation) {
	for i := range run.Situations {
		s := &run.Situations[i]
		same := func(o *Situation) bool { return o.Rate == s.Rate }
		if s.Sweep != "" && s.Sweep == sweep && s.Rate >= leastRate && s.Rate <= mostRate &&
			!slices.ContainsFunc(sits, same) {
			sits = append(sits, s)
		}
	}
	slices.SortStableFunc(sits, func(a, b *Situation) int { return cmp.Compare(a.Rate, b.Rate) })
	return sits
}

// add adds the point of a situation.
func (c *Curve) add(s *Situation, trials []*Trial) {
	p := SweepPoint{Load: s.Rate}
	words := map[string]int{}
	for _, t := range trials {
		if t.Failure != "" {
			c.Failures++
			continue
		}
		l := t.Load
		l.Findings = t.Findings
		x := SweepTrial{Block: t.Block, Order: t.Order, Spoiled: Spoiled(t.Findings), Load: &l}
		if f := t.Voided(Goodput); f != nil && x.Spoiled == "" {
			x.Spoiled = f.Kind + ": " + f.Evidence
		}
		if x.Spoiled != "" {
			kind, _, _ := strings.Cut(x.Spoiled, ":")
			words[kind]++
		}
		p.Trials = append(p.Trials, x)
	}
	p.Settle()
	q := CurvePoint{Rate: s.Rate, Achieved: p.spread((*Load).goodput), Held: p.spread((*Load).held),
		InTime: p.spread(func(l *Load) (float64, bool) { return l.within(s.Deadline) }),
		P50:    p.spread(quantileOf(0.5)), P99: p.spread(quantileOf(0.99)), Errors: p.spread((*Load).errorShare),
		Shed:  p.spread((*Load).shedShare),
		Valid: p.Valid, Trials: len(p.Trials)}
	if p.Void {
		q.Void = cmp.Or(commonest(words), "no figure")
	}
	c.Sweep.Points, c.Points = append(c.Sweep.Points, p), append(c.Points, q)
}

// peak fills Peak: the highest goodput of each block, over the points that count in it.
func (c *Curve) peak() {
	c.Peak = Cell{Architecture: c.Architecture, Values: c.peaks()}
	c.Peak.Summary = Summarize(c.Peak.Values)
	switch {
	case len(c.Peak.Values) > 0 && c.Architecture.Reference:
		c.Peak.Verdict = Beside
	case len(c.Peak.Values) > 0:
		c.Peak.Verdict = Undecided
	case c.Measured == 0:
		c.Peak.Verdict = NotMeasured
	default:
		c.Peak.Verdict, c.Peak.Word = Unranked, "n/a"
	}
}

// peaks are the highest goodputs of the blocks, in the order of the blocks.
func (c *Curve) peaks() (all []float64) {
	best := c.blockPeaks()
	for _, block := range slices.Sorted(maps.Keys(best)) {
		all = append(all, best[block])
	}
	return all
}

// rankPeaks compares the peaks of all rows with the highest one, as in a column of the table.
func rankPeaks(all []Curve) {
	var ranked []*Cell
	pending := false
	for i := range all {
		c := &all[i]
		pending = pending || !c.Architecture.Reference && c.Measured < c.Planned
		if c.Peak.Verdict == Undecided {
			ranked = append(ranked, &c.Peak)
		}
	}
	if len(ranked) > 1 { // one alone leads nobody
		lead(ranked, Goodput, pending)
	}
}

// Knee is the point of the highest throughput / p50; nil where there is none, see Sweep.FindKnee.
func (c *Curve) Knee() *CurvePoint {
	if c.Sweep.Knee < 0 {
		return nil
	}
	return &c.Points[c.Sweep.Knee]
}

// HalfKnee is the point that counts with the highest rate of at most half the knee's; nil without one.
func (c *Curve) HalfKnee() (half *CurvePoint) {
	knee := c.Knee()
	if knee == nil {
		return nil
	}
	for i := range c.Points {
		if p := &c.Points[i]; p.Void == "" && p.Rate <= 1.01*knee.Rate/2 { // rates are rounded
			half = p
		}
	}
	return half
}

// Last is the point that counts with the highest rate; nil where none counts.
func (c *Curve) Last() (last *CurvePoint) {
	for i := range c.Points {
		if c.Points[i].Void == "" {
			last = &c.Points[i]
		}
	}
	return last
}

// Reached tells whether a rate was offered that the row could not hold. Else its peak is a lower bound: the load
// generator could not offer more, or the sweep ended too early.
func (c *Curve) Reached() bool {
	last := c.Last()
	return last != nil && last.Held.Median < heldLeast
}

// Past is how much of its peak a row still answered at the highest rate that was offered to it, medians both; ok is
// false where that rate was none that it could not hold.
func (c *Curve) Past() (share float64, ok bool) {
	if !c.Reached() || !(c.Peak.Summary.Median > 0) {
		return 0, false
	}
	return c.Last().Achieved.Median / c.Peak.Summary.Median, true
}

// PastInTime is Past of the answers that came within the curve's Deadline; ok is false without one.
func (c *Curve) PastInTime() (share float64, ok bool) {
	if _, ok := c.Past(); !ok || c.Last().InTime.N == 0 {
		return 0, false
	}
	return c.Last().InTime.Median / c.Peak.Summary.Median, true
}
