package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// frontRun has a column of CPU time, of throughput and of latency, and so many rows. A figure of 0 is a failure.
func frontRun(trials int, rows ...[3]float64) (run Run, all []Trial) {
	for i, m := range []Metric{CPUPerRequest, Throughput, Harmed} {
		s := Situation{Name: string(m), Metric: m, Connections: 64}
		run.Situations = append(run.Situations, s)
		for j, row := range rows {
			if i == 0 {
				name := string(rune('a' + j))
				run.Architectures = append(run.Architectures, Architecture{Name: name, Label: name})
			}
			for block := range trials {
				p := Planned{s.Name, run.Architectures[j].Name, block + 1}
				t := answerTrial(p, &s, row[i]*(0.995+0.002*float64(block)))
				if m == Harmed {
					t.Load.HarmedCount = int(row[i])
				}
				if row[i] == 0 {
					t.Load.Unserved = 63
					t.Findings = []Finding{{"starved", "", Everything}}
				}
				run.Plan, all = append(run.Plan, p), append(all, t)
			}
		}
	}
	return run, all
}

func labelsOf(rows []*Architecture) (text string) {
	for _, a := range rows {
		text += a.Label
	}
	return text
}

// A row that only another experiment has, and a column that is about others, leave the front of the table as it was.
func TestParetoFrontOfSeveralExperiments(t *testing.T) {
	for name, change := range map[string]func(*Run){
		"a row of others": func(run *Run) {
			run.Architectures = append(run.Architectures, Architecture{Name: "other", Label: "other"})
			for i := range run.Situations {
				run.Situations[i].Rows = []string{"a", "b"}
			}
		},
		"a column of others": func(run *Run) {
			for _, other := range []string{"other", "another"} {
				run.Architectures = append(run.Architectures, Architecture{Name: other, Label: other})
			}
			for i := range run.Situations {
				run.Situations[i].Rows = []string{"a", "b"}
			}
			own := Situation{Name: "own", Metric: Throughput, Connections: 64, Rows: []string{"other", "another", "a"}}
			run.Situations = append([]Situation{own}, run.Situations...)
		},
		"many columns of one row": func(run *Run) {
			for k := range 9 {
				own := Situation{Name: fmt.Sprint("own", k), Metric: Throughput, Connections: 64, Rows: []string{"a"}}
				run.Situations = append(run.Situations, own)
			}
		},
	} {
		run, trials := frontRun(6, [3]float64{20e-6, 5000, 64}, [3]float64{40e-6, 9000, 64})
		change(&run)
		if f := ParetoFront(&run, trials); f.None != "" || labelsOf(f.On) != "ab" || len(f.Columns) != 3 {
			t.Errorf("%s: on %q, in %d columns; %s", name, labelsOf(f.On), len(f.Columns), f.None)
		}
	}
}

func TestParetoFront(t *testing.T) {
	for name, c := range map[string]struct {
		rows     [][3]float64
		trials   int
		on, off  string // off: row, who puts it there, column
		open     string
		sentence string
	}{
		"one beats all": {[][3]float64{{20e-6, 9000, 1}, {40e-6, 5000, 64}}, 6, "a", "b<a:harmed", "",
			"b is off the front: a is nowhere measurably worse, and better in harmed, 1 of 64 against 64 of 64."},
		"each has its column": {[][3]float64{{20e-6, 5000, 64}, {40e-6, 9000, 64}}, 6, "ab", "", "",
			"a and b. None of them"},
		"alike": {[][3]float64{{20e-6, 5000, 64}, {20.1e-6, 5005, 64}}, 6, "ab", "", "", "a and b"},
		"alike but for one column": {[][3]float64{{20e-6, 5000, 64}, {20.1e-6, 9000, 64}}, 6, "b", "a<b:throughput", "",
			"9,000 requests/s against 5,000 requests/s."},
		"a failure loses a column": {[][3]float64{{20e-6, 5000, 64}, {20.1e-6, 0, 64}}, 6, "a", "b<a:throughput", "",
			"better in throughput, 5,000 requests/s, where b fails (starved 63/64)."},
		"a failure is worse than any figure": {[][3]float64{{20e-6, 50, 64}, {20.1e-6, 9000, 64}, {20.1e-6, 0, 64}}, 6,
			"b", "a<b:throughput c<b:throughput", "", ""},
		"a failure of the best elsewhere": {[][3]float64{{20e-6, 5000, 64}, {10e-6, 0, 64}}, 6, "ab", "", "", ""},
		"failures are alike": {[][3]float64{{20e-6, 0, 64}, {40e-6, 0, 64}}, 6, "a",
			"b<a:cpu-per-request", "", ""},
		"three trials": {[][3]float64{{20e-6, 9000, 1}, {40e-6, 5000, 64}}, 3, "", "", "",
			"ask for --trials 6"},
		"one row": {[][3]float64{{20e-6, 9000, 1}}, 6, "", "", "", "no two rows"},
	} {
		run, trials := frontRun(c.trials, c.rows...)
		f := ParetoFront(&run, trials)
		var off []string
		for _, d := range f.Off {
			off = append(off, d.Row.Label+"<"+d.By.Label+":"+d.In.Name)
		}
		text := strings.Join(f.Sentences(), "\n")
		if labelsOf(f.On) != c.on || strings.Join(off, " ") != c.off || labelsOf(f.Open) != c.open {
			t.Errorf("%s: on %q, off %q, open %q", name, labelsOf(f.On), off, labelsOf(f.Open))
		}
		if !strings.Contains(text, c.sentence) {
			t.Errorf("%s lacks %q:\n%s", name, c.sentence, text)
		}
	}
}

// TestFrontLeavesOpenWhatIsUnknown: without one of its figures a row that is worse elsewhere can't be placed, and
// neither can a row that would be beaten if that figure were good.
func TestFrontLeavesOpenWhatIsUnknown(t *testing.T) {
	a, c := [3]float64{20e-6, 5000, 64}, [3]float64{30e-6, 4000, 64}
	for name, want := range map[string]struct {
		b             [3]float64
		on, off, open string
	}{
		"worse elsewhere": {[3]float64{40e-6, 9000, 64}, "a", "c", "b"},
		"best elsewhere":  {[3]float64{10e-6, 9000, 64}, "b", "c", "a"},
	} {
		run, trials := frontRun(6, a, want.b, c)
		for i := range trials {
			if trials[i].Architecture == "b" && trials[i].Situation == string(Throughput) {
				trials[i].Findings = []Finding{{"generator-bound", "", []Metric{Throughput}}}
			}
		}
		f := ParetoFront(&run, trials)
		var off []*Architecture
		for _, d := range f.Off {
			off = append(off, d.Row)
		}
		if labelsOf(f.On) != want.on || labelsOf(off) != want.off || labelsOf(f.Open) != want.open {
			t.Errorf("%s: on %q, off %q, open %q", name, labelsOf(f.On), labelsOf(off), labelsOf(f.Open))
		}
	}
}

// TestFrontIsNotDominated: on random runs, with noise, failures, voids and missing trials, the front is never empty; no
// row on it is dominated by a row that it does not itself dominate through others; and every row off it is beaten, in
// the column that is named, by the row that is named, which is worse nowhere.
func TestFrontIsNotDominated(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	off, fronts := 0, 0
	for range 300 {
		run, trials := randomRun(rng)
		f, p := ParetoFront(&run, trials), newPareto(&run, trials)
		if f.None != "" {
			continue
		}
		fronts++
		index := func(a *Architecture) int { return slices.Index(p.rows, a) }
		if len(f.On)+len(f.Off)+len(f.Open) != len(p.rows) || len(f.On)+len(f.Open) == 0 {
			t.Fatalf("%d rows: %+v", len(p.rows), f)
		}
		for _, on := range f.On {
			for b := range p.rows {
				if a := index(on); p.dominates(b, a) && !p.reaches[a][b] {
					t.Errorf("%s is on the front, and %s dominates it", on.Label, p.rows[b].Label)
				}
			}
		}
		for _, d := range f.Off {
			off++
			a, b := index(d.Row), index(d.By)
			for i, to := range p.to {
				if r := to[b][a]; r == behind || r == unknown || p.columns[i].Situation == d.In && r != ahead {
					t.Errorf("%s put off by %s in %s: %v in %s", d.Row.Label, d.By.Label, d.In.Name, r,
						p.columns[i].Situation.Name)
				}
				if x, y := to[a][b], to[b][a]; x == ahead != (y == behind) {
					t.Errorf("%v one way, %v the other", x, y)
				}
			}
		}
	}
	if fronts < 100 || off < 50 {
		t.Errorf("only %d fronts and %d rows off them: the test shows little", fronts, off)
	}
}

// randomRun draws rows from a few levels, so that some tie, some fail and some are beaten.
func randomRun(rng *rand.Rand) (Run, []Trial) {
	rows := make([][3]float64, 2+rng.IntN(5))
	for i := range rows {
		rows[i] = [3]float64{20e-6 * float64(rng.IntN(4)), 1000 * float64(rng.IntN(4)), float64(64 * rng.IntN(2))}
	}
	run, trials := frontRun(5+rng.IntN(4), rows...)
	for i := range trials {
		t := &trials[i]
		if t.Server.CPU != nil {
			*t.Server.CPU *= 1 + 0.3*rng.NormFloat64()*rng.Float64()
		}
		if rng.IntN(20) == 0 {
			t.Findings = []Finding{{"disturbed", fmt.Sprint(i), Everything}}
		}
	}
	return run, trials
}

// TestFrontOfARing: rows that beat each other in a ring all stay on the front.
func TestFrontOfARing(t *testing.T) {
	p := &pareto{rows: make([]*Architecture, 3)}
	for i := range 3 { // in column i, row i is ahead of the next one, and both are like the third
		to := [][]relation{{0, same, same}, {same, 0, same}, {same, same, 0}}
		to[i][(i+1)%3], to[(i+1)%3][i] = ahead, behind
		sure := [][]bool{make([]bool, 3), make([]bool, 3), make([]bool, 3)}
		sure[i][(i+1)%3] = true
		p.to, p.sure = append(p.to, to), append(p.sure, sure)
	}
	p.dominance()
	for a := range 3 {
		if !p.dominates(a, (a+1)%3) || p.winner(a) >= 0 {
			t.Errorf("row %d: it dominates the next one %v, and is off by %d", a, p.dominates(a, (a+1)%3), p.winner(a))
		}
	}
}

// noisyRun is a run of rows whose figures scatter by a share of themselves. Each row takes factors[row] of what is usual.
func noisyRun(rng *rand.Rand, trials int, noise float64, factors []float64) (run Run, all []Trial) {
	for i, m := range []Metric{CPUPerRequest, Throughput, MemoryPerSilent} {
		s := Situation{Name: string(m), Metric: m, Connections: 64, Silent: 1000}
		run.Situations = append(run.Situations, s)
		for j, factor := range factors {
			name := string(rune('a' + j))
			if i == 0 {
				run.Architectures = append(run.Architectures, Architecture{Name: name, Label: name})
			}
			for block := range trials {
				usual := map[Metric]float64{CPUPerRequest: 40e-6 * factor, Throughput: 9000, MemoryPerSilent: 5000}[m]
				p := Planned{s.Name, name, block + 1}
				run.Plan = append(run.Plan, p)
				all = append(all, answerTrial(p, &s, usual*math.Exp(noise*rng.NormFloat64())))
			}
		}
	}
	return run, all
}

// TestFrontByChance makes runs whose rows are all the same thing: in at most 5 % of them chance puts any row off the
// front, and in hardly any more of these here, which a seed picks.
func TestFrontByChance(t *testing.T) {
	if raceEnabled {
		t.Skip("a simulation: it is run without the race detector")
	}
	const runs = 200
	rng := rand.New(rand.NewPCG(7, 8))
	for _, noise := range []float64{0.03, 0.1} {
		for _, trials := range []int{MinTrials, 10} {
			wrong := 0
			for range runs {
				run, all := noisyRun(rng, trials, noise, []float64{1, 1, 1, 1, 1, 1, 1, 1})
				if f := ParetoFront(&run, all); len(f.Off) > 0 {
					wrong++
				} else if len(f.On) != 8 {
					t.Fatalf("%d rows on the front: %v", len(f.On), f.Sentences())
				}
			}
			t.Logf("noise %g, %d trials: %d of %d fronts leave a row out", noise, trials, wrong, runs)
			if wrong > runs*8/100 {
				t.Errorf("noise %g, %d trials: %d of %d fronts leave a row out by chance", noise, trials, wrong, runs)
			}
		}
	}
}

// TestFrontFindsFivePercent: with the default number of trials, a row that takes 5 % more CPU time and is no better
// elsewhere leaves the front where trials scatter by 1 %.
func TestFrontFindsFivePercent(t *testing.T) {
	if raceEnabled {
		t.Skip("a simulation: it is run without the race detector")
	}
	const runs = 100
	rng := rand.New(rand.NewPCG(9, 10))
	found := 0
	for range runs {
		run, all := noisyRun(rng, MinTrials, 0.01, []float64{1, 1.05, 1, 1, 1, 1, 1})
		f := ParetoFront(&run, all)
		if slices.ContainsFunc(f.Off, func(d Dominated) bool { return d.Row.Name == "b" }) {
			found++
		}
	}
	t.Logf("found in %d of %d runs", found, runs)
	if found < runs*8/10 {
		t.Errorf("found in %d of %d runs", found, runs)
	}
}

// TestWorseByChance states what docs/results.md says: how often a column of rows that are all the same thing shows one
// as worse. The best is picked by looking, which Holm's correction does not cover.
func TestWorseByChance(t *testing.T) {
	if raceEnabled {
		t.Skip("a simulation: it is run without the race detector")
	}
	const runs = 500
	rng := rand.New(rand.NewPCG(11, 12))
	for _, c := range []struct{ rows, trials, most int }{{2, MinTrials, 7}, {8, MinTrials, 12}, {8, 10, 12}} {
		wrong := 0
		for range runs {
			run, all := noisyRun(rng, c.trials, 0.1, slices.Repeat([]float64{1}, c.rows))
			col := Columns(&run, all)[0]
			if slices.ContainsFunc(col.Cells, func(c Cell) bool { return c.Verdict == Worse }) {
				wrong++
			}
		}
		t.Logf("%d rows, %d trials: %d of %d columns", c.rows, c.trials, wrong, runs)
		if wrong > runs*c.most/100 {
			t.Errorf("%d rows, %d trials: %d of %d columns show a row as worse", c.rows, c.trials, wrong, runs)
		}
	}
}
