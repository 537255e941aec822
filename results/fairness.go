package results

import (
	"math"
	"slices"
	"strings"
)

// Fairness is how evenly the requests of one trial were spread over the workers of a server.
type Fairness struct {
	Workers             int     // that there were
	Served              int     // of them, that answered at least one request
	Least, Median, Most float64 // requests of a worker, those that answered none included
	// Jain is the index of Jain, Chiu and Hawe (A Quantitative Measure of Fairness and Discrimination, DEC-TR-301,
	// 1984): (sum of x)² / (n · sum of x²). 1 when all did the same, 1/n when one did everything.
	Jain float64
}

// fairness sums a trial up; ok is false where there are no workers to compare, or nothing was served.
func fairness(t *Trial) (f Fairness, ok bool) {
	x := t.Server.PerWorker
	if len(x) < 2 || t.Failure != "" {
		return f, false
	}
	sorted := slices.Sorted(slices.Values(x))
	n := len(sorted)
	f = Fairness{Workers: n, Least: float64(sorted[0]), Most: float64(sorted[n-1]),
		Median: (float64(sorted[(n-1)/2]) + float64(sorted[n/2])) / 2}
	sum, squares := 0.0, 0.0
	for _, v := range sorted {
		if v > 0 {
			f.Served++
		}
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	if squares == 0 {
		return f, false
	}
	f.Jain = sum * sum / (float64(n) * squares)
	return f, true
}

// fairness is how evenly the workers of each row shared the requests, in one line; nothing where there is no room for
// all, or no row has several workers.
func (d *screen) fairness() []string {
	for _, col := range d.columns {
		if col.Situation.Metric != CPUPerRequest {
			continue
		}
		var parts []string
		for i := range col.Cells {
			c := &col.Cells[i]
			jain := c.median(func(t *Trial) (float64, bool) {
				f, ok := fairness(t)
				return f.Jain, ok
			})
			if !math.IsNaN(jain) {
				parts = append(parts, c.Architecture.Label+" "+number(jain, 2))
			}
		}
		line := "Fairness among workers (Jain's index, 1 is even): " + strings.Join(parts, ", ")
		if len(parts) > 0 && width(line) <= screenWidth {
			return []string{line}
		}
	}
	return nil
}

// fairnessRows tell how the workers shared the requests; nothing where no row has several workers.
func fairnessRows(col *Column) []wideRow {
	row := func(name string, format func(float64) string, f func(Fairness) float64) wideRow {
		return wideRow{name, func(c *Cell) string {
			v := c.median(func(t *Trial) (float64, bool) {
				f0, ok := fairness(t)
				return f(f0), ok
			})
			if math.IsNaN(v) {
				return "–"
			}
			return format(v)
		}}
	}
	for i := range col.Cells {
		if slices.ContainsFunc(col.Cells[i].Trials, func(t *Trial) bool { _, ok := fairness(t); return ok }) {
			return []wideRow{
				row("workers", exact, func(f Fairness) float64 { return float64(f.Workers) }),
				row("  that answered at least one request", exact, func(f Fairness) float64 { return float64(f.Served) }),
				row("requests of a worker, least", exact, func(f Fairness) float64 { return f.Least }),
				row("  median", exact, func(f Fairness) float64 { return f.Median }),
				row("  most", exact, func(f Fairness) float64 { return f.Most }),
				row("Jain's index of fairness", func(v float64) string { return number(v, 3) },
					func(f Fairness) float64 { return f.Jain }),
			}
		}
	}
	return nil
}
