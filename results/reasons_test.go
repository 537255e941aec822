package results

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestReasons: each reason is said where its figure shows it in the direction that is claimed, and not otherwise.
func TestReasons(t *testing.T) {
	cpu := Situation{Metric: CPUPerRequest, Model: "constant", Rate: 3000}
	waits := Situation{Metric: Throughput, Model: "closed", Path: "/?wait=5ms", Ceiling: 12800}
	latency := Situation{Metric: Latency, Model: "poisson", Rate: 400}
	crowd := Situation{Metric: MemoryPerSilent, Model: "closed", KeepAlive: true, Silent: 1000, Connections: 16}
	blast := Situation{Metric: Harmed, Model: "closed", KeepAlive: true}
	one, spawner, pool := Architecture{Name: "one", AtOnce: 1}, Architecture{Name: "s", Processes: PerRequest},
		Architecture{Name: "pool", AtOnce: 8}
	spawn := &Spawn{Count: 9, Exec: 100e-6, Runtime: 400e-6, Init: 800e-6}
	set := func(f func(*Server)) func(*Trial) { return func(t *Trial) { f(&t.Server) } }
	system := func(us float64) func(*Trial) {
		return set(func(s *Server) { s.CPUSystem, s.CPUUser = pointer(1e-3*us), pointer(5e-3) })
	}
	with := func(n float64) func(*Trial) { return set(func(s *Server) { s.CPU = pointer(n) }) }
	processes := func(n int) func(*Trial) { return set(func(s *Server) { s.Processes = n }) }
	threads := func(n int) func(*Trial) { return set(func(s *Server) { s.Threads = n }) }
	overflows := func(n uint64) func(*Trial) { return set(func(s *Server) { s.ListenOverflows = &n }) }
	later := func(service float64) func(*Trial) {
		return func(t *Trial) { t.Load.Service = histogramOf(rand.New(rand.NewPCG(1, 1)), 1200, service, 0.01) }
	}
	for name, c := range map[string]struct {
		sit        Situation
		good, bad  answerRow
		spawn      *Spawn
		has, hasNo string
	}{
		"spawning": {cpu, at("a", 20e-6), answerRow{spawner, 1000e-6, 0, nil}, spawn,
			"s starts a process for each request, which takes 800 µs of its", ""},
		"spawning, not calibrated": {cpu, at("a", 20e-6), answerRow{spawner, 1000e-6, 0, nil}, nil,
			"", "starts a process"},
		"spawning, not one per request": {cpu, at("a", 20e-6),
			answerRow{Architecture{Name: "s", Processes: Pooled}, 1000e-6, 0, nil}, spawn, "", "starts a process"},
		"spawning that costs more than all": {cpu, at("a", 20e-6), answerRow{spawner, 500e-6, 0, nil},
			spawn, "", "starts a process"},
		"spawning that explains little": {cpu, at("a", 20e-6), answerRow{spawner, 5000e-6, 0, nil},
			spawn, "", "starts a process"},
		"system time": {cpu, at("a", 20e-6, system(10)), at("b", 40e-6, system(30)), nil,
			"System time per request: 10.0 µs in a; 30.0 µs in b.", "User time"},
		"system time, less": {cpu, at("a", 20e-6, system(30)), at("b", 40e-6, system(10)),
			nil, "", "System time"},
		"system time, not counted": {cpu, at("a", 20e-6), at("b", 40e-6, system(10)),
			nil, "", "System time"},
		"one at a time": {waits, at("a", 12000), answerRow{one, 190, 0, nil}, nil,
			"One request at a time that waits 5.00 ms makes at most 200 requests/s (Little's law); reached: " +
				"190 in one.",
			""},
		"one at a time, by its figure alone": {waits, at("a", 12000), at("b", 190),
			nil, "190 in b", ""},
		"slow for another reason": {waits, at("a", 12000), answerRow{one, 90, 0, nil}, nil, "",
			"at a time"},
		"more than one at a time": {waits, at("a", 12000), answerRow{one, 230, 0, nil}, nil, "",
			"One request at a time"},
		"nothing waits": {Situation{Metric: Throughput, Path: "/"}, at("a", 12000),
			answerRow{one, 190, 0, nil}, nil, "", "at a time"},
		"eight at a time": {waits, at("a", 12000), answerRow{pool, 1500, 0, nil}, nil,
			"pool serves 8 at a time, which makes at most 1,600, and reaches 1,500", "One request"},
		"the clients' ceiling": {waits, at("a", 12000), at("b", 900), nil,
			"64 clients that wait 5.00 ms each make at most 12,800 requests/s, whatever the server: a reaches 93.7 %.",
			""},
		"far from the ceiling": {waits, at("a", 2000), at("b", 900), nil, "",
			"whatever the server"},
		"busy": {waits, at("a", 12000, with(0.4)), at("b", 900, with(0.95)), nil,
			"what a request needs of it counts: 33.3 µs in a; 1,060 µs in b.", ""},
		"more than before, not busy": {waits, at("a", 12000, with(0.4)),
			at("b", 900, with(0.6)), nil, "", "nearly used up"},
		"a longer median": {latency, at("a", 1e-3), at("b", 9e-3), nil,
			"The median, p50, of the response time: 1.00 ms in a; 9.01 ms in b.", "p99 as a multiple"},
		"waited to be sent": {latency, at("a", 1e-3), at("b", 9e-3, later(2e-3)), nil,
			"Requests waited for a free connection, which p99 counts: b (", ""},
		"did not wait to be sent": {latency, at("a", 1e-3), at("b", 9e-3, later(8.5e-3)),
			nil, "", "free connection"},
		"a lagging generator": {latency, at("a", 1e-3), answerRow{called("b"), 9e-3, 0, func(t *Trial) {
			later(2e-3)(t)
			t.Load.Lag = t.Load.Response
		}}, nil, "", "free connection"},
		"a backlog": {latency, at("a", 1e-3), answerRow{called("b"), 9e-3, 0,
			func(t *Trial) { t.Load.Backlog = 40 }}, nil, "Due and not sent at the end: 0 in a; 40 in b.", ""},
		"overflows": {latency, answerRow{called("a"), 1e-3, 0, overflows(0)},
			answerRow{called("b"), 9e-3, 0, overflows(7)}, nil,
			"Overflows of the accept queue: 0 in a; 7 in b.", ""},
		"threads": {crowd, at("a", 1000, threads(8)), at("b", 9000, threads(1024)), nil,
			"Threads: 8 in a; 1,024 in b.", ""},
		"occupied": {crowd, at("a", 1000), answerRow{pool, 9000, 0, starve("starved", MemoryPerSilent)},
			nil, "The 1,000 silent clients came first and keep all the places: 8 in pool.", ""},
		"one process": {blast, at("a", 1, processes(65)), at("b", 64, processes(1)), nil,
			"One process serves all clients in b: when it ends, all notice. " +
				"Seen at a time: 65 in a.",
			""},
		"many processes, all hit": {blast, at("a", 1, processes(65)),
			at("b", 64, processes(65)), nil, "", "One process"},
	} {
		run, trials := answerColumn(c.sit, c.good, c.bad)
		run.Calibration.Spawn = c.spawn
		answers := Answers(&run, trials)
		if len(answers) != 1 {
			t.Errorf("%s: %d answers", name, len(answers))
			continue
		}
		text := strings.Join(answers[0].Reasons, "\n")
		if !strings.Contains(text, c.has) {
			t.Errorf("%s lacks %q: %s\n%s", name, c.has, answers[0].Text, text)
		}
		if c.hasNo != "" && strings.Contains(text, c.hasNo) {
			t.Errorf("%s has %q:\n%s", name, c.hasNo, text)
		}
	}
}

// TestSwitchingLeavesTheStartOut: a row that switches only to start makes no more switches for a request.
func TestSwitchingLeavesTheStartOut(t *testing.T) {
	for name, c := range map[string]struct {
		start, each uint64
		want        bool
	}{"per request": {0, 5, true}, "only to start": {9000, 1, false}, "both": {9000, 5, true}, "fewer": {0, 0, false}} {
		cpu := Situation{Metric: CPUPerRequest, Model: "constant", Rate: 3000}
		run, trials := answerColumn(cpu,
			at("a", 20e-6, func(t *Trial) { t.Server.Switches = pointer(uint64(1000)) }),
			answerRow{called("b"), 40e-6, 0, func(t *Trial) { t.Server.Switches = pointer(c.start + 1000*c.each) }})
		idle := Trial{Planned: Planned{"another", "b", 1}}
		idle.Server.Switches = pointer(c.start)
		text := strings.Join(Answers(&run, append(trials, idle))[0].Reasons, "\n")
		if got := strings.Contains(text, "the server's start left out: 1.00 in a; 5.00 in b."); got != c.want {
			t.Errorf("%s: said %v, want %v: %s", name, got, c.want, text)
		}
	}
}

// TestSystemCallsOfTraces: said where both rows were traced, and the worse one makes more calls.
func TestSystemCallsOfTraces(t *testing.T) {
	trace := func(n int) SysTrace {
		return SysTrace{Requests: []RequestTrace{{Steps: make([]Step, n)}}}
	}
	for name, c := range map[string]struct {
		a, b int
		want string
	}{
		"more":  {6, 12, "System calls of one traced request: 6 in a; 12 in b."},
		"fewer": {12, 6, ""}, "missing": {0, 12, ""},
	} {
		run, trials := answerColumn(Situation{Metric: CPUPerRequest}, at("a", 20e-6),
			at("b", 40e-6))
		run.Calibration.Traces = map[string]SysTrace{}
		for row, n := range map[string]int{"a": c.a, "b": c.b} {
			if n > 0 {
				s := trace(n)
				for i := range s.Requests[0].Steps {
					s.Requests[0].Steps[i].Kind, s.Requests[0].Steps[i].Name = KindCall, "read"
				}
				run.Calibration.Traces[row] = s
			}
		}
		if got := strings.Join(Answers(&run, trials)[0].Reasons, "\n"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestBlockedTogether: others that wait as long as one request blocks are said to wait for whoever serves it.
func TestBlockedTogether(t *testing.T) {
	for others, want := range map[float64]bool{0.5: true, 0.2: false} {
		col := Column{Situation: &Situation{Metric: Stall, Crash: "/?block=500ms"}}
		good := &Cell{Summary: Summarize([]float64{0.001})}
		bad := &Cell{Architecture: &Architecture{Label: "b"}, Summary: Summarize([]float64{others})}
		text := blockedTogether(&col, good, []*Cell{bad}).text
		got := strings.Contains(text, "One request blocks for 500 ms") && strings.Contains(text, "500 ms in b")
		if got != want {
			t.Errorf("%v s: %q", others, text)
		}
	}
}
