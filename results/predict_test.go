package results

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// withCheapState adds three states of the file service, tried with the first two rows; the second is the cheapest.
func withCheapState(run Run, trials []Trial) (Run, []Trial) {
	run.Situations, run.Plan, trials = slices.Clone(run.Situations), slices.Clone(run.Plan), slices.Clone(trials)
	for i, state := range []string{"stateless", "soft", "stateful"} {
		run.Situations = append(run.Situations, Situation{Name: "state-" + state, Title: "state-" + state,
			Metric: CPUPerRequest, Meaning: "clients read files", Model: "constant", State: state, Clients: 64,
			Read: 4096})
		for _, t := range trials {
			if t.Situation != "trivial" || t.Architecture != "iterative" && t.Architecture != "eventloop" {
				continue
			}
			cpu := *t.Server.CPU * []float64{2, 1, 3}[i]
			t.Situation, t.Server.CPU = "state-"+state, &cpu
			run.Plan, trials = append(run.Plan, t.Planned), append(trials, t)
		}
	}
	return run, trials
}

func TestQuestionsAreWhatARunCanAnswer(t *testing.T) {
	run, _ := withCheapState(withReferences(fixture(5, 6)))
	run.Situations = append(run.Situations, Situation{Name: "load-100", Sweep: "load"})
	run.Plan = append(run.Plan, Planned{"load-100", "iterative", 1}, Planned{"load-100", "epoll", 1})
	run.Plan = slices.DeleteFunc(run.Plan, func(p Planned) bool { // one row is nothing to choose from
		return p.Situation == "blast" && p.Architecture != "epoll"
	})
	var got []string
	for _, q := range Questions(&run) {
		got = append(got, q.Title+": "+strings.Join(q.Choices, " "))
		if len(q.Labels) != len(q.Choices) || q.Asks == "" || q.Meaning == "" {
			t.Errorf("%+v", q)
		}
		for _, line := range AskLines(&q, "12/12 ", Style{ASCII: true}) {
			if width(line) > screenWidth {
				t.Errorf("%d columns: %s", width(line), line)
			}
		}
	}
	rows, states := "iterative eventloop epoll threadpool goroutine", "state-stateless state-soft state-stateful"
	want := []string{"trivial: " + rows, "waits 5 ms: " + rows, "1,000 silent: " + rows, "arrivals: " + rows,
		"iterative: " + states, "event loop: " + states}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReadPredictions(t *testing.T) {
	run, _ := withCheapState(fixture(8, 6))
	questions := Questions(&run)
	for _, c := range []struct {
		text string
		want []Prediction
		err  string
	}{
		{text: "# all\n\ntrivial: iterative 3x prefork # surely\nwaits:goroutine 50x\r\n  crowd : epo\n",
			want: []Prediction{{"trivial", "iterative", 3, "prefork"}, {"waits", "goroutine", 50, ""}, {"crowd",
				"epoll", 0, ""}}},
		{text: "TRIV: Thread 1.5×", want: []Prediction{{"trivial", "thread", 1.5, ""}}},
		// no matter that threadpool begins so
		{text: "state-sof: event 2x state-stateless\nstate-stateful: iterative",
			want: []Prediction{{"state-soft", "eventloop", 2, "state-stateless"}, {"state-stateful", "iterative", 0,
				""}}},
		{text: "trivial: epoll\ntrivial: iterative", err: "line 2: trivial is predicted in line 1 already"},
		{text: "state-soft: eventloop\nstate-stateful: eventloop",
			err: "line 2: eventloop is predicted in line 1 already"},
		{text: "\ntrivial: apache",
			err: `line 2: trivial: no "apache": choose of iterative, eventloop, epoll, threadpool, ` +
				`goroutine, process, thread, prefork`},
		{text: "trivial: pr", err: `line 1: trivial: "pr" may be process or prefork: write more of it`},
		{text: "nothing: epoll",
			err: `line 1: column: no "nothing": choose of trivial, waits, crowd, blast, arrivals, ` +
				`state-stateless, state-soft, state-stateful`},
		{text: ": epoll", err: `line 1: column: no ""`},
		{text: "state-soft: thread", err: `line 1: state-soft: no "thread": choose of iterative, eventloop`},
		{text: "trivial: epoll 0.5x", err: "line 1: trivial: no factor \"0.5x\""},
		{text: "trivial: epoll NaNx", err: "no factor"},
		{text: "trivial: epoll 1e9x", err: "no factor"},
		{text: "trivial: epoll 3x epo", err: "line 1: trivial: epoll can't be better than itself"},
		{text: "trivial: epoll 3x process now", err: "write COLUMN: ROW"},
		{text: "trivial", err: `line 1: "trivial": write COLUMN: ROW`},
		{text: "# nothing\n", err: `it holds no prediction: write a line for each, such as "trivial: iterative 3x"`},
		{text: strings.Repeat("x", 1<<17), err: "read predictions"},
	} {
		got, err := ReadPredictions(strings.NewReader(c.text), questions)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%.40q: %v, want %s", c.text, err, c.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %v, %v; want %v", c.text, got, err, c.want)
		}
	}
}

func TestChoose(t *testing.T) {
	q := Question{Choices: []string{"thread", "threadpool", "state-soft"}, Labels: []string{"thread",
		"thread pool 64", "soft"}}
	for word, want := range map[string]int{"1": 0, "3": 2, "thread": 0, "THREADP": 1, "thread pool 64": 1, "so": 2,
		"state": 2} {
		if got, err := q.Choose(word); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", word, got, err, want)
		}
	}
	for _, word := range []string{"0", "4", "-1", "t", "epoll", "99999999999999999999"} {
		if got, err := q.Choose(word); err == nil {
			t.Errorf("%q is %d", word, got)
		}
	}
}

func TestScores(t *testing.T) {
	run, trials := withCheapState(withReferences(fixture(8, 6)))
	few, fewTrials := fixture(4, 3)
	only, onlyTrials := without(run, trials, "eventloop", "epoll", "threadpool", "goroutine", "process", "thread",
		"prefork")
	failedRun, failedTrials := starvedColumn(fixture(8, 6))
	for _, c := range []struct {
		name    string
		run     Run
		trials  []Trial
		p       Prediction
		outcome ScoreOutcome
		why     string
		factor  string
	}{
		{"best", run, trials, Prediction{"trivial", "iterative", 2, "goroutine"}, ScoredRight, "tied with epoll loop",
			"2 times as good as goroutine: 1.96 measured ("},
		{"tied", run, trials, Prediction{"trivial", "epoll", 0, ""}, ScoredRight, "tied with iterative", ""},
		{"worse", run, trials, Prediction{"trivial", "thread", 0, ""}, ScoredWrong, "iterative is 1.7", ""},
		{"worst", run, trials, Prediction{"waits", "threadpool", 20, ""}, ScoredRight, "tied with",
			"20 times as good as the worst (iterative): 64.1 measured ("},
		{"off", run, trials, Prediction{"waits", "threadpool", 20, "iterative"}, ScoredRight, "", "off by 3.2"},
		{"fair", run, trials, Prediction{"waits", "threadpool", 40, "iterative"}, ScoredRight, "",
			"within a factor of 2"},
		{"near", run, trials, Prediction{"waits", "threadpool", 60, "iterative"}, ScoredRight, "", "within 25 %"},
		{"other way", run, trials, Prediction{"waits", "iterative", 2, "threadpool"}, ScoredWrong,
			"thread pool 64 is 64.1 times",
			"off by 12"},
		{"fails", run, trials, Prediction{"crowd", "prefork", 3, ""}, ScoredWrong,
			"it fails (stuck), event loop does not",
			"no factor, since prefork 64 fails"},
		{"beats a failure", run, trials, Prediction{"crowd", "eventloop", 3, "prefork"}, ScoredRight, "",
			"better than a failure, which has no factor"},
		{"counts", run, trials, Prediction{"blast", "process", 64, ""}, ScoredRight, "tied with prefork 64",
			"64 measured (64 – 64), within 25 %"},
		{"reference", run, trials, Prediction{"trivial", "nethttp", 2, "thread"}, NotScored,
			"a reference is not ranked", ""},
		{"not planned", run, trials, Prediction{"waits", "nginx", 2, ""}, NotScored, "no figure that counts: n/a", ""},
		{"no column", run, trials, Prediction{"nothing", "epoll", 2, ""}, NotScored,
			"the run has no such row or column", ""},
		{"no row", run, trials, Prediction{"trivial", "apache", 2, ""}, NotScored,
			"the run has no such row or column", ""},
		{"no other row", run, trials, Prediction{"trivial", "iterative", 2, "apache"}, ScoredRight, "",
			"2 times as good as apache: there is no other figure"},
		{"state", run, trials, Prediction{"state-soft", "eventloop", 2, "state-stateless"}, ScoredRight, "alone",
			"2 times as good as state-stateless: 2 measured (2 – 2), within 25 %"},
		{"wrong state", run, trials, Prediction{"state-stateful", "iterative", 0, ""}, ScoredWrong,
			"state-soft is 3 times as good", ""},
		{"state of another row", run, trials, Prediction{"state-soft", "epoll", 0, ""}, NotScored, "n/a", ""},
		{"too few", few, fewTrials, Prediction{"trivial", "iterative", 2, ""}, NotScored, "too few valid trials",
			"(3 blocks: no interval)"},
		{"nothing measured", run, nil, Prediction{"trivial", "iterative", 2, ""}, NotScored, "it was not measured",
			"there is no other figure"},
		{"alone", only, onlyTrials, Prediction{"trivial", "iterative", 2, ""}, NotScored, "no other row has a figure",
			"there is no other figure"},
		{"void", failedRun, failedTrials, Prediction{"waits", "goroutine", 2, ""}, NotScored, "generator-bound",
			"no factor"},
	} {
		c.run.Predictions = []Prediction{c.p}
		got := Scores(&c.run, c.trials)
		if len(got) != 1 || got[0].Outcome != c.outcome || !strings.Contains(got[0].Why, c.why) ||
			!strings.Contains(got[0].Factor, c.factor) || c.p.Factor == 0 && got[0].Factor != "" {
			t.Errorf("%s: %+v, want %s, %q, %q", c.name, got, c.outcome, c.why, c.factor)
		}
	}
}

// A factor that can't be formed is none: a figure of 0 or below has no ratio.
func TestNoFactorOfNothing(t *testing.T) {
	run, trials := fixture(6, 6)
	trials = slices.Clone(trials)
	for i := range trials {
		if trials[i].Situation == "blast" && trials[i].Architecture == "process" {
			trials[i].Load.HarmedCount = 0
		}
	}
	run.Predictions = []Prediction{{"blast", "process", 64, "epoll"}}
	s := Scores(&run, trials)[0]
	if s.Outcome != ScoredRight || s.Measured.N != 0 || !math.IsNaN(s.Off) || !strings.Contains(s.Factor, "above 0") {
		t.Errorf("%+v", s)
	}
}

func predictedFixture() (Run, []Trial) {
	run, trials := withCheapState(fixture(8, 6))
	run.Predictions = []Prediction{{"trivial", "iterative", 3, "prefork"}, {"waits", "goroutine", 50, ""},
		{"crowd", "threadpool", 2, ""}, {"blast", "process", 64, "thread"}, {"arrivals", "thread", 1.5, "iterative"},
		{"state-soft", "eventloop", 2, "state-stateful"}, {"load", "epoll", 1, ""}}
	return run, trials
}

func TestPredictedGolden(t *testing.T) {
	run, trials := predictedFixture()
	for name, s := range map[string]Style{"predicted.txt": {}, "predicted-ascii.txt": {ASCII: true},
		"predicted-color.txt": {Color: true}} {
		var b bytes.Buffer
		if err := Predicted(&b, run, trials, s); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
	run.Predictions = nil
	var b bytes.Buffer
	if err := Predicted(&b, run, trials, Style{}); err != nil || b.Len() > 0 {
		t.Errorf("without predictions: %v, %q", err, b.String())
	}
}

// Predictions come with records of others: their strings can't steer a terminal, nor their factors break a line.
func TestPredictedOfAHostileRecord(t *testing.T) {
	run, trials := fixture(3, 6)
	for _, f := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, -1, 0.001} {
		for _, than := range []string{"epoll", "", strings.Repeat("long", 99) + "\x1b[2J\n"} {
			run.Predictions = append(run.Predictions, Prediction{"trivial", "iterative", f, than},
				Prediction{strings.Repeat("\x1b]0;", 40), strings.Repeat("x\u202e", 90), f, than})
		}
	}
	var b bytes.Buffer
	if err := Predicted(&b, run, trials, Style{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if width(line) > screenWidth+1 || strings.ContainsRune(line, '\x1b') {
			t.Errorf("%d columns: %q", width(line), line)
		}
	}
}
