//go:build linux

package bench

import (
	"slices"

	"serverlab/results"
)

// Experiment is a question of the lecture, and the trials that answer it.
type Experiment struct {
	results.Experiment
	of   func(*bench) []results.Situation // never nil, in the order of X
	rows func(trials int) []string        // that it is about, unless the user names rows; nil: the usual ones
}

// experiments are those that run when they are asked for by name, in the order in which they are listed. Each names what
// its situations differ in, which figures it shows, and which lessons the literature expects.
var experiments = []Experiment{
	{results.Experiment{Name: DefaultName, Question: "which architecture is most efficient?"}, (*bench).usual, nil},
	{results.Experiment{Name: StateName, Question: "what does it cost to remember clients?"}, (*bench).states, nil},
	{results.Experiment{Name: CrashName, Question: "what does a crash lose, and for how long?"}, (*bench).crashes, nil},
	{results.Experiment{Name: LoadName, Question: "how much can each hold, up to the knee and past it?"}, (*bench).loads, nil},
	{results.Experiment{Name: StallName, Question: "one request blocks who serves it: who else has to wait?"},
		(*bench).stalls, nil},
	{poolSize, (*bench).poolSweep, poolRows},
	{acceptWays, (*bench).accepts, acceptRows},
	{onCores, (*bench).cores, coresRows},
	{onProcs, (*bench).procs, procsRows},
	{phaseMap, (*bench).phases, phaseRows},
}

// experiment is what a name stands for; nil: nothing.
func (b *bench) experiment(name string) []results.Situation {
	if i := slices.IndexFunc(experiments, func(e Experiment) bool { return e.Name == name }); i >= 0 {
		sits := b.about(experiments[i])
		if name != DefaultName {
			b.asked = append(b.asked, experiments[i].Experiment)
			for k := range sits {
				sits[k].Experiment = name
			}
		}
		return sits
	}
	for _, s := range situations(b.Connections) {
		if s.Name == name {
			return []results.Situation{s}
		}
	}
	return nil
}

// about are the situations of an experiment, of its own rows. Where a run has others, too, the situations name those that
// they are about.
func (b *bench) about(e Experiment) []results.Situation {
	view := *b
	view.rows = b.rowsOf(e)
	sits := e.of(&view)
	if len(view.rows) == len(b.rows) {
		return sits
	}
	names := []string{}
	for _, r := range view.rows {
		names = append(names, r.Name)
	}
	for i := range sits {
		if sits[i].Rows == nil {
			sits[i].Rows = names
		}
	}
	return sits
}

// rowsOf are the rows that an experiment is about; references are part of every one.
func (b *bench) rowsOf(e Experiment) []results.Architecture {
	names := b.Usual
	switch {
	case names == nil: // the user has named them
		return b.rows
	case e.rows != nil:
		names = e.rows(b.Trials)
	}
	return slices.DeleteFunc(slices.Clone(b.rows), func(r results.Architecture) bool {
		return !r.Reference && !slices.Contains(names, r.Name)
	})
}

// RowsOf are the rows that these experiments are about, with so many trials, where the user names none; usual are those
// of experiments that bring none.
func RowsOf(names []string, trials int, usual []string) (rows []string) {
	for _, name := range names {
		some := usual
		for _, e := range experiments {
			if e.Name == name && e.rows != nil {
				some = e.rows(trials)
			}
		}
		for _, row := range some {
			if !slices.Contains(rows, row) {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == 0 {
		return usual
	}
	return rows
}

// Experiments lists the names that a run can be asked for.
func Experiments() (names []string) {
	for _, s := range situations(1) {
		names = append(names, s.Name)
	}
	for _, e := range experiments {
		names = append(names, e.Name)
	}
	return append(names, LieName)
}
