package results

import (
	"math"
	"slices"
	"strings"

	"serverlab/results/plot"
)

// bars draws the medians of a column, with the ceiling that no server can pass.
func (col *Column) bars() Picture {
	m := col.Situation.Metric
	p := Picture{Name: col.Situation.Name}
	title := col.Situation.Title
	switch m {
	case Throughput:
		p.About, title = AboutThroughput, "Throughput"
		p.Look = "The ceiling is clients divided by the time that each request waits, and no server can pass it. " +
			"A row that comes near it lets others go on while one request waits; a row far below it waits with " +
			"the request."
	case MemoryPerSilent:
		p.About, title = AboutMemory, "Memory of a silent client"
		p.Look = "What must a server keep for somebody who says nothing? It is little where one loop keeps a " +
			"list, and more where each client has a stack of its own; a row that is stuck has no figure, since " +
			"it serves nobody else."
	case Harmed:
		p.About, title = AboutFaults, "Clients harmed: "+title
		p.Look = "One bar of all clients and one of a single client is the difference between one process and " +
			"many: memory that is shared is lost together."
	case Stall:
		p.About, title = AboutFaults, "How long the others waited for one that blocks"
		p.Look = "One request blocks whoever serves it. Where a bar is as long as that, somebody else was queued " +
			"behind it; where it is short, another worker took over. How many such requests at once would stop " +
			"that row, too?"
	}
	b := &plot.Bars{Head: col.head(title, medians), Axis: m.axis(), Parts: []string{m.axis().Title}}
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.absent() {
			continue
		}
		v, interval := c.drawn()
		b.Rows = append(b.Rows, plot.BarRow{Name: c.Architecture.Label, Style: i, Values: []float64{v},
			Intervals: []*plot.Interval{interval}, Notes: []string{c.note()}, N: []int{c.Summary.N}})
	}
	if ceiling := col.Situation.Ceiling; ceiling > 0 && m == Throughput {
		b.Moments = []plot.Moment{{At: ceiling, Label: "ceiling " + number(ceiling, 3)}}
	}
	if m != Harmed { // of few clients, all of whom can be seen
		b.Cut = cutOf(b.Rows, longest)
	}
	p.Chart = b
	return p
}

// cutOf is where the bars of the longest row are cut so that the others can be seen: when it has more than four times
// what any other has.
func cutOf(rows []plot.BarRow, length func(plot.BarRow) float64) float64 {
	var lengths []float64
	for _, r := range rows {
		if v := length(r); !math.IsNaN(v) {
			lengths = append(lengths, v)
		}
	}
	slices.Sort(lengths)
	if n := len(lengths); n > 1 && lengths[n-1] > 4*lengths[n-2] && lengths[n-2] > 0 {
		return 1.4 * lengths[n-2]
	}
	return 0
}

// total and longest are the lengths of a row whose bars are stacked, and side by side.
func total(r plot.BarRow) (sum float64) {
	for _, v := range r.Values {
		sum += v
	}
	return sum
}

func longest(r plot.BarRow) float64 {
	most := math.NaN()
	for _, v := range r.Values {
		if math.IsNaN(most) || v > most {
			most = v
		}
	}
	return most
}

// cpuBars splits the median CPU time per request by the median share that was the program's own.
func (col *Column) cpuBars() Picture {
	b := &plot.Bars{Head: col.head("CPU time per request: in the program, and in the kernel for it", medians),
		Axis: CPUPerRequest.axis(), Parts: []string{"user", "system"}, Stacked: true}
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.absent() {
			continue
		}
		v, interval := c.drawn()
		share := Summarize(c.userShares()).Median
		row := plot.BarRow{Name: c.Architecture.Label, Style: i, Values: []float64{v * share, v * (1 - share)},
			Intervals: []*plot.Interval{interval}, Notes: []string{c.note()}, N: []int{c.Summary.N}}
		if math.IsNaN(share) && !math.IsNaN(v) {
			row.Notes, row.Intervals = []string{number(v*1e6, 3) + ", split unknown " + c.note()}, nil
		}
		b.Rows = append(b.Rows, row)
	}
	b.Cut = cutOf(b.Rows, total)
	return Picture{Name: col.Situation.Name + "-cpu", About: AboutCost, Chart: b,
		Look: "All rows run the same handler and the same parser, so what a row has more than the cheapest one " +
			"is its way of calling them. Is the difference in the program, or in the kernel that switches, " +
			"starts and wakes for it?"}
}

// statesBars sets the variants of the file service side by side, row by row.
func statesBars(columns []Column) Picture {
	b := &plot.Bars{Head: columns[0].head("CPU time per read, by what the server remembers", medians),
		Axis: CPUPerRequest.axis()}
	b.Axis.Title = "CPU time per read"
	b.Note = strings.TrimPrefix(b.Note, columns[0].Situation.Name+": ")
	b.Desc = "Each row has a rate of its own, so bars of one row can be compared, and rows can't."
	for _, col := range columns {
		name := col.Situation.State
		if col.Situation.Store != "" {
			name += ", " + col.Situation.Store
		}
		b.Parts = append(b.Parts, name)
	}
	for i := range columns[0].Cells {
		row, measured := plot.BarRow{Name: columns[0].Cells[i].Architecture.Label, Style: i}, false
		for _, col := range columns {
			c := &col.Cells[i]
			v, interval := c.drawn()
			row.Values, row.Intervals = append(row.Values, v), append(row.Intervals, interval)
			row.Notes, row.N = append(row.Notes, c.note()), append(row.N, c.Summary.N)
			measured = measured || !c.absent()
		}
		if measured {
			b.Rows = append(b.Rows, row)
		}
	}
	b.Cut = cutOf(b.Rows, longest)
	return Picture{Name: "states-cpu", About: AboutState, Chart: b,
		Look: "Compare the bars of one row: what does it save to find a file open already? Do the intervals " +
			"overlap? Then the state is kept for another reason than speed."}
}

// userShares are the shares of CPU time in user mode of the trials that the cell's median is of.
func (c *Cell) userShares() (shares []float64) {
	for _, t := range c.Trials {
		s := &t.Server
		_, ok := t.Value(CPUPerRequest)
		counts := t.Voided(CPUPerRequest) == nil || len(c.Values) == 0
		if ok && counts && s.CPUUser != nil && s.CPUSystem != nil && *s.CPUUser+*s.CPUSystem > 0 {
			shares = append(shares, *s.CPUUser/(*s.CPUUser+*s.CPUSystem))
		}
	}
	return shares
}
