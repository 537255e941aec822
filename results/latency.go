package results

import (
	"cmp"
	"slices"
	"strings"
)

// The widths of a histogram's line: label and lecture's word, drawing, p50, p99 and mark.
const (
	latencyLabel = lectureWidth
	latencyAxis  = 32
)

// histograms draws one line for each architecture on a shared logarithmic axis. The trial that is drawn is the one with
// the median p99: trials are never pooled.
func (d *screen) histograms() (lines []string) {
	for _, col := range d.latency {
		drawn := make([]Histogram, len(col.Cells))
		for i := range col.Cells {
			if t := col.Cells[i].typical(); t != nil {
				drawn[i] = t.Load.Response
			}
		}
		axis, ok := newLogAxis(latencyAxis, 10, drawn...)
		if !ok {
			lines = append(lines, d.text("No latency histogram has been recorded.")...)
			continue
		}
		head := left(latencyHead(col.Situation), latencyLabel) + axis.String() + right("◆ p50", 8) + right("◇ p99", 8)
		lines = append(lines, d.style.paint(bold, d.text(head)[0]))
		for i := range col.Cells {
			if c := &col.Cells[i]; !c.absent() {
				lines = append(lines, d.histogram(c, col.Situation, drawn[i], axis))
			}
		}
	}
	return lines
}

// latencyHead names the arrival model and the rate, without which a latency says nothing, and the axis.
func latencyHead(s *Situation) string {
	model := s.Model
	if model == "poisson" {
		model = "Poisson"
	}
	if s.Rate > 0 {
		model += " " + exact(s.Rate) + "/s"
	}
	return firstFit(latencyLabel-1, "latency, log axis, "+model, "latency (log), "+model, "latency, log, "+model)
}

func (d *screen) histogram(c *Cell, sit *Situation, h Histogram, axis logAxis) string {
	label := clip(c.Architecture.Label, 14) + d.noteMark(c.Architecture, sit)
	line := left(left(label, labelWidth)+c.Architecture.Lecture, latencyLabel) + axis.spark(h)
	p50, p99 := latencyFigures(h, c)
	mark, code := "", ""
	switch c.Verdict {
	case Best, Tied:
		mark, code = " ●", green
	case Failed:
		mark, code = " ×", red
	}
	return strings.TrimRight(d.style.text(line+p50+p99)+d.style.paint(code, d.style.text(mark)), " ")
}

// latencyFigures are p50 and p99 of the drawn trial, or the reason for their absence, in 16 characters.
func latencyFigures(h Histogram, c *Cell) (p50, p99 string) {
	if c.Verdict == NotMeasured {
		return right("–", 8), right("–", 8)
	}
	if c.Verdict == Failed {
		return right(c.Word, 16), ""
	}
	show := func(q float64) string {
		v, ok := h.Quantile(q)
		if !ok {
			return "n/a"
		}
		t := duration(v, 2)
		if lowerBound(c.typical(), q) {
			t = "≥" + t
		}
		if c.Verdict == Unranked && len(c.Void) > 0 {
			t = "(" + t + ")"
		}
		return t
	}
	return right(show(0.5), 8), right(show(0.99), 8)
}

// lowerBound tells whether a quantile lies among requests that never got an answer: their true time is longer.
func lowerBound(t *Trial, q float64) bool {
	return t != nil && float64(t.Load.Censored) > (1-q)*float64(t.Load.Response.Count())
}

// typical is the trial with the median p99 (the lower one of two), or with the median p50 where no trial has the
// samples for a p99. Trials whose latency a finding voids come in only when there are no others; nil without any.
func (c *Cell) typical() *Trial {
	for _, q := range []float64{0.99, 0.5} {
		for _, voided := range []bool{false, true} {
			var with []*Trial
			for _, t := range c.Trials {
				if _, ok := t.Load.Response.Quantile(q); ok && (t.Voided(Latency) != nil) == voided {
					with = append(with, t)
				}
			}
			if len(with) > 0 {
				slices.SortStableFunc(with, func(a, b *Trial) int {
					return cmp.Compare(a.Load.Response.ValueAtPercentile(100*q), b.Load.Response.ValueAtPercentile(100*q))
				})
				return with[(len(with)-1)/2]
			}
		}
	}
	return nil
}
