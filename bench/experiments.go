//go:build linux

package bench

import (
	"slices"
	"strings"

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
	{results.Experiment{Name: StallName, Question: "one request blocks who serves it: who else has to wait?",
		Lessons: stallLessons}, (*bench).stalls},
}

// LessonsName stands for every experiment that has lessons.
const LessonsName = "lessons"

// named are the experiments that names ask for, each once.
func named(names []string) (all []string) {
	if len(names) == 0 {
		names = []string{DefaultName}
	}
	for _, name := range names {
		some := []string{name}
		if name == LessonsName {
			some = withLessons()
		}
		for _, n := range some {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// withLessons are the names of the experiments that have lessons.
func withLessons() (names []string) {
	for _, e := range experiments {
		if len(e.Lessons) > 0 {
			names = append(names, e.Name)
		}
	}
	return names
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

// Questions are what a run can be asked for, by name: single situations, which have no more than a name and a question,
// experiments, and what stands for several of them.
func Questions() (all []results.Experiment) {
	for _, s := range situations(1) {
		all = append(all, results.Experiment{Name: s.Name, Question: s.Meaning})
	}
	for _, e := range experiments {
		all = append(all, e.Experiment)
	}
	return append(all, results.Experiment{Name: LieName, Question: "what do three load generators say of one stall?"},
		results.Experiment{Name: LessonsName,
			Question: "what of the literature shows here? " + strings.Join(withLessons(), ", ") + " in one run"})
}

// Experiments lists the names of Questions.
func Experiments() (names []string) {
	for _, e := range Questions() {
		names = append(names, e.Name)
	}
	return names
}
