//go:build linux

package bench

import (
	"fmt"
	"slices"

	"serverlab/results"
)

// BlockingName is the experiment whose handlers do not compute but stand still: in the kernel, as for a disk, which keeps
// the thread (block), or where the language's runtime knows of it, as for a network (wait).
const BlockingName = "blocking"

// Its load: as many clients as usual, which ask again as soon as they have their answer, with a connection for
// each request: with connections that are kept a pool of 8 would serve 8 of 64 clients and starve the others.
const (
	stillWindow  = 0.4 // seconds, at least
	stillTurns   = 1.3 // times that a server which serves one after the other gets round all clients, at least
	stillLongest = 5.0 // seconds
)

// blockingRows are an event loop, one with helpers, pools of threads from one to more than there are clients, and those
// that have as many threads or processes as requests. A look has a pool that is too small and one that is not.
func blockingRows(trials int, _ []string) []string {
	if trials < results.MinTrials {
		return []string{"eventloop", "amped", "threadpool:workers=8", "threadpool", "goroutine", "process"}
	}
	return []string{"eventloop", "amped", "threadpool:workers=1", "threadpool:workers=8", "threadpool",
		"threadpool:workers=512", "thread", "goroutine", "process", "prefork"}
}

var aboutBlocking = results.Experiment{
	Name: BlockingName, Question: "handlers that wait, and that block: who keeps its CPU busy?",
	X:     results.Axis{Title: "time that a request takes without computing", Unit: "s"},
	Shows: []results.Metric{results.Throughput, results.CPUPerRequest},
	Lessons: []results.Lesson{
		{Says: "where handlers block for 5 ms, a pool of 64 threads does at least 20 times what one event loop does",
			Source: flash, Holds: "throughput(threadpool, blocking-5ms) >= 20*throughput(eventloop, blocking-5ms)"},
		{Says: "an event loop with helpers keeps up with the pool", Source: flash,
			Holds: "throughput(amped, blocking-5ms) >= 0.8*throughput(threadpool, blocking-5ms)"},
		{Says: "where nothing blocks, the same event loop needs no more CPU time than the pool", Source: flash,
			Holds: "cpu(eventloop, blocking-0ms) <= 1.1*cpu(threadpool, blocking-0ms)"},
		{Says: "8 workers that block for 5 ms each do 8 / 5 ms = 1,600 requests a second and no more", Source: little,
			Holds: "throughput(threadpool:workers=8, blocking-5ms) <= 1600"},
		{Says: "and they come near: a pool that is too small is limited by its size and by nothing else",
			Source: little,
			Holds:  "throughput(threadpool:workers=8, blocking-5ms) >= 0.85*1600"},
		{Says: "one event loop does 1 / 5 ms = 200 requests a second and no more", Source: little,
			Holds: "throughput(eventloop, blocking-5ms) <= 200"},
		{Says: "with handlers that wait for 5 ms, user-level threads do at least 20 times what an event loop does",
			Source: flash, Holds: "throughput(goroutine, blocking-wait-5ms) >= 20*throughput(eventloop, blocking-wait-5ms)"},
		{Says: "8 workers that wait for 5 ms each do 8 / 5 ms = 1,600 requests a second and no more", Source: little,
			Holds: "throughput(threadpool:workers=8, blocking-wait-5ms) <= 1600"},
	},
}

// blocks are the situations of the experiment, which block and which wait.
func (b *bench) blocks() []results.Situation {
	return slices.Concat(b.still(BlockingName, "block", "blocks"), b.still(BlockingName+"-wait", "wait", "waits"))
}

// still are the situations of one of the two ways to stand still. By Little's law clients that wait t seconds each for
// an answer can't have more than clients / t of them in a second, whatever the server; that is the ceiling.
func (b *bench) still(name, parameter, verb string) []results.Situation {
	times := []float64{0, 0.001, 0.005, 0.02}
	if b.look() {
		times = []float64{0, 0.005}
	}
	sits := []results.Situation{}
	for _, t := range times {
		s := results.Situation{Name: timed(name, t), Title: fmt.Sprintf("%s %g ms", verb, 1e3*t),
			Subtitle: "requests/s", Series: "a request that " + verb,
			Meaning: fmt.Sprintf("each request %s for %g ms: who can serve others meanwhile?", verb, 1e3*t),
			Metric:  results.Throughput, Model: "closed", X: &t, Connections: b.Connections, Warmup: 0.1,
			Path:   fmt.Sprintf("/?%s=%gms", parameter, 1e3*t),
			Window: min(max(stillWindow, stillTurns*float64(b.Connections)*t), stillLongest)}
		if t == 0 {
			s.Path = "/"
		} else {
			s.Ceiling = float64(b.Connections) / t
		}
		sits = append(sits, s)
	}
	return sits
}
