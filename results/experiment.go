package results

import (
	"slices"
)

// Experiment is a question that several situations answer together, each at another value of X.
type Experiment struct {
	Name     string   `json:"name"`
	Question string   `json:"question"`
	X        Axis     `json:"x"`               // what its situations differ in; without a title: nothing that could be drawn
	Shows    []Metric `json:"shows,omitempty"` // against X, the most telling one first
	Lessons  []Lesson `json:"lessons,omitempty"`
}

// Axis is what the situations of an experiment differ in.
type Axis struct {
	Title string `json:"title,omitempty"` // "time that a request blocks"
	Unit  string `json:"unit,omitempty"`  // of Situation.X: "s", "connections", "workers", ...
	Log   bool   `json:"log,omitempty"`   // its values are evenly spaced by factors
}

// Lesson is what the literature expects of an experiment.
type Lesson struct {
	Says   string `json:"says"`   // a sentence
	Source string `json:"source"` // who found it, and where
	Holds  string `json:"holds"`  // an expectation, see ParseExpectation, that is true if it does
}

// point tells a situation that is a point of a curve, of a sweep or of an experiment, and so no column of a table.
func (s *Situation) point() bool { return s.Sweep != "" || s.Phase != nil || s.onAxis() }

// onAxis tells a point of an experiment's figures.
func (s *Situation) onAxis() bool { return s.Experiment != "" && s.X != nil }

// tabled tells a situation that is a column of a table in its experiment's section: it differs from the others of the
// experiment in no number, and has no screen of its own kind.
func (s *Situation) tabled() bool {
	return s.Experiment != "" && !s.point() && s.State == "" && s.Metric == CPUPerRequest
}

// asks is the experiment of the run that a situation is part of; "" without one. Those of a sweep are made while it runs,
// and know only the sweep, which is called as its experiment is.
func (r *Run) asks(s *Situation) string {
	named := func(e Experiment) bool { return e.Name == s.Sweep }
	if s.Experiment == "" && s.Sweep != "" && slices.ContainsFunc(r.Experiments, named) {
		return s.Sweep
	}
	return s.Experiment
}

// aside tells a column that the closing table of a run leaves to the section of its experiment, since the run asks other
// questions, too.
func (r *Run) aside(s *Situation) bool {
	return s.tabled() && slices.ContainsFunc(r.Situations, func(o Situation) bool { return o.Experiment != s.Experiment })
}

// experimentsOf are the experiments of a run in the order in which they were asked for; one that only situations name is
// among them, so that no measurement is lost.
func experimentsOf(run *Run) []Experiment {
	all := slices.Clone(run.Experiments)
	for i := range run.Situations {
		s := &run.Situations[i]
		named := func(e Experiment) bool { return e.Name == s.Experiment }
		if s.Experiment != "" && !slices.ContainsFunc(all, named) {
			all = append(all, Experiment{Name: s.Experiment, Question: s.Experiment})
		}
	}
	return all
}
