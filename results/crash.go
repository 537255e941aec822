package results

import (
	"math"
	"slices"
)

// wrongKinds are the kinds of error that are a wrong answer and not a missing one.
var wrongKinds = []string{"status", "length", "body", "malformed", "cookie", "position"}

// wrongAnswers counts the answers of a load that were wrong.
func (l *Load) wrongAnswers() (n uint64) {
	for _, k := range wrongKinds {
		n += l.Errors[k]
	}
	return n
}

// Faults tells whether a run tried the crash experiment, so that Crash has something to show, and whether it tried
// nothing else. A crash of one row with the usual stores only closes the screen of a run.
func Faults(run Run) (some, all bool) {
	faults := 0
	for _, s := range run.Situations {
		if s.Fault != "" {
			faults++
			some = some || len(s.Rows) != 1 || s.Store != "" || s.Fault != "server"
		}
	}
	all = faults > 0 && faults == len(run.Situations)
	return some || all, all
}

// crashCell is what a fault did to one row, over its trials.
type crashCell struct {
	arch   *Architecture
	trials []*Trial // that count
	failed int      // trials without a figure, or with a voided one
	why    string   // of one of them
	shaken int      // of trials: the load generator or the machine was not itself, which shows in times

	requests, wrong uint64    // of all trials, those that don't count too
	errors, lost    []float64 // of each trial
	first           []float64 // seconds until the first right answer; +Inf: none came
	rate            []float64 // seconds until the previous throughput; where it did not come back, the time watched
	notBack         int       // of rate
	restart, lived  []float64
	stray           uint64 // requests that workers answered after the death of their server
	orphans         int
}

// crashGroup is one situation with the cells of its rows.
type crashGroup struct {
	situation *Situation
	cells     []crashCell
	missing   []*Architecture // rows of which it can't be: they live for one request and keep no soft state
}

// crashGroups sorts the trials with a fault into cells, in the order of the run.
func crashGroups(run *Run, trials []Trial) (groups []crashGroup) {
	for i := range run.Situations {
		s := &run.Situations[i]
		if s.Metric != Outage {
			continue
		}
		g := crashGroup{situation: s}
		for j := range run.Architectures {
			a := &run.Architectures[j]
			switch {
			case planned(run.Plan, s, a):
				c := crashCell{arch: a}
				for k := range trials {
					if trials[k].Situation == s.Name && trials[k].Architecture == a.Name {
						c.add(&trials[k])
					}
				}
				g.cells = append(g.cells, c)
			case s.State == "soft" && s.Fault == "server" && a.Processes == PerRequest:
				g.missing = append(g.missing, a)
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// add takes a trial in. Wrong answers are counted whatever else is wrong with it.
func (c *crashCell) add(t *Trial) {
	l := &t.Load
	c.requests, c.wrong = c.requests+l.Requests, c.wrong+l.wrongAnswers()
	if why := noOutage(t); why != "" {
		c.failed, c.why = c.failed+1, why
		return
	}
	c.trials = append(c.trials, t)
	if slices.ContainsFunc(t.Findings, func(f Finding) bool { return f.Kind == "disturbed" && len(f.Voids) > 0 }) {
		c.shaken++
	}
	c.errors, c.lost = append(c.errors, float64(l.Fault.Failed)), append(c.lost, float64(l.Sessions.Lost))
	first := math.Inf(1)
	if l.Fault.First != nil {
		first = *l.Fault.First - l.Fault.Begun
	}
	c.first = append(c.first, first)
	if after, ok, told := recovered(l); told {
		c.rate = append(c.rate, after)
		if !ok {
			c.notBack++
		}
	}
	if l.Fault.Restart != nil {
		c.restart = append(c.restart, *l.Fault.Restart)
	}
	c.lived = append(c.lived, l.Fault.Lived)
	c.stray, c.orphans = c.stray+l.Fault.Stray, c.orphans+l.Fault.Orphans
}

// noOutage says why a trial tells nothing of a fault; "": it does.
func noOutage(t *Trial) string {
	none, void := NoFault(&t.Load), t.Voided(Outage)
	switch {
	case t.Failure != "":
		return t.Failure
	case void != nil:
		return void.Kind
	case none != nil:
		return none.Kind
	case t.Load.Sessions == nil:
		return "no sessions"
	}
	return ""
}

// shown is the trial whose first right answer came at the median time: its time line stands for all.
func (c *crashCell) shown() *Load {
	if len(c.trials) == 0 {
		return nil
	}
	order := slices.Clone(c.first)
	slices.Sort(order)
	return &c.trials[slices.Index(c.first, order[(len(order)-1)/2])].Load
}

// medianOf is the median of values; ok is false without any.
func medianOf(values []float64) (v float64, ok bool) {
	if len(values) == 0 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(values))
	return middle(sorted), true
}

// name says what a group is about: what the server remembers, where, and what was killed.
func (g *crashGroup) name() string {
	s := g.situation
	text := map[string]string{"stateless": "STATELESS", "soft": "SOFT STATE", "stateful": "STATEFUL"}[s.State]
	switch {
	case s.Store == "memory":
		text += ", sessions in the memory of each process"
	case s.Store == "redis":
		text = "STATELESS SERVER, STATEFUL TIER (Redis)"
	case s.State == "stateful":
		text += ", sessions in memory (shared by processes)"
	}
	return text + ": " + map[string]string{"server": "the server is killed", "worker": "one worker is killed",
		"store": "the Redis is killed"}[s.Fault]
}

// is tells whether a group is about this state, store and fault.
func (g *crashGroup) is(state, store, fault string) bool {
	s := g.situation
	return s.State == state && s.Store == store && s.Fault == fault
}
