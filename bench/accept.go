//go:build linux

package bench

import (
	"fmt"
	"slices"

	"serverlab/results"
)

// AcceptName is the experiment about how connections reach the workers of a pool.
const AcceptName = "accept"

var aboutAccept = results.Experiment{
	Name: AcceptName, Question: "who should accept connections for a pool?",
	X:     results.Axis{Title: "clients", Unit: "connections", Log: true},
	Shows: []results.Metric{results.Throughput, results.Latency, results.Balance, results.CPUPerRequest},
	Lessons: []results.Lesson{
		{Says: "Processes that block in accept on one socket are woken in turn and share the work evenly.",
			Source: majkowski,
			Holds:  "balance(prefork, accept-64) >= 0.8"},
		{Says: "Event loops that share a socket share the work less evenly than those with a socket each.",
			Source: majkowski,
			Holds:  "balance(symped:accept=shared:loops=4, accept-64) <= balance(symped:loops=4, accept-64)"},
		{Says: "With a socket for each worker a connection waits for its worker although another is idle.",
			Source: majkowski,
			Holds:  "p99(prefork:accept=reuseport, accept-tail-64) >= 1.2*p99(prefork, accept-tail-64)"},
		{Says: "How connections are accepted changes what a request costs: passing each to another process is dearer.",
			Source: "Brecht, Pariag and Gammo, accept()able Strategies for Improving Web Server Performance, USENIX 2004",
			Holds:  "cpu(prefork:accept=pass, accept-tail-64) >= 1.05*cpu(prefork, accept-tail-64)"},
	},
}

// The ways to accept. Closed-loop requests that ask for nothing show throughput and how evenly the workers share it;
// random arrivals that block show who waits while another worker is idle.
const (
	acceptWindow = 0.4 // seconds
	acceptBlocks = "/?block=5ms"
	acceptUsual  = 64 // clients
)

// acceptRows differ in who accepts: all on one socket, each on its own, or one for all, who passes the descriptor on.
func acceptRows(int, []string) []string {
	return append(slices.Clone(acceptPools), "symped:loops=4", "symped:accept=shared:loops=4")
}

// acceptPools are those in which a request that blocks keeps one worker of many.
var acceptPools = []string{"prefork", "prefork:accept=reuseport", "prefork:accept=pass", "threadpool",
	"threadpool:accept=pass"}

// accepts are the situations: by the number of clients, of which a look has one.
func (b *bench) accepts() (sits []results.Situation) {
	clients := []int{16, acceptUsual, 256}
	if b.look() {
		clients = []int{acceptUsual}
	}
	for _, n := range clients {
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-%d", AcceptName, n), Title: fmt.Sprintf("%d clients", n), Subtitle: "requests/s",
			Metric:  results.Throughput,
			Meaning: "a connection per request: who accepts it, and how evenly is it shared?",
			Model:   "closed", Path: "/", Connections: n, Series: "as many as can be", X: at(n), Warmup: 0.1,
			Window: acceptWindow,
		})
	}
	for _, n := range clients {
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-tail-%d", AcceptName, n), Title: fmt.Sprintf("%d clients", n), Subtitle: "p99 ms",
			Metric:  results.Latency,
			Meaning: "requests that block for 5 ms come at random: who waits beside an idle worker?",
			Model:   "poisson", Path: acceptBlocks, Connections: n, Series: "random arrivals that block",
			Rows: acceptPools, X: at(n), Warmup: 0.1, Window: arrivalsWindow,
		})
	}
	return sits
}

const majkowski = "Majkowski, Why does one NGINX worker take all the load?, Cloudflare 2017"
