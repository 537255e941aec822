package results

import (
	"math"
	"slices"
)

// The rule by which a load is back where it was before a fault: at the first of recoverySteps steps in a row that have,
// together, recoveryShare of what as many steps had before (by their median), and of which none is a dip: a burst
// outweighs no silence.
const (
	recoverySteps = 5
	recoveryShare = 0.9
	noDip         = 0.5 // of the median
)

// recovered tells when a closed loop had the throughput again that it had before its fault: seconds since the step in
// which that was begun, so whole steps, and 0 where it never fell. ok is false where it did not come back within the
// window; then it is the time that was watched. There is no figure without an answer before the fault.
func recovered(l *Load) (after float64, ok, told bool) {
	if l.Series == nil || l.Fault == nil || l.Series.Step <= 0 {
		return 0, false, false
	}
	step, points := l.Series.Step, l.Series.Points
	points = points[:min(len(points), int(l.Window/step+0.5))] // what comes after the window is no whole step
	first := int(l.Fault.Begun / step)
	usual := usualRate(points[:min(first, len(points))])
	if usual == 0 {
		return 0, false, false
	}
	good := func(i int) bool {
		sum, least := 0.0, math.Inf(1)
		for _, p := range points[i : i+recoverySteps] {
			sum, least = sum+float64(p.Requests), min(least, float64(p.Requests))
		}
		return sum >= recoveryShare*recoverySteps*usual && least >= noDip*usual
	}
	// Until all of it is dead, what is killed may go on answering: the dip comes after that, or not at all.
	for i := int(l.Fault.Happened / step); i+recoverySteps <= len(points); i++ {
		if good(i) {
			for i > first && good(i-1) {
				i--
			}
			return float64(i-first) * step, true, true
		}
	}
	return float64(max(0, len(points)-first)) * step, false, true
}

// NoFault says why a load that was to have a fault tells nothing of it; nil: it does.
func NoFault(l *Load) *Finding {
	f := l.Fault
	if f == nil || f.Happened < f.Begun || f.Happened >= l.Window {
		return &Finding{Kind: "no fault", Evidence: "nothing was killed within the window", Voids: Everything}
	}
	if l.Series == nil || l.Series.Step <= 0 {
		return nil
	}
	for _, p := range l.Series.Points[:min(int(f.Begun/l.Series.Step), len(l.Series.Points))] {
		if p.Requests > 0 {
			return nil
		}
	}
	return &Finding{Kind: "no answers before the fault", Evidence: "none in " + duration(f.Begun, 2), Voids: Everything}
}

// broken is when something was broken in a load's window: by a fault, or by its special request. Seconds.
func (l *Load) broken() (moment float64, ok bool) {
	switch {
	case l.Fault != nil:
		return l.Fault.Begun, true
	case l.CrashSent != nil:
		return *l.CrashSent, true
	}
	return 0, false
}

// usualRate is the median of the requests of some steps; 0 where there are none.
func usualRate(points []Point) float64 {
	var n []float64
	for _, p := range points {
		n = append(n, float64(p.Requests))
	}
	if len(n) == 0 {
		return 0
	}
	slices.Sort(n)
	return middle(n)
}

// middle is the median of sorted values, of which there is at least one.
func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// timeline draws the requests of a load in n characters of so many seconds each, from lead characters before its fault
// on, and the fault as a bar between two of them. The height is relative to what was usual before the fault.
func timeline(l *Load, n, lead int, each float64) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	line := make([]rune, 0, n+1)
	broken, ok := l.broken()
	if l.Series == nil || !ok || l.Series.Step <= 0 {
		return ""
	}
	step, points := l.Series.Step, l.Series.Points
	group := max(1, int(each/step+0.5))
	fault := int(broken / step)
	usual := float64(group) * usualRate(points[:min(fault, len(points))])
	for i := range n {
		if i == lead {
			line = append(line, '│')
		}
		sum, from := 0.0, fault+(i-lead)*group
		for k := from; k < from+group; k++ {
			if 0 <= k && k < len(points) {
				sum += float64(points[k].Requests)
			}
		}
		switch {
		case from < 0, from+group > len(points): // it is no part of the window
			line = append(line, ' ')
		case sum == 0:
			line = append(line, '·')
		default:
			line = append(line, levels[min(int(8*sum/max(usual*1.15, 1)), 7)]) // a little headroom above the usual
		}
	}
	return string(line)
}
