package results

import (
	"fmt"
	"strings"
)

// waitedLong is a response time in seconds that nobody has to wait on a server that is far from its capacity, and half
// of those have to wait that came while a request blocked them.
const waitedLong = 0.25

// Longer is the share of response times above some seconds; ok is false without any.
func (l *Load) Longer(seconds float64) (share float64, ok bool) {
	all := l.Response.Count()
	if all == 0 {
		return 0, false
	}
	longer := int64(0)
	for _, bar := range l.Response.Distribution() {
		if float64(bar.From) > 1e9*seconds {
			longer += bar.Count
		}
	}
	return float64(longer) / float64(all), true
}

// stalled says in a line whose other clients had to wait while one request blocked, and how many of them: medians over
// the trials that count.
func (d *screen) stalled() (lines []string) {
	for i := range d.columns {
		col := &d.columns[i]
		if col.Situation.Metric != Stall {
			continue
		}
		var stop, goOn []string
		for j := range col.Cells {
			c := &col.Cells[j]
			var shares []float64
			for _, t := range c.Trials {
				if share, ok := t.Load.Longer(waitedLong); ok && t.Failure == "" && t.Voided(Stall) == nil {
					shares = append(shares, share)
				}
			}
			share, ok := medianOf(shares)
			switch {
			case !ok:
			case share >= 0.01:
				stop = append(stop, fmt.Sprintf("%s %s %%", c.Architecture.Label, number(100*share, 2)))
			default:
				goOn = append(goOn, c.Architecture.Label)
			}
		}
		if len(stop) > 0 {
			lines = append(lines, "Of all requests waited longer than "+span(waitedLong)+": "+strings.Join(stop, ", ")+".")
		}
		if len(goOn) > 0 {
			lines = append(lines, "The others went on: "+strings.Join(goOn, ", ")+".")
		}
	}
	var wrapped []string
	for _, l := range lines {
		wrapped = append(wrapped, wrap(l, screenWidth)...)
	}
	return wrapped
}
