//go:build linux

package bench

import (
	"fmt"

	"serverlab/results"
)

// SlowName is the experiment with clients that send, or read, a byte at a time.
const SlowName = "slow-clients"

var aboutSlow = results.Experiment{
	Name: SlowName, Question: "clients send or read a byte at a time: how many stop each server?",
	X:     results.Axis{Title: "slow clients", Unit: "clients", Log: true},
	Shows: []results.Metric{results.Throughput},
	Lessons: []results.Lesson{
		{Says: "One slow client stops a server that serves one connection at a time.",
			Source: "Stevens, Fenner, Rudoff: UNIX Network Programming, volume 1, 3rd ed., section 30.5",
			Holds:  "starved(iterative, slow-clients-1) >= 16"},
		{Says: "As many slow clients as a pool has threads stop it: that is what the attack Slowloris does.",
			Source: "R. Hansen: Slowloris HTTP DoS, 2009; Cambiaso et al.: Slow DoS attacks, 2013",
			Holds:  "starved(threadpool, slow-clients-64) >= 16"},
		{Says: "To an event loop a slow client is a descriptor that is seldom ready: it serves the others.",
			Source: "Kegel: The C10K problem, 1999; Welsh, Culler, Brewer: SEDA, SOSP 2001",
			Holds:  "throughput(eventloop, slow-clients-64) >= 0.7*throughput(eventloop, slow-clients-0)"},
	},
}

// The load of the experiment: busy clients with a connection for each request, so that who loses one to a slow client
// can show it with the next, and so few that they alone stop nobody. They ask for a request that computes: of one that
// does not, every row answers more than the load generator can send.
const (
	slowBusy     = 16
	slowReadPath = "/read?file=f00&offset=0&count=262144" // far more than the sockets on the way take
	slowWindow   = 0.4
)

// slowLevels are the numbers of slow clients.
func (b *bench) slowLevels() []int {
	if b.look() {
		return []int{0, 1, 64}
	}
	return []int{0, 1, 8, 64, 256}
}

// slowClients are the situations of the experiment.
func (b *bench) slowClients() (sits []results.Situation) {
	for _, n := range b.slowLevels() {
		x := float64(n)
		sits = append(sits, results.Situation{
			Name: fmt.Sprintf("%s-%d", SlowName, n), Title: fmt.Sprintf("%d slow", n), Subtitle: "requests/s",
			Metric: results.Throughput, X: &x, Slow: n,
			Meaning: "clients send or read a byte at a time: are 16 busy ones served?",
			Model:   "closed", Path: loadPath, Connections: slowBusy, Warmup: 0.1, Window: slowWindow,
		})
	}
	return sits
}
