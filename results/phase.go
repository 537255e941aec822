package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"serverlab/results/plot"
)

// PhaseName is the experiment whose situations have a PhasePoint.
const PhaseName = "phase"

// PhasePoint is where a situation lies on the map of service time and blocking; its number of clients is Connections.
type PhasePoint struct {
	Service  float64 `json:"service"`  // seconds that a request takes by itself
	Blocking float64 `json:"blocking"` // share of it, 0 to 1, in which it blocks who serves it; the rest computes
}

// Phase is a map for one number of clients: which row answers the most where. Shares rise from row to row, service times
// from column to column.
type Phase struct {
	Clients  int
	Blocking []float64
	Services []float64
	Cells    [][]PhaseCell // [share][service]
}

// PhaseCell is one place of a map.
type PhaseCell struct {
	Measured bool // at least one row has a figure
	Winner   int  // the row of the run that is better than all others; -1: there is no measurable difference
	// Indicative says that too few trials were made for a test: none of the winner's is below any of another row's.
	Indicative bool
	Second     int     // the best of the others; -1: there is none that counts
	Lead       float64 // the winner's median over that of the second; NaN without one
}

// Phases draws the maps of a run from its trials, by rising numbers of clients; nil where it has none.
func Phases(run *Run, trials []Trial) (all []Phase) {
	var columns []Column
	for _, col := range Columns(run, trials) {
		if col.Situation.Phase != nil {
			columns = append(columns, col)
		}
	}
	for _, clients := range valuesOf(columns, func(s *Situation) int { return s.Connections }) {
		p := Phase{Clients: clients,
			Blocking: valuesOf(columns, func(s *Situation) float64 { return s.Phase.Blocking }),
			Services: valuesOf(columns, func(s *Situation) float64 { return s.Phase.Service })}
		for _, share := range p.Blocking {
			line := make([]PhaseCell, len(p.Services))
			for i, service := range p.Services {
				line[i] = PhaseCell{Winner: -1, Second: -1, Lead: math.NaN()}
				for k := range columns {
					if s := columns[k].Situation; s.Connections == clients && *s.Phase == (PhasePoint{service, share}) {
						line[i] = columns[k].winner()
					}
				}
			}
			p.Cells = append(p.Cells, line)
		}
		all = append(all, p)
	}
	return all
}

// mapPlaces is how many places the maps of situations have, see Phases.
func mapPlaces(all []Situation) int {
	clients, shares, services := map[int]bool{}, map[float64]bool{}, map[float64]bool{}
	for i := range all {
		if p := all[i].Phase; p != nil {
			clients[all[i].Connections], shares[p.Blocking], services[p.Service] = true, true, true
		}
	}
	return len(clients) * len(shares) * len(services)
}

// valuesOf lists in rising order what f gives for columns, each once.
func valuesOf[T cmp.Ordered](columns []Column, f func(*Situation) T) (all []T) {
	for i := range columns {
		all = append(all, f(columns[i].Situation))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// winner is the row that is better than every other one that has a figure; a row that failed is beaten by all. A pending
// trial could change that, so there is no winner before all have run.
func (col *Column) winner() PhaseCell {
	p := PhaseCell{Winner: -1, Second: -1, Lead: math.NaN()}
	m := col.Situation.Metric
	var ranked []int
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.Architecture.Reference || c.Verdict == Failed || len(c.Values) == 0 {
			continue
		}
		ranked = append(ranked, i)
	}
	slices.SortStableFunc(ranked, func(a, b int) int {
		order := cmp.Compare(col.Cells[a].Summary.Median, col.Cells[b].Summary.Median)
		if m.HigherIsBetter() {
			return -order
		}
		return order
	})
	if len(ranked) == 0 {
		return p
	}
	p.Measured = true
	if len(ranked) < 2 {
		return p
	}
	best := &col.Cells[ranked[0]]
	p.Second = ranked[1]
	p.Lead = ratioOf(best.Summary.Median, col.Cells[ranked[1]].Summary.Median)
	for _, i := range ranked[1:] {
		c := &col.Cells[i]
		switch few := len(c.Values) < MinTrials || len(best.Values) < MinTrials; {
		case !few && c.Verdict != Worse, few && !apart(best, c, m):
			return p
		case few:
			p.Indicative = true
		}
	}
	p.Winner = ranked[0]
	return p
}

// apart tells whether each figure of a is better than every figure of b, and the medians differ by more than Margin.
func apart(a, b *Cell, m Metric) bool {
	if math.Abs(ratioOf(a.Summary.Median, b.Summary.Median)-1) < Margin {
		return false
	}
	if m.HigherIsBetter() {
		return a.Summary.Smallest > b.Summary.Biggest
	}
	return a.Summary.Biggest < b.Summary.Smallest
}

// service and share print the axes.
func (p *Phase) service(i int) string { return duration(p.Services[i], 2) }
func (p *Phase) share(i int) string   { return exact(math.Round(100*p.Blocking[i])) + " %" }

// phasePictures are the maps as charts.
func phasePictures(run *Run, trials []Trial) (all []Picture) {
	maps := Phases(run, trials)
	for _, p := range maps {
		m := &plot.Map{Head: plot.Head{Title: "Who answers the most: " + plural(p.Clients, "client"),
			Note: "closed loop, a connection per request; grey: no measurable difference",
			Desc: "Each cell has the letter of the row that answers more requests than every other one.",
			Of:   "architecture"},
			Across: "service time of a request", Up: "share of it that blocks"}
		for i := range p.Services {
			m.Columns = append(m.Columns, p.service(i))
		}
		key := map[int]int{-1: -1} // of a row; only what wins somewhere has one
		for i, a := range run.Architectures {
			if key[i] = -1; wins(maps, i) {
				key[i] = len(m.Keys)
				m.Keys = append(m.Keys, plot.MapKey{Letter: letter(i), Name: a.Label, Style: i})
			}
		}
		indicative := false
		for i, line := range p.Cells {
			m.Rows = append(m.Rows, p.share(i))
			var cells []plot.MapCell
			for _, c := range line {
				cells = append(cells, plot.MapCell{Known: c.Measured, Key: key[c.Winner], Note: c.note(run)})
				indicative = indicative || c.Indicative
			}
			m.Cells = append(m.Cells, cells)
		}
		if indicative {
			m.Note += "; indicative: too few trials for a test"
		}
		all = append(all, Picture{Name: fmt.Sprintf("phase-%d", p.Clients), About: AboutExperiment, Chart: m,
			Look: "Where is a border, and what happens there? Grey is an answer, too: choose by something else."})
	}
	return all
}

// note says how far ahead a winner is.
func (c *PhaseCell) note(run *Run) string {
	switch {
	case !c.Measured:
		return "not measured"
	case c.Winner < 0:
		return "no measurable difference"
	case c.Second >= 0 && !math.IsNaN(c.Lead):
		return number(c.Lead, 3) + " times " + run.Architectures[c.Second].Label
	}
	return "all others failed"
}

// phaseLines are the maps as letters for a screen; none where the run has none.
func phaseLines(run *Run, trials []Trial) (lines []string) {
	const first, cell = 10, 8
	maps, indicative := Phases(run, trials), false
	for i := range maps {
		p := &maps[i]
		most := min(len(p.Services), (screenWidth-first)/cell)
		head := left("blocking", first)
		for k := range most {
			head += right(clip(p.service(k), cell-1), cell)
		}
		lines = append(lines, plural(p.Clients, "client")+", service time of a request →", head)
		for k := len(p.Blocking) - 1; k >= 0; k-- {
			line := left(p.share(k), first)
			for _, c := range p.Cells[k][:most] {
				indicative = indicative || c.Indicative
				line += right(c.mark(), cell)
			}
			lines = append(lines, line)
		}
	}
	if len(maps) == 0 {
		return nil
	}
	keys := []string{"= no measurable difference", "· no figure that counts"}
	for i := range run.Architectures {
		if wins(maps, i) {
			keys = append(keys, letter(i)+" "+run.Architectures[i].Label)
		}
	}
	lines = append(lines, wrap(strings.Join(keys, ", "), screenWidth)...)
	if indicative {
		lines = append(lines, fmt.Sprintf(
			"Indicative: a test needs %d trials; here all of the winner's are better.", MinTrials))
	}
	return lines
}

// wins tells whether a row wins anywhere on the maps.
func wins(maps []Phase, row int) bool {
	for _, p := range maps {
		for _, line := range p.Cells {
			if slices.ContainsFunc(line, func(c PhaseCell) bool { return c.Measured && c.Winner == row }) {
				return true
			}
		}
	}
	return false
}

func (c *PhaseCell) mark() string {
	switch {
	case !c.Measured:
		return "·"
	case c.Winner < 0:
		return "="
	}
	return letter(c.Winner)
}
