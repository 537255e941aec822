package results

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Named is a run with the name that a comparison calls it by.
type Named struct {
	Name   string
	Run    Run
	Trials []Trial
}

// identity tells runs apart: when a run and its first trial began.
func identity(run *Run, trials []Trial) string {
	text := run.Started.UTC().String()
	if len(trials) > 0 {
		text += trials[0].Started.UTC().String()
	}
	return text
}

// outcome is what a comparison says of a cell that both runs have.
type outcome string

const (
	alike     outcome = "tied" // no measurable difference
	better    outcome = "B better"
	worse     outcome = "B worse"
	tooFew    outcome = "too few" // trials for any difference to count
	firstFail outcome = "A fails"
	otherFail outcome = "B fails"
	bothFail  outcome = "both fail"
	noFigure  outcome = "no figure" // that counts, in one run at least
	otherRate outcome = "other rate"
)

// rateMargin is the share by which the offered rates of two cells may differ for figures that depend on it.
const rateMargin = 0.1

// pair is one cell of two runs.
type pair struct {
	sit     *Situation // as the first run has it
	other   *Situation // as the second one has it
	a, b    *Cell
	ratio   float64 // of the medians, B / A; NaN where there is none
	p       float64 // corrected for all cells that are compared
	outcome outcome
}

// pairs are the cells that both runs have, in the order of the first one, compared; and what only one of them has.
func pairs(a, b *Named) (both []*pair, onlyA, onlyB []string) {
	left, right := Columns(&a.Run, a.Trials), Columns(&b.Run, b.Trials)
	for i := range left {
		j := slices.IndexFunc(right, func(c Column) bool { return sameQuestion(left[i].Situation, c.Situation) })
		if j < 0 {
			continue
		}
		for k := range left[i].Cells {
			x := &left[i].Cells[k]
			l := slices.IndexFunc(right[j].Cells, func(c Cell) bool { return c.Architecture.Name == x.Architecture.Name })
			if l < 0 || len(x.Trials) == 0 || len(right[j].Cells[l].Trials) == 0 {
				continue
			}
			both = append(both, &pair{sit: left[i].Situation, other: right[j].Situation, a: x,
				b: &right[j].Cells[l], ratio: math.NaN(), p: 1})
		}
	}
	judgePairs(both, blocks(a.Trials), blocks(b.Trials))
	return both, alone(left, right), alone(right, left)
}

// sameQuestion tells whether two columns ask the same of a server: their figures can be compared. The offered rate and
// the length of the window may differ, which is said.
func sameQuestion(a, b *Situation) bool {
	return a.Name == b.Name && a.Metric == b.Metric && a.Model == b.Model && a.KeepAlive == b.KeepAlive &&
		a.Path == b.Path && a.Connections == b.Connections && a.Silent == b.Silent && a.Crash == b.Crash && a.Timeout == b.Timeout &&
		a.State == b.State && a.Store == b.Store && a.Clients == b.Clients && a.Read == b.Read && a.Fault == b.Fault
}

// alone are the cells that have trials in one run and none in the other: whole columns and rows by their name.
func alone(of, other []Column) (names []string) {
	missing := func(c *Column, row string) bool {
		return !slices.ContainsFunc(other, func(o Column) bool {
			return sameQuestion(c.Situation, o.Situation) && slices.ContainsFunc(o.Cells, func(cell Cell) bool {
				return cell.Architecture.Name == row && len(cell.Trials) > 0
			})
		})
	}
	cells, rows, lost := map[string][]string{}, map[string]int{}, map[string]int{}
	var columns, order []string
	for i := range of {
		var here []string
		tried := 0
		for _, cell := range of[i].Cells {
			if len(cell.Trials) == 0 {
				continue
			}
			row := cell.Architecture.Name
			if tried++; !slices.Contains(order, row) {
				order = append(order, row)
			}
			rows[row]++
			if missing(&of[i], row) {
				lost[row]++
				here = append(here, row)
			}
		}
		if tried > 0 && len(here) == tried {
			columns = append(columns, of[i].Situation.Name)
			for _, row := range here {
				rows[row]--
				lost[row]--
			}
			continue
		}
		for _, row := range here {
			cells[row] = append(cells[row], row+" in "+of[i].Situation.Name)
		}
	}
	names = columns
	for _, row := range order {
		if rows[row] > 0 && lost[row] == rows[row] {
			names = append(names, row)
		} else {
			names = append(names, cells[row]...)
		}
	}
	return names
}

// blocks are the numbers of the blocks that have trials.
func blocks(trials []Trial) []int {
	seen := map[int]bool{}
	for i := range trials {
		seen[trials[i].Block] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// judgePairs fills ratio, p and outcome of all cells.
func judgePairs(all []*pair, blocksA, blocksB []int) {
	var compared []*pair
	var figures []paired
	for _, c := range all {
		if c.outcome = c.without(); c.outcome != "" {
			continue
		}
		if c.ratio = c.b.Summary.Median / c.a.Summary.Median; math.IsInf(c.ratio, 0) {
			c.ratio = math.NaN()
		}
		if leastP(len(c.a.Values), len(c.b.Values)) > Alpha {
			c.outcome = tooFew
			continue
		}
		x := place(nil, c.a.byBlock(c.sit.Metric), blocksA, 0)
		compared = append(compared, c)
		figures = append(figures, place(x, c.b.byBlock(c.sit.Metric), blocksB, len(blocksA)))
	}
	for i, p := range permuted(figures, len(blocksA), len(blocksB)) {
		c := compared[i]
		c.p, c.outcome = p, alike
		if p > Alpha || !c.matters() {
			continue
		}
		c.outcome = worse
		if (c.b.Summary.Median > c.a.Summary.Median) == c.sit.Metric.HigherIsBetter() {
			c.outcome = better
		}
	}
}

// place appends the figures of one run, in the order of its blocks, behind those of another.
func place(to paired, values map[int]float64, blocks []int, first int) paired {
	for i, block := range blocks {
		if v, ok := values[block]; ok {
			to = append(to, placed{first + i, v})
		}
	}
	return to
}

// without is the outcome of a pair of cells that has no two figures to compare, or "".
func (c *pair) without() outcome {
	failA, failB := c.a.Verdict == Failed, c.b.Verdict == Failed
	switch {
	case failA && failB:
		return bothFail
	case len(c.a.Values) == 0 && !failA, len(c.b.Values) == 0 && !failB:
		return noFigure
	case failA:
		return firstFail
	case failB:
		return otherFail
	case c.rates():
		return otherRate
	}
	return ""
}

// rates tells whether the cells were offered so different rates that this alone explains a difference: what is served in
// a busier loop costs less each, and waits longer.
func (c *pair) rates() bool {
	x, y := c.sit.RateOf(c.a.Architecture.Name), c.other.RateOf(c.b.Architecture.Name)
	return (c.sit.Metric == CPUPerRequest || c.sit.Metric == Latency) && math.Abs(x-y) > rateMargin*max(x, y)
}

// matters tells whether the medians differ by Margin or more, the same way as most of the trials do; clients harmed are
// counted and need no margin.
func (c *pair) matters() bool {
	a, b := c.a.Summary.Median, c.b.Summary.Median
	if cliff(c.b.Values, c.a.Values)*(b-a) <= 0 {
		return false
	}
	return c.sit.Metric == Harmed || math.Abs(b-a) >= Margin*math.Abs(a)
}

// contrast is one thing that two runs do not share.
type contrast struct{ name, a, b string }

// contrasts is what differs between the machines and set-ups of two runs, the weightiest first.
func contrasts(a, b *Named) (all []contrast) {
	add := func(name, x, y string) {
		if x != y {
			all = append(all, contrast{name, cmp.Or(x, "n/a"), cmp.Or(y, "n/a")})
		}
	}
	m, n, s, t := &a.Run.Machine, &b.Run.Machine, &a.Run.Setup, &b.Run.Setup
	cpu := func(m *Machine) string {
		return fmt.Sprintf("%s, %d usable", cmp.Or(strings.TrimSpace(m.CPU), "n/a"), m.Cores)
	}
	add("CPU", cpu(m), cpu(n))
	add("kernel", m.Kernel, n.Kernel)
	add("Go", m.GoVersion, n.GoVersion)
	add("program", a.Run.Program, b.Run.Program)
	add("CPU sets", cpuSets(s), cpuSets(t))
	add("trials", fmt.Sprint(s.Trials), fmt.Sprint(t.Trials))
	add("measured", progress(a), progress(b))
	add("workers", fmt.Sprint(s.Workers), fmt.Sprint(t.Workers))
	add("clients", fmt.Sprint(s.Connections), fmt.Sprint(t.Connections))
	add("system", m.OS, n.OS)
	add("memory", megabytes(m.MemoryBytes), megabytes(n.MemoryBytes))
	add("SMT", m.SMT, n.SMT)
	add("governor", m.Governor, n.Governor)
	add("battery", m.Battery, n.Battery)
	add("hypervisor", m.Hypervisor, n.Hypervisor)
	add("container", m.Container, n.Container)
	add("CPU quota", m.CPUQuota, n.CPUQuota)
	add("descriptors", count(m.Descriptors), count(n.Descriptors))
	for _, k := range keys(m.Sysctls, n.Sysctls) {
		add(strings.TrimPrefix(k, "net."), m.Sysctls[k], n.Sysctls[k])
	}
	for i := range a.Run.Situations {
		for j := range b.Run.Situations {
			all = append(all, loads(&a.Run.Situations[i], &b.Run.Situations[j])...)
		}
	}
	return append(all, settings(a, b)...)
}

// settings is what differs between the settings in force of rows that both runs have, in columns that both have; the
// same difference of several rows is one.
func settings(a, b *Named) (all []contrast) {
	rows := map[contrast][]string{}
	shared := func(of, with *Named) (trials []Trial) {
		for _, t := range of.Trials {
			if slices.ContainsFunc(with.Run.Situations, func(s Situation) bool { return s.Name == t.Situation }) {
				trials = append(trials, t)
			}
		}
		return trials
	}
	trialsA, trialsB := shared(a, b), shared(b, a)
	for _, row := range a.Run.Architectures {
		x, y := settingsOf(&a.Run, trialsA, row.Name), settingsOf(&b.Run, trialsB, row.Name)
		for _, k := range keys(x, y) {
			c := contrast{k, cmp.Or(values(x[k]), "n/a"), cmp.Or(values(y[k]), "n/a")}
			if len(x) == 0 || len(y) == 0 || k == "arch" || c.a == c.b {
				continue
			}
			if len(rows[c]) == 0 {
				all = append(all, c)
			}
			rows[c] = append(rows[c], row.Name)
		}
	}
	for i, c := range all {
		all[i].name = rows[c][0] + " " + c.name
		if n := len(rows[c]); n > 1 {
			all[i].name = fmt.Sprintf("%s, %d rows", c.name, n)
		}
	}
	return all
}

// loads is what differs in how one column was loaded in two runs.
func loads(a, b *Situation) (all []contrast) {
	if a.Name != b.Name {
		return nil
	}
	if !sameQuestion(a, b) {
		return []contrast{{a.Name, asked(a), asked(b)}}
	}
	add := func(name, x, y string) {
		if x != y {
			all = append(all, contrast{a.Name + " " + name, x, y})
		}
	}
	perSecond := func(v float64) string { return rateOrDash(v) + "/s" }
	add("rate", perSecond(a.Rate), perSecond(b.Rate))
	for _, row := range keys(a.OwnRates, b.OwnRates) {
		add(row, perSecond(a.OwnRates[row]), perSecond(b.OwnRates[row]))
	}
	add("window", span(a.Window), span(b.Window))
	add("warm-up", span(a.Warmup), span(b.Warmup))
	return all
}

func cpuSets(s *Setup) string {
	t := fmt.Sprintf("server %v, client %v", s.ServerCPUs, s.ClientCPUs)
	if !s.Apart {
		t += ", shared"
	}
	return t
}

// progress is empty for a complete run.
func progress(r *Named) string {
	if len(r.Trials) >= len(r.Run.Plan) {
		return "all trials"
	}
	return fmt.Sprintf("%d of %d trials", len(r.Trials), len(r.Run.Plan))
}

func megabytes(n uint64) string { return exact(math.Round(float64(n)/(1<<20))) + " MB" }

// keys are those of both maps, sorted.
func keys[V any](a, b map[string]V) []string {
	all := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
	slices.Sort(all)
	return slices.Compact(all)
}

// values are what a setting had in the trials of a row; the situations may differ in it.
func values(v []string) string { return strings.Join(slices.Sorted(slices.Values(v)), "|") }
