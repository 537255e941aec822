package results

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// maxPermutations is up to how many ways to deal blocks to two runs are all tried; of more, so many are drawn.
const maxPermutations = 20_000

// paired is one cell of two runs: its figures, with the place of their block among all blocks of both runs, those of
// the first run before those of the second.
type paired []placed

type placed struct {
	place int
	v     float64
}

// permuted returns for each cell the p-value of "both runs are the same", corrected for all cells: the share of the
// ways to deal the blocks of both runs, na and nb of them, to two runs of these sizes in which any cell differs at
// least as much as this one does (step-down maxT: Westfall and Young, Resampling-Based Multiple Testing, 1993, 2.6). A
// cell differs by its difference of means over their standard error.
//
// Holm's correction of Mann-Whitney's test, which ranks the rows within a run, could not decide here: of six trials a
// side the smallest p-value is 2/924, times 28 cells is above 0.05, however great the difference. Dealing the blocks as
// a whole keeps what the cells of a block share, and no correction multiplies that 2/924.
func permuted(cells []paired, na, nb int) []float64 {
	n := na + nb
	inA := make([]bool, n)
	for i := range na {
		inA[i] = true
	}
	observed := make([]float64, len(cells))
	order := make([]int, len(cells))
	for i, c := range cells {
		observed[i], order[i] = c.distance(inA), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(observed[b], observed[a]) })
	asFar, total := make([]float64, len(cells)), 0.0
	try := func(inA []bool) {
		total++
		far := 0.0
		for _, i := range slices.Backward(order) {
			far = math.Max(far, cells[i].distance(inA))
			if far >= observed[i]*(1-1e-9) { // another way to add up the same values may end in another last digit
				asFar[i]++
			}
		}
	}
	deals(inA, na, try)
	p, last := make([]float64, len(cells)), 0.0
	for _, i := range order {
		last = math.Max(last, asFar[i]/total)
		p[i] = last
	}
	return p
}

// deals calls try with every way to choose k of len(inA) places, the given one first; with maxPermutations of them,
// drawn by a fixed seed, where there are more.
func deals(inA []bool, k int, try func([]bool)) {
	if ways := 2 / leastP(k, len(inA)-k); ways > maxPermutations {
		rng := rand.New(rand.NewPCG(uint64(k), uint64(len(inA))))
		drawn := slices.Clone(inA)
		for range maxPermutations {
			try(drawn)
			rng.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
		}
		return
	}
	chosen := make([]bool, len(inA))
	var from func(at, left int)
	from = func(at, left int) {
		if left == 0 {
			try(chosen)
			return
		}
		for i := at; i <= len(chosen)-left; i++ {
			chosen[i] = true
			from(i+1, left-1)
			chosen[i] = false
		}
	}
	from(0, k)
}

// distance is the difference of the means of both sides over its standard error, without its sign: 0 where a side has
// fewer than two values or all are the same, infinite where two values differ and nothing scatters.
func (c paired) distance(inA []bool) float64 {
	var n, sum, square [2]float64
	side := func(x placed) int {
		if inA[x.place] {
			return 0
		}
		return 1
	}
	for _, x := range c {
		n[side(x)]++
		sum[side(x)] += x.v
	}
	if n[0] < 2 || n[1] < 2 {
		return 0
	}
	mean := [2]float64{sum[0] / n[0], sum[1] / n[1]}
	for _, x := range c {
		square[side(x)] += (x.v - mean[side(x)]) * (x.v - mean[side(x)])
	}
	gap := math.Abs(mean[0] - mean[1])
	if gap <= 1e-12*math.Max(math.Abs(mean[0]), math.Abs(mean[1])) {
		return 0
	}
	return gap / math.Sqrt((square[0]+square[1])/(n[0]+n[1]-2)*(1/n[0]+1/n[1]))
}
