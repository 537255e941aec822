//go:build linux

package bench

import (
	"fmt"

	"serverlab/results"
)

// The experiments about parallelism: CPUs, and threads that run Go code at the same time.
const (
	CoresName      = "cores"
	GomaxprocsName = "gomaxprocs"
)

// Requests compute, so that not the load generator but the server is the limit on several CPUs.
const (
	coresLeast   = 4 // server CPUs: fewer points than the law has parameters, and one held out, test nothing
	coresPath    = "/?spin=1000"
	coresClients = 64
	coresWindow  = 0.5 // seconds
)

// coresRows can use several CPUs without being told.
func coresRows(int) []string { return []string{"threadpool", "goroutine", "prefork", "symped"} }

// procsRows are the rows whose threads the runtime schedules.
func procsRows(int) []string { return []string{"eventloop", "threadpool", "goroutine"} }

// cores are the situations: the server on its first CPU, on the first two and so on; none where it has too few.
func (b *bench) cores() []results.Situation {
	sits := []results.Situation{}
	n := len(b.Split.Server)
	if n < coresLeast {
		return sits
	}
	for i := 1; i <= n; i++ {
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-%d", CoresName, i), Title: fmt.Sprintf("%d CPUs", i), Subtitle: "requests/s",
			Metric:  results.Throughput,
			Meaning: "requests that compute, on more and more CPUs: how much does each one add?",
			Model:   "closed", Path: coresPath, Connections: coresClients, X: at(i), CPUs: i,
			Warmup: 0.1, Window: coresWindow,
		})
	}
	return sits
}

// tooFewCPUs says why there are none.
func tooFewCPUs(n int) string {
	return fmt.Sprintf("%s is n/a: it needs at least %d CPUs for the server, and here it has %d; give --server-cpus and "+
		"--client-cpus where there are more", CoresName, coresLeast, n)
}

// procs are the situations of GOMAXPROCS, on the CPUs that the server has.
func (b *bench) procs() (sits []results.Situation) {
	values := []int{1, 2, 4, 16, 80}
	if b.Trials < results.MinTrials {
		values = []int{1, 2, 80}
	}
	for _, n := range values {
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-%d", GomaxprocsName, n), Title: fmt.Sprintf("GOMAXPROCS %d", n),
			Subtitle: "CPU µs/req", Metric: results.CPUPerRequest,
			Meaning: "as many threads may run Go code at once: what does a request cost?",
			Model:   "constant", Path: "/", Connections: coresClients, X: at(n), Procs: n,
			Warmup: 0.1, Window: coresWindow,
		})
	}
	return sits
}

// onCores and onProcs are the experiments' entries in the table.
var (
	onCores = results.Experiment{
		Name: CoresName, Question: "what does each further CPU add?",
		X:     results.Axis{Title: "CPUs of the server", Unit: "CPUs"},
		Shows: []results.Metric{results.Throughput},
		Lessons: []results.Lesson{
			{Says: "Four CPUs do less than four times as much as one.",
				Source: "Gunther, Guerrilla Capacity Planning, Springer 2007, 4-6",
				Holds:  "throughput(threadpool, cores-4) <= 4*throughput(threadpool, cores-1)"},
			{Says: "Four CPUs do at least twice as much as one, where requests compute and share nothing.",
				Source: "Gunther, Guerrilla Capacity Planning, Springer 2007, 4-6",
				Holds:  "throughput(prefork, cores-4) >= 2*throughput(prefork, cores-1)"},
		},
	}
	onProcs = results.Experiment{
		Name: GomaxprocsName, Question: "how many threads should run Go code at the same time?",
		X:     results.Axis{Title: "GOMAXPROCS", Unit: "threads", Log: true},
		Shows: []results.Metric{results.CPUPerRequest},
		Lessons: []results.Lesson{
			{Says: "Threads that block in the kernel want more than one: else the runtime hands its only one round.",
				Source: "Go runtime, proc.go: handoffp and retake",
				Holds:  "cpu(threadpool, gomaxprocs-1) >= 1.05*cpu(threadpool, gomaxprocs-80)"},
		},
	}
)
