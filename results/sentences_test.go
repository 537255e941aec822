package results

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSome(t *testing.T) {
	for n, want := range map[int]string{0: "", 1: "a", 2: "a and b", 3: "a, b and c", 4: "a, b, c and 1 more",
		6: "a, b, c and 3 more"} {
		names := strings.Split("abcdef", "")[:n]
		if got := some(names); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
		if got := strings.Join(names, ""); got != "abcdef"[:n] {
			t.Errorf("%d: the names became %q", n, got)
		}
	}
}

func TestUnbroken(t *testing.T) {
	for text, want := range map[string]string{
		"40.0 µs (34.4 to 45.5)":         "40.0_µs (34.4 to 45.5)",
		"10,700 requests/s, 83.3 %.":     "10,700_requests/s, 83.3_%.",
		"1 of 64 in every trial":         "1_of_64 in every trial",
		"2.55 ms of its 3.30 ms":         "2.55_ms of its 3.30_ms",
		"64 silent ones in threadpool 8": "64 silent ones in threadpool 8",
		"2 more and 22.1 KB":             "2 more and 22.1_KB",
	} {
		if got := strings.ReplaceAll(Unbroken(text), "\u00a0", "_"); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// TestReasonsAreFew: of many reasons the first three are left, and each names at most three rows.
func TestReasonsAreFew(t *testing.T) {
	rows := []answerRow{at("a", 20e-6, func(t *Trial) { t.Server.Switches = pointer(uint64(1000)) })}
	for i := range 5 {
		rows = append(rows, at(fmt.Sprintf("slow%d", i), 80e-6,
			func(t *Trial) { t.Server.Switches = pointer(uint64(9000)) }))
	}
	for i := range 4 {
		spawner := Architecture{Name: fmt.Sprintf("spawner%d", i), Processes: PerRequest}
		rows = append(rows, answerRow{spawner, 1000e-6, 0, nil})
	}
	with := func(rows []answerRow) []string {
		run, trials := answerColumn(Situation{Metric: CPUPerRequest, Model: "constant", Rate: 3000}, rows...)
		run.Calibration.Spawn = &Spawn{Count: 9, Exec: 100e-6, Runtime: 400e-6, Init: 800e-6}
		for i := range 5 { // what a row's start takes comes off
			idle := Trial{Planned: Planned{"another", fmt.Sprintf("slow%d", i), 1}}
			idle.Server.Switches = pointer(uint64(0))
			trials = append(trials, idle)
		}
		return Answers(&run, trials)[0].Reasons
	}
	all := with(rows)
	if len(all) != mostReasons || !strings.Contains(all[0], "starts a process") {
		t.Errorf("%d reasons: %q", len(all), all)
	}
	counters := with(rows[:6])
	if len(counters) != 1 || !strings.Contains(counters[0], "9.00 in slow2 and 2 more.") {
		t.Errorf("of counters alone: %q", counters)
	}
}

// TestCountersExplainMuch: a counter that differs far less than the figure does is no reason, and of user and system
// time only the one that makes up most is one.
func TestCountersExplainMuch(t *testing.T) {
	cpu := Situation{Metric: CPUPerRequest, Model: "constant", Rate: 3000}
	times := func(user, system float64) func(*Trial) {
		return func(t *Trial) { t.Server.CPUUser, t.Server.CPUSystem = pointer(user), pointer(system) }
	}
	for name, c := range map[string]struct {
		user, system float64
		want         string // the beginning of the only reason
	}{
		"the system's":  {6e-3, 74e-3, "System time per request: 15.0 µs in a; 74.0 µs in b."},
		"the user's":    {60e-3, 20e-3, "User time per request: 5.00 µs in a; 60.0 µs in b."},
		"neither's":     {20e-3, 30e-3, ""},
		"both of equal": {35e-3, 45e-3, "System time per request"},
	} {
		run, trials := answerColumn(cpu, at("a", 20e-6, times(5e-3, 15e-3)), at("b", 80e-6, times(c.user, c.system)))
		got := Answers(&run, trials)[0].Reasons
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestRowsThatAgreeAnswerTogether: one answer for all rows of which the same holds; another row has its own.
func TestRowsThatAgreeAnswerTogether(t *testing.T) {
	run, trials := withStates(fixture(8, 6))
	var of []string
	for _, a := range Answers(&run, trials) {
		if a.Aspect == "The cost of remembering clients" {
			of = append(of, a.Text)
		}
	}
	if len(of) != 3 || !strings.HasPrefix(of[0], "iterative, event loop, epoll loop and 3 more: soft and stateful") {
		t.Fatalf("%q", of)
	}
	// One of the six now finds soft state far cheaper than all the others.
	changed := slices.Clone(trials)
	for i := range changed {
		x := &changed[i]
		if x.Architecture == "goroutine" && strings.Contains(x.Situation, "soft") && x.Server.CPU != nil {
			x.Server.CPU = pointer(*x.Server.CPU / 4)
		}
	}
	found := false
	for _, a := range Answers(&run, changed) {
		found = found || strings.HasPrefix(a.Text, "goroutine at 2,380 reads/s: soft needs least CPU time")
	}
	if !found {
		t.Error("the row that differs has no answer of its own")
	}
}
