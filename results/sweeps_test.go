package results

import (
	"bytes"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// offered is what rows of an invented machine are offered and can hold.
var offeredFixture = []struct {
	row      string
	capacity float64
	rates    []float64
}{
	{"iterative", 22_000, []float64{5000, 6300, 8000, 10_000, 12_500, 16_000, 20_000}},
	{"eventloop", 14_000, []float64{5000, 6300, 8000, 10_000, 12_500, 16_000, 20_000}},
	{"threadpool", 12_000, []float64{5000, 6300, 8000, 10_000, 12_500, 16_000, 20_000}},
	{"goroutine", 14_050, []float64{5000, 6300, 8000, 10_000, 12_500, 16_000, 20_000}},
	{"process", 450, []float64{200, 250, 315, 400, 500, 630, 800}},
}

// sweepFixture is an invented sweep: each row answers what it is offered up to its capacity, and beyond it a little
// less than that; response times are those of the queue M/M/1.
func sweepFixture(blocks int) (run Run, all []Trial) {
	base, _ := fixture(6, 6)
	run = base
	run.Situations, run.Plan, run.Architectures = nil, nil, nil
	run.Setup.Trials = blocks
	run.Calibration.Ceiling = map[string]float64{"per-connection": 24_000}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, o := range offeredFixture {
		i := slices.IndexFunc(base.Architectures, func(a Architecture) bool { return a.Name == o.row })
		run.Architectures = append(run.Architectures, base.Architectures[i])
		for _, rate := range o.rates {
			name := "load-" + strings.ReplaceAll(exact(rate), ",", "")
			if !slices.ContainsFunc(run.Situations, func(s Situation) bool { return s.Name == name }) {
				run.Situations = append(run.Situations, Situation{Name: name, Title: exact(rate) + "/s", Metric: Goodput,
					Sweep: LoadSweep, Model: "poisson", Path: "/?spin=1000", Connections: 256, Rate: rate,
					Warmup: 0.1, Window: 1})
			}
			for block := 1; block <= blocks; block++ {
				p := Planned{name, o.row, block}
				run.Plan = append(run.Plan, p)
				all = append(all, loadTrial(rng, p, rate, o.capacity))
			}
		}
	}
	return run, all
}

func loadTrial(rng *rand.Rand, p Planned, rate, capacity float64) Trial {
	t := Trial{Version: Version, Planned: p, Seconds: 1.2, Server: Server{Exit: "0"}}
	held := min(rate, 0.97*capacity) * (1 + 0.003*rng.NormFloat64())
	wait := 1 / (capacity - min(rate, 0.98*capacity))
	t.Load = Load{Model: "poisson", Connections: 256, Threads: 1, Rate: rate, Warmup: 0.1, Window: 1,
		Intended: uint64(rate), Requests: uint64(rate), Ended: uint64(held), Response: histogramOf(rng, 900, wait, 0.3)}
	if rate > capacity {
		t.Findings = []Finding{{"overloaded", "the backlog grew", []Metric{CPUPerRequest, Latency}}}
	}
	return t
}

func curveOf(t *testing.T, all []Curve, row string) *Curve {
	t.Helper()
	for i := range all {
		if all[i].Architecture.Name == row {
			return &all[i]
		}
	}
	t.Fatalf("no curve of %s", row)
	return nil
}

func TestCurves(t *testing.T) {
	run, trials := sweepFixture(6)
	all := Curves(&run, trials, LoadSweep)
	if len(all) != len(offeredFixture) {
		t.Fatalf("%d curves", len(all))
	}
	c := curveOf(t, all, "threadpool")
	if knee := c.Knee(); knee == nil || knee.Rate != 6300 {
		t.Errorf("knee at %+v; M/M/1 has it at half of 12,000", knee)
	}
	if half := curveOf(t, all, "iterative").HalfKnee(); half == nil || half.Rate != 6300 {
		t.Errorf("half the knee is %+v", half)
	}
	if last := c.Last(); last.Rate != 20_000 || last.Valid != 6 || math.Abs(last.Held.Median-0.582) > 0.01 ||
		math.IsNaN(last.Achieved.Lo) {
		t.Errorf("past the knee: %+v", last)
	}
	if share, ok := c.Past(); !ok || share < 0.98 || share > 1 {
		t.Errorf("past the knee %v %t", share, ok)
	}
	if i := curveOf(t, all, "iterative"); i.Reached() {
		t.Error("20,000 of 22,000 requests/s are no more than it can do")
	}
	for row, want := range map[string]Verdict{"iterative": Best, "eventloop": Worse, "process": Worse} {
		if got := curveOf(t, all, row).Peak.Verdict; got != want {
			t.Errorf("the peak of %s is %s, want %s", row, got, want)
		}
	}
	var two []Curve // of nearly the same capacity
	for _, row := range []string{"eventloop", "goroutine"} {
		two = append(two, *curveOf(t, all, row))
		two[len(two)-1].Peak.Verdict = Undecided
	}
	if rankPeaks(two); !two[0].Peak.Leader() || !two[1].Peak.Leader() {
		t.Errorf("peaks of %v and %v are %s and %s, want a tie", two[0].Peak.Summary.Median, two[1].Peak.Summary.Median,
			two[0].Peak.Verdict, two[1].Peak.Verdict)
	}
}

// Errors and backlog are the result; what the load generator or the machine spoiled is none.
func TestCurvesLeaveOutWhatIsSpoiled(t *testing.T) {
	run, trials := sweepFixture(6)
	for i := range trials {
		x := &trials[i]
		switch {
		case x.Architecture == "eventloop" && x.Situation == "load-20000":
			x.Findings = append(x.Findings, Finding{"generator-bound", "98 %", []Metric{Throughput, Latency, Goodput}})
		case x.Architecture == "threadpool" && x.Situation == "load-20000":
			x.Load.Errors = map[string]uint64{"timeout": 40}
			x.Findings = append(x.Findings, Finding{"errors", "40 beside 9", []Metric{CPUPerRequest, Throughput, Latency}})
		case x.Architecture == "goroutine" && x.Situation == "load-20000" && x.Block < 3:
			x.Findings = append(x.Findings, Finding{"wrong answers", "9 of 90", Everything})
		case x.Architecture == "process" && x.Situation == "load-800" && x.Block == 2:
			x.Failure, x.Load = "it did not start", Load{}
		}
	}
	all := Curves(&run, trials, LoadSweep)
	if c := curveOf(t, all, "eventloop"); c.Last().Rate != 16_000 || c.Points[6].Void != "generator-bound" ||
		c.Points[6].Achieved.N != 6 {
		t.Errorf("eventloop: last %+v, void %+v", c.Last(), c.Points[6])
	}
	if c := curveOf(t, all, "threadpool"); c.Last().Rate != 20_000 || c.Last().Valid != 6 {
		t.Errorf("threadpool: last %+v", c.Last())
	}
	if c := curveOf(t, all, "goroutine"); c.Last().Valid != 4 {
		t.Errorf("goroutine: last %+v", c.Last())
	}
	if c := curveOf(t, all, "process"); c.Failures != 1 || c.Last().Trials != 5 {
		t.Errorf("process: %d failures, last %+v", c.Failures, c.Last())
	}
}

// A record of somebody else may hold anything.
func TestCurvesOfDamagedRecords(t *testing.T) {
	run, trials := sweepFixture(1)
	run.Situations = append(run.Situations, run.Situations[0])
	run.Situations[0].Rate, run.Situations[1].Rate, run.Situations[2].Rate = -5, 1e308, 1e-308
	for i := range trials {
		trials[i].Load.Window, trials[i].Load.Intended = 0, 0
		trials[i].Load.Response = Histogram{}
	}
	run.Situations[3].Name = "\x1b[31m<script>"
	for _, c := range Curves(&run, trials, LoadSweep) {
		if c.Knee() != nil || c.Peak.Summary.N != 0 {
			t.Errorf("%s: knee %v, peak %v", c.Architecture.Name, c.Knee(), c.Peak.Summary)
		}
	}
	text := loadsText(t, run, trials, Style{ASCII: true})
	if strings.ContainsRune(text, '\x1b') || len(strings.Split(text, "\n")) > screenLines+1 {
		t.Errorf("the screen:\n%s", text)
	}
	if all := Curves(&Run{}, trials, LoadSweep); all != nil {
		t.Errorf("a run without a sweep has %d curves", len(all))
	}
}

func loadsText(t *testing.T, run Run, trials []Trial, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := Loads(&b, run, trials, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLoadsGolden(t *testing.T) {
	run, trials := sweepFixture(6)
	quick, few := sweepFixture(3)
	voided := slices.Clone(trials)
	for i := range voided {
		if x := &voided[i]; x.Load.Rate == 6300 {
			x.Findings = []Finding{{"disturbed", "by others", Everything}}
		}
	}
	spoiled := slices.Clone(trials)
	for i := range spoiled {
		spoiled[i].Findings = []Finding{{"disturbed", "by others", Everything}}
	}
	for name, c := range map[string]struct {
		run    Run
		trials []Trial
		style  Style
	}{
		"loads.txt":         {run, trials, Style{}},
		"loads-ascii.txt":   {run, trials, Style{ASCII: true}},
		"loads-color.txt":   {run, trials, Style{Color: true}},
		"loads-quick.txt":   {quick, few, Style{}},
		"loads-void.txt":    {run, voided, Style{}},
		"loads-spoiled.txt": {run, spoiled, Style{}},
		"loads-partial.txt": {run, trials[:100], Style{}},
		"loads-nothing.txt": {run, nil, Style{}},
	} {
		text := loadsText(t, c.run, c.trials, c.style)
		golden(t, name, text)
		for line := range strings.Lines(text) {
			if !c.style.Color && width(line) > screenWidth+1 {
				t.Errorf("%s: %d columns: %s", name, width(line)-1, line)
			}
		}
		if n := strings.Count(text, "\n"); n > screenLines {
			t.Errorf("%s: %d lines", name, n)
		}
	}
	var b bytes.Buffer
	wideCurves(&b, &run, trials)
	golden(t, "loads-wide.txt", b.String())
	if screen := screenText(t, run, trials, Style{}); screen != loadsText(t, run, trials, Style{}) {
		t.Errorf("a run of nothing else has this screen:\n%s", screen)
	}
}

// stallFixture is an invented stall: some rows stop for half a second.
func stallFixture() (Run, []Trial) {
	run, all := fixture(6, 6)
	run.Situations = []Situation{{Name: "stall", Title: "1 blocks 0.5 s", Subtitle: "longest wait", Metric: Stall,
		Meaning: "one request blocks who serves it for 500 ms: how long do others wait at most?", Model: "poisson",
		Path: "/", Connections: 64, Rate: 310, Crash: "/?block=500ms", Warmup: 0.1, Window: 1.6}}
	run.Plan = nil
	rng := rand.New(rand.NewPCG(5, 6))
	var trials []Trial
	for _, t := range all {
		if t.Situation != "arrivals" {
			continue
		}
		t.Situation, t.Findings = "stall", nil
		n, waiting := 400, 0
		if slices.Contains([]string{"iterative", "eventloop", "epoll"}, t.Architecture) {
			n, waiting = 310, 150
		}
		h := histogramOf(rng, n, 200e-6, 0.1)
		for i := range waiting {
			if err := h.RecordValue(int64(5e8 * float64(i+1) / float64(waiting))); err != nil {
				panic(err)
			}
		}
		t.Load.Response = h
		run.Plan, trials = append(run.Plan, t.Planned), append(trials, t)
	}
	return run, trials
}

func TestStallGolden(t *testing.T) {
	run, trials := stallFixture()
	golden(t, "stall.txt", screenText(t, run, trials, Style{}))
	golden(t, "stall-ascii.txt", screenText(t, run, trials, Style{ASCII: true}))
	for _, x := range trials {
		v, ok := x.Value(Stall)
		if stopped := x.Architecture == "iterative" || x.Architecture == "eventloop" || x.Architecture == "epoll"; !ok ||
			stopped != (v > 0.49) {
			t.Errorf("%s: longest wait %v", x.Architecture, v)
		}
	}
	if share, ok := trials[0].Load.Longer(waitedLong); !ok || math.Abs(share-75.0/460) > 0.01 {
		t.Errorf("%v of the requests waited longer, want 75 of 460", share)
	}
	if _, ok := (&Load{}).Longer(1); ok {
		t.Error("a load without an answer has a share")
	}
}

// A run of the default with load and stall shows each on a screen of its own, the table first.
func TestScreensBeneathOneAnother(t *testing.T) {
	run, trials := fixture(6, 6)
	want := screenText(t, run, trials, Style{})
	for _, f := range []func() (Run, []Trial){stallFixture, func() (Run, []Trial) { return sweepFixture(6) }} {
		more, others := f()
		run.Situations, run.Plan = append(run.Situations, more.Situations...), append(run.Plan, more.Plan...)
		trials = append(trials, others...)
	}
	screens := strings.Split(screenText(t, run, trials, Style{}), "● best or tied")
	if len(screens) != 4 {
		t.Fatalf("%d tables, want 3: %s", len(screens)-1, strings.Join(screens, "● best or tied"))
	}
	text := screenText(t, run, trials, Style{})
	at := []int{strings.Index(text, question), strings.Index(text, whoWaits),
		strings.Index(text, "HOW MUCH CAN EACH HOLD?")}
	if at[0] != 0 || !slices.IsSorted(at) {
		t.Errorf("the screens begin at %v:\n%s", at, text)
	}
	for i, screen := range []string{text[:at[1]], text[at[1]:at[2]], text[at[2]:]} {
		if n := strings.Count(screen, "\n"); n > screenLines {
			t.Errorf("screen %d has %d lines", i+1, n)
		}
	}
	elapsed := regexp.MustCompile(`\d+ s |, \d+ min \d+ s`)
	if got := elapsed.ReplaceAllString(text[:at[1]], ""); got != elapsed.ReplaceAllString(want, "") {
		t.Errorf("the table beside others is not what it is alone:\n%s\nwant\n%s", text[:at[1]], want)
	}
}
