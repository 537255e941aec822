package results

import (
	"math"
)

// blastExperiment is the experiment whose situations differ in what one bad request does: see Blast.
const blastExperiment = "blast"

// blasted tells a situation of it.
func blasted(s *Situation) bool {
	return s.Experiment == blastExperiment && s.Metric == Harmed && s.Crash != ""
}

// noGap is how many steps without an answer are none to speak of: one may lie between two answers of a slow server.
const noGap = 2

// afterBlast are the steps of a load's window from the one on in which something was broken, and the usual rate of those
// before it, requests per step. ok is false where nothing was broken, or nobody was answered before.
func afterBlast(l *Load) (points []Point, usual float64, ok bool) {
	broken, ok := l.broken()
	if !ok || l.Series == nil || l.Series.Step <= 0 || broken >= l.Window {
		return nil, 0, false
	}
	all := l.Series.Points
	all = all[:min(len(all), int(l.Window/l.Series.Step+0.5))] // what comes after the window is no whole step
	first := min(int(broken/l.Series.Step), len(all))
	usual = usualRate(all[:first])
	return all[first:], usual, usual > 0 && first < len(all)
}

// gap is the longest time after something was broken in which nobody at all got a right answer: seconds, in whole steps,
// 0 where it was too short to be told. back is false where it lasts until the end of the window: it may last for ever.
func gap(l *Load) (seconds float64, back, ok bool) {
	points, _, ok := afterBlast(l)
	if !ok {
		return 0, false, false
	}
	longest, now := 0, 0
	for _, p := range points {
		if now++; p.Requests > 0 {
			now = 0
		}
		longest = max(longest, now)
	}
	if longest < noGap {
		return 0, true, true
	}
	return float64(longest) * l.Series.Step, now < noGap, true
}

// gapFigure is the gap of a trial, in seconds; where nobody was answered again, it lasted at least that long.
func gapFigure(t *Trial) (float64, bool) {
	seconds, _, ok := gap(&t.Load)
	return seconds, ok
}

// rateAfter is the rate in the second half of what was watched after something was broken, as a share of the one before.
func rateAfter(l *Load) (share float64, ok bool) {
	points, usual, ok := afterBlast(l)
	if !ok {
		return 0, false
	}
	sum, late := 0.0, points[len(points)/2:]
	for _, p := range late {
		sum += float64(p.Requests)
	}
	return sum / float64(len(late)) / usual, true
}

// grown is by how much the memory of a server's process tree had grown at the end of the window, bytes: PSS, as far as it
// still ran.
func grown(t *Trial) (float64, bool) {
	s := &t.Server
	if s.PSSStart == nil || s.PSSPeak == nil {
		return 0, false
	}
	return float64(*s.PSSPeak) - float64(*s.PSSStart), true
}

// blastCell is what one kind of bad request did to the clients of one row. Figures are medians of the trials that count.
type blastCell struct {
	cell   *Cell
	gaps   []float64 // seconds; +Inf: nobody was answered again
	rates  []float64 // after it, as a share of before
	grown  []float64 // bytes
	sample *Load     // whose time line stands for all
}

func newBlastCell(c *Cell) blastCell {
	b := blastCell{cell: c}
	for _, t := range c.Trials {
		v, has := t.Value(Harmed)
		if word, _ := trialWord(t, Harmed, has); word != "" {
			continue
		}
		seconds, back, ok := gap(&t.Load)
		if ok && !back {
			seconds = math.Inf(1)
		}
		if ok {
			b.gaps = append(b.gaps, seconds)
		}
		if share, ok := rateAfter(&t.Load); ok {
			b.rates = append(b.rates, share)
		}
		if bytes, ok := grown(t); ok {
			b.grown = append(b.grown, bytes)
		}
		if b.sample == nil || math.Abs(v-c.Summary.Median) < math.Abs(float64(b.sample.HarmedCount)-c.Summary.Median) {
			b.sample = &t.Load
		}
	}
	return b
}

// again says when somebody was answered again.
func (b *blastCell) again() string {
	v, ok := medianOf(b.gaps)
	switch {
	case !ok:
		return "n/a"
	case math.IsInf(v, 0):
		return "never"
	case v == 0:
		return "no gap"
	}
	return duration(v, 2)
}

// blastGroup is one kind of bad request with a cell for each row.
type blastGroup struct {
	situation *Situation
	cells     []blastCell
}

func blastGroups(run *Run, trials []Trial) (groups []blastGroup) {
	columns := Columns(run, trials)
	for i := range columns {
		if !blasted(columns[i].Situation) {
			continue
		}
		g := blastGroup{situation: columns[i].Situation}
		for j := range columns[i].Cells {
			if c := &columns[i].Cells[j]; planned(run.Plan, g.situation, c.Architecture) {
				g.cells = append(g.cells, newBlastCell(c))
			}
		}
		groups = append(groups, g)
	}
	return groups
}
