package results

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// law's points, each off by a random share of so much.
func law(u USL, noise float64, seed uint64, ns ...float64) (points []Measured) {
	r := rand.New(rand.NewPCG(seed, 1))
	for _, n := range ns {
		points = append(points, Measured{n, u.At(n) * (1 + noise*r.NormFloat64())})
	}
	return points
}

func TestUSLIsFoundAgain(t *testing.T) {
	ns := []float64{1, 2, 4, 8, 16, 32}
	for _, want := range []USL{{1000, 0, 0}, {995.6, 0.0267, 0.000769}, {12_000, 0.3, 0}, {50, 0, 0.01}} {
		got, err := FitUSL(law(want, 0, 1, ns...))
		if err != nil || math.Abs(got.Lambda/want.Lambda-1) > 1e-6 || math.Abs(got.Alpha-want.Alpha) > 1e-6 ||
			math.Abs(got.Beta-want.Beta) > 1e-6 {
			t.Errorf("%+v came back as %+v, %v", want, got, err)
		}
	}
}

// With 2 % of noise, as trials have, the largest number of CPUs is predicted from the others within 15 % nearly always,
// and neither parameter is ever below 0.
func TestUSLPredictsThroughNoise(t *testing.T) {
	want := USL{1000, 0.05, 0.002}
	far := 0
	for seed := range uint64(200) {
		got, err := FitUSL(law(want, 0.02, seed, 1, 2, 3, 4, 6, 8))
		if err != nil || got.Alpha < 0 || got.Beta < 0 {
			t.Fatalf("seed %d: %+v, %v", seed, got, err)
		}
		if math.Abs(got.At(12)/want.At(12)-1) > 0.15 {
			far++
		}
	}
	if far > 10 {
		t.Errorf("%d of 200 predictions are off by more than 15 %%", far)
	}
}

func TestUSLPeak(t *testing.T) {
	if n := (USL{1, 0.0267, 0.000769}).Peak(); math.Abs(n-35.57) > 0.1 { // sqrt((1 - 0.0267) / 0.000769)
		t.Errorf("the peak is at %v", n)
	}
	if n := (USL{1, 0.3, 0}).Peak(); !math.IsInf(n, 1) {
		t.Errorf("Amdahl's law has a peak at %v", n)
	}
}

func TestUSLRefusesWhatIsNoCurve(t *testing.T) {
	for name, points := range map[string][]Measured{
		"none": nil, "two numbers of CPUs": {{1, 10}, {2, 20}, {2, 21}}, "nothing answered": {{1, 10}, {2, 0}, {3, 5}},
		"no CPU": {{0, 10}, {1, 11}, {2, 12}}, "no number": {{1, math.NaN()}, {2, 1}, {3, 1}},
		"infinite": {{1, 1}, {2, math.Inf(1)}, {3, 1}},
	} {
		if u, err := FitUSL(points); !errors.Is(err, ErrScaling) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}

// scalingRun is a run of one row whose throughput follows the law, on 1 to n CPUs.
func scalingRun(u USL, n int) (run Run, trials []Trial) {
	run.Architectures = []Architecture{{Name: "a", Label: "a"}}
	for i := 1; i <= n; i++ {
		s := Situation{Name: "cores-" + exact(float64(i)), Metric: Throughput, Model: "closed", CPUs: i}
		run.Situations = append(run.Situations, s)
		for block := 1; block <= 3; block++ {
			p := Planned{Situation: s.Name, Architecture: "a", Block: block}
			run.Plan = append(run.Plan, p)
			trials = append(trials, Trial{Planned: p, Load: Load{Window: 100, Requests: uint64(100 * u.At(float64(i)))}})
		}
	}
	return run, trials
}

func TestScalingHoldsOutTheLastPoint(t *testing.T) {
	run, trials := scalingRun(USL{1000, 0.1, 0.01}, 6)
	for i := range trials { // the last point is far from the law, and the fit must not know
		if trials[i].Situation == "cores-6" {
			trials[i].Load.Requests *= 2
		}
	}
	all := Scalings(&run, trials)
	if len(all) != 1 {
		t.Fatalf("%d rows have a law", len(all))
	}
	if s := all[0]; math.Abs(s.Law.Alpha-0.1) > 1e-3 || s.Held.N != 6 || math.Abs(s.Error()+0.5) > 0.01 {
		t.Errorf("%+v, off by %v", s, s.Error())
	}
	if run, trials := scalingRun(USL{1000, 0.1, 0.01}, 3); Scalings(&run, trials) != nil {
		t.Error("three points test nothing: they fit any law")
	}
}
