package results

import "slices"

// The verdicts of a trial, from good to bad.
const (
	TrialValid  = "valid"
	TrialNoted  = "noted"  // its figure counts; there is something to know about it
	TrialVoid   = "void"   // instrument or machine were not themselves: its figure is not ranked
	TrialFailed = "failed" // the server was at fault
)

// TrialVerdicts are all verdicts of a trial, from good to bad.
var TrialVerdicts = []string{TrialValid, TrialNoted, TrialVoid, TrialFailed}

// TrialLine is a trial in a list: its place, its figure, and the verdict with its reasons.
type TrialLine struct {
	Trial     *Trial
	Situation int // its place in Run.Situations; -1: there is no such situation
	Row       int // its place in Run.Architectures; -1: there is no such row
	Label     string
	Figure    string // of its situation's metric, with the unit
	Verdict   string // one of TrialVerdicts
	Reasons   []string
}

// TrialList lists the trials in the order in which they are given.
func TrialList(run *Run, trials []Trial) (lines []TrialLine) {
	for i := range trials {
		t := &trials[i]
		l := TrialLine{Trial: t, Label: t.Architecture, Figure: "n/a", Verdict: TrialValid}
		l.Situation = slices.IndexFunc(run.Situations, func(s Situation) bool { return s.Name == t.Situation })
		l.Row = slices.IndexFunc(run.Architectures, func(a Architecture) bool { return a.Name == t.Architecture })
		if l.Row >= 0 {
			l.Label = run.Architectures[l.Row].Label
		}
		if l.Situation >= 0 {
			l.judge(&run.Situations[l.Situation])
		}
		if t.Failure != "" {
			l.Reasons = append(l.Reasons, "no figure: "+t.Failure)
		}
		for _, f := range t.Findings {
			l.Reasons = append(l.Reasons, f.Kind+": "+f.Evidence)
		}
		if len(l.Reasons) > 0 && l.Verdict == TrialValid {
			l.Verdict = TrialNoted
		}
		lines = append(lines, l)
	}
	return lines
}

func (l *TrialLine) judge(s *Situation) {
	v, ok := l.Trial.Value(s.Metric)
	if ok {
		busy := l.Trial.Load.Connections
		if l.Figure = s.Metric.figure(v, busy); s.Metric == CPUPerRequest || s.Metric == Throughput {
			l.Figure += " " + s.Metric.unit()
		}
	}
	switch word, failed := trialWord(l.Trial, s.Metric, ok); {
	case failed:
		l.Verdict = TrialFailed
	case word != "":
		l.Verdict = TrialVoid
	}
}
