package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// oneOf is one of several columns that ask the same: of another row, or of another state.
type oneOf struct {
	Answer
	who  string // the row, or the state: "eventloop at 35,000 reads/s"
	name string // in short: "eventloop"
	col  Column
}

// outcome is what an answer says without its figures, so that those of several columns can be compared: who leads, who
// is last, and who fails how.
func (a *oneOf) outcome() string {
	leaders, worse, failed, rest := sortCells(&a.col)
	if len(rest) > 0 {
		return a.Text
	}
	var names []string
	for _, c := range leaders {
		names = append(names, c.Architecture.Label)
	}
	slices.Sort(names)
	last := ""
	if len(worse) > 0 {
		last = worse[len(worse)-1].Architecture.Label
	}
	return fmt.Sprintf("%q %q %q", names, last, failures(failed))
}

// together makes one answer of those that say the same, and leaves the others as they are. begin makes the
// beginning of each; does says what the leaders do.
func (v *answering) together(all []oneOf, begin func(who string) string, does string) (answers []Answer) {
	var outcomes []string
	groups := map[string][]oneOf{}
	for _, a := range all {
		o := a.outcome()
		if groups[o] == nil {
			outcomes = append(outcomes, o)
		}
		groups[o] = append(groups[o], a)
	}
	for _, o := range outcomes {
		g := groups[o]
		answer := g[0].Answer
		if len(g) == 1 {
			answer.Text = begin(g[0].who) + ": " + answer.Text
		} else {
			var names []string
			for i := range g {
				names = append(names, g[i].name)
			}
			answer.Text = begin(some(names)) + ": " + v.alike(g, does)
		}
		answer.Reasons = sharedReasons(g)
		answers = append(answers, answer)
	}
	return answers
}

// alike says what several columns have in common, and between which figures they lie.
func (v *answering) alike(g []oneOf, does string) string {
	leaders, worse, failed, rest := sortCells(&g[0].col)
	if len(rest) > 0 || len(leaders) == 0 {
		return g[0].Text
	}
	var names []string
	for _, c := range leaders {
		names = append(names, c.Architecture.Label)
	}
	slices.Sort(names)
	text := names[0] + " " + does
	switch {
	case len(names)+len(worse)+len(failed) == 1:
		text = names[0] + ", with nothing to compare it with"
	case len(names) > 1:
		text = enumerate(names) + " tie"
		if len(worse)+len(failed) > 0 {
			text += " for first"
		}
	}
	low, high := 0, 0
	best := func(i int) *Cell { l, _, _, _ := sortCells(&g[i].col); return l[0] }
	for i := range g {
		if best(i).Summary.Median < best(low).Summary.Median {
			low = i
		}
		if best(i).Summary.Median > best(high).Summary.Median {
			high = i
		}
	}
	figure := func(i int) string { return v.withInterval(best(i), g[i].col.Situation) }
	if low == high {
		text += ": " + figure(low) + " in each."
	} else {
		text += fmt.Sprintf(": from %s for %s to %s for %s.", figure(low), g[low].name, figure(high), g[high].name)
	}
	return sentences(text, lastOf(g), failures(failed))
}

// lastOf says who is last in all of them, and how far behind.
func lastOf(g []oneOf) string {
	var low, high float64
	name := ""
	for i := range g {
		leaders, worse, _, _ := sortCells(&g[i].col)
		if len(worse) == 0 {
			return ""
		}
		last := worse[len(worse)-1]
		f := factor(leaders[0], last, g[i].col.Situation.Metric)
		if i == 0 {
			low, high = f, f
		}
		low, high, name = min(low, f), max(high, f), last.Architecture.Label
	}
	from, to := multiple(low), multiple(high)
	if from == to {
		return fmt.Sprintf("%s is last, a factor of %s behind.", name, to)
	}
	return fmt.Sprintf("%s is last, a factor of %s to %s behind.", name, from, to)
}

// sharedReasons are the reasons of all: those that not all of them have name theirs.
func sharedReasons(g []oneOf) (all []string) {
	most := 0
	for i := range g {
		most = max(most, len(g[i].Reasons))
	}
	g = slices.Clone(g) // who loses sessions first
	slices.SortStableFunc(g, func(a, b oneOf) int { return cmp.Compare(len(b.Reasons), len(a.Reasons)) })
	for k := range most {
		for i := range g {
			if k >= len(g[i].Reasons) {
				continue
			}
			r := g[i].Reasons[k]
			shared := !slices.ContainsFunc(g, func(o oneOf) bool { return !slices.Contains(o.Reasons, r) })
			if !shared {
				r = strings.TrimSuffix(r, ".") + " (" + g[i].name + ")."
			}
			if !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	return all[:min(len(all), mostReasons)]
}
