package results

import (
	"fmt"
	"math"
	"strings"
)

// found are the sentences beneath the cost table, each computed from its figures.
func (d *costs) found() (sentences []string) {
	less, soft, memory := d.variant("stateless", ""), d.variant("soft", ""), d.variant("stateful", "memory")
	if memory < 0 {
		memory = d.variant("stateful", "")
	}
	say := func(t string) {
		if t != "" {
			sentences = append(sentences, t)
		}
	}
	say(d.against("Soft state against stateless", soft, less))
	say(d.against("Stateful in memory against soft", memory, soft))
	say(d.outsideTier(memory))
	say(d.losers())
	return sentences
}

// variant is the column of a state and store, -1 where there is none. An empty store is any.
func (d *costs) variant(state, store string) int {
	for j, s := range d.sits {
		if s.State == state && (s.Store == store || store == "") {
			return j
		}
	}
	return -1
}

// costCounts tells whether a cell's cost means something.
func costCounts(c *Cell) bool {
	return c.Summary.N > 0 && c.Verdict != Failed && c.Verdict != Unranked && c.lost() == 0
}

// against says in how many rows a variant costs less CPU time than another one, and in how many more: by the test that
// ranks the rows, with Holm's correction over them.
func (d *costs) against(what string, a, b int) string {
	if a < 0 || b < 0 {
		return ""
	}
	var both []int // rows that have a figure of each
	for i := range d.rows {
		if costCounts(&d.rows[i][a]) && costCounts(&d.rows[i][b]) {
			both = append(both, i)
		}
	}
	var all []*Comparison
	for _, i := range both {
		v := compare(d.rows[i][a].Values, d.rows[i][b].Values, len(both))
		all = append(all, &v)
	}
	if len(all) == 0 {
		return ""
	}
	holm(all)
	var fewer, more, same, open int
	lowest, best := 1.0, ""
	for i, v := range all {
		differs := v.Adjusted <= Alpha && math.Abs(v.Ratio-1) >= Margin
		switch {
		case differs && v.Ratio < 1:
			if fewer++; v.Ratio < lowest {
				lowest, best = v.Ratio, d.run.Architectures[both[i]].Label
			}
		case differs:
			more++
		case !v.Decidable:
			open++
		default:
			same++
		}
	}
	var parts []string
	if fewer > 0 {
		parts = append(parts, fmt.Sprintf("less in %d (by up to %.0f %%, %s)", fewer, 100*(1-lowest), best))
	}
	for _, p := range []struct {
		n    int
		text string
	}{{more, "more in %d"}, {same, "no measurable difference in %d"}, {open, "too few trials to tell in %d"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf(p.text, p.n))
		}
	}
	return fmt.Sprintf("%s, CPU time in %s: %s.", what, plural(len(all), "row"), strings.Join(parts, ", "))
}

// outsideTier says what a store outside the server costs, against one in its memory.
func (d *costs) outsideTier(memory int) string {
	for j, s := range d.sits {
		if !outside(s) || memory < 0 {
			continue
		}
		low, high, own := math.Inf(1), 0.0, []float64(nil)
		for i := range d.rows {
			x, y := &d.rows[i][j], &d.rows[i][memory]
			if !costCounts(x) || !costCounts(y) {
				continue
			}
			r := x.Summary.Median / y.Summary.Median
			low, high = min(low, r), max(high, r)
			if v := x.median(storeCPU); !math.IsNaN(v) {
				own = append(own, v*1e6)
			}
		}
		if high == 0 {
			return ""
		}
		times := number(low, 2)
		if most := number(high, 2); most != times {
			times += " to " + most
		}
		t := fmt.Sprintf("Redis costs the server %s times the CPU time of its own memory", times)
		if len(own) > 0 {
			t += fmt.Sprintf(", and takes %s µs itself", number(Summarize(own).Median, 2))
		}
		return t + "."
	}
	return ""
}

// losers names the rows whose processes do not share the memory that their sessions are in.
func (d *costs) losers() string {
	for j, s := range d.sits {
		var rows []string
		for i := range d.rows {
			if share := d.rows[i][j].lost(); share > 0 {
				rows = append(rows, fmt.Sprintf("%s (%.0f %%)", d.run.Architectures[i].Label, math.Max(1, 100*share)))
			}
		}
		if len(rows) > 0 && s.Store == "memory" {
			return "Lost without any crash, in the memory of one process of several: " +
				strings.Join(rows, ", ") + "."
		}
	}
	return ""
}
