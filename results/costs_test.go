package results

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// stateFixtures are the variants of the cost table, with what each makes of a row's CPU time and of a client.
var stateFixtures = []struct {
	state, store string
	cpu          float64
	memory       float64 // of a client
	opened       int
}{
	{"stateless", "", 1.25, 0, 0},
	{"soft", "", 1.05, 330, 1024},
	{"stateful", "memory", 1.05, 410, 1024},
	{"stateful", "shm", 1.12, 2590, 1024},
	{"stateful", "redis", 2.6, 12, 1024},
}

// withStates adds the trials of the cost table for some rows of an invented run, or for all.
func withStates(run Run, trials []Trial, rows ...string) (Run, []Trial) {
	trials, run.Plan = slices.Clone(trials), slices.Clone(run.Plan)
	run.Situations, run.Architectures = slices.Clone(run.Situations), slices.Clone(run.Architectures)
	for i := range run.Architectures {
		switch a := &run.Architectures[i]; a.Name {
		case "iterative":
			a.AtOnce = 1
		case "process":
			a.Processes = PerRequest
		case "prefork":
			a.Processes = Pooled
		}
	}
	run.Calibration.Held = map[string]map[string]Held{}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, v := range stateFixtures {
		s := Situation{Name: "state-" + v.state + v.store, State: v.state, Store: v.store, Metric: CPUPerRequest,
			Model: "constant", KeepAlive: true, Path: "/read", Connections: 16, Clients: 64, Read: 4096, Rows: rows,
			OwnRates: map[string]float64{}, Warmup: 0.1, Window: 0.5}
		held := map[string]Held{}
		for i := range run.Architectures {
			a := &run.Architectures[i]
			if rows != nil && !slices.Contains(rows, a.Name) || v.state == "soft" && a.Processes == PerRequest {
				continue
			}
			r := rowFixtures[slices.IndexFunc(rowFixtures, func(r rowFixture) bool { return r.arch.Name == a.Name })]
			h := Held{Clients: 5000, Memory: pointer(v.memory), Descriptors: pointer(v.opened), MaxOpen: 1024}
			if v.store == "redis" {
				h.Store = pointer(240.0)
			}
			if a.Processes == PerRequest {
				h = Held{MaxOpen: 1024, Clients: 180, Why: "only 180"}
			}
			held[a.Name] = h
			s.OwnRates[a.Name] = math.Floor(0.1 / r.cpu)
			for block := 1; block <= run.Setup.Trials; block++ {
				t := trialFixture(rng, Planned{s.Name, a.Name, block}, s, r, len(trials))
				*t.Server.CPU *= v.cpu
				t.Load.Sessions = &Sessions{State: v.state, Clients: 64, Read: 4096, Opened: 400, Closed: 390}
				if v.store == "redis" {
					t.Server.StoreCPU = pointer(11e-6 * float64(t.Load.Requests))
				}
				if v.store == "memory" && a.Processes != "" {
					t.Load.Sessions.Lost = 380
					t.Findings = []Finding{{"errors", "lost 380", Everything}}
				}
				run.Plan, trials = append(run.Plan, t.Planned), append(trials, t)
			}
		}
		run.Situations = append(run.Situations, s)
		run.Calibration.Held[s.Name] = held
	}
	return run, trials
}

// onlyStates leaves out what is not of the file service.
func onlyStates(run Run, trials []Trial) (Run, []Trial) {
	other := func(name string) bool {
		return !strings.HasPrefix(name, "state-")
	}
	run.Situations = slices.DeleteFunc(slices.Clone(run.Situations), func(s Situation) bool { return other(s.Name) })
	run.Plan = slices.DeleteFunc(slices.Clone(run.Plan), func(p Planned) bool { return other(p.Situation) })
	return run, slices.DeleteFunc(slices.Clone(trials), func(t Trial) bool { return other(t.Situation) })
}

// closed adds to a run what the default run closes with: states without the stores of others, and crashes.
func closed(run Run, trials []Trial) (Run, []Trial) {
	run, trials = withStates(run, trials, "eventloop")
	drop := func(name string) bool { return strings.HasSuffix(name, "shm") || strings.HasSuffix(name, "redis") }
	run.Situations = slices.DeleteFunc(run.Situations, func(s Situation) bool { return drop(s.Name) })
	run.Plan = slices.DeleteFunc(run.Plan, func(p Planned) bool { return drop(p.Situation) })
	trials = slices.DeleteFunc(trials, func(t Trial) bool { return drop(t.Situation) })
	for i, s := range run.Situations {
		if s.State == "" {
			continue
		}
		if s.State == "stateful" {
			run.Situations[i].Store = "" // the row's default
			s.Store = ""
		}
		s.Name, s.Fault, s.Blocks, s.Metric = "crash-"+s.State, "server", 2, Outage
		for block := 1; block <= 2; block++ {
			t := Trial{Version: Version, Planned: Planned{s.Name, "eventloop", block}, Order: len(trials), Seconds: 1.4}
			t.Load = Load{Model: "closed", KeepAlive: true, Connections: 16, Window: 1.2, Requests: 9000,
				Sessions: &Sessions{State: s.State, Clients: 64, Read: 4096, Opened: 400},
				Fault:    &Fault{Begun: 0.3, Happened: 0.301, First: pointer(0.35)}}
			if s.State == "stateful" {
				t.Load.Sessions.Lost = 63 + uint64(block-1)
			}
			run.Plan, trials = append(run.Plan, t.Planned), append(trials, t)
		}
		run.Situations = append(run.Situations, s)
	}
	return run, trials
}

func TestCostsGolden(t *testing.T) {
	for name, c := range map[string]struct {
		rows, trials int
		style        Style
		change       func(Run, []Trial) (Run, []Trial)
	}{
		"costs-7.txt": {rows: 8, trials: 6, change: func(r Run, t []Trial) (Run, []Trial) {
			return withStates(without(r, t, "epoll"))
		}},
		"costs-references.txt": {rows: 2, trials: 6, change: func(r Run, t []Trial) (Run, []Trial) {
			r, t = withReferences(r, t)
			return withStates(r, t, "iterative", "eventloop")
		}},
		"costs-3-ascii.txt": {rows: 3, trials: 6, style: Style{ASCII: true}, change: func(r Run, t []Trial) (Run, []Trial) {
			return withStates(r, t)
		}},
		"costs-few-trials.txt": {rows: 3, trials: 3, change: func(r Run, t []Trial) (Run, []Trial) {
			return withStates(r, t)
		}},
		"costs-interrupted.txt": {rows: 2, trials: 6, change: func(r Run, t []Trial) (Run, []Trial) {
			r, t = withStates(r, t)
			r.Calibration.Held = nil
			return r, slices.DeleteFunc(t, func(t Trial) bool { return t.Block > 1 || t.Architecture == "eventloop" })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			run, trials := fixture(c.rows, c.trials)
			run, trials = onlyStates(c.change(run, trials))
			text := screenText(t, run, trials, c.style)
			golden(t, name, text)
			for line := range strings.Lines(text) {
				if width(line) > costsWidth+1 {
					t.Errorf("%d columns: %s", width(line)-1, line)
				}
				if c.style.ASCII && strings.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
					t.Errorf("not ASCII: %s", line)
				}
			}
		})
	}
}

// The default run closes with a line for each state, in 24 lines of 80 columns; with more rows or notes in fewer words.
func TestClosingLinesGolden(t *testing.T) {
	for name, c := range map[string]struct {
		rows   int
		change func(Run, []Trial) (Run, []Trial)
	}{
		"closing-6.txt": {rows: 6, change: closed},
		"closing-7.txt": {rows: 8, change: func(r Run, t []Trial) (Run, []Trial) { return closed(without(r, t, "epoll")) }},
		"closing-8.txt": {rows: 8, change: closed},
		"closing-notes.txt": {rows: 8, change: func(r Run, t []Trial) (Run, []Trial) {
			r, t = closed(without(r, t, "epoll"))
			r.LeftOut = []LeftOut{{"symped", "SO_REUSEPORT is blocked by the container"}}
			return r, t
		}},
	} {
		t.Run(name, func(t *testing.T) {
			run, trials := fixture(c.rows, 6)
			run, trials = c.change(run, trials)
			text := screenText(t, run, trials, Style{})
			golden(t, name, text)
			if n := strings.Count(text, "\n"); n > screenLines {
				t.Errorf("%d lines", n)
			}
			for line := range strings.Lines(text) {
				if width(line) > screenWidth+1 {
					t.Errorf("%d columns: %s", width(line)-1, line)
				}
			}
			for _, state := range []string{"stateless", "soft", "stateful", "a crash loses", "64 of 64"} {
				if c.rows < 8 && !strings.Contains(text, state) {
					t.Errorf("the screen lacks %q", state)
				}
			}
			var wide bytes.Buffer
			if err := Wide(&wide, run, trials, Style{}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(wide.String(), "MEMORY AND DESCRIPTORS OF A CLIENT") {
				t.Error("--wide lacks the memory of a client")
			}
		})
	}
}

// A run without trials of states says nothing of them, and neither does one whose first such trial is still to come.
func TestNoClosingLinesWithoutTrials(t *testing.T) {
	run, trials := fixture(6, 6)
	with, _ := closed(run, trials)
	for _, r := range []Run{run, with} {
		if text := screenText(t, r, trials, Style{}); strings.Contains(text, "stateless") {
			t.Errorf("nothing was measured:\n%s", text)
		}
	}
}

// A wrong answer in a crash is said loudly, whatever was lost.
func TestClosingLinesSayWrongAnswers(t *testing.T) {
	run, trials := closed(fixture(6, 6))
	for i := range trials {
		if trials[i].Situation == "crash-soft" {
			trials[i].Findings = []Finding{{"wrong answers", "1 of 9,000", Everything}}
		}
	}
	text := screenText(t, run, trials, Style{})
	if strings.Count(text, "wrong answers ×") != 1 {
		t.Errorf("no wrong answers:\n%s", text)
	}
}

// Losing sessions without a crash is a failure, whatever the CPU time.
func TestLostSessionsAreNoCost(t *testing.T) {
	for lost, want := range map[uint64]float64{0: 0, 40: 0.1, 400: 1, 4000: 1} {
		c := Cell{Trials: []*Trial{{Load: Load{Sessions: &Sessions{Opened: 400, Lost: lost}}}}}
		if got := c.lost(); got != want {
			t.Errorf("%d lost of 400: %v, want %v", lost, got, want)
		}
	}
	if got := (&Cell{Trials: []*Trial{{}}}).lost(); got != 0 {
		t.Errorf("without sessions: %v", got)
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[float64]string{-3: "0 B", 0.4: "0 B", 7.6: "8.0 B", 313: "310 B", 999: "1,000 B",
		2590: "2.5 KB", 28_000: "27 KB"} {
		if got := size(bytes); got != want {
			t.Errorf("%v bytes: %s, want %s", bytes, got, want)
		}
	}
}

// Two quantiles have one unit and nine characters, whatever they are.
func TestTwoQuantilesFit(t *testing.T) {
	for _, c := range []struct {
		p50, p99 float64
		want     string
	}{{61e-6, 210e-6, "0.06/0.21"}, {61e-6, 12e-3, "0.06/12"}, {460e-6, 12e-3, "0.46/12"}, {7.4e-3, 42e-3, "7.4/42"},
		{2.6e-3, 2.6e-3, "2.6/2.6"}, {996e-6, 280e-3, "1.0/280"}} {
		h := NewHistogram()
		for i := range 1000 {
			v := c.p50
			if i >= 980 {
				v = c.p99
			}
			if err := h.RecordValue(int64(v * 1e9)); err != nil {
				t.Fatal(err)
			}
		}
		cell := Cell{Trials: []*Trial{{Load: Load{Response: h}}}}
		if got := p50p99(&cell); got != c.want {
			t.Errorf("%v, %v: %q, want %q", c.p50, c.p99, got, c.want)
		}
	}
	if got := p50p99(&Cell{}); got != "n/a" {
		t.Errorf("without answers: %q", got)
	}
}
