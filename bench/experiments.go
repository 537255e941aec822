//go:build linux

package bench

import (
	"slices"

	"serverlab/results"
)

// Experiment is a question of the lecture, and the trials that answer it.
type Experiment struct {
	results.Experiment
	of func(*bench) []results.Situation // never nil, in the order of X
}

// experiments are those that run when they are asked for by name, in the order in which they are listed. Each names what
// its situations differ in, which figures it shows, and which lessons the literature expects.
var experiments = []Experiment{
	{results.Experiment{Name: DefaultName, Question: "which architecture is most efficient?"}, (*bench).usual},
	{results.Experiment{Name: StateName, Question: "what does it cost to remember clients?"}, (*bench).states},
	{results.Experiment{Name: CrashName, Question: "what does a crash lose, and for how long?"}, (*bench).crashes},
	{results.Experiment{Name: LoadName, Question: "how much can each hold, up to the knee and past it?"}, (*bench).loads},
	{results.Experiment{Name: StallName, Question: "one request blocks who serves it: who else has to wait?"},
		(*bench).stalls},
	{poolSize, (*bench).poolSweep},
	{acceptWays, (*bench).accepts},
	{onCores, (*bench).cores},
	{onProcs, (*bench).procs},
	{phaseMap, (*bench).phases},
}

// experiment is what a name stands for; nil: nothing.
func (b *bench) experiment(name string) []results.Situation {
	if i := slices.IndexFunc(experiments, func(e Experiment) bool { return e.Name == name }); i >= 0 {
		sits := experiments[i].of(b)
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
