package loadgen

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"serverlab/results"
)

// server is a Runner: at up to capacity every answer takes a millisecond, above it a second. It notes what was asked.
type server struct {
	capacity float64
	findings func(Config) []results.Finding
	asked    []Config
}

func (s *server) run(_ context.Context, c Config) (*results.Load, error) {
	s.asked = append(s.asked, c)
	response := time.Millisecond
	if c.Rate > s.capacity {
		response = time.Second
	}
	rate := c.Rate
	if rate == 0 {
		rate = 1.5 * s.capacity
	}
	n := int64(rate * c.Duration.Seconds())
	l := &results.Load{Window: c.Duration.Seconds(), Requests: uint64(n), Intended: uint64(n),
		Response: results.NewHistogram()}
	_ = l.Response.RecordValues(int64(response), n)
	if s.findings != nil {
		l.Findings = s.findings(c)
	}
	return l, nil
}

func findConfig(t *testing.T, goals string) SearchConfig {
	t.Helper()
	g, err := ParseGoals(goals)
	if err != nil {
		t.Fatal(err)
	}
	return SearchConfig{Goals: g, Initial: 500 * time.Millisecond, Final: 4 * time.Second, Width: 0.05}
}

func TestFindRate(t *testing.T) {
	s := &server{capacity: 6_000}
	said := 0
	o, err := FindRate(t.Context(), Config{Seed: 7, Connections: 3, Warmup: time.Second}, findConfig(t, "p99=5ms"), s.run,
		func(trial results.SearchTrial) {
			if said++; !strings.Contains(trial.Line(nil), "met:") && !strings.Contains(trial.Line(nil), "missed:") {
				t.Errorf("trial %d is said as %q", said, trial.Line(nil))
			}
		})
	if err != nil || o.Lower == nil || o.Upper == nil || o.Lower.Rate > 6_000 || o.Upper.Rate <= 6_000 ||
		o.Interval() > 0.05 {
		t.Fatalf("%v, %+v", err, o)
	}
	if said != len(o.Trials) || o.Closed != 9_000 || o.Trials[0].Rate != 9_000 || o.Model != "poisson" || o.Seed != 7 {
		t.Errorf("%d trials said, %+v", said, o)
	}
	if c := s.asked[0]; c.Rate != 0 || c.Duration != 500*time.Millisecond {
		t.Errorf("the search begins with %+v", c)
	}
	for i, c := range s.asked[1:] {
		if c.Seed != uint64(7+i) || c.Rate <= 0 || c.Warmup > c.Duration/2 || o.Trials[i].Load.Series != nil {
			t.Errorf("trial %d: %+v", i, c)
		}
	}
}

// A slow server's trials are as long as the quantile needs, within bounds.
func TestFindRateMakesTrialsLongEnough(t *testing.T) {
	s := &server{capacity: 100}
	o, err := FindRate(t.Context(), Config{}, findConfig(t, "p99=5ms"), s.run, nil)
	if err != nil || o.Lower == nil || o.Upper == nil || o.Lower.Rate > 100 || o.Upper.Rate <= 100 {
		t.Fatalf("%v, %+v", err, o)
	}
	for _, trial := range o.Trials {
		if trial.Load.Intended < 570 || trial.Duration > longestTrial*4 {
			t.Errorf("%v/s for %v s: %d requests", trial.Rate, trial.Duration, trial.Load.Intended)
		}
	}
	_, err = FindRate(t.Context(), Config{}, findConfig(t, "p99.9=5ms"), (&server{capacity: 100}).run, nil)
	if err == nil || !strings.Contains(err.Error(), "--duration") || !strings.Contains(err.Error(), "12s") {
		t.Errorf("p99.9 of 150 requests/s: %v", err)
	}
	long := findConfig(t, "p99.9=5ms")
	long.Final = 18 * time.Second
	if o, err := FindRate(t.Context(), Config{}, long, (&server{capacity: 100}).run, nil); err != nil || o.Upper == nil {
		t.Errorf("p99.9 with trials of 18 s: %v, %+v", err, o)
	}
}

// A trial that the generator has spoiled counts only where it met the goals all the same.
func TestFindRateAndTheGenerator(t *testing.T) {
	busy := func(c Config) []results.Finding {
		if c.Rate < 3_000 {
			return nil
		}
		return []results.Finding{{Kind: "generator-bound", Evidence: "busy for 99 %",
			Voids: []results.Metric{results.Latency}}}
	}
	s := &server{capacity: 6_000, findings: busy}
	o, err := FindRate(t.Context(), Config{}, findConfig(t, "p99=5ms"), s.run, nil)
	if err != nil || o.Lower == nil || o.Lower.Rate < 5_700 || o.Lower.Rate > 6_000 || o.Upper != nil ||
		o.Spoiled != "generator-bound: busy for 99 %" {
		t.Errorf("%v, %+v", err, o)
	}
	unsound := func(c Config) []results.Finding {
		return []results.Finding{{Kind: "Little's law", Voids: []results.Metric{results.Latency}}}
	}
	s = &server{capacity: 6_000, findings: unsound}
	if o, err := FindRate(t.Context(), Config{}, findConfig(t, "p99=5ms"), s.run, nil); err != nil || o.Lower != nil {
		t.Errorf("clocks and counts that do not fit together: %v, %+v", err, o)
	}
	overloaded := func(Config) []results.Finding {
		return []results.Finding{{Kind: "overloaded", Voids: []results.Metric{results.Latency}}}
	}
	s = &server{capacity: 6_000, findings: overloaded}
	o, err = FindRate(t.Context(), Config{}, findConfig(t, "p99=5ms"), s.run, nil)
	if err != nil || o.Upper == nil || o.Irregular != "" {
		t.Errorf("an overloaded server is the server's own doing: %v, %+v", err, o)
	}
}

func TestFindRateThatFails(t *testing.T) {
	gone := errors.New("refused")
	_, err := FindRate(t.Context(), Config{}, findConfig(t, "p99=5ms"),
		func(context.Context, Config) (*results.Load, error) { return nil, gone }, nil)
	if !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	_, err = FindRate(t.Context(), Config{}, findConfig(t, "p99=5ms"),
		func(context.Context, Config) (*results.Load, error) {
			return &results.Load{Window: 1, Errors: map[string]uint64{ErrStatus: 3}}, nil
		}, nil)
	if err == nil || !strings.Contains(err.Error(), "status") {
		t.Errorf("no right answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o, err := FindRate(ctx, Config{}, findConfig(t, "p99=5ms"),
		func(context.Context, Config) (*results.Load, error) {
			cancel()
			return &results.Load{Window: 0.1, Interrupted: true}, nil
		}, nil)
	if err != nil || !o.Interrupted || o.Irregular == "" {
		t.Errorf("interrupted in the closed loop: %v, %+v", err, o)
	}
}

// Errors are judged as what was lost of all that was due.
func TestGoalsAreJudged(t *testing.T) {
	l := loadOf(1000, 3*time.Millisecond)
	l.Requests = 998
	for text, want := range map[string][2]bool{ // missed, decided
		"p99=5ms":     {false, true},
		"p99=2ms":     {true, true},
		"p50=3ms":     {true, true}, // a histogram's bucket is a little wider
		"p99.9=5ms":   {false, false},
		"errors=0.1%": {true, true},
		"errors=0.3%": {false, true},
	} {
		goals, err := ParseGoals(text)
		if err != nil {
			t.Fatal(err)
		}
		if missed, decided := goals[0].Missed(l); missed != want[0] || decided != want[1] {
			t.Errorf("%s: missed %v, decided %v; want %v", text, missed, decided, want)
		}
	}
	l.Censored = 20 // of 1,000: the p99 lies among requests without an answer
	for text, want := range map[string][2]bool{
		"p99=2ms": {true, true}, "p99=5ms": {false, false}, "p50=5ms": {false, true},
	} {
		goals, err := ParseGoals(text)
		if err != nil {
			t.Fatal(err)
		}
		if missed, decided := goals[0].Missed(l); missed != want[0] || decided != want[1] {
			t.Errorf("censored, %s: missed %v, decided %v; want %v", text, missed, decided, want)
		}
	}
	if missed, decided := (results.Goal{}).Missed(&results.Load{}); missed || decided {
		t.Errorf("nothing was due, and errors are judged: %v, %v", missed, decided)
	}
}
