//go:build linux

package bench

import (
	"fmt"
	"math"
	"time"

	"serverlab/results"
)

// PhaseName is the experiment that draws a map: which architecture wins where.
const PhaseName = results.PhaseName

// It has no axis of its own: its picture is a map.
var aboutPhase = results.Experiment{
	Name: PhaseName, Question: "which architecture wins where?",
	Lessons: []results.Lesson{
		{Says: "Where requests block and there are many of them, a pool of threads beats one event loop by far.",
			Source: "Pai, Druschel and Zwaenepoel, Flash, USENIX 1999, 5",
			Holds:  "throughput(threadpool, phase-5-100-64) >= 10*throughput(eventloop, phase-5-100-64)"},
		{Says: "Where requests only compute, for 5 ms each, architecture stops to matter.",
			Source: "Pariag et al., Comparing the Performance of Web Server Architectures, EuroSys 2007, 6",
			Holds:  "throughput(threadpool, phase-5-0-8) >= 0.8*throughput(eventloop, phase-5-0-8)"},
	},
}

// The map. A request takes a service time, of which a share blocks and the rest computes. A round of SHA-256 is taken as
// 0.1 µs, so the part that computes is nominal: it is the same for all rows.
const (
	phaseRound   = 1e-7 // seconds
	phaseWindow  = 0.25 // seconds, at least
	phaseOnce    = 1.5  // windows hold all clients' requests, one after the other, that often
	phaseLongest = 2.0  // seconds
)

// phaseGrid are the values of the three axes, for a look 12 places of 3 rows each.
func (b *bench) phaseGrid() (service, blocking []float64, clients []int) {
	switch {
	case b.look():
		return []float64{0.0001, 0.005}, []float64{0, 0.5, 1}, []int{8, 64}
	case b.Trials > results.MinTrials:
		return []float64{0.0001, 0.0005, 0.002, 0.005}, []float64{0, 0.1, 0.5, 0.9, 1}, []int{8, 64, 256}
	}
	return []float64{0.0001, 0.001, 0.005}, []float64{0, 0.5, 1}, []int{8, 64}
}

// phaseRows are the architectures on the map.
func phaseRows(trials int, _ []string) []string {
	rows := []string{"eventloop", "threadpool", "goroutine", "amped"}
	if trials < results.MinTrials {
		return rows[:3]
	}
	return rows
}

// phases are the situations: one for each cell of the map, by connections, then by share, then by service time.
func (b *bench) phases() (sits []results.Situation) {
	service, blocking, clients := b.phaseGrid()
	for _, n := range clients {
		for _, share := range blocking {
			for _, s := range service {
				block := time.Duration(math.Round(s*share*1e6)) * time.Microsecond
				spin := int(math.Round(s * (1 - share) / phaseRound))
				window := math.Ceil(20*phaseOnce*s*float64(n)) / 20
				sits = append(sits, results.Situation{
					Name: fmt.Sprintf("%s-%g-%g-%d", PhaseName, s*1000, 100*share, n), Title: fmt.Sprintf("%g ms", s*1000),
					Subtitle: "requests/s", Metric: results.Throughput,
					Meaning: fmt.Sprintf("%g ms, %g %% of it blocking, %d clients: which answers the most?", s*1000,
						100*share, n),
					Model: "closed", Path: phasePath(block, spin), Connections: n,
					Phase:  &results.PhasePoint{Service: s, Blocking: share},
					Warmup: 0.1, Window: min(max(window, phaseWindow), phaseLongest),
				})
			}
		}
	}
	return sits
}

// phasePath asks for both kinds of work, or for one.
func phasePath(block time.Duration, spin int) string {
	switch {
	case block == 0:
		return fmt.Sprintf("/?spin=%d", spin)
	case spin == 0:
		return fmt.Sprintf("/?block=%v", block)
	}
	return fmt.Sprintf("/?block=%v&spin=%d", block, spin)
}
