package results

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// phaseFixture is an invented map of two service times: where requests block the pool is ahead, where they compute nobody
// is. A row that is not asked has no trial.
func phaseFixture(blocks int) (run Run, all []Trial) {
	run, trials := experimentFixture(blocks)
	name := func(share, service float64) string { return fmt.Sprintf("phase-%g-%g", share, service) }
	from := map[string]string{name(0, 0.001): "waits-0ms", name(1, 0.001): "waits-1ms", name(0, 0.005): "blocks-0ms",
		name(1, 0.005): "blocks-5ms"}
	run.Experiments = []Experiment{{Name: PhaseName, Question: "who wins where?"}}
	model := run.Situations[0]
	run.Situations, run.Plan = nil, nil
	for _, share := range []float64{0, 1} {
		for _, service := range []float64{0.005, 0.001} { // any order
			s := model
			s.Name, s.Experiment, s.Series, s.X, s.Ceiling = name(share, service), PhaseName, "", nil, 0
			s.Phase = &PhasePoint{Service: service, Blocking: share}
			run.Situations = append(run.Situations, s)
			for _, t := range trials {
				if t.Situation == from[s.Name] {
					t.Situation = s.Name
					run.Plan, all = append(run.Plan, t.Planned), append(all, t)
				}
			}
		}
	}
	idle := run.Architectures[0]
	idle.Name, idle.Label = "idle", "idle"
	run.Architectures = append(run.Architectures, idle)
	return run, all
}

func TestPhases(t *testing.T) {
	for _, blocks := range []int{6, 3} {
		run, trials := phaseFixture(blocks)
		maps := Phases(&run, trials)
		if len(maps) != 1 || maps[0].Clients != 64 || !slices.Equal(maps[0].Services, []float64{0.001, 0.005}) ||
			!slices.Equal(maps[0].Blocking, []float64{0, 1}) {
			t.Fatalf("%d blocks: %+v", blocks, maps)
		}
		pool := slices.IndexFunc(run.Architectures, func(a Architecture) bool { return a.Name == "threadpool" })
		for k := range maps[0].Services {
			if c := maps[0].Cells[0][k]; !c.Measured || c.Winner != -1 {
				t.Errorf("%d blocks, where requests compute: %+v", blocks, c)
			}
			c := maps[0].Cells[1][k]
			if !c.Measured || c.Winner != pool || c.Lead < 10 || c.Indicative != (blocks < MinTrials) {
				t.Errorf("%d blocks, where requests block: %+v", blocks, c)
			}
		}
	}
}

// TestPhaseLegend asks that a map names what wins on it, and not all rows of the run.
func TestPhaseLegend(t *testing.T) {
	run, trials := phaseFixture(3)
	pictures := phasePictures(&run, trials)
	if len(pictures) != 1 {
		t.Fatalf("%d pictures", len(pictures))
	}
	m := pictures[0].Chart.(*plot.Map)
	if len(m.Keys) != 1 || m.Cells[1][1].Key != 0 || m.Cells[0][0].Key != -1 || !strings.Contains(m.Note, "indicative") {
		t.Errorf("%+v", m)
	}
	if svg := plot.SVG(m, plot.Options{Width: 720}); bytes.Contains(svg, []byte("idle")) {
		t.Error("the legend has a row that was not asked")
	}
	lines := strings.Join(phaseLines(&run, trials), "\n")
	for _, want := range []string{"64 clients, service time of a request →", m.Keys[0].Letter + " thread", "Indicative: "} {
		if !strings.Contains(lines, want) {
			t.Errorf("the screen lacks %q:\n%s", want, lines)
		}
	}
	for _, line := range strings.Split(lines, "\n") {
		if width(line) > screenWidth {
			t.Errorf("%d columns: %s", width(line), line)
		}
	}
}
