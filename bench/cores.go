//go:build linux

package bench

import (
	"fmt"

	"serverlab/results"
)

// CoresName is the experiment about parallelism: CPUs, and threads that run Go code at the same time.
const CoresName = results.CoresName

var aboutCores = results.Experiment{
	Name: CoresName, Question: "what does each further CPU add, and each further thread that may run Go code?",
	X:     results.Axis{Title: "CPUs of the server, or GOMAXPROCS", Log: true},
	Shows: []results.Metric{results.CPUPerRequest, results.Throughput},
	Lessons: []results.Lesson{
		{Says: "Four CPUs do less than four times as much as one.",
			Source: "Gunther, Guerrilla Capacity Planning, Springer 2007, 4-6",
			Holds:  "throughput(threadpool, cores-4) <= 4*throughput(threadpool, cores-1)"},
		{Says: "Four CPUs do at least twice as much as one, where requests compute and share nothing.",
			Source: "Gunther, Guerrilla Capacity Planning, Springer 2007, 4-6",
			Holds:  "throughput(prefork, cores-4) >= 2*throughput(prefork, cores-1)"},
		{Says: "Threads that block in the kernel want more than one: else the runtime hands its only one round.",
			Source: "Go runtime, proc.go: handoffp and retake",
			Holds:  "cpu(threadpool, cores-procs-1) >= 1.05*cpu(threadpool, cores-procs-80)"},
	},
}

// Requests compute where CPUs are counted, so that not the load generator but the server is the limit on several of them;
// where threads are, they ask for nothing, so that what the runtime does is seen.
const (
	coresLeast   = 4 // server CPUs: fewer points than the law has parameters, and one held out, test nothing
	coresPath    = "/?spin=1000"
	coresClients = 64
	coresWindow  = 0.5 // seconds
)

// coresRows can use several CPUs without being told; a look has those that share the most and the least. Beyond them the
// event loop shows what GOMAXPROCS is to one thread.
func coresRows(trials int, _ []string) []string {
	if trials < results.MinTrials {
		return []string{"threadpool", "prefork", "eventloop"}
	}
	return []string{"threadpool", "goroutine", "prefork", "symped", "eventloop"}
}

// cores are the situations: the server on its first CPU, on the first two and so on, where it has enough of them; then
// the values of GOMAXPROCS, on all CPUs that the server has.
func (b *bench) cores() (sits []results.Situation) {
	n := len(b.Split.Server)
	if n < coresLeast {
		b.notes = append(b.notes, tooFewCPUs(n))
		n = 0
	}
	for i := 1; i <= n; i++ {
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-%d", CoresName, i), Title: fmt.Sprintf("%d CPUs", i), Subtitle: "requests/s",
			Metric:  results.Throughput,
			Meaning: "requests that compute, on more and more CPUs: how much does each one add?",
			Model:   "closed", Path: coresPath, Connections: coresClients, Series: "CPUs", X: at(i), CPUs: i,
			Rows: []string{"threadpool", "goroutine", "prefork", "symped"}, Warmup: 0.1, Window: coresWindow,
		})
	}
	values := []int{1, 2, 4, 16, 80}
	if b.look() {
		values = []int{1, 80}
	}
	for _, n := range values {
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-procs-%d", CoresName, n), Title: fmt.Sprintf("GOMAXPROCS %d", n),
			Subtitle: "CPU µs/req", Metric: results.CPUPerRequest,
			Meaning: "as many threads may run Go code at once: what does a request cost?",
			Model:   "closed", Path: "/", KeepAlive: true, Connections: coresClients,
			Series: "GOMAXPROCS", X: at(n), Procs: n,
			Rows: []string{"eventloop", "threadpool", "goroutine"}, Warmup: 0.1, Window: coresWindow,
		})
	}
	return sits
}

// tooFewCPUs says why there are none.
func tooFewCPUs(n int) string {
	return fmt.Sprintf("%s: more and more CPUs are n/a: that needs at least %d for the server, and here it has %d; "+
		"GOMAXPROCS is varied", CoresName, coresLeast, n)
}
