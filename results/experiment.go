package results

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
