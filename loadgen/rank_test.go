package loadgen

import (
	"math"
	"slices"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance || math.IsNaN(got) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestSpearman(t *testing.T) {
	for _, c := range []struct {
		name string
		x, y []float64
		want float64
	}{
		// The usual textbook example: intelligence and hours of television.
		{"textbook", []float64{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}, []float64{7, 27, 2, 50, 28, 29, 20, 12, 6, 17},
			-29.0 / 165},
		// Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: 4.5 / sqrt(4.5 x 5).
		{"ties", []float64{1, 2, 2, 3}, []float64{1, 3, 2, 4}, math.Sqrt(0.9)},
		{"a curve that rises", []float64{1, 2, 3, 4}, []float64{1, 10, 100, 1e6}, 1},
		{"nothing to rank", []float64{1, 1, 1}, []float64{1, 2, 3}, 0},
		{"nothing", nil, nil, 0},
	} {
		near(t, c.name, spearman(c.x, c.y), c.want, 1e-12)
	}
}

// permutations calls f with every order of values.
func permutations(values []float64, f func([]float64)) {
	var place func(int)
	place = func(k int) {
		if k == len(values) {
			f(values)
			return
		}
		for i := k; i < len(values); i++ {
			values[k], values[i] = values[i], values[k]
			place(k + 1)
			values[k], values[i] = values[i], values[k]
		}
	}
	place(0)
}

// All orders of some values are what "no trend" means: over them the statistic S has mean 0, and its variance is what z
// is divided by, ties included.
func TestMannKendallVariance(t *testing.T) {
	for _, values := range [][]float64{{1, 2, 3, 4, 5, 6, 7}, {1, 2, 2, 3, 4, 4, 4}, {5, 5, 5, 5, 6, 6}} {
		sum, n, top := 0.0, 0.0, 0.0
		permutations(slices.Clone(values), func(v []float64) {
			s := 0.0
			for i := range v {
				for _, w := range v[i+1:] {
					switch {
					case w > v[i]:
						s++
					case w < v[i]:
						s--
					}
				}
			}
			sum, n, top = sum+s*s, n+1, max(top, s)
		})
		near(t, "z of sorted values", mannKendall(values), (top-1)/math.Sqrt(sum/n), 1e-12)
		slices.Reverse(values)
		near(t, "z of values that fall", mannKendall(values), -(top-1)/math.Sqrt(sum/n), 1e-12)
	}
	near(t, "z of equal values", mannKendall([]float64{3, 3, 3}), 0, 0)
	near(t, "z of none", mannKendall(nil), 0, 0)
}

func TestTheilSen(t *testing.T) {
	near(t, "a line", theilSen([]float64{1, 3, 5, 7}), 2, 1e-12)
	near(t, "a line with values far out", theilSen([]float64{0, 2, 900, 6, 8, -70, 12, 14, 16}), 2, 1e-12)
	near(t, "one value", theilSen([]float64{4}), 0, 0)
}
