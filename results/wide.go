package results

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

// Wide prints everything that the closing screen leaves out: the verdict in sentences, a table for each situation, its findings, the calibration,
// the machine, the settings of each row and the order of the trials. It may be wider than 80 columns.
func Wide(w io.Writer, run Run, trials []Trial, s Style) error {
	var b bytes.Buffer
	wideAnswers(&b, &run, trials)
	for _, col := range Columns(&run, trials) {
		if !col.Situation.point() {
			wideSituation(&b, &run, &col)
		}
	}
	wideCurves(&b, &run, trials)
	wideCalibration(&b, &run, trials)
	wideIdle(&b, &run)
	wideHeld(&b, &run)
	wideMachine(&b, &run)
	wideOrder(&b, &run, trials)
	if _, err := io.WriteString(w, s.text(b.String())); err != nil {
		return fmt.Errorf("print wide tables: %w", err)
	}
	return nil
}

// wideSituation prints one situation: what was asked, a table with a column for each architecture, and the findings.
func wideSituation(b *bytes.Buffer, run *Run, col *Column) {
	sit := col.Situation
	fmt.Fprintf(b, "%s\n%s\n%s\n", strings.ToUpper(sit.Name), sit.Meaning, asked(sit))
	grid := [][][]string{{{"median of the trials"}}}
	for _, c := range col.Cells {
		grid[0][0] = append(grid[0][0], c.Architecture.Label)
	}
	groups := slices.Concat([][]wideRow{append(verdictRows(sit), controlRows(col)...)}, measuredRows(run, sit),
		[][]wideRow{fairnessRows(col)})
	for _, group := range groups {
		var rows [][]string
		for _, r := range group {
			row := []string{r.name}
			for i := range col.Cells {
				row = append(row, r.cell(&col.Cells[i]))
			}
			rows = append(rows, row)
		}
		if len(rows) > 0 {
			grid = append(grid, rows)
		}
	}
	drawGrid(b, grid)
	for i := range col.Cells {
		for _, line := range col.Cells[i].findings() {
			b.WriteString(line + "\n")
		}
	}
	b.WriteString("\n")
}

// asked is the load in one line, its arrival model named.
func asked(s *Situation) string {
	conns := "a connection per request"
	if s.KeepAlive {
		conns = "keep-alive"
	}
	t := fmt.Sprintf("%s, GET %s, %d clients, %s, window %s after %s of warm-up", modelName(s.Model, s.Rate),
		s.Path, s.Connections, conns, span(s.Window), span(s.Warmup))
	if s.Silent > 0 {
		t += fmt.Sprintf(", %s silent", count(s.Silent))
	}
	if s.Crash != "" {
		t += ", one request of " + s.Crash
	}
	if s.State != "" {
		t += fmt.Sprintf(", %d sessions of the file service, %s, %d bytes a read", s.Clients, s.State, s.Read)
	}
	if s.Fault != "" {
		t += ", the " + s.Fault + " killed once"
	}
	if s.Ceiling > 0 {
		t += fmt.Sprintf("; ceiling by Little's law %s requests/s", exact(s.Ceiling))
	}
	for _, name := range slices.Sorted(maps.Keys(s.OwnRates)) {
		t += fmt.Sprintf("; %s at its own %s/s", name, exact(s.OwnRates[name]))
		if w, longer := s.OwnWindows[name]; longer {
			t += " for " + span(w)
		}
	}
	return t
}

// modelName says which arrival model a load has.
func modelName(model string, rate float64) string {
	switch model {
	case "closed":
		return "closed loop"
	case "constant":
		if rate == 0 {
			return "open loop, constant arrivals"
		}
		return fmt.Sprintf("open loop, constant arrivals at %s/s", exact(rate))
	case "poisson":
		return fmt.Sprintf("open loop, Poisson arrivals at %s/s", exact(rate))
	case "partly":
		return fmt.Sprintf("partly open, Poisson arrivals of clients, %s requests/s", exact(rate))
	}
	return model
}

// findings are what is wrong with a cell's trials, one line for each kind, with the evidence of its first.
func (c *Cell) findings() (lines []string) {
	type group struct {
		blocks   []string
		evidence string
	}
	groups := map[string]*group{}
	add := func(t *Trial, kind, evidence string) {
		g := groups[kind]
		if g == nil {
			g = &group{evidence: evidence}
			groups[kind] = g
		}
		g.blocks = append(g.blocks, fmt.Sprint(t.Block))
	}
	for _, t := range c.Trials {
		if t.Failure != "" {
			add(t, "no figure", t.Failure)
		}
		for _, f := range t.Findings {
			kind := f.Kind
			if len(f.Voids) > 0 {
				kind += " (voids " + strings.Trim(fmt.Sprint(f.Voids), "[]") + ")"
			}
			add(t, kind, f.Evidence)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(groups)) {
		g := groups[kind]
		lines = append(lines, fmt.Sprintf("%s, %s in block %s: %s", c.Architecture.Label, kind, strings.Join(g.blocks, ", "),
			g.evidence))
	}
	return lines
}

func wideCalibration(b *bytes.Buffer, run *Run, trials []Trial) {
	b.WriteString("CALIBRATION\n")
	for _, f := range CalibrationFacts(run) {
		fmt.Fprintf(b, "%s: %s\n", f.Name, f.Value)
	}
	d := screen{run: run, trials: trials}
	d.columns = Columns(run, trials)
	for _, note := range d.notes() {
		b.WriteString(note + "\n")
	}
	b.WriteString("\n")
}

// wideIdle prints what a connection costs each row while it says nothing.
func wideIdle(b *bytes.Buffer, run *Run) {
	if len(run.Calibration.Idle) == 0 {
		return
	}
	b.WriteString("USER MEMORY PER IDLE CONNECTION (PSS of the whole process tree)\n")
	grid := [][][]string{{{"", "connections", "silent since accept", "after one request", ""}}, nil}
	size := func(v *float64) string {
		if v == nil {
			return "n/a"
		}
		return MemoryPerSilent.figure(*v, 0)
	}
	for _, a := range run.Architectures {
		idle, ok := run.Calibration.Idle[a.Name]
		if !ok {
			continue
		}
		opened, why := "", idle.Why
		if idle.Connections > 0 {
			opened = count(idle.Connections)
		}
		if idle.Used != nil && idle.Answered < idle.Connections {
			why = fmt.Sprintf("answered %s within the time", count(idle.Answered))
		}
		grid[1] = append(grid[1], []string{a.Label, opened, size(idle.Silent), size(idle.Used), why})
	}
	drawGrid(b, grid)
	b.WriteString("\n")
}

func wideMachine(b *bytes.Buffer, run *Run) {
	b.WriteString("MACHINE AND SETTINGS\n")
	for _, f := range MachineFacts(run) {
		fmt.Fprintf(b, "%-12s %s\n", f.Name, f.Value)
	}
	b.WriteString("\n")
}

// wideOrder prints the settings of each row and the order of the trials, so that the run can be repeated.
func wideOrder(b *bytes.Buffer, run *Run, trials []Trial) {
	b.WriteString("SETTINGS IN FORCE, AS EACH SERVER REPORTED THEM\n")
	if run.Blind {
		b.WriteString("kept back: they tell which row is which\n")
	}
	for _, f := range SettingFacts(run, trials) {
		fmt.Fprintf(b, "%-15s %s\n", f.Name, f.Value)
	}
	fmt.Fprintf(b, "\nORDER OF THE TRIALS (%s)\n", PlanText(run, trials))
	for start := 0; start < len(run.Plan); {
		end := start
		var cells []string
		for ; end < len(run.Plan) && run.Plan[end].Block == run.Plan[start].Block; end++ {
			cells = append(cells, run.Plan[end].Situation+"/"+run.Plan[end].Architecture)
		}
		for _, l := range wrap(fmt.Sprintf("block %d: %s", run.Plan[start].Block, strings.Join(cells, " ")), 120) {
			b.WriteString(l + "\n")
		}
		start = end
	}
}

// median is the median of what f gives for a cell's trials, NaN where it gives nothing.
func (c *Cell) median(f func(*Trial) (float64, bool)) float64 {
	var values []float64
	for _, t := range c.Trials {
		if v, ok := f(t); ok && t.Failure == "" && !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return Summarize(values).Median
}
