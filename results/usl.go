package results

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrScaling says that a law of scalability can't be fitted to what was measured.
var ErrScaling = errors.New("no law of scalability")

// CoresName is the experiment whose situations differ in the server's CPUs.
const CoresName = "cores"

// USL is the Universal Scalability Law (Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6):
//
//	X(N) = Lambda N / (1 + Alpha (N - 1) + Beta N (N - 1))
//
// Without Beta it is Amdahl's law; without both, each CPU adds what the first one does.
type USL struct {
	Lambda float64 // throughput of one CPU, requests per second
	Alpha  float64 // contention: the share of the work that waits for its turn
	Beta   float64 // coherence: what each pair of CPUs pays to agree, as a share of a request's work
}

// At is the throughput of n CPUs, requests per second.
func (u USL) At(n float64) float64 { return u.Lambda * n / (1 + u.Alpha*(n-1) + u.Beta*n*(n-1)) }

// Peak is the number of CPUs beyond which throughput falls; +Inf without coherence.
func (u USL) Peak() float64 {
	if u.Beta <= 0 {
		return math.Inf(1)
	}
	return math.Sqrt(max(1-u.Alpha, 0) / u.Beta)
}

// Measured is the throughput that a number of CPUs reached.
type Measured struct {
	N float64 // CPUs, at least 1
	X float64 // requests per second
}

// uslLeast is the least number of points: the law has three parameters.
const uslLeast = 3

// FitUSL fits the law by least squares. What is squared is the relative error of N/X, the time that one CPU would need
// for a request: N/X is linear in 1/Lambda, Alpha/Lambda and Beta/Lambda, so there is one solution, no first guess and
// nothing that may fail to converge; and trials of a fast server spread as much as those of a slow one, in percent.
// Neither Alpha nor Beta can be below 0: of the solutions with none, one or both of them left out that keep to that, the
// one with the smallest error is the least-squares solution (Lawson and Hanson, Solving Least Squares Problems, 23). An
// error wraps ErrScaling: points below three different N, or figures that are none.
func FitUSL(points []Measured) (USL, error) {
	different := map[float64]bool{}
	for _, p := range points {
		if !(p.N >= 1 && p.N <= mostCount && p.X > 0 && p.X <= mostPerSecond) {
			return USL{}, fmt.Errorf("%w: %g CPUs that reached %g requests/s are no point", ErrScaling, p.N, p.X)
		}
		different[p.N] = true
	}
	if len(different) < uslLeast {
		return USL{}, fmt.Errorf("%w: it needs %d different numbers of CPUs, and there are %d", ErrScaling, uslLeast,
			len(different))
	}
	best, least := USL{}, math.Inf(1)
	for _, terms := range [][]int{{0, 1, 2}, {0, 1}, {0, 2}, {0}} {
		c, ok := uslTerms(points, terms)
		if !ok || c[0] <= 0 || c[1] < 0 || c[2] < 0 {
			continue
		}
		if e := uslError(points, c); e < least {
			best, least = USL{Lambda: 1 / c[0], Alpha: c[1] / c[0], Beta: c[2] / c[0]}, e
		}
	}
	if math.IsInf(least, 1) {
		return USL{}, fmt.Errorf("%w: the points are too far apart in size", ErrScaling)
	}
	return best, nil
}

// uslBasis are the functions of N of which N/X is a sum.
func uslBasis(n float64) [3]float64 { return [3]float64{1, n - 1, n * (n - 1)} }

func uslError(points []Measured, c [3]float64) (sum float64) {
	for _, p := range points {
		b := uslBasis(p.N)
		e := (c[0]*b[0]+c[1]*b[1]+c[2]*b[2])*p.X/p.N - 1
		sum += e * e
	}
	return sum
}

// uslTerms solves the normal equations with some of the functions; the coefficients of the others are 0. ok is false
// where they can't be told apart.
func uslTerms(points []Measured, terms []int) (c [3]float64, ok bool) {
	n := len(terms)
	a := make([][]float64, n) // with the right side as its last column
	for i := range a {
		a[i] = make([]float64, n+1)
		for _, p := range points {
			b, w := uslBasis(p.N), p.X/p.N
			for k := range terms {
				a[i][k] += b[terms[i]] * w * b[terms[k]] * w
			}
			a[i][n] += b[terms[i]] * w
		}
	}
	for i := range n { // Gauss, with the largest element of a column first
		top := i
		for k := i + 1; k < n; k++ {
			if math.Abs(a[k][i]) > math.Abs(a[top][i]) {
				top = k
			}
		}
		a[i], a[top] = a[top], a[i]
		if math.Abs(a[i][i]) < 1e-12 {
			return c, false
		}
		for k := range n {
			if k != i {
				f := a[k][i] / a[i][i]
				for j := i; j <= n; j++ {
					a[k][j] -= f * a[i][j]
				}
			}
		}
	}
	for i, t := range terms {
		c[t] = a[i][n] / a[i][i]
	}
	return c, true
}

// Scaling is how a row's throughput grows with the CPUs of its server.
type Scaling struct {
	Row    int // of the run
	Points []Measured
	Law    USL // fitted without Held
	// Held is the point with the most CPUs, which the fit has not seen; Predicted is what the law says of it.
	Held      Measured
	Predicted float64
}

// Error is by how much the prediction is off: 0.1 for 10 % too high.
func (s *Scaling) Error() float64 { return s.Predicted/s.Held.X - 1 }

// Scalings fits the law to each row of a run with enough numbers of CPUs; nil where the run has none.
func Scalings(run *Run, trials []Trial) (all []Scaling) {
	points := make([][]Measured, len(run.Architectures))
	for _, col := range Columns(run, trials) {
		if col.Situation.CPUs <= 0 || col.Situation.Metric != Throughput {
			continue
		}
		for i := range col.Cells {
			if c := &col.Cells[i]; len(c.Values) > 0 && c.Verdict != Failed {
				points[i] = append(points[i], Measured{float64(col.Situation.CPUs), c.Summary.Median})
			}
		}
	}
	for row, some := range points {
		if len(some) <= uslLeast {
			continue
		}
		slices.SortStableFunc(some, func(a, b Measured) int { return int(a.N - b.N) })
		s := Scaling{Row: row, Points: some, Held: some[len(some)-1]}
		var err error
		if s.Law, err = FitUSL(some[:len(some)-1]); err != nil {
			continue
		}
		s.Predicted = s.Law.At(s.Held.N)
		all = append(all, s)
	}
	return all
}

// Sentence states the law and its test in a line.
func (s *Scaling) Sentence(run *Run) string {
	text := fmt.Sprintf("%s: contention %s %%, coherence %s %%; predicts %s/s on %s CPUs, measured %s (%+.0f %%)",
		run.Architectures[s.Row].Label, number(100*s.Law.Alpha, 2), number(100*s.Law.Beta, 2), number(s.Predicted, 3),
		exact(s.Held.N), number(s.Held.X, 3), 100*s.Error())
	if n := s.Law.Peak(); n < mostCount {
		text += fmt.Sprintf("; most at %.0f CPUs", n)
	}
	return text
}

// scalingSentences state the law of each row that has one.
func scalingSentences(run *Run, trials []Trial) (all []string) {
	laws := Scalings(run, trials)
	for i := range laws {
		all = append(all, "Universal Scalability Law, "+laws[i].Sentence(run)+".")
	}
	return all
}
