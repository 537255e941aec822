package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"serverlab/results"
)

// Both experiments for real: every row gets its rates and answers within their windows, and a request that blocks an
// event loop makes others wait.
func TestBenchLoadAndStall(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out, err := exec.Command(program(t), "bench", "load", "stall", "--arch", "epoll,thread", "--trials", "1", "--out",
		dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	run, trials, err := results.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(trials) != len(run.Plan) {
		t.Errorf("%d trials of %d planned", len(trials), len(run.Plan))
	}
	for i := range trials {
		x := &trials[i]
		if x.Failure != "" {
			t.Errorf("%s of %s: %s", x.Situation, x.Architecture, x.Failure)
			continue
		}
		if good, ok := x.Value(results.Goodput); !ok || !(good > 0) {
			t.Errorf("%s of %s: goodput %v", x.Situation, x.Architecture, good)
		}
		if x.Situation != "stall" {
			continue
		}
		if longest, _ := x.Value(results.Stall); x.Architecture == "epoll" && longest < 0.4 {
			t.Errorf("a loop was blocked for 0.5 s, and nobody waited longer than %v s", longest)
		}
		if x.Load.Series == nil || x.Load.Series.Step != 0.02 {
			t.Errorf("the time line of %s has no steps of 20 ms", x.Architecture)
		}
	}
	curves := results.Curves(&run, trials, results.LoadSweep)
	if len(curves) != 2 || len(curves[0].Points) < 3 {
		t.Errorf("%d curves", len(curves))
	}
	for _, part := range []string{"1 blocks 0.5 s", "HOW MUCH CAN EACH HOLD?"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("the screen lacks %q:\n%s", part, out)
		}
	}
	if code, screen, _ := ask("report", dir); code != 0 || screen != string(out) {
		t.Errorf("report: exit code %d, and not the screen that the run ended with", code)
	}
	if pids := running(t); len(pids) > 0 {
		t.Errorf("processes are left: %v", pids)
	}
}
