//go:build linux

package bench

import (
	"math/rand/v2"

	"serverlab/results"
)

// plan orders the trials block by block: a block holds each cell once, in a random order, so that whatever drifts
// (temperature, neighbours, memory) hits all rows alike. The same seed gives the same order. What can only send a file
// is not asked for more.
func plan(sits []results.Situation, rows []results.Architecture, trials int, seed uint64) []results.Planned {
	random := rand.New(rand.NewPCG(seed, 0x706c616e)) // "plan": arrivals draw from the same seed, but not the same numbers
	var all []results.Planned
	for block := 1; block <= trials; block++ {
		from := len(all)
		for _, s := range sits {
			for _, r := range rows {
				if r.StaticOnly && (s.Path != "/" || s.Crash != "") {
					continue
				}
				all = append(all, results.Planned{Situation: s.Name, Architecture: r.Name, Block: block})
			}
		}
		b := all[from:]
		random.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	}
	return all
}
