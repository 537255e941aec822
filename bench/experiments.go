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
	// rows are those that it is about with so many trials, unless the user names rows; nil: the usual ones.
	rows func(trials int, usual []string) []string
}

// experiments are those that run when they are asked for by name, in the order in which they are listed. Each names
// what its situations differ in, which figures it shows, and which lessons the literature expects.
var experiments = []Experiment{
	{Experiment: results.Experiment{Name: DefaultName, Question: "which architecture is most efficient?"},
		of: (*bench).usual},
	{Experiment: aboutStates, of: (*bench).states},
	{Experiment: aboutCrashes, of: (*bench).crashes},
	{Experiment: aboutHello, of: (*bench).hellos},
	{Experiment: aboutConnections, of: (*bench).connects},
	{Experiment: aboutLoads, of: (*bench).loads, rows: loadRows},
	{Experiment: aboutOpenClosed, of: (*bench).openClosed},
	{Experiment: aboutCPU, of: (*bench).computes},
	{Experiment: aboutBlocking, of: (*bench).blocks, rows: blockingRows},
	{Experiment: aboutMixed, of: (*bench).mixes, rows: mixedRows},
	{Experiment: aboutStalls, of: (*bench).stalls},
	{Experiment: aboutIdle, of: (*bench).idles, rows: lookAt("eventloop", "threadpool", "thread")},
	{Experiment: aboutSlow, of: (*bench).slowClients},
	{Experiment: aboutBlast, of: (*bench).blasts,
		rows: lookAt("eventloop", "threadpool", "goroutine", "process")},
	{Experiment: aboutPoolSize, of: (*bench).poolSweep, rows: poolRows},
	{Experiment: aboutAccept, of: (*bench).accepts, rows: acceptRows},
	{Experiment: aboutCores, of: (*bench).cores, rows: coresRows},
	{Experiment: aboutPhase, of: (*bench).phases, rows: phaseRows},
	{Experiment: aboutLie, of: noTrials, rows: func(int, []string) []string { return []string{} }},
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
		if len(e.Lessons) > 0 || e.Name == LieName {
			names = append(names, e.Name)
		}
	}
	return names
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

// look tells whether a run is only a look at what comes out, with fewer points of each experiment.
func (b *bench) look() bool { return b.Trials < results.MinTrials }

// about are the situations of an experiment, of its own rows. Where a run has others, too, the situations name
// those that they are about.
func (b *bench) about(e Experiment) []results.Situation {
	view := *b
	view.rows = b.rowsOf(e)
	sits := e.of(&view)
	b.notes = view.notes
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
	if b.Usual == nil { // the user has named them
		return b.rows
	}
	names := e.rowNames(b.Trials, b.Usual)
	return slices.DeleteFunc(slices.Clone(b.rows), func(r results.Architecture) bool {
		return !r.Reference && !slices.Contains(names, r.Name)
	})
}

// rowNames are the rows that an experiment is about with so many trials.
func (e *Experiment) rowNames(trials int, usual []string) []string {
	if e.rows == nil {
		return usual
	}
	return e.rows(trials, usual)
}

// lookAt is for an experiment of the usual rows, of which a look needs only some.
func lookAt(some ...string) func(int, []string) []string {
	return func(trials int, usual []string) []string {
		if trials < results.MinTrials {
			return some
		}
		return usual
	}
}

// RowsOf are the rows that these experiments are about, with so many trials, where the user names none; usual are those
// of experiments that bring none.
func RowsOf(names []string, trials int, usual []string) (rows []string) {
	for _, name := range named(names) {
		some := usual
		for _, e := range experiments {
			if e.Name == name {
				some = e.rowNames(trials, usual)
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

// Questions are what a run can be asked for, by name: single situations, which have no more than a name and a question,
// experiments, and what stands for several of them.
func Questions() (all []results.Experiment) {
	for _, s := range situations(1) {
		all = append(all, results.Experiment{Name: s.Name, Question: s.Meaning})
	}
	for _, e := range experiments {
		all = append(all, e.Experiment)
	}
	return append(all, results.Experiment{Name: LessonsName,
		Question: "all experiments with lessons in one run: what of the literature shows here?"})
}

// Experiments lists the names of Questions.
func Experiments() (names []string) {
	for _, e := range Questions() {
		names = append(names, e.Name)
	}
	return names
}
