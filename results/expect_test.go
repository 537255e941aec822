package results

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// outcomeOf answers one line by a run.
func outcomeOf(t *testing.T, run *Run, trials []Trial, line string) Outcome {
	t.Helper()
	e, err := ParseExpectation(line)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Judge(run, trials, MinTrials)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestExpectations(t *testing.T) {
	run, trials := starvedColumn(withReferences(fixture(8, 6)))
	run.Calibration.Traces = map[string]SysTrace{}
	for i, name := range []string{"iterative", "epoll"} {
		steps := slices.Repeat([]Step{{Kind: KindCall, Name: "read"}}, 4+2*i)
		run.Calibration.Traces[name] = SysTrace{Arch: name, Requests: []RequestTrace{{Steps: steps}}}
	}
	for line, want := range map[string]struct {
		truth Truth
		why   string // a part of it
	}{
		"cpu(iterative) < cpu(threadpool)":              {Holds, "21.4 µs against 26.1 µs, ratio 0.82"},
		"cpu(iterative) > cpu(threadpool)":              {Refuted, "6 blocks"},
		"cpu(iterative)*2 <= 40us":                      {Refuted, "42."},
		"cpu(iterative) <= 1.2*cpu(threadpool) - 1us":   {Holds, ""},
		"cpu(iterative) == cpu(epoll)":                  {Holds, "ratio"},
		"cpu(iterative) == cpu(goroutine)":              {Refuted, ""},
		"-cpu(iterative) < -20us":                       {Holds, "difference"},
		"(cpu(goroutine) - cpu(iterative)) / 2 >= 10us": {Holds, "10.3 µs against 10.0 µs"},
		`cpu("thread pool 64", trivial) < 30us`:         {Holds, ""},
		"cpu(nginx) < 31us":                             {Holds, "30."},
		"memory(eventloop) < 1.5KB":                     {Holds, "1.07 KB against 1.50 KB"},
		"memory(eventloop) < 800B":                      {Refuted, ""},
		"harmed(process) == 1":                          {Holds, "1 against 1"},
		"harmed(iterative) - harmed(prefork) == 63":     {Holds, ""},
		"switches(iterative) == 2":                      {Holds, ""},
		"threads(iterative) <= 7":                       {Holds, ""},
		"p99(iterative) < p50(process)":                 {Holds, ""},
		"throughput(prefork) > 10000/s":                 {Holds, ""},
		"throughput(prefork) * 1s > 10000*1s":           {Holds, ""},
		"1/starved(iterative, crowd) < 50%":             {Holds, ""},
		"syscalls(iterative) == 4":                      {Holds, "4 against 4, counted in one request"},
		"syscalls(iterative) < best(syscalls)":          {Refuted, "best(syscalls) is iterative"},
		"syscalls(thread) < 4":                          {CannotTell, "not traced"},
		"syscalls(iterative)/0 > 1":                     {CannotTell, "division"},
		// What failed is no good, and how bad it is nobody knows.
		"throughput(iterative) > 100":                    {Refuted, "iterative failed in waits: starved 63/64"},
		"100 < throughput(iterative)":                    {Refuted, "starved"},
		"throughput(iterative) < 100":                    {CannotTell, "starved"},
		"throughput(thread) > 5*throughput(iterative)":   {CannotTell, "starved"},
		"throughput(thread) / throughput(iterative) < 5": {Refuted, "starved"},
		"throughput(thread) == throughput(iterative)":    {Refuted, "starved"},
		"throughput(epoll) > throughput(iterative)":      {CannotTell, "wrong"},
		"memory(iterative) < 1MB":                        {Refuted, "iterative failed in crowd: stuck"},
		"0B - memory(iterative) < 0B":                    {CannotTell, "stuck"},
		"throughput(goroutine) > 100":                    {CannotTell, "generator-bound"},
		"cpu(nginx, waits) < 1s":                         {CannotTell, "not measured"},
		"cpu(apache-event) < 1s":                         {CannotTell, "left out: it is not installed"},
		"starved(iterative, waits) == 63":                {Holds, ""},
		"failed(iterative, waits) == 1":                  {Holds, ""},
		"failed(thread, waits) == 0":                     {Holds, ""},
		"failed(threadpool, waits) == 1":                 {Holds, ""},
		// Best and worst: of those that have a figure and are ranked.
		"cpu(goroutine) < worst(cpu)":                       {Holds, "worst(cpu) is process"},
		"best(cpu) < 22us":                                  {Holds, "best(cpu) is iterative"},
		"best(throughput) > 5 * throughput(process, waits)": {CannotTell, "overloaded"},
		"cpu(goroutine) <= best(cpu)":                       {Refuted, ""},
		"best(memory, crowd) < 2KB":                         {Holds, "best(memory, crowd) is event loop"},
		"worst(throughput) > 10000":                         {Holds, ""},
	} {
		out := outcomeOf(t, &run, trials, line)
		if out.Truth != want.truth || !strings.Contains(out.Why, want.why) || out.Text != line {
			t.Errorf("%s\n%s: %s\nwant %s: …%s…", line, out.Truth, out.Why, want.truth, want.why)
		}
	}
}

// TestExpectNeedsSixBlocks: below, no interval of a median holds in 95 of 100 runs.
func TestExpectNeedsSixBlocks(t *testing.T) {
	run, trials := fixture(3, 6)
	trials = slices.Clone(trials)
	for i := range trials {
		if v := &trials[i]; v.Architecture == "epoll" && v.Situation == "trivial" && v.Block == 4 {
			v.Findings = []Finding{{"disturbed", "others used the CPU", Everything}}
		}
	}
	out := outcomeOf(t, &run, trials, "cpu(epoll) < 1s")
	if out.Truth != CannotTell || !strings.Contains(out.Why, "5 blocks") || !strings.Contains(out.Why, "disturbed") {
		t.Errorf("%+v", out)
	}
	if out := outcomeOf(t, &run, trials, "cpu(iterative) < 1s"); out.Truth != Holds {
		t.Errorf("%+v", out)
	}
	if out := outcomeOf(t, &run, nil, "cpu(iterative) < 1s"); out.Truth != CannotTell {
		t.Errorf("without trials: %+v", out)
	}
}

func TestExpectRefuses(t *testing.T) {
	run, _ := fixture(3, 6)
	crash := Situation{Metric: Outage, State: "stateful"}
	run.Situations = slices.Concat(run.Situations, []Situation{crash, crash})
	for line, want := range map[string]string{
		"":                            `expectation "", column 1: give a number or a figure here`,
		"cpu(iterative)":              "column 15: give a comparison here",
		"cpu(iterative) < 1s 2":       "column 21: the line should end here",
		"cpu(iterative) < 1s < 2s":    "the line should end here",
		"cpu(iterative) < 5":          "a time can't be compared with a plain number",
		"cpu(iterative) < 5KB":        "a time can't be compared with a size",
		"cpu(iterative) + 1 < 5s":     "a time and a plain number can't be added",
		"cpu(iterative)*1s < 1s":      "s^2 B^0 can't be compared with a time",
		"cpu(iterative) < 5parsecs":   `column 19: unknown unit "parsecs": there are ns, us`,
		"1 < 2":                       "it names no figure",
		"1..2 < cpu(iterative)":       "1..2 is no number",
		"cup(iterative) < 1s":         `column 1: unknown figure "cup": there are balance, cpu, errors`,
		"best(cup) < 1s":              `column 6: unknown figure "cup"`,
		"cpu iterative < 1s":          "a ( is missing: cpu(…)",
		"cpu(iterative < 1s":          "a ) is missing",
		`cpu("iterative < 1s`:         `a " is missing`,
		"cpu() < 1s":                  "a name is missing",
		"cpu(a, b, c) < 1s":           "a ) is missing",
		"(cpu(iterative) < 1s":        "a ) is missing",
		"cpu(mine) < 1s":              `the run has no row "mine": there are iterative, eventloop, epoll`,
		"cpu(iterative, trivia) < 1s": `the run has no situation "trivia": there are trivial, waits`,
		"starved(iterative) < 1":      "starved(iterative): name the situation: there are trivial",
		"lost(iterative) < 1":         "name the situation",
		"best(cpu)+best(cpu)+worst(cpu)+best(p50) < 1s":             "at most 3 of best and worst",
		strings.Repeat("(", 60) + "1":                               "too many parentheses",
		"cpu(iterative) < " + strings.Repeat("1", expLength) + "us": "give at most 1000",
	} {
		e, err := ParseExpectation(line)
		if err == nil {
			_, err = e.Judge(&run, nil, MinTrials)
		}
		if !errors.Is(err, ErrExpect) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\n%v\nwant …%s…", line, err, want)
		}
	}
	run.Architectures = []Architecture{{Name: "\x1b[31mred"}}
	if e, err := ParseExpectation("cpu(x) < 1s"); err != nil {
		t.Error(err)
	} else if _, err := e.Judge(&run, nil, MinTrials); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("a name steers the terminal: %q", err)
	}
}

// noisy is a run of rows with these median CPU times; each block has a noise of its own and each trial another one.
func noisy(rng *rand.Rand, blocks int, medians ...float64) (Run, []Trial) {
	run := Run{Situations: []Situation{{Name: "trivial", Metric: CPUPerRequest}}}
	var trials []Trial
	for block := range blocks {
		shared := math.Exp(0.2 * rng.NormFloat64())
		for i, m := range medians {
			if block == 0 {
				run.Architectures = append(run.Architectures, row(letter(i), "", letter(i), ""))
			}
			p := Planned{"trivial", letter(i), block + 1}
			run.Plan = append(run.Plan, p)
			v := 1000 * m * shared * math.Exp(0.03*rng.NormFloat64())
			trials = append(trials, Trial{Planned: p, Load: Load{Requests: 1000}, Server: Server{CPU: &v}})
		}
	}
	return run, trials
}

// TestExpectErrorRate answers lines that are just not true, a thousand runs each: at most 5 % may be said to hold, or,
// of those that are just true, to be refuted. A true one with room is found in most.
func TestExpectErrorRate(t *testing.T) {
	if raceEnabled {
		t.Skip("a simulation: it is run without the race detector")
	}
	const runs = 1000
	rng := rand.New(rand.NewPCG(3, 4))
	share := func(blocks int, line string, want Truth, medians ...float64) float64 {
		e, err := ParseExpectation(line)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range runs {
			run, trials := noisy(rng, blocks, medians...)
			out, err := e.Judge(&run, trials, MinTrials)
			if err != nil {
				t.Fatal(err)
			}
			if out.Truth == want {
				n++
			}
		}
		return float64(n) / runs
	}
	for _, c := range []struct {
		line    string
		medians []float64
	}{
		{"cpu(A) < cpu(B)", []float64{1, 1}},
		{"cpu(A) <= 1.2*cpu(B)", []float64{1.2001, 1}},
		{"cpu(A) - cpu(B) > 0.5s", []float64{1.5, 1}},
		{"cpu(A) == cpu(B)", []float64{1.0201, 1}},
		{"cpu(A) == cpu(B)", []float64{0.9799, 1}},
		{"cpu(A) <= best(cpu)", []float64{1.005, 1, 1.01}},
		{"cpu(A) <= best(cpu)", []float64{1.0001, 1}},
		{"cpu(A) >= worst(cpu)", []float64{1, 1.001, 0.99}},
		{"0.9*cpu(A) > best(cpu)", []float64{1.1111, 1.0001, 1}},
	} {
		for _, blocks := range []int{6, 10} {
			if got := share(blocks, c.line, Holds, c.medians...); got > 0.05 {
				t.Errorf("%s, %v, %d blocks: said to hold in %.1f %%", c.line, c.medians, blocks, 100*got)
			}
		}
	}
	if got := share(6, "cpu(A) <= 1.2*cpu(B)", Refuted, 1.2, 1); got > 0.05 {
		t.Errorf("refuted in %.1f %% though it is true", 100*got)
	}
	if got := share(6, "cpu(A) < cpu(B)", Holds, 1, 1.15); got < 0.9 {
		t.Errorf("a difference of 15 %% is found in %.1f %% only", 100*got)
	}
	if got := share(6, "cpu(A) < cpu(B)", CannotTell, 1, 1); got < 0.9 {
		t.Errorf("%.1f %% can't be told", 100*got)
	}
	if got := share(10, "cpu(A) <= 1.5*best(cpu)", Holds, 1.1, 1, 1.01); got < 0.9 {
		t.Errorf("within 1.5 times the best one: found in %.1f %% only", 100*got)
	}
}

func TestExpectGolden(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	var all []Outcome
	for _, line := range []string{"cpu(iterative) <= best(cpu)", "cpu(process) > 40*cpu(eventloop)",
		"throughput(goroutine) >= best(throughput)", "memory(iterative) < 1MB", "p99(iterative) < 1ms",
		"cpu(iterative) < 0.5*cpu(eventloop) + 0.25*cpu(goroutine) + 0.25*cpu(threadpool) + 100us*threads(thread)",
		"harmed(prefork) == 1", "cpu(goroutine) <= best(cpu) + (cpu(threadpool) - cpu(goroutine))",
		"lost(eventloop, crash-stateful) == 64", "outage(eventloop, crash-soft) < 1s"} {
		all = append(all, outcomeOf(t, &run, trials, line))
	}
	for name, style := range map[string]Style{"expect.txt": {}, "expect-ascii.txt": {ASCII: true},
		"expect-color.txt": {Color: true}} {
		var b bytes.Buffer
		if err := WriteOutcomes(&b, all, style); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
		for line := range strings.Lines(regexp.MustCompile(`\x1b\[\d*m`).ReplaceAllString(b.String(), "")) {
			if width(line) > screenWidth+1 {
				t.Errorf("%s: %d columns: %s", name, width(line)-1, line)
			}
		}
	}
}

// TestExpectOfABlindRun asks by letters what the names answer, too.
func TestExpectOfABlindRun(t *testing.T) {
	run, trials := fixture(8, 6)
	blind, hidden, key := Blind(run, trials, 9)
	for _, k := range key {
		line := "cpu(%s) <= 30us"
		a := outcomeOf(t, &blind, hidden, fmt.Sprintf(line, k.Letter))
		b := outcomeOf(t, &run, trials, fmt.Sprintf(line, k.Name))
		if a.Truth != b.Truth || a.Why != b.Why {
			t.Errorf("%+v: %+v, by name %+v", k, a, b)
		}
	}
}

// FuzzExpect looks for a line that can't be outcomeOf: that panics, hangs, or is read as something else when it is
// printed.
func FuzzExpect(f *testing.F) {
	for _, line := range []string{"cpu(iterative) <= 1.2*cpu(epoll)", `p99("eventloop", arrivals) < 5ms`,
		"-(cpu(epoll)-1us)/2 == best(cpu)*50%", "throughput(epoll)>1000/s", "worst(memory, crowd)>=12KB",
		"1µs<cpu(epoll)",
		"((((1", "starved(iterative,crowd)/0>0", "cpu(\x00)<\xff"} {
		f.Add(line)
	}
	run, trials := fixture(3, 6)
	f.Fuzz(func(t *testing.T, line string) {
		e, err := ParseExpectation(line)
		if err != nil {
			if !errors.Is(err, ErrExpect) {
				t.Errorf("%v is no ErrExpect", err)
			}
			return
		}
		again, err := ParseExpectation(e.Text)
		if err != nil || again.op != e.op || len(again.figures) != len(e.figures) {
			t.Errorf("%q is read as another line: %v", e.Text, err)
		}
		out, err := e.Judge(&run, trials, MinTrials)
		if err != nil {
			return
		}
		if !slices.Contains([]Truth{Holds, Refuted, CannotTell}, out.Truth) || out.Why == "" {
			t.Errorf("%q: %+v", line, out)
		}
		var b bytes.Buffer
		err = WriteOutcomes(&b, []Outcome{out}, Style{})
		if err != nil || strings.ContainsAny(b.String(), "\x00\x1b") {
			t.Errorf("%q: %v", b.String(), err)
		}
	})
}
