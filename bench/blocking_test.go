//go:build linux

package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"serverlab/results"
)

// A lesson comes out where the figures are those that the literature expects, and does not where all rows are alike.
func TestBlockingLessonsAreJudged(t *testing.T) {
	b := asked(t, results.MinTrials, BlockingName)
	run := results.Run{Architectures: b.rows, Situations: b.sits}
	workers := map[string]float64{"eventloop": 1, "threadpool:workers=1": 1, "threadpool:workers=8": 8}
	judge := func(rate func(s *results.Situation, row string) float64) (all []results.Truth) {
		var trials []results.Trial
		for _, p := range plan(b.sits, b.rows, results.MinTrials, 1) {
			s := b.situation(p.Situation)
			requests := rate(&s, p.Architecture)
			cpu := 60e-6 * requests
			trials = append(trials, results.Trial{Planned: p, Server: results.Server{CPU: &cpu}, Load: results.Load{
				Window: 1, Connections: s.Connections, Model: "closed", Requests: uint64(requests)}})
		}
		for _, l := range b.asked[0].Lessons {
			e, err := results.ParseExpectation(l.Holds)
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Judge(&run, trials, results.MinTrials)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, out.Truth)
		}
		return all
	}
	by := judge(func(s *results.Situation, row string) float64 { // 60 µs of CPU, and its time
		n, some := workers[row]
		if !some {
			n = float64(s.Connections)
		}
		return min(1/60e-6, n/(60e-6+*s.X))
	})
	if slices.ContainsFunc(by, func(t results.Truth) bool { return t != results.Holds }) {
		t.Errorf("servers as in the literature: %v", by)
	}
	if alike := judge(func(*results.Situation, string) float64 { return 1000 }); alike[0] != results.Refuted {
		t.Errorf("servers that are all alike: %v", alike)
	}
}

// The ceiling is Little's law; each client has its turn within the window of a server that serves one after the other.
func TestStillSituations(t *testing.T) {
	b := asked(t, results.MinTrials, BlockingName)
	for _, s := range b.sits {
		want := 0.0
		if *s.X > 0 {
			want = 64 / *s.X
		}
		if s.Ceiling != want || s.Window < 64**s.X || s.KeepAlive || s.Model != "closed" {
			t.Errorf("%s: ceiling %v, want %v; window %v s", s.Name, s.Ceiling, want, s.Window)
		}
		work := strings.TrimPrefix(s.Path, "/")
		verb := "block"
		if strings.Contains(s.Name, "-wait-") {
			verb = "wait"
		}
		if (work == "") != (*s.X == 0) ||
			work != "" && work != fmt.Sprintf("?%s=%gms", verb, 1e3**s.X) {
			t.Errorf("%s asks for %s", s.Name, s.Path)
		}
	}
	b.Connections = 10_000
	for _, s := range b.blocks() {
		if s.Window > stillLongest {
			t.Errorf("%s of 10,000 clients takes %v s", s.Name, s.Window)
		}
	}
}

// Rows that an experiment brings are its own; others of the same run don't try them, and rows that the user names are
// tried by all.
func TestExperimentsBringTheirRows(t *testing.T) {
	b := asked(t, results.MinTrials, DefaultName, BlockingName, LoadName)
	for _, s := range b.sits {
		own := s.Experiment == BlockingName
		if pool := slices.Contains(s.Rows, "threadpool:workers=8"); pool != own {
			t.Errorf("%s is tried by %v", s.Name, s.Rows)
		}
		if s.Name == "trivial" && !slices.Contains(s.Rows, "iterative") {
			t.Errorf("%s is tried by %v", s.Name, s.Rows)
		}
	}
	for _, s := range b.offered(b.sits, guessed(b.rows)) {
		if s.Sweep != "" && slices.Contains(s.Rows, "amped") {
			t.Errorf("%s is tried by %v", s.Name, s.Rows)
		}
	}
	named := &bench{Options: Options{Trials: 6, Connections: 64, Experiments: []string{BlockingName},
		Rows: []results.Architecture{{Name: "epoll"}}}}
	if err := named.choose(); err != nil || !tried(named.sits[0], named.rows[0], 1) {
		t.Errorf("%v: epoll is not tried by %+v", err, named.sits)
	}
	if rows := RowsOf([]string{HelloName}, 6, b.Usual); !slices.Equal(rows, b.Usual) {
		t.Errorf("hello is about %v", rows)
	}
}
