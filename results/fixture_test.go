package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// rows is what the invented machine of the tests does: one entry for each architecture.
type rowFixture struct {
	arch                    Architecture
	cpu, waits, memory, p50 float64
	stuck                   bool
	harmed                  int
	ownRate                 float64
}

func row(name, lecture, label, idea string) Architecture {
	return Architecture{Name: name, Lecture: lecture, Label: label, Idea: idea}
}

var rowFixtures = []rowFixture{
	{row("iterative", "sequential", "iterative", "one request at a time"), 21.4e-6, 195, 0, 60e-6, true, 64, 0},
	{row("eventloop", "event-based", "event loop", "one loop"), 30.2e-6, 195, 1100, 80e-6, false, 64, 0},
	{row("epoll", "event-based", "epoll loop", "one loop, in Go"), 21.6e-6, 195, 1110, 70e-6, false, 64, 0},
	{row("threadpool", "thread-based", "thread pool 64", "64 threads"), 26e-6, 12400, 0, 75e-6, true, 64, 0},
	{row("goroutine", "thread-based", "goroutine", "a goroutine each"), 42e-6, 12350, 5300, 90e-6, false, 64, 0},
	{row("process", "process-based", "process", "one per request"), 2050e-6, 480, 0, 2.6e-3, true, 1, 120},
	{row("thread", "thread-based", "thread", "a kernel thread each"), 38e-6, 12360, 19000, 95e-6, false, 64, 0},
	{row("prefork", "process-based", "prefork 64", "64 processes"), 33e-6, 12300, 0, 85e-6, true, 1, 0},
}

var situationFixtures = []Situation{
	{Name: "trivial", Title: "trivial", Subtitle: "CPU µs/req", Metric: CPUPerRequest, Model: "constant", Path: "/",
		Meaning:     "a request without work: its cost is the architecture's own",
		Connections: 64, Rate: 3000, OwnRates: map[string]float64{"process": 120}, Warmup: 0.5, Window: 2},
	{Name: "waits", Title: "waits 5 ms", Subtitle: "requests/s", Metric: Throughput, Model: "closed", Path: "/?wait=5ms",
		Meaning:     "each request sleeps, as for a database: who can let others go on?",
		Connections: 64, Ceiling: 12800, Warmup: 0.5, Window: 2},
	{Name: "crowd", Title: "1,000 silent", Subtitle: "clients: each", Metric: MemoryPerSilent, Model: "closed", Path: "/",
		Meaning:   "1,000 clients say nothing: are 16 busy ones served, at what memory each?",
		KeepAlive: true, Connections: 16, Silent: 1000, Warmup: 0.5, Window: 2},
	{Name: "blast", Title: "one request", Subtitle: "crashes: hit", Metric: Harmed, Model: "closed", Path: "/",
		Meaning:   "one request kills the process that serves it: how many clients notice?",
		KeepAlive: true, Connections: 64, Crash: "/chaos/exit", Warmup: 0.5, Window: 2},
	{Name: "arrivals", Title: "arrivals", Subtitle: "ms", Metric: Latency, Model: "poisson", Path: "/",
		Meaning:     "requests come at random, at one rate that all can hold: how long do they take?",
		Connections: 64, Rate: 400, Warmup: 0.5, Window: 3},
}

func pointer[T any](v T) *T { return &v }

// histogramOf draws n log-normal values with the given median and spread, and a few far out.
func histogramOf(rng *rand.Rand, n int, median, spread float64) Histogram {
	h := NewHistogram()
	for i := range n {
		v := median * math.Exp(spread*rng.NormFloat64())
		if i%97 == 0 {
			v *= 12
		}
		if err := h.RecordValue(int64(v * 1e9)); err != nil {
			panic(err)
		}
	}
	return h
}

var fixtures = map[[2]int]func() (Run, []Trial){}

// fixture is a whole invented run of the first n architectures, the same each time. It is shared between tests: who
// changes a trial clones the slice first.
func fixture(n, trials int) (Run, []Trial) {
	key := [2]int{n, trials}
	if fixtures[key] == nil {
		fixtures[key] = sync.OnceValues(func() (Run, []Trial) { return newFixture(n, trials) })
	}
	return fixtures[key]()
}

func newFixture(n, trials int) (Run, []Trial) {
	run := Run{
		Version: Version, Started: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), Program: "serverlab test",
		Setup: Setup{Connections: 64, Trials: trials, Seed: 7, ServerCPUs: []int{0}, ClientCPUs: []int{1},
			Apart: true, Workers: 64},
		Machine: Machine{CPU: "Invented 3000", Cores: 2, MemoryBytes: 8 << 30, Kernel: "6.12", OS: "linux",
			GoVersion: "go1.26", Descriptors: 20000, Sysctls: map[string]string{"net.core.somaxconn": "4096"}},
		Situations: situationFixtures,
		Calibration: Calibration{Ceiling: map[string]float64{"keep-alive": 90_000, "per-connection": 21_000}, Floor: 18e-6,
			Capacity: map[string]float64{}, Spawn: &Spawn{Count: 200, Exec: 151e-6, Runtime: 1040e-6, Init: 1690e-6,
				Fork: new(96e-6)}},
	}
	run.Calibration.Idle = map[string]Idle{}
	for _, r := range rowFixtures[:n] {
		run.Architectures = append(run.Architectures, r.arch)
		idle := Idle{Connections: 5000, Answered: 5000, Silent: pointer(r.memory), Used: pointer(1.25 * r.memory)}
		switch {
		case r.arch.Name == "process":
			idle = Idle{Connections: 5000, Answered: 118, Silent: pointer(280.0), Why: "too slow: only 118 were answered in time"}
		case r.arch.Name == "thread":
			idle.Answered = 2048
		case r.stuck:
			idle = Idle{Why: "serves 64 at a time"}
		}
		run.Calibration.Idle[r.arch.Name] = idle
		run.Calibration.Capacity[r.arch.Name] = 0.4 / r.cpu
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var all []Trial
	for block := 1; block <= trials; block++ {
		for _, s := range run.Situations {
			for _, r := range rowFixtures[:n] {
				p := Planned{s.Name, r.arch.Name, block}
				run.Plan = append(run.Plan, p)
				all = append(all, trialFixture(rng, p, s, r, len(all)))
			}
		}
	}
	return run, all
}

func trialFixture(rng *rand.Rand, p Planned, s Situation, r rowFixture, order int) Trial {
	noise := func(v, share float64) float64 { return v * (1 + share*rng.NormFloat64()) }
	t := Trial{Version: Version, Planned: p, Order: order, Seconds: 1.1,
		Started: time.Date(2026, 3, 1, 10, 0, order, 0, time.UTC)}
	l := &t.Load
	*l = Load{Model: s.Model, KeepAlive: s.KeepAlive, Connections: s.Connections, Threads: 1, Rate: s.Rate,
		Warmup: s.Warmup, Window: s.Window, Silent: s.Silent, CPU: 0.4, CPUSpin: 0.1, Pacing: "epoll_pwait2"}
	if own, ok := s.OwnRates[p.Architecture]; ok {
		l.Rate = own
	}
	l.Requests = uint64(noise(l.Rate*s.Window, 0.001))
	if s.Model == "closed" {
		l.Requests = uint64(noise(12_000, 0.01))
	}
	median := r.p50
	switch s.Metric {
	case Throughput:
		l.Requests = uint64(noise(r.waits, 0.003) * s.Window)
		median = 64 / r.waits
	case MemoryPerSilent:
		if r.stuck {
			l.Unserved, l.Requests = s.Connections, 0
			t.Findings = []Finding{{"starved", "16 of 16 busy clients were never served", []Metric{MemoryPerSilent}}}
		}
		t.Server.PSSStart = pointer(uint64(6 << 20))
		t.Server.PSSSilent = pointer(uint64(6<<20 + noise(r.memory, 0.02)*float64(s.Silent)))
	case Harmed:
		l.HarmedCount = r.harmed
		l.Errors = map[string]uint64{"reset": uint64(r.harmed)}
	}
	l.Response = histogramOf(rng, 1200, median, 0.25)
	l.Service = histogramOf(rng, 1200, median*0.98, 0.25)
	l.Lag = histogramOf(rng, 1200, 2e-6, 0.2)
	cpu := noise(r.cpu, 0.004) * float64(l.Requests)
	t.Server.CPU, t.Server.CPUUser, t.Server.CPUSystem = pointer(cpu), pointer(0.4*cpu), pointer(0.6*cpu)
	t.Server.Switches = pointer(l.Requests * 2)
	t.Server.Requests = l.Requests
	t.Server.PSSPeak, t.Server.Threads, t.Server.Processes = pointer(uint64(9<<20)), 7, 1
	t.Server.Settings = map[string]string{"gomaxprocs": "1", "workers": fmt.Sprint(64)}
	t.Server.Exit = "0"
	if p.Architecture == "threadpool" || p.Architecture == "prefork" {
		for i := range 64 { // some workers get more than others, and the last ones nothing
			t.Server.PerWorker = append(t.Server.PerWorker, l.Requests/64*uint64(max(0, 60-i))/30)
		}
	}
	return t
}
