package results

import (
	"fmt"
	"slices"
	"strings"
)

// pastTheKnee are the answers of a sweep: who answers most at its peak, and who keeps most of it beyond.
func (v *answering) pastTheKnee() (all []Answer) {
	curves := Curves(v.run, v.trials, LoadSweep)
	if len(curves) == 0 {
		return nil
	}
	peak := Column{Situation: &Situation{Name: LoadSweep, Metric: Throughput}}
	for i := range curves {
		peak.Cells = append(peak.Cells, curves[i].Peak)
	}
	if text := v.column(&peak, "has the highest peak"); text != "" {
		var bounds []string
		for i := range curves {
			if c := &curves[i]; len(c.Peak.Values) > 0 && !c.Reached() {
				bounds = append(bounds, c.Architecture.Label)
			}
		}
		if leaders, _, _, _ := sortCells(&peak); len(bounds) > 0 && len(leaders) > 0 {
			text += " At least that, as no rate was offered beyond it: " + some(bounds) + "."
		}
		all = append(all, Answer{"Throughput at its peak, per CPU", LoadSweep, text, nil})
	}
	beyond := kept(curves, v.run.Plan)
	share := &answering{run: v.run, trials: v.trials, format: func(x float64) string { return number(100*x, 3) + " %" }}
	if text := share.column(&beyond, "keeps most of its peak at the highest rate offered"); text != "" {
		all = append(all, Answer{"Past the knee", LoadSweep, text, overload(curves)})
	}
	if text := theories(v.run, curves); text != "" {
		all = append(all, Answer{"Queueing theory", LoadSweep, text, nil})
	}
	return all
}

// theories holds queueing theory against each row, and says of which it does not speak; "" where the record lacks what
// the rows can do, and so says nothing of any.
func theories(run *Run, curves []Curve) string {
	var all []string
	for i := range curves {
		if t, why := TheoryOf(run, &curves[i]); t != nil {
			all = append(all, t.Sentence())
		} else if run.Calibration.LoadCapacity != nil {
			all = append(all, curves[i].Architecture.Label+": nothing is predicted: "+why+".")
		}
	}
	return strings.Join(all, " ")
}

// kept is how much of its peak each row still answers at the highest rate offered to it, block by block, as a column; a
// row that was never driven beyond what it can hold has no figure.
func kept(curves []Curve, plan []Planned) Column {
	col := Column{Situation: &Situation{Name: LoadSweep, Metric: Throughput}, Cells: make([]Cell, len(curves))}
	for i := range curves {
		c, cell := &curves[i], &col.Cells[i]
		cell.Architecture, cell.Trials = c.Architecture, c.Peak.Trials
		if c.Measured < c.Planned {
			continue
		}
		cell.Verdict, cell.Word = Unranked, "never offered more than it holds"
		if !c.Reached() {
			continue
		}
		cell.Values = c.keptPerBlock()
		if cell.Summary = Summarize(cell.Values); cell.Summary.N > 0 {
			cell.Verdict, cell.Word = Undecided, ""
		}
	}
	for i := range col.Cells {
		if col.Cells[i].Verdict == "" {
			col.Cells[i].Verdict = NotMeasured
		}
	}
	col.rank(plan)
	return col
}

// keptPerBlock divides the goodput at the last point that counts by the peak of the same block.
func (c *Curve) keptPerBlock() (shares []float64) {
	last := c.Last()
	if last == nil {
		return nil
	}
	at := slices.IndexFunc(c.Points, func(p CurvePoint) bool { return p.Rate == last.Rate })
	for _, t := range c.Sweep.Points[at].Trials {
		v, ok := t.Load.goodput()
		if !ok || t.Spoiled != "" {
			continue
		}
		best := v
		for _, p := range c.Sweep.Points {
			for _, o := range p.Trials {
				if w, ok := o.Load.goodput(); ok && o.Spoiled == "" && o.Block == t.Block {
					best = max(best, w)
				}
			}
		}
		if best > 0 {
			shares = append(shares, v/best)
		}
	}
	return shares
}

// overload tells where the knees are, and what the requests meet beyond them.
func overload(curves []Curve) (all []string) {
	var knees, waits, errors, shed []string
	for i := range curves {
		c := &curves[i]
		if k := c.Knee(); k != nil && k.P99.N > 0 {
			knees = append(knees, fmt.Sprintf("%s at %s/s (p99 %s)", c.Architecture.Label, exact(k.Rate),
				duration(k.P99.Median, 3)))
		}
		last := c.Last()
		if !c.Reached() {
			continue
		}
		knee := c.Knee()
		if knee != nil && last.P99.N > 0 && knee.P99.N > 0 && last.P99.Median > queueFactor*knee.P99.Median {
			waits = append(waits, fmt.Sprintf("%s in %s at %s/s", duration(last.P99.Median, 3),
				c.Architecture.Label, exact(last.Rate)))
		}
		if last.Errors.N > 0 && last.Errors.Median > 0 {
			errors = append(errors, fmt.Sprintf("%s %% in %s", number(100*last.Errors.Median, 2), c.Architecture.Label))
		}
		if last.Shed.N > 0 && last.Shed.Median > 0 {
			shed = append(shed, fmt.Sprintf("%s %% in %s", number(100*last.Shed.Median, 2), c.Architecture.Label))
		}
	}
	if len(knees) > 0 {
		all = append(all, "The knee, where throughput / p50 is highest: "+some(knees)+".")
	}
	if len(waits) > 0 {
		all = append(all, "Past it requests queue, p99 at the highest rate: "+some(waits)+".")
	}
	if text := late(curves); text != "" {
		all = append(all, text)
	}
	if len(errors) > 0 {
		all = append(all, "Without a right answer at the highest rate: "+some(errors)+".")
	}
	if len(shed) > 0 {
		all = append(all, "Of that, refused with 503, which is in no response time: "+some(shed)+".")
	}
	return all
}

// late tells how much of its peak each row answers in time at the highest rate, where answers have to come in time.
func late(curves []Curve) string {
	var rows []string
	for i := range curves {
		if share, ok := curves[i].PastInTime(); ok {
			rows = append(rows, fmt.Sprintf("%s %% in %s", number(100*share, 2), curves[i].Architecture.Label))
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return fmt.Sprintf("Answered within %s at the highest rate, of the peak: %s.", duration(curves[0].Deadline, 3),
		some(rows))
}

// queueFactor is by how much p99 must have grown from the knee on before it is said that requests queue.
const queueFactor = 2
