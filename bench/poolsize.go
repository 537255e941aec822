//go:build linux

package bench

import (
	"fmt"
	"slices"

	"serverlab/results"
)

// PoolSizeName is the experiment that runs the same pools with few workers and with many.
const PoolSizeName = "pool-size"

var aboutPoolSize = results.Experiment{
	Name: PoolSizeName, Question: "how many workers should a pool have?",
	X:     results.Axis{Title: "workers of the pool", Unit: "workers", Log: true},
	Shows: []results.Metric{results.Throughput, results.CPUPerRequest},
	Lessons: []results.Lesson{
		{Says: "With 64 clients whose requests block for 5 ms, 64 threads answer at least 20 times as much as one.",
			Source: "Little, A Proof for the Queuing Formula L = λW, Operations Research 1961",
			Holds:  "throughput(threadpool, pool-size-block-64) >= 20*throughput(threadpool, pool-size-block-1)"},
		{Says: "More threads than clients gain nothing.",
			Source: "Pariag et al., Comparing the Performance of Web Server Architectures, EuroSys 2007, 4",
			Holds:  "throughput(threadpool, pool-size-block-512) <= 1.1*throughput(threadpool, pool-size-block-64)"},
		{Says: "Where nothing blocks, a large pool costs no less CPU time per request than a small one.",
			Source: "Pariag et al., EuroSys 2007, 4: each server has a best number of threads, and beyond it declines",
			Holds:  "cpu(threadpool, pool-size-512) >= 0.9*cpu(threadpool, pool-size-8)"},
		{Says: "A pool that has to grow first does not do more than one that was as large from the start.",
			Source: "Apache HTTP Server, prefork: StartServers and MinSpareServers, and why a busy site raises them",
			Holds:  "throughput(" + poolDynamic + ", pool-size-block-64) <= 1.02*throughput(prefork, pool-size-block-64)"},
	},
}

// The sweep. Requests block, so that a worker can do nothing else meanwhile; or ask for nothing, so that workers which
// are not needed show as what they cost. There are as many clients as the default pool has workers, a connection for
// each request: more workers than clients can't be busy.
const (
	poolClients = 64
	poolBlocks  = 0.005 // seconds
	poolDynamic = "prefork:min-spare=8:max-spare=32"
	poolWindow  = 0.4 // seconds: a pool of one serves each of 64 clients once in 0.32 s
)

// poolRows are the pools: threads, processes, and processes that are started as they are needed.
func poolRows(int, []string) []string { return []string{"threadpool", "prefork", poolDynamic} }

// poolSizes are the numbers of workers, coarser for a look, and none for which this machine has no room. The default is
// among them: best against default.
func (b *bench) poolSizes() (sizes []int) {
	all := []int{1, 8, 32, 64, 128, 512}
	switch {
	case b.look():
		all = []int{1, 8, 64, 512}
	case b.Trials > results.MinTrials:
		all = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}
	}
	most, why := readRoom().most(all[len(all)-1], poolCost)
	if why != "" {
		b.notes = append(b.notes, why)
	}
	return upTo(all, most)
}

// upTo are the sizes that there is room for; the smallest is always tried.
func upTo(sizes []int, most int) []int {
	return slices.DeleteFunc(sizes, func(n int) bool { return n > max(sizes[0], most) })
}

// poolsOf are the rows that are tried with so many workers: a dynamic pool needs room to grow, and for a look it takes
// too long to start processes by the hundred.
func (b *bench) poolsOf(workers int) (rows []string) {
	for _, name := range poolRows(b.Trials, b.Usual) {
		switch {
		case name == poolDynamic && workers < 8, name != "threadpool" && workers > 64 && b.look():
		default:
			rows = append(rows, name)
		}
	}
	return rows
}

// poolSweep is the sweep: throughput of requests that block, then CPU time of requests that do not.
func (b *bench) poolSweep() (sits []results.Situation) {
	sizes := b.poolSizes()
	for _, n := range sizes {
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-block-%d", PoolSizeName, n), Title: fmt.Sprintf("%d block 5 ms", n),
			Subtitle: "requests/s", Metric: results.Throughput,
			Meaning: "each request keeps its worker for 5 ms: how many workers are enough?",
			Model:   "closed", Path: "/?block=5ms", Connections: poolClients, Rows: b.poolsOf(n),
			Series: "requests block 5 ms", X: at(n), Workers: n, Warmup: 0.1, Window: poolWindow,
			Ceiling: float64(min(n, poolClients)) / poolBlocks, // Little's law: busy workers = rate x time
		})
	}
	for _, n := range sizes {
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-%d", PoolSizeName, n), Title: fmt.Sprintf("%d workers", n),
			Subtitle: "CPU µs/req", Metric: results.CPUPerRequest,
			Meaning: "requests ask for nothing: what do workers cost that nobody needs?",
			Model:   "constant", Path: "/", Connections: poolClients, Rows: b.poolsOf(n),
			Series: "requests ask for nothing", X: at(n), Workers: n, Warmup: 0.1, Window: poolWindow,
		})
	}
	return sits
}

// at is a place on the axis of an experiment.
func at[N int | float64](x N) *float64 {
	v := float64(x)
	return &v
}
