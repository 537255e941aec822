//go:build linux

package bench

import (
	"math/rand/v2"
	"slices"

	"serverlab/results"
)

// plan orders the trials block by block: a block holds each cell once, in a random order, so that whatever drifts
// (temperature, neighbours, memory) hits all rows alike. The same seed gives the same order.
func plan(sits []results.Situation, rows []results.Architecture, trials int, seed uint64) []results.Planned {
	random := rand.New(rand.NewPCG(seed, 0x706c616e)) // "plan": arrivals draw from the same seed, but not the same numbers
	var all []results.Planned
	for block := 1; block <= trials; block++ {
		from := len(all)
		for _, s := range sits {
			for _, r := range rows {
				if tried(s, r, block) {
					all = append(all, results.Planned{Situation: s.Name, Architecture: r.Name, Block: block})
				}
			}
		}
		b := all[from:]
		random.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	}
	return all
}

// tried tells whether a row is part of a block of a situation. What can only send a file is not asked for more.
func tried(s results.Situation, r results.Architecture, block int) bool {
	switch {
	case s.Blocks > 0 && block > s.Blocks, s.Rows != nil && !slices.Contains(s.Rows, r.Name):
		return false
	case r.StaticOnly:
		return s.Path == "/" && s.Crash == "" && s.State == "" && s.Mix == "" && s.Slow == 0
	}
	return true
}
