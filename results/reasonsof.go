package results

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The reasons that follow rest on what the record says of a row, and not on one counter alone. In a blind run the
// record's words are no reasons: they would say which row it is.

// spawning says of rows that start a process for each request how much of their CPU time that takes, where it explains
// most of what they need above the best row.
func (v *answering) spawning(best *Cell, worse []*Cell, m Metric) (all []string) {
	b := v.run.Calibration.Spawn
	if b == nil || !(0 < b.Exec && b.Exec <= b.Runtime && b.Runtime <= b.Init) || v.run.Blind {
		return nil
	}
	cpu := func(t *Trial) (float64, bool) { return t.Value(CPUPerRequest) }
	base := Summarize(best.counted(m, cpu)).Median
	for _, c := range worse {
		total := Summarize(c.counted(m, cpu)).Median
		if !spawns(c.Architecture) || !(total >= b.Init) || !(b.Init >= spawnShare*(total-base)) {
			continue
		}
		all = append(all, fmt.Sprintf("%s starts a process for each request, which alone takes %s of its %s of CPU "+
			"time: fork and exec %s, the language's runtime %s, initialising packages %s.", c.Architecture.Label,
			Duration(b.Init), Duration(total), Duration(b.Exec), Duration(b.Runtime-b.Exec),
			Duration(b.Init-b.Runtime)))
	}
	return all
}

// waiting is for how long each request of a situation sleeps, seconds; 0 where it doesn't.
func waiting(s *Situation) float64 { return timeIn(s.Path, "wait") }

// timeIn is the time that a request asks for, seconds; 0 where it asks for none.
func timeIn(path, parameter string) float64 {
	u, err := url.Parse(path)
	if err != nil {
		return 0
	}
	d, err := time.ParseDuration(u.Query().Get(parameter))
	if err != nil || d < 0 {
		return 0
	}
	return d.Seconds()
}

// oneAtATime names the rows that let others go on only when a request has waited to its end. Throughput times the time
// that each request waits is how many wait at any moment (Little 1961): in them one at most, though several clients are
// there.
func (v *answering) oneAtATime(col *Column, best *Cell, worse []*Cell) string {
	s := col.Situation
	wait := waiting(s)
	if wait == 0 || s.Connections < 2 || best.Summary.Median*wait < 2 {
		return ""
	}
	var parts []string
	for _, c := range worse {
		if n := c.Summary.Median * wait; n <= 1 && n >= littleShare && c.Summary.Biggest*wait <= 1 {
			parts = append(parts, fmt.Sprintf("%s reaches %s", c.Architecture.Label, number(c.Summary.Median, 3)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("One request at a time that waits %s makes at most %s requests/s (Little's law): %s. Whoever "+
		"waits there keeps all others waiting.", Duration(wait), exact(1/wait), enumerate(parts))
}

// blockedTogether names the rows in which others waited for nearly as long as one request blocked, where in the best
// row they did not.
func blockedTogether(col *Column, best *Cell, worse []*Cell) string {
	block := timeIn(col.Situation.Crash, "block")
	if block == 0 || best.Summary.Median >= block/2 {
		return ""
	}
	var parts []string
	for _, c := range worse {
		if c.Summary.Smallest >= littleShare*block {
			parts = append(parts, fmt.Sprintf("%s %s", c.Architecture.Label, Duration(c.Summary.Median)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("One request blocks for %s, and others wait as long for whoever serves it: %s.",
		Duration(block), enumerate(parts))
}

// places names the rows that serve fewer connections at a time than there are clients, where that is what limits them.
func (v *answering) places(col *Column, worse []*Cell) string {
	s := col.Situation
	wait := waiting(s)
	if wait == 0 || v.run.Blind {
		return ""
	}
	var parts []string
	for _, c := range worse {
		n := c.Architecture.AtOnce
		most := float64(n) / wait
		if n > 1 && n < s.Connections && c.Summary.Median >= littleShare*most && c.Summary.Biggest <= most {
			parts = append(parts, fmt.Sprintf("%s serves %d at a time, which makes at most %s, and reaches %s",
				c.Architecture.Label, n, number(most, 3), number(c.Summary.Median, 3)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Each request waits " + Duration(wait) + ": " + enumerate(parts) + " requests/s."
}

// littleCeiling says how near the best row is to what the clients allow.
func (v *answering) littleCeiling(col *Column, best *Cell) string {
	s := col.Situation
	if s.Ceiling <= 0 || best.Summary.Median < littleShare*s.Ceiling || best.Summary.Median > s.Ceiling {
		return ""
	}
	return fmt.Sprintf("%s clients that wait %s each make at most %s requests/s, whatever the server: %s reaches %s.",
		count(s.Connections), Duration(waiting(s)), exact(s.Ceiling), best.Architecture.Label,
		percent(best.Summary.Median/s.Ceiling))
}

// waitedToBeSent names the rows in which requests had to wait for a free connection before they could be sent: their
// p99 from the intended moment is significantly longer than that from the actual one, and not by the generator's lag.
func (v *answering) waitedToBeSent(worse []*Cell) string {
	var parts []string
	for _, c := range worse {
		var response, service, lag []float64
		for _, t := range c.Trials {
			r, ok := t.Value(Latency)
			s, okS := t.Load.Service.Quantile(0.99)
			l, okL := t.Load.Lag.Quantile(0.99)
			if word, _ := trialWord(t, Latency, ok); word == "" && okS && okL {
				response, service, lag = append(response, r), append(service, s), append(lag, l)
			}
		}
		if len(response) == 0 {
			continue
		}
		v := compare(response, service, 1)
		r, s := Summarize(response).Median, Summarize(service).Median
		if v.P <= Alpha && v.Ratio >= reasonFactor && Summarize(lag).Median < (r-s)/4 {
			parts = append(parts, fmt.Sprintf("%s (%s, and %s from the actual sending)", c.Architecture.Label,
				Duration(r), Duration(s)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Requests waited for a free connection, which p99 counts: " + enumerate(parts) + "."
}

// occupied names the rows that fail because silent connections take all the places that they have.
func (v *answering) occupied(col *Column, failed []*Cell) string {
	s := col.Situation
	if v.run.Blind || s.Silent == 0 {
		return ""
	}
	var parts []string
	for _, c := range failed {
		if n := c.Architecture.AtOnce; n > 0 && n <= s.Silent && c.Word == "stuck" {
			parts = append(parts, fmt.Sprintf("%s at most %d", c.Architecture.Label, n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("Connections served at a time: %s. The %s silent ones came first and keep these places.",
		enumerate(parts), count(s.Silent))
}

// oneProcess names the rows whose clients share one process, where those of a leader do not.
func oneProcess(leaders, worse []*Cell) string {
	var many, one []string
	for _, c := range leaders {
		if s := Summarize(c.counted(Harmed, processesOf)); s.N > 0 && s.Biggest > 1 {
			many = append(many, c.Architecture.Label+" "+exact(s.Biggest))
		}
	}
	for _, c := range worse {
		if s := Summarize(c.counted(Harmed, processesOf)); s.N > 0 && s.Biggest == 1 {
			one = append(one, c.Architecture.Label)
		}
	}
	if len(many) == 0 || len(one) == 0 {
		return ""
	}
	return fmt.Sprintf("One process serves all clients in %s: when it ends, all notice. Processes at a time, as far "+
		"as was seen: %s.", enumerate(one), enumerate(many))
}

// switching names the rows that certainly switch more often for a request than the best one does. The counter runs from
// the server's start on, so what its start took must come off: it is at most what the quietest trial of the row had in
// all. For the best row nothing comes off. least is what must be in use of the CPU.
func (v *answering) switching(best *Cell, worse []*Cell, m Metric, least float64) string {
	quietest := map[string]float64{}
	for i := range v.trials {
		t := &v.trials[i]
		if n := t.Server.Switches; n != nil && t.Failure == "" {
			if q, ok := quietest[t.Architecture]; !ok || float64(*n) < q {
				quietest[t.Architecture] = float64(*n)
			}
		}
	}
	f := func(t *Trial) (float64, bool) {
		n, ok := switchesEach(t)
		if !ok || t.Architecture == best.Architecture.Name {
			return n, ok
		}
		if used, ok := v.busy(t); least > 0 && (!ok || used < least) {
			return 0, false
		}
		return n - quietest[t.Architecture]/float64(t.Server.Requests), true
	}
	return moreThan("Context switches per request, starting the server left out", three, 0, best, worse, m, f)
}

// systemCalls names the rows that make more system calls for a request than the best one, by the traces of one request.
func (v *answering) systemCalls(best *Cell, worse []*Cell) string {
	base, ok := v.callsOf(best)
	if !ok {
		return ""
	}
	type named struct {
		label string
		n     int
	}
	var found []named
	for _, c := range worse {
		if n, ok := v.callsOf(c); ok && float64(n) >= reasonFactor*float64(base) {
			found = append(found, named{c.Architecture.Label, n})
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.SortStableFunc(found, func(a, b named) int { return cmp.Compare(b.n, a.n) })
	var parts []string
	for _, f := range found {
		parts = append(parts, fmt.Sprintf("%s %d", f.label, f.n))
	}
	return fmt.Sprintf("System calls of one traced request: %d in %s; more in %s.", base, best.Architecture.Label,
		enumerate(parts))
}

// callsOf counts the calls of a row's traced request on a fresh connection.
func (v *answering) callsOf(c *Cell) (n int, ok bool) {
	t, ok := v.run.Calibration.Traces[c.Architecture.Name]
	if !ok || len(t.Requests) == 0 || t.Requests[0].Kept {
		return 0, false
	}
	for _, calls := range t.Requests[0].Calls() {
		n += calls
	}
	return n, n > 0
}

// byLength orders whole numbers that are written without leading zeros.
func byLength(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// gomaxprocs says so where the rows did not run with the same number of threads that may run Go code at a time.
func (v *answering) gomaxprocs(cells []*Cell) string {
	if v.run.Blind {
		return ""
	}
	rows := map[string][]string{}
	for _, c := range cells {
		for _, t := range c.Trials {
			if n := t.Server.Settings["gomaxprocs"]; n != "" {
				rows[n] = append(rows[n], c.Architecture.Label)
				break
			}
		}
	}
	if len(rows) < 2 {
		return ""
	}
	var parts []string
	for _, n := range slices.SortedFunc(maps.Keys(rows), byLength) {
		parts = append(parts, n+" in "+enumerate(rows[n]))
	}
	return "GOMAXPROCS is not the same in all: " + strings.Join(parts, "; ") + "."
}
