package results

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// sentences joins what there is to say.
func sentences(texts ...string) string {
	var parts []string
	for _, t := range texts {
		if t != "" {
			parts = append(parts, t)
		}
	}
	return strings.Join(parts, " ")
}

// first says which rows lead a column, and their figures.
func (v *answering) first(col *Column, leaders []*Cell, measured int, does string) string {
	switch {
	case len(leaders) == 0:
		return "No row has a figure that counts."
	case measured == 1:
		return fmt.Sprintf("%s, with nothing to compare it with: %s.", leaders[0].Architecture.Label,
			v.withInterval(leaders[0], col.Situation))
	case len(leaders) == 1:
		return fmt.Sprintf("%s %s: %s.", leaders[0].Architecture.Label, does, v.withInterval(leaders[0], col.Situation))
	}
	return v.tie(col, leaders, measured > len(leaders))
}

// tie tells whether none of the leaders can be told from another, or only none from the best. Of many it has the first
// and the last figure.
func (v *answering) tie(col *Column, leaders []*Cell, others bool) string {
	var names, figures []string
	for _, c := range leaders {
		names = append(names, c.Architecture.Label)
		figures = append(figures, v.withInterval(c, col.Situation))
	}
	text := enumerate(names) + " tie"
	if others {
		text += " for first"
	}
	for i, a := range leaders[1:] {
		for _, b := range leaders[i+2:] {
			if rel := col.relation(a, b); rel == ahead || rel == behind {
				text = names[0] + " is first, and " + enumerate(names[1:]) + " can't be told from it"
			}
		}
	}
	last := figures[len(figures)-1]
	switch a, b := leaders[0].Summary, leaders[len(leaders)-1].Summary; {
	case a.Smallest == b.Biggest && a.Biggest == b.Smallest && a.N > 1 && b.N > 1: // counts of clients, mostly
		return text + ": " + v.figure(a.Median, leaders[0], col.Situation) + " in every trial."
	case len(leaders) == 2:
		return text + ": " + figures[0] + " and " + last + "."
	}
	return text + ": from " + figures[0] + " to " + last + "."
}

// behind says how far the best figure is ahead of the next one that differs, and of the worst.
func (v *answering) behind(leaders, worse []*Cell, s *Situation) string {
	if len(leaders) == 0 || len(worse) == 0 {
		return ""
	}
	best, next, last := leaders[0], worse[0], worse[len(worse)-1]
	than := "it"
	if len(leaders) > 1 {
		than = best.Architecture.Label
	}
	say := func(c *Cell, verb, than string) string {
		if f := leadOf(best, c, s.Metric); f != "" {
			verb += ", a factor of " + f + " behind" + than
		}
		return c.Architecture.Label + " " + verb + ": " + v.withInterval(c, s)
	}
	switch {
	case next == last:
		return say(next, "follows", " "+than) + "."
	case next.Summary.Median == last.Summary.Median: // counts of clients, mostly
		return plural(len(worse), "row") + " follow: " + v.figure(next.Summary.Median, next, s) + "."
	}
	return say(next, "follows", " "+than) + "; " + say(last, "is last", "") + "."
}

// leadOf is by which factor a figure is better; "" where there is no such factor, or it says little.
func leadOf(best, other *Cell, m Metric) string {
	f := factor(best, other, m)
	if math.IsNaN(f) || math.IsInf(f, 0) || f < 1 || m == Harmed {
		return ""
	}
	return multiple(f)
}

// factor is how many times better the figure of a row is than that of another one; it may be no number.
func factor(good, bad *Cell, m Metric) float64 {
	if m.HigherIsBetter() {
		return good.Summary.Median / bad.Summary.Median
	}
	return bad.Summary.Median / good.Summary.Median
}

// failures names the rows that fail, those with the same word together.
func failures(failed []*Cell) string {
	var words []string
	rows := map[string][]string{}
	for _, c := range failed {
		if rows[c.Word] == nil {
			words = append(words, c.Word)
		}
		rows[c.Word] = append(rows[c.Word], c.Architecture.Label)
	}
	var parts []string
	for _, w := range words {
		verb := "fail"
		if len(rows[w]) == 1 {
			verb = "fails"
		}
		parts = append(parts, fmt.Sprintf("%s %s: %s.", enumerate(rows[w]), verb, w))
	}
	return strings.Join(parts, " ")
}

// notRanked says which rows ran at a rate of their own, which have no figure that counts, and what the references did.
func (v *answering) notRanked(col *Column) string {
	var own, void, beside []string
	for i := range col.Cells {
		c := &col.Cells[i]
		rate, has := col.Situation.OwnRates[c.Architecture.Name]
		switch {
		case c.Verdict == Beside:
			beside = append(beside, c.Architecture.Label+" "+v.withInterval(c, col.Situation))
		case c.Verdict == Unranked && (len(c.Trials) > 0 || c.Word != "n/a") && !c.Architecture.Reference:
			void = append(void, c.Architecture.Label+" ("+c.Word+")")
		case has && len(c.Values) > 0:
			own = append(own, fmt.Sprintf("%s at %s/s", c.Architecture.Label, exact(rate)))
		}
	}
	var parts []string
	if len(own) > 0 {
		rates := "At a rate of its own"
		if len(own) > 1 {
			rates = "At rates of their own"
		}
		parts = append(parts, fmt.Sprintf("%s: %s; the others at %s/s.", rates, enumerate(own),
			exact(col.Situation.Rate)))
	}
	if len(void) > 0 {
		parts = append(parts, "Not ranked: "+enumerate(void)+".")
	}
	if len(beside) > 0 {
		parts = append(parts, "Beside the ranking: "+enumerate(beside)+".")
	}
	return strings.Join(parts, " ")
}

// enumerate joins names as a sentence does: "a, b and c".
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// some are so many names at most, and how many more there are.
func some(names []string) string {
	if more := len(names) - mostNames; more > 0 {
		names = append(slices.Clone(names[:mostNames]), count(more)+" more")
	}
	return enumerate(names)
}

// mostNames is how many rows a reason names.
const mostNames = 3

// What belongs on one line: a figure and its unit, and a count of so many.
var (
	figureAndUnit = regexp.MustCompile(`(\d) (ns|µs|ms|s|min|B|KB|MB|GB|requests/s|reads/s|%)( |[.,;:)]|$)`)
	countOfCount  = regexp.MustCompile(`(\d) of (\d)`)
)

// Unbroken keeps figures and their units on one line, for pages and files: the spaces between them become no-break
// spaces.
func Unbroken(text string) string {
	text = figureAndUnit.ReplaceAllString(text, "$1\u00a0$2$3")
	return countOfCount.ReplaceAllString(text, "$1\u00a0of\u00a0$2")
}
