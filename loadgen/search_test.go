package loadgen

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"serverlab/results"
)

// pretended is a server whose answer to a trial is computed.
type pretended struct {
	met     func(rate float64) bool
	noise   float64                   // share of trials that say the contrary
	spoil   func(rate float64) string // what the load generator itself does to a trial that would miss a goal
	random  *rand.Rand
	trials  int
	seconds float64
	last    int                // of the trial in which cancel is called
	cancel  context.CancelFunc // or nil
}

func (s *pretended) trial(_ context.Context, rate float64, d time.Duration) (results.SearchTrial, error) {
	s.trials++
	s.seconds += d.Seconds()
	if s.trials == s.last {
		s.cancel()
	}
	t := results.SearchTrial{Duration: d.Seconds(), Met: s.met(rate)}
	if s.noise > 0 && s.random.Float64() < s.noise {
		t.Met = !t.Met
	}
	if !t.Met {
		t.Loss = 0.5
		if s.spoil != nil {
			t.Spoiled = s.spoil(rate)
		}
	}
	return t, nil
}

func below(knee float64) func(float64) bool { return func(rate float64) bool { return rate <= knee } }

func searchConfig(start float64) SearchConfig {
	return SearchConfig{Goals: []results.Goal{{Quantile: 0.99, Limit: 0.005}}, Initial: 500 * time.Millisecond,
		Final: 4 * time.Second, Start: start, Min: start / 1000, Max: start * 16, Width: 0.05}
}

func mustSearch(t *testing.T, c SearchConfig, s *pretended) *results.Search {
	t.Helper()
	o, err := Search(t.Context(), c, s.trial)
	if err != nil {
		t.Fatal(err)
	}
	if s.trials > searchTrials || len(o.Trials) != s.trials || math.Abs(o.Seconds-s.seconds) > 1e-6 {
		t.Errorf("%d trials of %v s, recorded %d and %v s", s.trials, s.seconds, len(o.Trials), o.Seconds)
	}
	return o
}

// mdone99 is the 99th percentile of the response time of a queue with Poisson arrivals and one server that takes
// service seconds, by the asymptote of its waiting time: P(W > t) falls as exp(-x t), where x > 0 solves
// rate (exp(x service) - 1) = x.
func mdone99(rate, service float64) float64 {
	if rate*service >= 1 {
		return math.Inf(1)
	}
	low, high := 1e-9/service, 100/service
	for range 200 {
		if x := math.Sqrt(low * high); rate*math.Expm1(x*service) < x {
			low = x
		} else {
			high = x
		}
	}
	return service + math.Log(100)/low
}

// The interval holds the true knee, however far the first rate is from it, and takes a bounded time.
func TestSearchFindsTheKnee(t *testing.T) {
	const service = 50e-6
	knee, top := 1.0, 1/service
	for range 100 {
		if middle := math.Sqrt(knee * top); mdone99(middle, service) <= 0.001 {
			knee = middle
		} else {
			top = middle
		}
	}
	queue := func(rate float64) bool { return mdone99(rate, service) <= 0.001 }
	for _, start := range []float64{1 / service, knee, 1.001 * knee, 0.999 * knee, knee / 10, knee * 500} {
		s := &pretended{met: queue}
		o := mustSearch(t, searchConfig(start), s)
		if o.Lower == nil || o.Upper == nil || o.Lower.Rate > knee || o.Upper.Rate <= knee || o.Interval() > 0.05 {
			t.Errorf("from %v: %+v to %+v, the knee is at %v", start, o.Lower, o.Upper, knee)
			continue
		}
		if o.Irregular != "" || o.Throughput == nil || *o.Throughput != o.Lower.Rate ||
			o.Lower.Met < 2 || o.Upper.Missed < 2 {
			t.Errorf("from %v: not regular: %+v", start, o)
		}
		if s.trials > 32 || s.seconds > 60 {
			t.Errorf("from %v: %d trials, %v s", start, s.trials, s.seconds)
		}
	}
}

// With trials that are wrong now and then the interval is rarely far from the knee: a vote of three is wrong where two
// of them are.
func TestSearchBearsNoise(t *testing.T) {
	const knee, runs = 12_345.0, 500
	near, most, seconds := 0, 0, 0.0
	for seed := range uint64(runs) {
		s := &pretended{met: below(knee), noise: 0.1, random: rand.New(rand.NewPCG(seed, 1))}
		o := mustSearch(t, searchConfig(20_000), s)
		if o.Lower == nil || o.Upper == nil || o.Interval() > 0.0501 {
			t.Fatalf("seed %d: %+v", seed, o)
		}
		if o.Lower.Rate <= knee*1.0001 && o.Upper.Rate >= knee*0.9999 {
			near++
		}
		most, seconds = max(most, s.trials), max(seconds, s.seconds)
	}
	t.Logf("one trial of 10 lies: %d of %d intervals hold the knee; at most %d trials, %.0f s", near, runs, most, seconds)
	if near < runs*85/100 || seconds > 150 {
		t.Errorf("%d of %d intervals hold the knee; at most %v s", near, runs, seconds)
	}
}

// Near the knee of a real server a trial may go either way: the answer is within that range all the same.
func TestSearchInABlurredRange(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		s := &pretended{met: func(rate float64) bool { return random.Float64() > (rate-9_000)/2_000 }}
		o := mustSearch(t, searchConfig(15_000), s)
		if o.Lower == nil || o.Upper == nil || o.Lower.Rate > 11_000 || o.Upper.Rate < 9_000 {
			t.Fatalf("seed %d: %+v to %+v", seed, o.Lower, o.Upper)
		}
	}
}

func TestSearchWithoutAKnee(t *testing.T) {
	always := &pretended{met: func(float64) bool { return true }}
	o := mustSearch(t, searchConfig(1000), always)
	if o.Lower == nil || o.Lower.Rate != 16_000 || o.Upper != nil || !strings.Contains(o.Irregular, "misses") {
		t.Errorf("always met: %+v", o)
	}
	never := &pretended{met: func(float64) bool { return false }}
	o = mustSearch(t, searchConfig(1000), never)
	if o.Lower != nil || o.Upper == nil || o.Upper.Rate != 1 || !strings.Contains(o.Irregular, "reach") ||
		o.Throughput != nil {
		t.Errorf("never met: %+v", o)
	}
}

// What the load generator spoils never counts against the server; where it does so twice, the answer says that it is
// the limit.
func TestSearchKnowsTheGeneratorsLimit(t *testing.T) {
	bound := func(rate float64) string {
		if rate > 8_000 {
			return "generator-bound: busy for 98 % of the window"
		}
		return ""
	}
	s := &pretended{met: below(8_000), spoil: bound}
	o := mustSearch(t, searchConfig(10_000), s)
	if o.Lower == nil || o.Lower.Rate > 8_000 || o.Lower.Rate < 7_500 || o.Upper != nil || o.Unmeasured <= 8_000 {
		t.Errorf("lower %+v, upper %+v, unmeasured %v", o.Lower, o.Upper, o.Unmeasured)
	}
	if !strings.Contains(o.Irregular, "load generator") || !strings.Contains(o.Spoiled, "busy") {
		t.Errorf("it says %q, %q", o.Irregular, o.Spoiled)
	}
	var text strings.Builder
	if err := o.Print(&text, results.Style{}); err != nil || !strings.Contains(text.String(), "At least") ||
		!strings.Contains(text.String(), "busy for 98 %") {
		t.Errorf("%v: %s", err, text.String())
	}

	// Every second trial spoiled: each is repeated, and the answer is as without.
	turn := 0
	s = &pretended{met: below(8_000), spoil: func(float64) string {
		if turn++; turn%2 == 1 {
			return "disturbed"
		}
		return ""
	}}
	o = mustSearch(t, searchConfig(10_000), s)
	if o.Irregular != "" || o.Lower == nil || o.Upper == nil || o.Lower.Rate > 8_000 || o.Upper.Rate <= 8_000 {
		t.Errorf("spoiled now and then: %+v to %+v, %q", o.Lower, o.Upper, o.Irregular)
	}
}

// A machine that spoils every longer trial: what the short ones said is kept, and the search does not go on for ever.
func TestSearchOnABusyMachine(t *testing.T) {
	trials := 0
	o, err := Search(t.Context(), searchConfig(10_000), func(_ context.Context, rate float64, d time.Duration) (
		results.SearchTrial, error) {
		trials++
		r := results.SearchTrial{Duration: d.Seconds(), Met: rate <= 6_000}
		if d > time.Second {
			r.Met, r.Spoiled = false, "disturbed"
		}
		return r, nil
	})
	if err != nil || trials > 20 || o.Lower == nil || o.Lower.Rate > 6_000 || o.Lower.Rate < 4_000 || o.Upper == nil ||
		!strings.Contains(o.Irregular, "come to rest") || o.Throughput != nil {
		t.Errorf("%v, %d trials, %+v", err, trials, o)
	}
}

func TestSearchEndsEarly(t *testing.T) {
	// Interrupted in trial n: what the trials before it say is kept.
	for n := 1; n < 14; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		s := &pretended{met: below(6_000), last: n, cancel: cancel}
		o, err := Search(ctx, searchConfig(10_000), s.trial)
		cancel()
		if err != nil || !o.Interrupted || len(o.Trials) != n-1 || o.Irregular == "" {
			t.Errorf("interrupted in trial %d: %v, %d trials, %+v", n, err, len(o.Trials), o)
		}
		if o.Lower != nil && o.Lower.Rate > 6_000 || o.Upper != nil && o.Upper.Rate <= 6_000 {
			t.Errorf("interrupted in trial %d: %+v to %+v", n, o.Lower, o.Upper)
		}
	}
	// A trial that fails.
	gone, n := errors.New("connect: refused"), 0
	fails := func(context.Context, float64, time.Duration) (results.SearchTrial, error) {
		if n++; n == 3 {
			return results.SearchTrial{}, gone
		}
		return results.SearchTrial{Duration: 0.5}, nil
	}
	o, err := Search(t.Context(), searchConfig(10_000), fails)
	if !errors.Is(err, gone) || len(o.Trials) != 2 || o.Upper == nil {
		t.Errorf("%v, %+v", err, o)
	}
	// No more trials than allowed.
	c := searchConfig(10_000)
	c.Trials = 7
	s := &pretended{met: below(6_000)}
	if o := mustSearch(t, c, s); s.trials != 7 || !strings.Contains(o.Irregular, "after 7 trials") {
		t.Errorf("%d trials: %q", s.trials, o.Irregular)
	}
}

// The vote of RFC 9971, appendix A, on trials of one rate: + met, - missed, x spoiled; a small letter (p, m) is a short
// trial.
func TestSearchVotes(t *testing.T) {
	p := phase{trial: 4, sum: 12, width: 0.05}
	for _, c := range []struct {
		trials string
		want   class
	}{
		{"", undecided},
		{"+", undecided},
		{"++", lowerBound},
		{"--", upperBound},
		{"+-", undecided},
		{"+-+", lowerBound},
		{"+--", upperBound},
		{"pppppp", undecided},                // short trials alone never make a lower bound
		{"mmmmmmmmmmmm", undecided},          // six seconds of twelve
		{"mmmmmmmmmmmmm", upperBound},        // more than half
		{"pmpmpmpmpmpmpmpmpm", undecided},    // short ones make up for each other
		{"m++", lowerBound},                  // an early short one does no harm
		{"mmmmmmmmm-", upperBound},           // 4.5 s + 4 s
		{"x", undecided},                     // to be repeated
		{"xx", unmeasured},                   // twice
		{"x+x+", lowerBound},                 // what is spoiled now and then is only repeated
		{"x+x", undecided},                   //
		{"+xx", unmeasured},                  //
		{"++xx", lowerBound},                 // decided all the same
		{"--------------------", upperBound}, //
	} {
		s := &search{out: &results.Search{}}
		for _, r := range c.trials {
			trial := results.SearchTrial{Rate: 100, Duration: 4, Met: r == '+' || r == 'p'}
			if r == 'p' || r == 'm' {
				trial.Duration = 0.5
			}
			if r == 'x' {
				trial.Spoiled = "disturbed"
			}
			s.out.Trials = append(s.out.Trials, trial, results.SearchTrial{Rate: 101, Duration: 4})
		}
		if got := s.class(p, 100); got != c.want {
			t.Errorf("%q: class %d, want %d", c.trials, got, c.want)
		}
	}
}

// The conditional throughput of RFC 9971, appendix B: with three trials the median, with two the worse one.
func TestSearchThroughput(t *testing.T) {
	for _, c := range []struct {
		losses []float64
		want   float64
	}{
		{[]float64{0.1, 0.02, 0.3}, 90},
		{[]float64{0.02, 0.01}, 98},
		{[]float64{0.02}, 0},
		{nil, 0},
	} {
		s := &search{out: &results.Search{}}
		for _, loss := range c.losses {
			s.out.Trials = append(s.out.Trials, results.SearchTrial{Rate: 100, Duration: 4, Loss: loss},
				results.SearchTrial{Rate: 100, Duration: 0.5, Loss: 0.9},
				results.SearchTrial{Rate: 100, Duration: 4, Loss: 0.9, Spoiled: "disturbed"})
		}
		if got := s.throughput(phase{trial: 4, sum: 12}, 100); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("losses %v: %v, want %v", c.losses, got, c.want)
		}
	}
}

func TestSearchConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*SearchConfig){
		"no goals":    func(c *SearchConfig) { c.Goals = nil },
		"the shorter": func(c *SearchConfig) { c.Initial = time.Hour },
		"width 0":     func(c *SearchConfig) { c.Width = 0 },
		"width NaN":   func(c *SearchConfig) { c.Width = math.NaN() },
		"in order":    func(c *SearchConfig) { c.Min = 2 * c.Start },
		"-1 trials":   func(c *SearchConfig) { c.Trials = -1 },
	} {
		c := searchConfig(1000)
		change(&c)
		if _, err := Search(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestParseGoals(t *testing.T) {
	for text, want := range map[string]string{
		"p99=5ms":                      "p99 ≤ 5 ms, no errors",
		"p99=5ms, p50=1ms,errors=0.1%": "p99 ≤ 5 ms, p50 ≤ 1 ms, errors ≤ 0.1 %",
		"errors=0.5,p99.9=1s":          "errors ≤ 50 %, p99.9 ≤ 1 s",
		"p99.99=20ms,errors=0":         "p99.99 ≤ 20 ms, no errors",
		"":                             `!goal "="`,
		"p99":                          "!goal p99=",
		"p99=":                         "!goal p99=",
		"p99=5":                        "!goal p99=5",
		"p99=-5ms":                     "!above 0s",
		"p0=5ms":                       "!quantile",
		"p100=5ms":                     "!quantile",
		"p99.999=5ms":                  "!highest is p99.99",
		"q99=5ms":                      "!quantile",
		"errors=100%":                  "!below 100%",
		"errors=x":                     "!below 100%",
		"errors=NaN":                   "!below 100%",
		"p99=5ms,p99.0=6ms":            "!given twice",
		"errors=1%,errors=2%":          "!given twice",
		"p99=5ms,":                     "!quantile",
	} {
		goals, err := ParseGoals(text)
		got := []string{}
		for _, g := range goals {
			got = append(got, g.String())
		}
		if wrong, bad := strings.CutPrefix(want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), wrong) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %v, %v; want an error with %q", text, got, err, wrong)
			}
		} else if err != nil || strings.Join(got, ", ") != want {
			t.Errorf("%q: %q, %v; want %q", text, strings.Join(got, ", "), err, want)
		}
	}
	if n := samples([]results.Goal{{Quantile: 0.5}, {Quantile: 0.99}, {}}); n != 570 {
		t.Errorf("p99 needs %d samples", n)
	}
}

// ExampleSearch looks for the knee of a server that can do 10,000 requests per second.
func ExampleSearch() {
	server := func(_ context.Context, rate float64, d time.Duration) (results.SearchTrial, error) {
		return results.SearchTrial{Duration: d.Seconds(), Met: rate <= 10_000}, nil
	}
	s, err := Search(context.Background(), SearchConfig{
		Goals: []results.Goal{{Quantile: 0.99, Limit: 0.005}}, Initial: time.Second, Final: 4 * time.Second,
		Start: 15_000, Min: 10, Max: 1e6, Width: 0.05,
	}, server)
	fmt.Println(s.Lower.Rate <= 10_000, s.Upper.Rate > 10_000, s.Interval() <= 0.05, err)
	// Output: true true true <nil>
}
