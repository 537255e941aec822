package results

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// queueFixture is an invented sweep of the row goroutine, whose response times are those of M/M/1 with a mean service
// time of 1 ms behind a delay of 0.2 ms.
func queueFixture(blocks int) (run Run, all []Trial) {
	run, trials := sweepFixture(blocks)
	run.Calibration.LoadCapacity = map[string]float64{"process": 1000}
	rng := rand.New(rand.NewPCG(7, 8))
	for _, t := range trials {
		if t.Architecture != "process" {
			continue
		}
		response, service, rate := NewHistogram(), NewHistogram(), min(t.Load.Rate, 950)
		for range 20_000 {
			_ = response.RecordValue(int64(2e5 + rng.ExpFloat64()*1e9/(1000-rate))) // it is within the range
			_ = service.RecordValue(int64(2e5 + rng.ExpFloat64()*1e6))
		}
		t.Load.Response, t.Load.Service, t.Findings = response, service, nil
		t.Load.Requests, t.Load.Ended = 20_000, t.Load.Intended
		all = append(all, t)
	}
	run.Situations = slices.DeleteFunc(run.Situations, func(s Situation) bool { return s.Rate > 800 })
	return run, all
}

func theoryOf(t *testing.T, run *Run, trials []Trial) *Theory {
	t.Helper()
	curves := Curves(run, trials, LoadSweep)
	theory, why := TheoryOf(run, curveOf(t, curves, "process"))
	if theory == nil {
		t.Fatal(why)
	}
	return theory
}

// A server that is a queue M/M/1 is recognised as one: from its capacity and its lowest rate all others follow.
func TestTheoryFindsTheQueueThatThereIs(t *testing.T) {
	run, trials := queueFixture(6)
	theory := theoryOf(t, &run, trials)
	if !near(theory.Delay, 2e-4, 0.15) || !near(theory.Queue.Spread, 1, 0.05) || theory.Queue.Servers != 1 ||
		theory.Queue.Service != 1e-3 || theory.Lowest != 0 {
		t.Errorf("%+v with a delay of %v", theory.Queue, theory.Delay)
	}
	for _, p := range theory.Points() {
		if p.Against != "" || !near(p.Measured.Median, p.MM, 0.05) || !near(p.MG, p.MM, 0.05) {
			t.Errorf("at %v/s %v and %v are predicted, %v measured; against it: %q", p.Rate, p.MM, p.MG,
				p.Measured.Median, p.Against)
		}
	}
	text := theory.Sentence()
	if !strings.HasPrefix(text, "process: M/M/1 predicts 5.2 ms at 800/s (80 % busy), M/G/1 5.2 ms, measured 5.2 ms (5.") {
		t.Error(text)
	}
}

// Where an assumption does not hold that is said, and nothing is compared.
func TestTheoryIsSilentWhereItDoesNotHold(t *testing.T) {
	run, trials := queueFixture(6)
	run.Calibration.LoadCapacity["process"] = 640
	for i := range trials {
		if trials[i].Load.Rate == 500 {
			trials[i].Findings = []Finding{{Kind: "arrivals"}}
		}
		if trials[i].Load.Rate == 400 {
			trials[i].Load.Errors = map[string]uint64{"timeout": 3}
			trials[i].Load.Intended = trials[i].Load.Requests + 3
		}
	}
	theory := theoryOf(t, &run, trials)
	for rate, want := range map[float64]string{200: "", 315: "", 400: "without an answer", 500: "Poisson",
		630: "steady state", 800: "more than it can do"} {
		for _, p := range theory.Points() {
			if p.Rate == rate && (p.Against == "" != (want == "") || !strings.Contains(p.Against, want)) {
				t.Errorf("at %v/s: %q, want %q", rate, p.Against, want)
			}
		}
	}
	if p := theory.Highest(); p == nil || p.Rate != 315 {
		t.Errorf("the highest rate to compare at is %+v", p)
	}
}

func TestNoTheoryWithoutItsFigures(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Run, []Trial)
		want   string
	}{
		"no capacity":     {func(r *Run, _ []Trial) { r.Calibration.LoadCapacity = nil }, "calibration"},
		"constant gaps":   {func(r *Run, _ []Trial) { r.Situations[0].Model = "constant" }, "not Poisson"},
		"blind":           {func(r *Run, _ []Trial) { r.Setup.ServerCPUs = []int{0, 1} }, "at once"},
		"no CPUs":         {func(r *Run, _ []Trial) { r.Setup.ServerCPUs = nil }, "at once"},
		"too slow for it": {func(r *Run, _ []Trial) { r.Calibration.LoadCapacity["process"] = 100 }, "can hold"},
		"nothing recorded": {func(_ *Run, all []Trial) {
			for i := range all {
				all[i].Load.Service = Histogram{}
			}
		}, "no response times"},
	} {
		run, trials := queueFixture(6)
		run.Architectures = slices.Clone(run.Architectures)
		for i := range run.Architectures {
			run.Architectures[i].AtOnce, run.Architectures[i].Lanes = 0, nil
		}
		c.change(&run, trials)
		curves := Curves(&run, trials, LoadSweep)
		if theory, why := TheoryOf(&run, curveOf(t, curves, "process")); theory != nil || !strings.Contains(why, c.want) {
			t.Errorf("%s: %v, %q", name, theory, why)
		}
	}
}

func TestServersOfAQueue(t *testing.T) {
	run := Run{Setup: Setup{ServerCPUs: []int{0, 1, 2, 3}}}
	loop := []Lane{{Who: "loop", Does: []string{"read", "handle"}}}
	each := []Lane{{Who: "acceptor", Does: []string{"accept"}}, {Who: "each", Many: true, Does: []string{"handle"}}}
	for want, a := range map[int]Architecture{1: {Lanes: loop}, 2: {AtOnce: 2, Lanes: each}, 4: {Lanes: each}, 0: {}} {
		if got := serversOf(&run, &a); got != want {
			t.Errorf("%+v has %d servers, want %d", a, got, want)
		}
	}
	own := Architecture{Lanes: []Lane{{Many: true, Listens: true, Does: []string{"handle"}}}}
	if all := broken(&run, &own, 4); len(all) != 2 || !strings.Contains(all[1], "queue of its own") {
		t.Errorf("%v", all)
	}
}

// The chart has the curves of the theory, the row on them, and an answer has the sentence.
func TestTheoryIsDrawn(t *testing.T) {
	run, trials := queueFixture(6)
	var picture *Picture
	for _, p := range Charts(run, trials) {
		if p.Name == "load-theory" {
			picture = &p
		}
	}
	if picture == nil {
		t.Fatal("there is no chart of the theory")
	}
	lines := picture.Chart.(*plot.Lines)
	var names []string
	for _, s := range lines.Series {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, []string{"M/M/1", "M/D/1", "process"}) {
		t.Fatalf("lines %v", names)
	}
	for _, p := range lines.Series[2].Points {
		if !near(p.Y, 1/(1-p.X), 0.06) || math.IsNaN(p.Interval.Low) || p.Open {
			t.Errorf("%+v is off the curve of M/M/1", p)
		}
	}
	sentence := theoryOf(t, &run, trials).Sentence()
	if !slices.ContainsFunc(Answers(&run, trials), func(a Answer) bool { return strings.Contains(a.Text, sentence) }) {
		t.Errorf("no answer says %q", sentence)
	}
}
