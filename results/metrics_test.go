package results

import (
	"strings"
	"testing"
)

// TestEveryMetricIsComplete goes through all metrics, so that a new one is not forgotten where others have a name, a unit,
// an axis, a question, a word of the glossary, a function of --expect or a unit for benchstat.
func TestEveryMetricIsComplete(t *testing.T) {
	terms := map[Metric]string{CPUPerRequest: "CPU per request", Throughput: "throughput", MemoryPerSilent: "PSS",
		Harmed: "harmed", Latency: "response time", Goodput: "goodput", Stall: "stall", Outage: "outage", Balance: "fairness"}
	questions, axes, names := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, m := range Everything {
		if q := m.asks(); q == "" || questions[q] {
			t.Errorf("%s asks %q", m, q)
		} else {
			questions[q] = true
		}
		if a := m.axis().Title; a == "" || axes[a] {
			t.Errorf("%s has the axis %q", m, a)
		} else {
			axes[a] = true
		}
		if name, factor := plainUnit(m); name == string(m) || names[name] || factor <= 0 {
			t.Errorf("%s is called %q in a comparison, times %v", m, name, factor)
		} else {
			names[name] = true
		}
		if _, err := Explain(terms[m]); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		function, measured := false, false
		for i := range expMetrics {
			function = function || expMetrics[i].about == m && !expMetrics[i].beside
		}
		for i := range measures {
			measured = measured || measures[i].metric == m
			if better := measures[i].better == "higher"; measures[i].metric == m && better != m.HigherIsBetter() {
				t.Errorf("%s: benchstat is told that %s is better", m, measures[i].better)
			}
		}
		if !function || !measured {
			t.Errorf("%s: a function of --expect %t, a unit for benchstat %t", m, function, measured)
		}
		if text := m.figure(0.25, 64) + m.unit(); !strings.ContainsAny(text, "µKof/ms") {
			t.Errorf("%s: a figure without a unit: %q", m, text)
		}
	}
	if len(terms) != len(Everything) {
		t.Errorf("%d metrics, %d terms", len(Everything), len(terms))
	}
}

// TestExpectationsOfEveryExperiment asks of a rising load, a stall and crashes what a homework would.
func TestExpectationsOfEveryExperiment(t *testing.T) {
	loads, loadTrials := sweepFixture(6)
	stall, stallTrials := stallFixture()
	crash, crashTrials := sixCrashes()
	for _, c := range []struct {
		run    *Run
		trials []Trial
		line   string
		truth  Truth
		why    string // a part of it
	}{
		{&loads, loadTrials, "peak(eventloop) > 1.1*peak(threadpool)", Holds, "ratio"},
		{&loads, loadTrials, "peak(process, load) > 500/s", Refuted, "6 blocks"},
		{&loads, loadTrials, "best(peak) == peak(iterative)", Holds, "best(peak) is iterative"},
		{&loads, loadTrials, "knee(threadpool) == 6300/s", Holds, "6 blocks"},
		{&loads, loadTrials, "past(threadpool) >= 90%", Holds, "6 blocks"},
		{&loads, loadTrials, "past(iterative) >= 90%", CannotTell, "it held all that was offered"},
		{&loads, loadTrials, "goodput(threadpool, load-5000) >= 4900", Holds, ""},
		{&loads, loadTrials, "p99(threadpool, load-5000) < p99(threadpool, load-8000)", Holds, ""},
		{&loads, nil, "peak(threadpool) > 1", CannotTell, "not measured"},
		{&stall, stallTrials, "stall(iterative) > 10*stall(threadpool)", Holds, "ratio"},
		{&stall, stallTrials, "best(stall) >= 400ms", Refuted, ""},
		{&stall, stallTrials, "p99(threadpool) < 100ms", CannotTell, "n/a"}, // 400 samples
		{&stall, stallTrials, "p50(threadpool) < 100ms", Holds, ""},         // its only situation
		{&crash, crashTrials, "outage(prefork, crash-stateless--server) > 1ms", Holds, ""},
		{&crash, crashTrials, "errors(prefork, crash-stateless--server) >= 0", Holds, ""},
		{&crash, crashTrials, "lost(iterative, crash-stateless--server) == 0", Holds, ""},
	} {
		out := outcomeOf(t, c.run, c.trials, c.line)
		if out.Truth != c.truth || !strings.Contains(out.Why, c.why) {
			t.Errorf("%s\n%s: %s\nwant %s: …%s…", c.line, out.Truth, out.Why, c.truth, c.why)
		}
	}
	closing, _ := fixture(3, 6)
	for line, want := range map[string]struct {
		run *Run
		why string
	}{
		"peak(iterative) > 1":          {&closing, "a rising load, and the run has none: `serverlab bench load`"},
		"peak(iterative, ramp) > 1":    {&loads, `no rising load "ramp": there are load`},
		"goodput(iterative) > 1":       {&loads, "name the situation: there are load-5000, load-6300"},
		"outage(iterative) > 1s":       {&crash, "name the situation: there are crash-stateless"},
		"throughput(iterative, x) > 1": {&stall, "there are stall"},
	} {
		e, err := ParseExpectation(line)
		if err == nil {
			_, err = e.Judge(want.run, nil, MinTrials)
		}
		if err == nil || !strings.Contains(err.Error(), want.why) {
			t.Errorf("%s: %v, want …%s…", line, err, want.why)
		}
	}
}

// TestPredictionsOfARisingLoad are about the peak, and are asked for once.
func TestPredictionsOfARisingLoad(t *testing.T) {
	run, trials := sweepFixture(6)
	questions := Questions(&run)
	if len(questions) != 1 || len(questions[0].Choices) != len(run.Architectures) {
		t.Fatalf("%d questions: %+v", len(questions), questions)
	}
	for line, want := range map[string]struct {
		outcome     ScoreOutcome
		why, factor string
	}{
		"load: iterative 1.5x eventloop": {ScoredRight, "alone", "within 25 %"},
		"load: thread 2x":                {ScoredWrong, "iterative is ", "the worst (process)"},
		"load: process":                  {ScoredWrong, "iterative is ", ""},
	} {
		predictions, err := ReadPredictions(strings.NewReader(line), questions)
		if err != nil {
			t.Fatal(err)
		}
		run.Predictions = predictions
		s := Scores(&run, trials)[0]
		if s.Outcome != want.outcome || !strings.Contains(s.Why, want.why) || !strings.Contains(s.Factor, want.factor) {
			t.Errorf("%s: %s, %s; %s", line, s.Outcome, s.Why, s.Factor)
		}
	}
}
