package results

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// The widths of the cost table, in characters: label, a variant, and the one whose store has costs of its own.
const (
	costsWidth   = 100
	costsLabel   = 15
	costsCell    = 16
	costsOutside = 21
	costsLatency = 10 // of a cell, what shows two quantiles
)

// costsQuestion is the title of the cost table.
const costsQuestion = "WHAT DOES IT COST TO REMEMBER CLIENTS?"

// stateCost tells a situation that measures what it costs to remember clients, in one state and store.
func stateCost(s *Situation) bool { return s.State != "" && s.Fault == "" }

// Width is how many columns the screen of a run takes at most.
func Width(run Run) int {
	others := slices.ContainsFunc(run.Situations, func(s Situation) bool { return s.State == "" })
	if slices.ContainsFunc(run.Situations, func(s Situation) bool { return stateCost(&s) && (len(s.Rows) != 1 || !others) }) {
		return costsWidth
	}
	return screenWidth
}

// costs is the table of what it costs to remember clients: a column for each state and store, its variants. They are
// compared row by row, since each row has a rate of its own.
type costs struct {
	style Style
	run   *Run
	sits  []*Situation
	rows  [][]Cell // of each architecture, in the order of the variants
}

func newCosts(run *Run, trials []Trial, s Style) *costs {
	d := &costs{style: s, run: run, rows: make([][]Cell, len(run.Architectures))}
	for _, col := range Columns(run, trials) {
		if !stateCost(col.Situation) {
			continue
		}
		d.sits = append(d.sits, col.Situation)
		for i := range col.Cells {
			d.rows[i] = append(d.rows[i], col.Cells[i])
		}
	}
	for _, cells := range d.rows {
		rankVariants(cells, d.sits, run.Plan)
	}
	return d
}

// rankVariants compares the variants of one row.
func rankVariants(cells []Cell, sits []*Situation, plan []Planned) {
	var ranked []*Cell
	pending := false
	for i := range cells {
		switch c := &cells[i]; {
		case c.Verdict == Undecided:
			ranked = append(ranked, c)
		case c.Verdict == NotMeasured:
			pending = pending || planned(plan, sits[i], c.Architecture)
		}
	}
	if len(ranked) > 1 { // one alone leads nobody
		lead(ranked, CPUPerRequest, pending)
	}
}

// Costs draws what it costs to remember clients: a row for each architecture, a column for each state and store, at
// most 100 columns wide.
func Costs(w io.Writer, run Run, trials []Trial, s Style) error {
	d := newCosts(&run, trials, s)
	for _, line := range d.lines(trials) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return fmt.Errorf("draw the cost table: %w", err)
		}
	}
	return nil
}

func (d *costs) lines(trials []Trial) (lines []string) {
	put := func(code string, text ...string) {
		for _, t := range text {
			t = strings.TrimRight(clip(t, costsWidth), " ")
			lines = append(lines, d.style.paint(code, d.style.text(t)))
		}
	}
	put(bold, d.title(trials))
	put(bold, d.heads()...)
	for i := range d.rows {
		if d.tried(i) {
			lines = append(lines, d.row(i, d.costs))
		}
	}
	if clients := d.probed(); clients > 0 {
		put(bold, fmt.Sprintf("Memory of a client, and descriptors that are open when %s clients have read once:", count(clients)))
		for i := range d.rows {
			if d.tried(i) {
				lines = append(lines, d.row(i, d.held))
			}
		}
	}
	for _, note := range d.notes() {
		put("", wrap(note, costsWidth)...)
	}
	for _, found := range d.found() {
		put("", wrap(found, costsWidth)...)
	}
	put("", d.caption(trials))
	return lines
}

func (d *costs) title(trials []Trial) string {
	if n := d.planned(); len(trials) < len(d.run.Plan) {
		return fmt.Sprintf("%s   Not complete: %d of %d trials.", costsQuestion, d.measured(), n)
	}
	s := d.sits[0]
	return fmt.Sprintf("%s   %s clients on %s, reads of %s bytes.", costsQuestion, count(clientsOf(s)),
		plural(s.Connections, "connection"), count(s.Read))
}

// tried tells whether a row is part of the experiment: references are not.
func (d *costs) tried(i int) bool {
	return slices.ContainsFunc(d.sits, func(s *Situation) bool {
		return planned(d.run.Plan, s, &d.run.Architectures[i])
	})
}

// planned and measured count the trials of the table.
func (d *costs) planned() (n int) {
	for _, p := range d.run.Plan {
		if slices.ContainsFunc(d.sits, func(s *Situation) bool { return s.Name == p.Situation }) {
			n++
		}
	}
	return n
}

func (d *costs) measured() (n int) {
	for _, cells := range d.rows {
		for i := range cells {
			n += len(cells[i].Trials)
		}
	}
	return n
}

// clientsOf is how many clients have sessions.
func clientsOf(s *Situation) int {
	if s.Clients > 0 {
		return s.Clients
	}
	return s.Connections
}

// outside tells a store that is a server of its own.
func outside(s *Situation) bool { return strings.HasPrefix(s.Store, "redis") }

func cellWidth(s *Situation) int {
	if outside(s) {
		return costsOutside
	}
	return costsCell
}

// heads are the two lines above the table.
func (d *costs) heads() []string {
	const units = "CPU µs, p50/p99 ms" // longer than the labels beneath it
	first, second := left("● best or tied", costsLabel), ""
	for i, s := range d.sits {
		where := map[string]string{"memory": "memory", "shm": "shared memory"}[s.Store]
		if outside(s) {
			where = "Redis + its own"
		}
		first += right(s.State, cellWidth(s))
		if i == 0 {
			second = left(units, max(width(units)+1, costsLabel+cellWidth(s)-width(where))) + where
			continue
		}
		second += right(where, cellWidth(s))
	}
	return []string{first, second}
}

// row is one line: each cell as f draws it, at its own width, with a verdict that may be painted.
func (d *costs) row(i int, f func(c *Cell, s *Situation) (text, code string)) string {
	a := &d.run.Architectures[i]
	mark := ""
	if a.AtOnce == 1 {
		mark = "¹"
	}
	line := d.style.text(left(clip(a.Label, costsLabel-width(mark))+mark, costsLabel))
	for j := range d.rows[i] {
		text, code := f(&d.rows[i][j], d.sits[j])
		line += d.style.paint(code, d.style.text(right(text, cellWidth(d.sits[j]))))
	}
	return strings.TrimRight(line, " ")
}

// costs is a cell of the upper table: CPU time of the server, of its store where that is another one, p50 and p99.
func (d *costs) costs(c *Cell, s *Situation) (text, code string) {
	if word := d.word(c, s); word != "" {
		return word, map[bool]string{true: red}[strings.HasSuffix(word, "×")]
	}
	cpu := CPUPerRequest.figure(c.Summary.Median, 0)
	if v := c.median(storeCPU); outside(s) && !math.IsNaN(v) {
		cpu += "+" + number(v*1e6, 3)
	}
	mark := " "
	switch {
	case c.Leader():
		mark, code = "●", green
	case c.Verdict == Unranked:
		cpu = "(" + cpu + ")"
	}
	cpu += mark
	return cpu + right(p50p99(c), min(costsLatency, cellWidth(s)-1-width(cpu))), code
}

// word stands in a cell that has no figure, or none that means anything: where sessions are lost in the ordinary course
// of things, the cost of a request says nothing.
func (d *costs) word(c *Cell, s *Situation) string {
	switch share := c.lost(); {
	case share > 0:
		return fmt.Sprintf("loses %.0f %% ×", math.Max(1, 100*share))
	case c.Verdict == NotMeasured:
		return "–"
	case sameAsStateless(c, s):
		return "as stateless"
	case c.Verdict == Failed:
		return c.Word + " ×"
	case c.Summary.N == 0:
		return c.Word
	}
	return ""
}

// sameAsStateless tells a row whose processes live for one request, so that they can keep nothing for the next one.
func sameAsStateless(c *Cell, s *Situation) bool {
	return s.State == "soft" && c.Architecture.Processes == PerRequest && len(c.Trials) == 0
}

// lost is the share of its sessions that a cell's clients lost though nothing was broken: the median of the trials.
func (c *Cell) lost() float64 {
	share := c.median(func(t *Trial) (float64, bool) {
		s := t.Load.Sessions
		if s == nil || s.Opened+s.Lost == 0 {
			return 0, false
		}
		return float64(s.Lost) / float64(max(s.Opened, s.Lost)), true
	})
	if math.IsNaN(share) {
		return 0
	}
	return share
}

func storeCPU(t *Trial) (float64, bool) {
	if t.Server.StoreCPU == nil || t.Load.Requests == 0 {
		return 0, false
	}
	return *t.Server.StoreCPU / float64(t.Load.Requests), true
}

// quantile is the median of the q-quantiles of a cell's trials, of those whose response times count where there are
// any.
func (c *Cell) quantile(q float64) float64 {
	valid := c.median(func(t *Trial) (float64, bool) {
		v, ok := t.Load.Response.Quantile(q)
		return v, ok && t.Voided(Latency) == nil
	})
	if !math.IsNaN(valid) {
		return valid
	}
	return c.median(func(t *Trial) (float64, bool) { return t.Load.Response.Quantile(q) })
}

// p50p99 are two quantiles of the response time, in milliseconds, with two decimals at most.
func p50p99(c *Cell) string {
	p50, p99 := c.quantile(0.5), c.quantile(0.99)
	if math.IsNaN(p50) {
		return "n/a"
	}
	ms := func(v float64) string {
		switch {
		case math.IsNaN(v): // too few samples
			return "–"
		case v < 0.995e-3:
			return fmt.Sprintf("%.2f", v*1e3)
		}
		return number(v*1e3, 2)
	}
	return ms(p50) + "/" + ms(p99)
}

// notes are the footnotes.
func (d *costs) notes() []string {
	var parts []string
	if slices.ContainsFunc(d.run.Architectures, func(a Architecture) bool { return a.AtOnce == 1 }) {
		parts = append(parts, "¹ It serves a connection at a time, so each request has one of its own.")
	}
	if slices.ContainsFunc(d.run.Architectures, func(a Architecture) bool { return a.Processes == PerRequest }) {
		parts = append(parts, "As stateless: a process that lives for one request can keep no file open.")
	}
	if slices.ContainsFunc(d.sits, outside) {
		parts = append(parts, "With Redis: a stateless server, a stateful tier, whose own CPU and memory stand behind the +.")
	}
	if p := d.run.Calibration.Spawn; p != nil && slices.ContainsFunc(d.run.Architectures, func(a Architecture) bool {
		return spawns(&a)
	}) {
		us := func(v float64) string { return number(v*1e6, 3) }
		text := fmt.Sprintf("Of process, fork and exec take %s, Go's runtime %s, package init %s µs", us(p.Exec),
			us(p.Runtime-p.Exec), us(p.Init-p.Runtime))
		if p.Fork != nil {
			text += "; only to fork, as in C, takes " + p.fork()
		}
		parts = append(parts, text+".")
	}
	if parts = append(parts, d.heldNotes()...); len(parts) == 0 {
		return nil
	}
	return []string{strings.Join(parts, " ")}
}

// caption is the load and the number of trials.
func (d *costs) caption(trials []Trial) string {
	rates, void := []float64{}, 0
	for i, a := range d.run.Architectures {
		for j, s := range d.sits {
			if r := s.OwnRates[a.Name]; r > 0 {
				rates = append(rates, r)
			}
			if c := &d.rows[i][j]; c.Verdict != Failed && c.lost() == 0 {
				void += len(c.Void) + c.Failures
			}
		}
	}
	load := ""
	if len(rates) > 0 {
		load = fmt.Sprintf("Open loop at 60 %% of a row's slowest variant (%s/s), ",
			from(slices.Min(rates), slices.Max(rates), " to "))
	}
	seconds := 0.0
	for _, t := range trials {
		seconds += t.Seconds
	}
	text := load + plural(d.run.Setup.Trials, "trial")
	if void > 0 {
		text += fmt.Sprintf(" (%d void)", void)
	}
	return text + ", " + elapsed(seconds)
}
