package results

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// drawnSearch is a search with two trials at each bound and a spoiled one.
func drawnSearch() *Search {
	trial := func(rate float64, met bool, ms int) SearchTrial {
		took := func(i int) time.Duration { return time.Duration(ms) * time.Duration(i) * time.Microsecond }
		return SearchTrial{Rate: rate, Duration: 4, Met: met, Load: drawnLoad("poisson", rate, rate, took)}
	}
	spoiled := trial(5_500, false, 9)
	spoiled.Spoiled = "disturbed: the host took 90 ms of 2 CPUs for others"
	throughput := 5_000.0
	return &Search{URL: "http://127.0.0.1:8080/", Model: "poisson", KeepAlive: true, Connections: 64, Seed: 1,
		Goals: []Goal{{0.99, 0.005}, {0.5, 0.004}, {}}, Initial: 0.5, Final: 4, Sum: 12, Exceed: 0.5, Width: 0.05,
		Closed: 9_000,
		Lower:  &Bound{5_000, 2, 0}, Upper: &Bound{5_250, 1, 2}, Throughput: &throughput, Seconds: 20,
		Trials: []SearchTrial{trial(5_000, true, 3), trial(5_250, false, 6), spoiled, trial(5_250, true, 4),
			trial(5_250, false, 7), trial(5_000, true, 4)}}
}

func TestSearchPrints(t *testing.T) {
	limit := drawnSearch()
	limit.Upper, limit.Unmeasured, limit.Spoiled = nil, 5_500, limit.Trials[2].Spoiled
	limit.Irregular = "The load generator, or the machine, is the limit."
	never := drawnSearch()
	never.Lower, never.Throughput, never.Irregular = nil, nil, "No rate that was tried meets the goals."
	nothing := &Search{Goals: []Goal{{0.99, 0.005}}, Model: "constant", Connections: 1, Irregular: "Interrupted."}
	var all bytes.Buffer
	for _, s := range []*Search{drawnSearch(), limit, never, nothing} {
		if err := s.Print(&all, Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
		for _, trial := range s.Trials {
			all.WriteString(trial.Line(s.Goals) + "\n")
		}
		all.WriteString("\n")
	}
	golden(t, "search.txt", all.String())
	for line := range strings.Lines(all.String()) {
		if width(strings.TrimRight(line, "\n")) > 79 {
			t.Errorf("wider than 79 columns: %q", line)
		}
	}
}
