package results

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// answersText is the verdict as --wide shows it.
func answersText(run Run, trials []Trial) string {
	var b bytes.Buffer
	wideAnswers(&b, &run, trials)
	return b.String()
}

func TestAnswersGolden(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	text := answersText(run, trials)
	golden(t, "answers-reference.txt", text)
	for line := range strings.Lines(text) {
		if width(strings.TrimSuffix(line, "\n")) > screenWidth {
			t.Errorf("more than %d columns: %s", screenWidth, line)
		}
	}
}

// answerRow is one row of an invented column: its figure, and what is changed in each of its trials.
type answerRow struct {
	arch   Architecture
	value  float64
	trials int // 0: six
	change func(*Trial)
}

// answerColumn is a run of one situation. Its figures lie within 1 % of what the rows say; rows that differ by more
// never overlap.
func answerColumn(s Situation, rows ...answerRow) (run Run, trials []Trial) {
	s.Name, s.Window = "column", 1
	if s.Connections == 0 {
		s.Connections = 64
	}
	run = Run{Setup: Setup{Connections: s.Connections, Trials: 6, ServerCPUs: []int{0}}, Situations: []Situation{s}}
	for _, r := range rows {
		if r.arch.Label == "" {
			r.arch.Label = r.arch.Name
		}
		run.Architectures = append(run.Architectures, r.arch)
		if r.trials == 0 {
			r.trials = 6
		}
		for block := range r.trials {
			p := Planned{"column", r.arch.Name, block + 1}
			run.Plan = append(run.Plan, p)
			t := answerTrial(p, &s, r.value*(0.995+0.002*float64(block)))
			if r.change != nil {
				r.change(&t)
			}
			trials = append(trials, t)
		}
	}
	return run, trials
}

// answerTrial is a trial with this figure for the situation's metric.
func answerTrial(p Planned, s *Situation, value float64) Trial {
	t := Trial{Planned: p}
	t.Load = Load{Model: s.Model, Connections: s.Connections, Window: 1, Requests: 1000, Silent: s.Silent}
	t.Server.Requests = 1000
	switch s.Metric {
	case CPUPerRequest:
		t.Server.CPU = pointer(1000 * value)
	case Throughput:
		t.Load.Requests, t.Server.Requests = uint64(value), uint64(value)
	case MemoryPerSilent:
		t.Server.PSSStart, t.Server.PSSSilent = pointer(uint64(0)), pointer(uint64(value*float64(s.Silent)))
	case Harmed:
		t.Load.HarmedCount = int(value)
	case Latency:
		t.Load.Response = histogramOf(rand.New(rand.NewPCG(1, uint64(p.Block))), 1200, value, 0.01)
		t.Load.Service, t.Load.Lag = t.Load.Response, histogramOf(rand.New(rand.NewPCG(2, 2)), 1200, 1e-9, 0.1)
	}
	return t
}

// at is a row of six trials with this figure.
func at(name string, value float64, change ...func(*Trial)) answerRow {
	r := answerRow{arch: called(name), value: value}
	if len(change) > 0 {
		r.change = change[0]
	}
	return r
}

func called(name string) Architecture { return Architecture{Name: name} }

func starve(kind string, void ...Metric) func(*Trial) {
	return func(t *Trial) {
		t.Load.Unserved = 63
		t.Findings = []Finding{{kind, "", void}}
	}
}

func TestAnswerSentences(t *testing.T) {
	cpu := Situation{Metric: CPUPerRequest, Model: "constant", Rate: 3000}
	own := cpu
	own.OwnRates = map[string]float64{"c": 120}
	waits := Situation{Metric: Throughput, Model: "closed", Path: "/?wait=5ms"}
	once := cpu
	once.Blocks = 2
	for name, c := range map[string]struct {
		sit           Situation
		rows          []answerRow
		want, wantNot []string
	}{
		"a winner": {cpu, []answerRow{at("a", 20e-6), at("b", 38e-6), at("c", 100e-6)},
			[]string{"a needs least CPU time: 20.0 µs (19.9 to 20.1). b follows, a factor of 1.9 behind it: 38.0 µs " +
				"(37.8 to 38.2); c is last, a factor of 5.0 behind: 100 µs (99.5 to 100)."},
			[]string{" tie", "fail", "rate of its own"}},
		"two rows": {cpu, []answerRow{at("a", 20e-6), at("b", 38e-6)},
			[]string{"b follows, a factor of 1.9 behind it: 38.0 µs"}, []string{"last"}},
		"a tie": {cpu, []answerRow{at("a", 20e-6), at("b", 20.1e-6), at("c", 40e-6)},
			[]string{"a and b tie for first: 20.0 µs (19.9 to 20.1) and 20.1 µs (20.0 to 20.2). " +
				"c follows, a factor of 2.0 behind a: 40.0 µs"}, []string{"needs least"}},
		"all tie": {cpu, []answerRow{at("a", 20e-6), at("b", 20.1e-6)},
			[]string{"a and b tie: 20.0"}, []string{"factor", "first"}},
		"three trials": {cpu, []answerRow{{called("a"), 20e-6, 3, nil}, {called("b"), 40e-6, 3, nil}},
			[]string{"3 trials: no interval, no ranking; ask for --trials 6."}, []string{"least", "factor", " tie"}},
		"three trials by plan": {once, []answerRow{{called("a"), 20e-6, 2, nil}, {called("b"), 40e-6, 2, nil}},
			[]string{"2 trials: no interval, no ranking."}, []string{"--trials"}},
		"void trials": {cpu, []answerRow{at("a", 20e-6), {called("b"), 40e-6, 0, func(t *Trial) {
			if t.Block > 2 {
				t.Findings = []Finding{{"disturbed", "", Everything}}
			}
		}}}, []string{"No ranking: b has 2 trials of 6 that count"}, []string{"least CPU"}},
		"no trial counts": {cpu, []answerRow{at("a", 20e-6), at("b", 30e-6), at("c", 40e-6,
			starve("disturbed", Everything...))}, []string{"a needs least", "Not ranked: c (disturbed)."},
			[]string{"c fails"}},
		"own rates": {own, []answerRow{at("a", 20e-6), at("c", 40e-6)},
			[]string{"At a rate of its own: c at 120/s; the others at 3,000/s."}, nil},
		"failures": {cpu, []answerRow{at("a", 20e-6), at("b", 40e-6, starve("starved", CPUPerRequest)),
			at("c", 40e-6, starve("wrong answers", CPUPerRequest)), at("d", 4e-6, starve("starved", CPUPerRequest))},
			[]string{"a needs least", "b and d fail: starved 63/64. c fails: wrong."}, []string{"d needs least"}},
		"all fail": {cpu, []answerRow{at("a", 20e-6, starve("starved", CPUPerRequest)),
			at("b", 40e-6, starve("starved", CPUPerRequest))},
			[]string{"No row has a figure that counts. a and b fail"}, []string{"needs least"}},
		"a reference": {cpu, []answerRow{at("a", 20e-6), at("b", 40e-6),
			{Architecture{Name: "ref", Reference: true}, 4e-6, 0, nil}},
			[]string{"a needs least", "Beside the ranking: ref 4.00 µs (3.98 to 4.02)."}, []string{"ref needs"}},
		"one row": {cpu, []answerRow{at("a", 20e-6)}, []string{"a, with nothing to compare it with: 20.0 µs"},
			[]string{"least"}},
		"throughput": {waits, []answerRow{at("a", 12000), at("b", 6000)},
			[]string{"a answers most: 12,000 requests/s (11,900 to 12,100). " +
				"b follows, a factor of 2.0 behind it: 6,000"}, nil},
	} {
		run, trials := answerColumn(c.sit, c.rows...)
		answers := Answers(&run, trials)
		if len(answers) != 1 {
			t.Errorf("%s: %d answers", name, len(answers))
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(answers[0].Text, w) {
				t.Errorf("%s lacks %q:\n%s", name, w, answers[0].Text)
			}
		}
		for _, w := range c.wantNot {
			if strings.Contains(answers[0].Text, w) {
				t.Errorf("%s has %q:\n%s", name, w, answers[0].Text)
			}
		}
	}
}

// TestThroughputIsPerCPU: two CPUs halve the figure, which says so.
func TestThroughputIsPerCPU(t *testing.T) {
	run, trials := answerColumn(Situation{Metric: Throughput, Model: "closed"}, at("a", 12000),
		at("b", 6000))
	run.Setup.ServerCPUs = []int{0, 1}
	if text := Answers(&run, trials)[0].Text; !strings.Contains(text, "6,000 requests/s per CPU (") {
		t.Error(text)
	}
}

// TestNothingMeasuredSaysNothing: neither a run without trials nor one that stopped in its first block ranks anything.
func TestNothingMeasuredSaysNothing(t *testing.T) {
	run, trials := answerColumn(Situation{Metric: CPUPerRequest}, at("a", 2e-5),
		at("b", 4e-5))
	if got := Answers(&run, nil); len(got) != 0 {
		t.Errorf("of no trials: %v", got)
	}
	got := Answers(&run, trials[:6])
	if len(got) != 1 || got[0].Text != "Not complete, so no ranking: no trial of b yet." {
		t.Errorf("of one row's trials: %v", got)
	}
	if f := ParetoFront(&run, trials[:6]); f.None == "" || len(f.On)+len(f.Off) > 0 {
		t.Errorf("of one row's trials: %+v", f)
	}
}

// TestBlindAnswersNameNothing: in a blind run labels are all that is said of a row, whatever else the record still has.
func TestBlindAnswersNameNothing(t *testing.T) {
	run, trials := fixture(8, 6)
	run.Architectures = slices.Clone(run.Architectures)
	run.Blind = true
	for i := range run.Architectures {
		a := &run.Architectures[i]
		a.Label, a.AtOnce = fmt.Sprintf("row %c", 'A'+i), 1+63*(i%2)
		if a.Name == "process" {
			a.Processes = PerRequest
		}
	}
	text := answersText(run, trials)
	for _, a := range run.Architectures {
		if !strings.Contains(text, a.Label) {
			t.Errorf("%s is missing", a.Label)
		}
		secrets := []string{a.Lecture, a.Idea, "starts a process", "GOMAXPROCS", "served at a time"}
		if a.Name != "process" && a.Name != "thread" { // ordinary words, too
			secrets = append(secrets, a.Name)
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%q in a blind run:\n%s", secret, text)
			}
		}
	}
	run.Blind = false
	if text := answersText(run, trials); !strings.Contains(text, "starts a process") {
		t.Errorf("the same run with names has no reason:\n%s", text)
	}
}
