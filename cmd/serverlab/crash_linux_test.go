package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"serverlab/loadgen"
	"serverlab/results"
)

// The crash experiment kills a real server, and a real Redis where there is one: no answer is wrong, a session is lost
// where it was in what died and nowhere else, and no process is left.
func TestBenchCrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out, err := exec.Command(program(t), "bench", "crash", "--arch", "epoll", "--trials", "1", "--out", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(out), "WHAT DOES A CRASH DO?") {
		t.Errorf("no screen of its own: %q", out)
	}
	run, trials, err := results.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(trials) != len(run.Plan) || len(trials) < 3 {
		t.Errorf("%d trials of %d planned, want 3 or more", len(trials), len(run.Plan))
	}
	for i := range trials {
		trial := &trials[i]
		f, s := trial.Load.Fault, trial.Load.Sessions
		if trial.Failure != "" || f == nil || s == nil {
			t.Errorf("%s: no figure: %s", trial.Situation, trial.Failure)
			continue
		}
		if f.Restart == nil || f.Orphans > 0 || f.Begun <= 0 || f.Happened < f.Begun {
			t.Errorf("%s: %+v", trial.Situation, f)
		}
		if n := loadgen.Wrong(&trial.Load); n > 0 {
			t.Errorf("%s: %d wrong answers: %s", trial.Situation, n, trial.Load.ErrorText())
		}
		loses := trial.Situation == "crash-stateful" || trial.Situation == "crash-redis-store"
		if most := map[bool]int{true: s.Clients}[loses]; s.Lost > uint64(most) {
			t.Errorf("%s: %d sessions were lost, of %d that could be", trial.Situation, s.Lost, most)
		}
		if loses && f.First != nil && s.Lost == 0 {
			t.Errorf("%s: no session was lost", trial.Situation)
		}
	}
	if pids := running(t); len(pids) > 0 {
		t.Errorf("processes are left: %v", pids)
	}
	if code, screen, _ := ask("report", dir); code != 0 || screen != string(out) {
		t.Errorf("report: exit code %d, and not the screen that the run ended with", code)
	}
}

// What --help says of experiments is all of them; a crash has as many trials as were asked for, otherwise half.
func TestBenchHelpNamesExperiments(t *testing.T) {
	_, help, _ := ask("bench", "--help")
	for _, e := range questions() {
		name := e.Name
		if !strings.Contains(help, "\n  "+name+" ") {
			t.Errorf("bench --help lacks %s", name)
		}
	}
	f := benchFlags{trials: 3}
	if asked, quick := f.crashTrials(true), f.crashTrials(false); asked != 3 || quick != 1 {
		t.Errorf("crash trials: %d by --trials 3, %d by --quick", asked, quick)
	}
}
