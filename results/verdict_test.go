package results

import (
	"slices"
	"strings"
	"testing"
)

// Nobody is best beside a figure that looks better and does not count: of a server that is faster than the load generator,
// say. One that looks worse changes nothing.
func TestNobodyIsBestBesideABetterFigureThatDoesNotCount(t *testing.T) {
	run := Run{Architectures: []Architecture{{Name: "slow", Label: "slow"}, {Name: "pool", Label: "pool"},
		{Name: "void", Label: "void"}},
		Situations: []Situation{{Name: "waits", Metric: Throughput, Model: "closed"}}}
	trialsOf := func(void float64) (all []Trial) {
		for block := range MinTrials {
			for name, rate := range map[string]float64{"slow": 200, "pool": 12_000, "void": void} {
				x := Trial{Planned: Planned{Situation: "waits", Architecture: name, Block: block + 1}}
				x.Load = Load{Model: "closed", Window: 1, Requests: uint64(rate) + uint64(block)}
				if name == "void" {
					x.Findings = []Finding{{"generator-bound", "busy for 99 %", []Metric{Throughput}}}
				}
				all = append(all, x)
			}
		}
		return all
	}
	for void, want := range map[float64]Verdict{20_000: Undecided, 5000: Best} {
		trials := trialsOf(void)
		col := Columns(&run, trials)[0]
		if got := col.Cells[1].Verdict; got != want || col.Cells[0].Verdict != Worse || col.Cells[2].Verdict != Unranked {
			t.Errorf("beside %g/s: the pool is %s, the others %s and %s; want %s", void, got, col.Cells[0].Verdict,
				col.Cells[2].Verdict, want)
		}
		says := strings.Contains(Answers(&run, trials)[0].Text, "is what does not: void, 20,000 requests/s.")
		if says != (want == Undecided) {
			t.Errorf("beside %g/s: %s", void, Answers(&run, trials)[0].Text)
		}
		alone := Columns(&run, slices.DeleteFunc(trials, func(x Trial) bool { return x.Architecture == "slow" }))[0]
		if got := alone.Cells[1].Verdict; got != Undecided {
			t.Errorf("alone beside %g/s that does not count the pool is %s", void, got)
		}
	}
}
