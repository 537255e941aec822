//go:build linux

package bench

import (
	"fmt"

	"serverlab/results"
)

// IdleName is the experiment with ever more connections that say nothing.
const IdleName = "idle"

var aboutIdle = results.Experiment{
	Name: IdleName, Question: "what do idle connections cost, and do busy clients notice them?",
	X:     results.Axis{Title: "idle connections", Unit: "connections", Log: true},
	Shows: []results.Metric{results.MemoryPerSilent, results.Latency},
	Lessons: []results.Lesson{
		{Says: "An idle connection costs a thread of its own a stack, and an event loop hardly more than a descriptor.",
			Source: "Pai, Druschel, Zwaenepoel: Flash, USENIX 1999, section 4; Welsh, Culler, Brewer: SEDA, SOSP 2001",
			Holds:  "memory(thread, idle-1000) >= 2*memory(eventloop, idle-1000)"},
		{Says: "Who waits by epoll does not look at idle connections, so busy clients do not notice them.",
			Source: "Banga, Mogul, Druschel: A scalable and explicit event delivery mechanism for UNIX, USENIX 1999",
			Holds:  "p99(eventloop, idle-1000) <= 2*p99(eventloop, idle-0)"},
		{Says: "A pool that gives a thread to each connection is stopped by clients that keep theirs and say nothing.",
			Source: "Kegel: The C10K problem, 1999",
			Holds:  "starved(threadpool, idle-1000) >= 16"},
	},
}

// The load of the experiment: busy clients that keep their connections, whose requests arrive at random.
const (
	idleRate = 1000 // requests per second, of all who can hold it
	idleMost = 10_000
)

// idleLevels are the numbers of idle connections, the highest one as many as this machine has room for.
func (b *bench) idleLevels(most int) (levels []int) {
	all := []int{0, 10, 100, 1000, idleMost}
	if b.look() {
		all = []int{0, 1000, idleMost}
	}
	for _, n := range all {
		if n > most {
			break
		}
		levels = append(levels, n)
	}
	if last := levels[len(levels)-1]; last < most && most < idleMost {
		levels = append(levels, int(round2(float64(most))))
	}
	return levels
}

// idles are the situations of the experiment.
func (b *bench) idles() (sits []results.Situation) {
	most, why := readRoom().most(idleMost, idleCost)
	if why != "" {
		b.notes = append(b.notes, why)
	}
	for _, n := range b.idleLevels(most) {
		x := float64(n)
		s := results.Situation{
			Name: fmt.Sprintf("%s-%d", IdleName, n), Title: fmt.Sprintf("%d idle", n), Subtitle: "memory each",
			Metric: results.MemoryPerSilent, X: &x, Silent: n,
			Meaning: "connections say nothing: what do they cost, and do 16 busy clients notice?",
			Model:   "poisson", KeepAlive: true, Path: "/", Connections: crowdClients, Rate: idleRate,
			Warmup: 0.1, Window: arrivalsWindow,
		}
		if b.look() && n == idleMost { // to open them takes seconds
			s.Blocks = b.Trials - 1
		}
		if n == 0 { // there is no memory of none
			s.Metric, s.Subtitle = results.Latency, "p99, ms"
		}
		sits = append(sits, s)
	}
	return sits
}
