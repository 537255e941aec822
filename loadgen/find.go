package loadgen

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"serverlab/results"
)

// Runner makes one load: Run, but for tests.
type Runner func(context.Context, Config) (*results.Load, error)

// Rates of a search, as multiples of what the server does in a closed loop.
const (
	lowestRate  = 1e-3
	highestRate = 16
)

// longestTrial bounds how far a trial is lengthened so that its quantiles can be told, as a multiple of Final.
const longestTrial = 4

// FindRate searches for the highest rate at which the server that c names meets s.Goals; c.Rate and c.Duration are
// not used, and where s.Start is 0, Start, Min and Max follow from a short closed loop. Each trial draws arrivals of
// its own, from c.Seed on. said, if set, is called after each trial. What Search says of ctx and errors holds here too.
func FindRate(ctx context.Context, c Config, s SearchConfig, run Runner, said func(results.SearchTrial)) (
	*results.Search, error) {
	out := &results.Search{Goals: s.Goals}
	closed := 0.0
	if s.Start == 0 {
		var err error
		if closed, err = closedRate(ctx, c, s.Initial, run); ctx.Err() != nil {
			out.Interrupted, out.Irregular = true, "Interrupted before the first trial."
		} else if err == nil {
			err = s.around(closed)
		}
		if err != nil || out.Interrupted {
			return c.describe(out, closed), err
		}
	}
	seed := c.Seed
	found, err := Search(ctx, s, func(ctx context.Context, rate float64, d time.Duration) (results.SearchTrial, error) {
		c := c
		c.Rate, c.Duration, c.Seed = rate, max(d, enoughTime(s.Goals, rate)), seed
		seed++
		t, err := c.judged(ctx, s.Goals, run)
		if err == nil && ctx.Err() == nil && said != nil {
			said(t)
		}
		return t, err
	})
	if found == nil {
		found = out
	}
	return c.describe(found, closed), err
}

// closedRate is how many right answers per second a closed loop gets.
func closedRate(ctx context.Context, c Config, d time.Duration, run Runner) (float64, error) {
	c.Rate, c.Profile, c.Arrivals, c.Visit, c.Think, c.Duration = 0, nil, "", 0, Think{}, d
	c.Warmup = min(c.Warmup, d)
	l, err := run(ctx, c)
	switch {
	case err != nil:
		return 0, err
	case l.Requests == 0 && ctx.Err() == nil:
		kinds := slices.Sorted(maps.Keys(l.Errors))
		return 0, fmt.Errorf("not one right answer within %v (%d errors, %v): `serverlab load` without a search shows more",
			d, l.ErrorCount(), kinds)
	case l.Window == 0:
		return 0, nil
	}
	return float64(l.Requests) / l.Window, nil
}

// around chooses the rates of a search for a server that does so much in a closed loop.
func (s *SearchConfig) around(closed float64) error {
	s.Start = round(closed)
	s.Max = math.Min(round(highestRate*closed), maxRate)
	s.Min = lowestRate * closed
	if n := samples(s.Goals); n > 0 {
		// No lower than a trial may last that is long enough for the quantiles.
		s.Min = math.Max(s.Min, spare*float64(n)/(longestTrial*s.Final.Seconds()))
	}
	s.Min = roundUp(s.Min)
	if s.Min > s.Start {
		final := time.Duration(math.Ceil(spare*float64(samples(s.Goals))/closed/longestTrial)) * time.Second
		return fmt.Errorf("the server does %.4g requests/s, and the highest of these quantiles takes %d requests in one "+
			"trial: give --duration %v or more, or a lower quantile", closed, samples(s.Goals), final)
	}
	return nil
}

// spare allows for arrivals that are fewer than expected by chance.
const spare = 1.2

// enoughTime is how long a trial at rate must be so that its quantiles can be told, in whole tenths of a second.
func enoughTime(goals []results.Goal, rate float64) time.Duration {
	const step = 100 * time.Millisecond
	steps := math.Ceil(spare * float64(samples(goals)) / rate / step.Seconds())
	return time.Duration(math.Min(steps, float64(maxTime/step))) * step
}

// judged makes one trial of a search.
func (c Config) judged(ctx context.Context, goals []results.Goal, run Runner) (t results.SearchTrial, err error) {
	c.Warmup = min(c.Warmup, c.Duration/2)
	l, err := run(ctx, c)
	if err != nil {
		return t, err
	}
	l.Series = nil // what the trials say together is the point here
	t = results.SearchTrial{Rate: c.Rate, Duration: c.Duration.Seconds(), Met: true, Load: l}
	t.Loss, _ = results.Goal{}.Value(l)
	undecided := ""
	for _, g := range goals {
		missed, decided := g.Missed(l)
		if missed || !decided {
			t.Met = false
		}
		if !decided {
			undecided = fmt.Sprintf("too few of %d requests had an answer to tell whether %v", l.Intended, g)
		}
	}
	why := results.Spoiled(l.Findings)
	switch {
	case strings.HasPrefix(why, littlesLaw): // clocks and counts do not fit together: nothing counts
		t.Met, t.Spoiled = false, why
	case t.Met: // whatever else the generator did, it can only have made the server look worse
	case why != "":
		t.Spoiled = why
	case undecided != "" && !missedAny(goals, l):
		t.Spoiled = undecided
	}
	return t, nil
}

func missedAny(goals []results.Goal, l *results.Load) bool {
	return slices.ContainsFunc(goals, func(g results.Goal) bool {
		missed, _ := g.Missed(l)
		return missed
	})
}

// littlesLaw is the kind of the finding that clocks and counts do not fit together.
const littlesLaw = "Little's law"

// describe writes down what was searched.
func (c Config) describe(o *results.Search, closed float64) *results.Search {
	o.URL, o.Model, o.KeepAlive = c.URL, cmp.Or(c.Arrivals, "poisson"), c.KeepAlive
	o.Connections, o.Closed = c.Connections, closed
	if o.Model != "constant" {
		o.Seed = c.Seed
	}
	return o
}

// roundUp keeps four significant digits, and never less than x.
func roundUp(x float64) float64 {
	if r := round(x); r >= x {
		return r
	}
	return round(x * 1.001)
}
