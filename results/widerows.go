package results

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// wideRow is one line of a wide table.
type wideRow struct {
	name string
	cell func(*Cell) string
}

// verdictRows are the compared figure, how sure it is, and what follows.
func verdictRows(sit *Situation) []wideRow {
	m := sit.Metric
	show := func(c *Cell, v float64) string {
		if math.IsNaN(v) {
			return "n/a"
		}
		return m.figure(v, clients(c, sit))
	}
	name := string(m)
	if u := m.unit(); u != "" {
		name += ", " + u
	}
	d := screen{}
	versus := func(f func(*Comparison) string) func(*Cell) string {
		return func(c *Cell) string {
			if c.Versus == nil {
				return ""
			}
			return f(c.Versus)
		}
	}
	return []wideRow{
		{name, func(c *Cell) string {
			t := show(c, c.Summary.Median)
			if c.Summary.N == 0 {
				return t
			}
			if t += d.noteMark(c.Architecture, sit); c.Verdict == Unranked {
				t = "(" + t + ")"
			}
			return t
		}},
		{"95 % interval of the median", func(c *Cell) string {
			if math.IsNaN(c.Summary.Lo) {
				return "n/a"
			}
			return show(c, c.Summary.Lo) + " – " + show(c, c.Summary.Hi)
		}},
		{"smallest – biggest trial", func(c *Cell) string {
			if c.Summary.N == 0 {
				return "n/a"
			}
			return show(c, c.Summary.Smallest) + " – " + show(c, c.Summary.Biggest)
		}},
		{"trials: valid of measured", func(c *Cell) string { return fmt.Sprintf("%d of %d", len(c.Values), len(c.Trials)) }},
		{"verdict", func(c *Cell) string {
			switch {
			case c.Word != "":
				return string(c.Verdict) + ": " + c.Word
			case c.Verdict == Beside:
				return "a reference: not ranked"
			case stateCost(sit) && c.Verdict == Undecided:
				return "not ranked: a rate of its own"
			}
			if c.Verdict == Tied && c.Versus.Adjusted <= Alpha {
				return fmt.Sprintf("tied: under %.0f %%", 100*Margin)
			}
			return string(c.Verdict)
		}},
		{"ratio to the best", versus(func(v *Comparison) string { return number(v.Ratio, 3) })},
		{"  median of its blocks' ratios", versus(func(v *Comparison) string { return number(v.Paired.Median, 3) })},
		{"  95 % interval, paired by block", versus(func(v *Comparison) string {
			if math.IsNaN(v.Paired.Lo) {
				return "n/a"
			}
			return number(v.Paired.Lo, 3) + " – " + number(v.Paired.Hi, 3)
		})},
		{"Cliff's delta", versus(func(v *Comparison) string { return fmt.Sprintf("%+.2f", v.Delta) })},
		{"Mann-Whitney p, Holm's", versus(func(v *Comparison) string { return fmt.Sprintf("%.3f", v.Adjusted) })},
	}
}

// controlRows are the bill of process control; nothing in a column that has none.
func controlRows(col *Column) []wideRow {
	if _, billed := col.control(); !billed {
		return nil
	}
	bills, _ := col.control()
	base := func(c *Cell) bool { i := col.baseline(); return i >= 0 && c == &col.Cells[i] }
	of := func(c *Cell) Summary {
		for i := range bills {
			if &col.Cells[i] == c {
				return bills[i]
			}
		}
		return Summarize(nil)
	}
	d := screen{}
	return []wideRow{
		{"process control, µs above iterative", func(c *Cell) string {
			if base(c) {
				return "–"
			}
			if of(c).N == 0 {
				return "n/a"
			}
			return signed(of(c).Median) + d.noteMark(c.Architecture, col.Situation)
		}},
		{"  95 % interval, paired by block", func(c *Cell) string {
			switch s := of(c); {
			case base(c):
				return "–"
			case math.IsNaN(s.Lo):
				return "n/a"
			default:
				return signed(s.Lo) + " – " + signed(s.Hi)
			}
		}},
	}
}

// measuredRows is everything else that was measured, in groups.
func measuredRows(run *Run, sit *Situation) [][]wideRow {
	plain := func(v float64) string { return number(v, 3) }
	micro := func(v float64) string { return number(v*1e6, 3) }
	mega := func(v float64) string { return number(v/(1<<20), 3) }
	percent := func(v float64) string {
		if math.IsNaN(v) {
			return "n/a"
		}
		return fmt.Sprintf("%.1f %%", 100*v)
	}
	row := func(name string, format func(float64) string, f func(*Trial) (float64, bool)) wideRow {
		return wideRow{name, func(c *Cell) string { return format(c.median(f)) }}
	}
	load := func(f func(*Load) float64) func(*Trial) (float64, bool) {
		return func(t *Trial) (float64, bool) { return f(&t.Load), true }
	}
	throughput := func(t *Trial) (float64, bool) { return t.Value(Throughput) }
	ceiling := run.Calibration.Ceiling["per-connection"]
	if sit.KeepAlive {
		ceiling = run.Calibration.Ceiling["keep-alive"]
	}
	perRequest := func(f func(*Server) *float64) func(*Trial) (float64, bool) {
		return func(t *Trial) (float64, bool) {
			v := f(&t.Server)
			if v == nil || t.Load.Requests == 0 {
				return 0, false
			}
			return *v / float64(t.Load.Requests), true
		}
	}
	served := []wideRow{
		row("offered, requests/s", rateOrDash, load(func(l *Load) float64 { return l.Rate })),
		row("throughput, requests/s", plain, throughput),
		row("share of the load generator's ceiling", percent, func(t *Trial) (float64, bool) {
			v, ok := throughput(t)
			return v / ceiling, ok && ceiling > 0
		}),
		{"errors by kind, all trials", errorKinds},
		row("clients never served", exact, load(func(l *Load) float64 { return float64(l.Unserved) })),
		row("clients harmed", exact, load(func(l *Load) float64 { return float64(l.HarmedCount) })),
		row("silent clients cut off", exact, load(func(l *Load) float64 { return float64(l.SilentClosed) })),
		row("without an answer (censored)", exact, load(func(l *Load) float64 { return float64(l.Censored) })),
		row("due but not sent at the end", exact, load(func(l *Load) float64 { return float64(l.Backlog) })),
	}
	clocks := slices.Concat(
		quantileRows("response", func(l *Load) Histogram { return l.Response }),
		quantileRows("service", func(l *Load) Histogram { return l.Service }),
		[]wideRow{row("generator's lag p99", func(v float64) string { return duration(v, 3) },
			func(t *Trial) (float64, bool) { return t.Load.Lag.Quantile(0.99) }),
			row("generator's CPU, without spin", percent, func(t *Trial) (float64, bool) {
				return (t.Load.CPU - t.Load.CPUSpin) / t.Load.Window, t.Load.Window > 0
			}),
			row("  it waited for a CPU", percent, func(t *Trial) (float64, bool) {
				waited, ok := value(t.Load.Audit.CPUWait)
				return waited / t.Load.Window, ok && t.Load.Window > 0
			})})
	used := []wideRow{
		{"CPU per request, µs", func(c *Cell) string {
			t := micro(c.median(func(t *Trial) (float64, bool) { return t.Value(CPUPerRequest) }))
			if spawns(c.Architecture) && t != "n/a" {
				t += "¹"
			}
			return t
		}},
		row("  of it user", micro, perRequest(func(s *Server) *float64 { return s.CPUUser })),
		row("  of it system", micro, perRequest(func(s *Server) *float64 { return s.CPUSystem })),
		row("context switches per request", plain, func(t *Trial) (float64, bool) {
			if t.Server.Switches == nil || t.Server.Requests == 0 {
				return 0, false
			}
			return float64(*t.Server.Switches) / float64(t.Server.Requests), true
		}),
		row("PSS at the start, MB", mega, counter(func(s *Server) *uint64 { return s.PSSStart })),
		row("PSS with the silent clients, MB", mega, counter(func(s *Server) *uint64 { return s.PSSSilent })),
		row("PSS peak, MB", mega, counter(func(s *Server) *uint64 { return s.PSSPeak })),
		row("threads", exact, func(t *Trial) (float64, bool) { return float64(t.Server.Threads), t.Server.Threads > 0 }),
		row("processes", exact, func(t *Trial) (float64, bool) {
			return float64(t.Server.Processes), t.Server.Processes > 0
		}),
		row("connections refused by the server", exact, func(t *Trial) (float64, bool) {
			return float64(t.Server.Refusals), true
		}),
		row("accept queue overflows", exact, counter(func(s *Server) *uint64 { return s.ListenOverflows })),
		row("times throttled by the CPU quota", exact, counter(func(s *Server) *uint64 { return s.Throttled })),
		row("steal, s", plain, func(t *Trial) (float64, bool) { return value(t.Server.Steal) }),
		row("some task waited for a CPU, s", plain, func(t *Trial) (float64, bool) { return value(t.Server.PSISome) }),
	}
	if sit.Metric == CPUPerRequest && sit.State == "" {
		used = slices.Insert(used, 4, wideRow{"system calls of one request", func(c *Cell) string {
			t, ok := run.Calibration.Traces[c.Architecture.Name]
			if !ok || len(t.Requests) == 0 {
				return "n/a"
			}
			return count(t.Requests[0].Total())
		}})
	}
	if slices.ContainsFunc(run.Architectures, func(a Architecture) bool { return a.Forked }) {
		forked := func(f func(*Server) uint64) func(*Trial) (float64, bool) {
			return func(t *Trial) (float64, bool) { return float64(f(&t.Server)), t.Server.Forks > 0 }
		}
		used = append(used,
			row("processes forked", exact, forked(func(s *Server) uint64 { return s.Forks })),
			row("  of them killed, for they hung", exact, forked(func(s *Server) uint64 { return s.Stuck })),
			row("spawners replaced", exact, forked(func(s *Server) uint64 { return s.Respawns })))
	}
	return [][]wideRow{served, clocks, used}
}

func value(p *float64) (float64, bool) {
	if p == nil {
		return 0, false
	}
	return *p, true
}

func counter(f func(*Server) *uint64) func(*Trial) (float64, bool) {
	return func(t *Trial) (float64, bool) {
		p := f(&t.Server)
		if p == nil {
			return 0, false
		}
		return float64(*p), true
	}
}

// rateOrDash prints an offered rate; a closed loop has none.
func rateOrDash(v float64) string {
	if v == 0 {
		return "–"
	}
	return exact(v)
}

// quantileRows are medians over the trials of each trial's own quantile: quantiles are never averaged.
func quantileRows(name string, of func(*Load) Histogram) (rows []wideRow) {
	for _, q := range quantiles {
		rows = append(rows, wideRow{name + " " + q.name, func(c *Cell) string {
			bound := ""
			v := c.median(func(t *Trial) (float64, bool) {
				if name == "response" && lowerBound(t, q.q) {
					bound = "≥"
				}
				return of(&t.Load).Quantile(q.q)
			})
			if math.IsNaN(v) {
				return "n/a"
			}
			return bound + duration(v, 3)
		}})
	}
	return append(rows, wideRow{name + " max", func(c *Cell) string {
		return duration(c.median(func(t *Trial) (float64, bool) {
			h := of(&t.Load)
			if h.Count() == 0 {
				return 0, false
			}
			return float64(h.Max()) / 1e9, true
		}), 3)
	}})
}

// quantiles are those that are printed; the maximum is printed beside them.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}

// errorKinds sums the errors of all trials of a cell, by kind, and what was shed.
func errorKinds(c *Cell) string {
	sum := map[string]uint64{}
	for _, t := range c.Trials {
		for k, n := range t.Load.Errors {
			sum[k] += n
		}
		sum["shed"] += t.Load.Shed
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(sum)) {
		if sum[k] > 0 {
			parts = append(parts, k+" "+count(sum[k]))
		}
	}
	if len(c.Trials) > 0 && len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, "\n")
}
