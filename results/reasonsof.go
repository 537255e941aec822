package results

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// The reasons that follow rest on what the record says of a row, and not on one counter alone. In a blind run the
// record's words are no reasons: they would say which row it is.

// spawning says of rows that start a process for each request how much of their CPU time that takes, where it explains
// most of what they need above the best row.
func (v *answering) spawning(best *Cell, worse []*Cell, m Metric) (all []reason) {
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
		text := fmt.Sprintf("%s starts a process for each request, which takes %s of its %s of CPU time",
			c.Architecture.Label, Duration(b.Init), Duration(total))
		if m == CPUPerRequest { // the bill is shown once
			text += fmt.Sprintf(": fork and exec %s, the language's runtime %s, initialising packages %s",
				Duration(b.Exec), Duration(b.Runtime-b.Exec), Duration(b.Init-b.Runtime))
		}
		all = append(all, reason{text + ".", []*Cell{c}})
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
func (v *answering) oneAtATime(col *Column, best *Cell, worse []*Cell) (why reason) {
	s := col.Situation
	wait := waiting(s)
	if wait == 0 || s.Connections < 2 || best.Summary.Median*wait < 2 {
		return reason{}
	}
	var parts []string
	for _, c := range worse {
		if n := c.Summary.Median * wait; n <= 1 && n >= littleShare && c.Summary.Biggest*wait <= 1 {
			why.rows = append(why.rows, c)
			parts = append(parts, fmt.Sprintf("%s in %s", number(c.Summary.Median, 3), c.Architecture.Label))
		}
	}
	if len(parts) == 0 {
		return reason{}
	}
	why.text = fmt.Sprintf("One request at a time that waits %s makes at most %s requests/s (Little's law); "+
		"reached: %s.",
		Duration(wait), exact(1/wait), some(parts))
	return why
}

// blockedTogether names the rows in which others waited for nearly as long as one request blocked, where in the best
// row they did not.
func blockedTogether(col *Column, best *Cell, worse []*Cell) (why reason) {
	block := timeIn(col.Situation.Crash, "block")
	if block == 0 || best.Summary.Median >= block/2 {
		return reason{}
	}
	var parts []string
	for _, c := range worse {
		if c.Summary.Smallest >= littleShare*block {
			why.rows = append(why.rows, c)
			parts = append(parts, fmt.Sprintf("%s in %s", Duration(c.Summary.Median), c.Architecture.Label))
		}
	}
	if len(parts) == 0 {
		return reason{}
	}
	why.text = fmt.Sprintf("One request blocks for %s, and others wait as long for whoever serves it: %s.",
		Duration(block), some(parts))
	return why
}

// places names the rows that serve fewer connections at a time than there are clients, where that is what limits them.
func (v *answering) places(col *Column, worse []*Cell) (why reason) {
	s := col.Situation
	wait := waiting(s)
	if wait == 0 || v.run.Blind {
		return reason{}
	}
	var parts []string
	for _, c := range worse {
		n := c.Architecture.AtOnce
		most := float64(n) / wait
		if n > 1 && n < s.Connections && c.Summary.Median >= littleShare*most && c.Summary.Biggest <= most {
			why.rows = append(why.rows, c)
			parts = append(parts, fmt.Sprintf("%s serves %d at a time, which makes at most %s, and reaches %s",
				c.Architecture.Label, n, number(most, 3), number(c.Summary.Median, 3)))
		}
	}
	if len(parts) == 0 {
		return reason{}
	}
	why.text = "Each request waits " + Duration(wait) + ": " + some(parts) + " requests/s."
	return why
}

// littleCeiling says how near the best row is to what the clients allow.
func (v *answering) littleCeiling(col *Column, best *Cell) reason {
	s := col.Situation
	if s.Ceiling <= 0 || best.Summary.Median < littleShare*s.Ceiling || best.Summary.Median > s.Ceiling {
		return reason{}
	}
	text := fmt.Sprintf("%s clients that wait %s each make at most %s requests/s, whatever the server: %s reaches %s.",
		count(s.Connections), Duration(waiting(s)), exact(s.Ceiling), best.Architecture.Label,
		percent(best.Summary.Median/s.Ceiling))
	return reason{text: text}
}

// waitedToBeSent names the rows in which requests had to wait for a free connection before they could be sent: their
// p99 from the intended moment is significantly longer than that from the actual one, and not by the generator's lag.
func (v *answering) waitedToBeSent(worse []*Cell) (why reason) {
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
			why.rows = append(why.rows, c)
			parts = append(parts, fmt.Sprintf("%s (%s, and %s from the actual sending)", c.Architecture.Label,
				Duration(r), Duration(s)))
		}
	}
	if len(parts) == 0 {
		return reason{}
	}
	why.text = "Requests waited for a free connection, which p99 counts: " + some(parts) + "."
	return why
}

// occupied names the rows that fail because silent connections take all the places that they have.
func (v *answering) occupied(col *Column, failed []*Cell) (why reason) {
	s := col.Situation
	if v.run.Blind || s.Silent == 0 {
		return reason{}
	}
	var parts []string
	for _, c := range failed {
		if n := c.Architecture.AtOnce; n > 0 && n <= s.Silent && c.Word == "stuck" {
			why.rows = append(why.rows, c)
			parts = append(parts, fmt.Sprintf("%d in %s", n, c.Architecture.Label))
		}
	}
	if len(parts) == 0 {
		return reason{}
	}
	why.text = fmt.Sprintf("The %s silent clients came first and keep all the places: %s.", count(s.Silent),
		some(parts))
	return why
}

// oneProcess names the rows whose clients share one process, where those of a leader do not.
func oneProcess(leaders, worse []*Cell) (why reason) {
	var many, one []string
	for _, c := range leaders {
		if s := Summarize(c.counted(Harmed, processesOf)); s.N > 0 && s.Biggest > 1 {
			many = append(many, exact(s.Biggest)+" in "+c.Architecture.Label)
		}
	}
	for _, c := range worse {
		if s := Summarize(c.counted(Harmed, processesOf)); s.N > 0 && s.Biggest == 1 {
			why.rows = append(why.rows, c)
			one = append(one, c.Architecture.Label)
		}
	}
	if len(many) == 0 || len(one) == 0 {
		return reason{}
	}
	why.text = fmt.Sprintf("One process serves all clients in %s: when it ends, all notice. Seen at a time: %s.",
		some(one), some(many))
	return why
}

// switching names the rows that certainly switch more often for a request than the best one does. The counter runs from
// the server's start on, so what its start took must come off: it is at most what the quietest trial of the row had in
// all. For the best row nothing comes off. least is what must be in use of the CPU.
func (v *answering) switching(best *Cell, worse []*Cell, m Metric, least float64) reason {
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
	return moreThan("Context switches per request, the server's start left out", three, 0, best, worse, m,
		relative(best, m), f)
}

// systemCalls names the rows that make more system calls for a request than the best one, by the traces of one request.
func (v *answering) systemCalls(best *Cell, worse []*Cell, m Metric) (why reason) {
	base, ok := v.callsOf(best)
	if !ok {
		return reason{}
	}
	calls, far := map[*Cell]int{}, relative(best, m)
	for _, c := range worse {
		n, ok := v.callsOf(c)
		if ok && float64(n) >= reasonFactor*float64(base) && far(c, float64(n), float64(base)) {
			calls[c], why.rows = n, append(why.rows, c)
		}
	}
	if len(why.rows) == 0 {
		return reason{}
	}
	slices.SortStableFunc(why.rows, func(a, b *Cell) int { return cmp.Compare(calls[b], calls[a]) })
	var parts []string
	for _, c := range why.rows {
		parts = append(parts, fmt.Sprintf("%d in %s", calls[c], c.Architecture.Label))
	}
	why.text = fmt.Sprintf("System calls of one traced request: %d in %s; %s.", base, best.Architecture.Label,
		some(parts))
	return why
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
