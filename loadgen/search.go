package loadgen

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"serverlab/results"
)

// SearchConfig says how to search for the highest rate that meets all goals. The terms are those of RFC 9971 (Multiple
// Loss Ratio Search), where a trial that misses a goal stands for a trial that loses too much.
type SearchConfig struct {
	Goals   []results.Goal
	Initial time.Duration // of the first trials, which are short
	Final   time.Duration // of the trials that decide

	Start    float64 // the rate of the first trial, requests per second
	Min, Max float64 // no rate outside is tried
	Width    float64 // of the interval, as a share of its upper end: 0.05
	Trials   int     // no more than these; 0: 80
}

// The RFC's recommendation: with an exceed ratio of one half and three trials at a rate, their median decides, so one
// noisy trial of three does no harm.
const (
	searchExceed = 0.5
	searchVotes  = 3
	searchTrials = 80
	spoiledMost  = 6 // in a row: then the machine is too busy, at whatever rate
)

// Validate reports the first wrong setting, in one line.
func (s *SearchConfig) Validate() error {
	switch {
	case len(s.Goals) == 0:
		return fmt.Errorf("no goals: give at least one, such as p99=5ms")
	case s.Initial <= 0 || s.Final > maxTime || s.Initial > s.Final:
		return fmt.Errorf("trials of %v and %v: give times above 0s, the first one the shorter", s.Initial, s.Final)
	case !(s.Width >= 0.01 && s.Width <= 0.5):
		return fmt.Errorf("width %v %%: give a share of the rate from 1%% to 50%%", 100*s.Width)
	case !(s.Min > 0 && s.Min <= s.Start && s.Start <= s.Max):
		return fmt.Errorf("rates from %v to %v, first %v: give them in order, above 0", s.Min, s.Max, s.Start)
	case s.Trials < 0:
		return fmt.Errorf("%d trials: give a number from 1", s.Trials)
	}
	return nil
}

// Trial makes one trial at rate for d, or for longer where d is too short for the goals' quantiles, and judges it.
type Trial func(ctx context.Context, rate float64, d time.Duration) (results.SearchTrial, error)

// Search looks for the highest rate at which trials meet all goals. It goes through phases: the first one has short
// trials, of which one decides about a rate, and a wide goal for the interval; in the last one up to three long trials
// vote, and the interval is as narrow as asked for. Each begins where the one before has ended and tries a rate that
// is higher (or lower) by the width of its goal, then by twice as much, and so on, until it has one rate on either
// side; then it halves the interval on a logarithmic scale. So a trial that noise has spoiled early is corrected by the
// longer ones that follow.
//
// A trial that the load generator or the machine spoiled is repeated once and never counts against the server. Where
// the second one is spoiled too, nothing is tried at that rate or above it.
//
// Search returns what it has when ctx ends, Interrupted, when six trials in a row are spoiled, or all that it may make
// are made, and with an error when one fails.
func Search(ctx context.Context, c SearchConfig, trial Trial) (*results.Search, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Trials == 0 {
		c.Trials = searchTrials
	}
	s := &search{SearchConfig: c, trial: trial}
	s.out = &results.Search{Goals: c.Goals, Initial: c.Initial.Seconds(), Final: c.Final.Seconds(), Width: c.Width,
		Sum: searchVotes * c.Final.Seconds(), Exceed: searchExceed}
	err := s.run(ctx)
	s.conclude(ctx)
	return s.out, err
}

// phase is a step of the search: an interval of that width, by trials of at least that length.
type phase struct {
	trial, sum float64 // seconds
	width      float64
}

type search struct {
	SearchConfig
	trial  Trial
	out    *results.Search
	phases []phase    // up to the one that goes on
	ended  []standing // of them
	from   float64    // where that one begins
}

// plan lists the phases. Trial lengths and sums grow geometrically, as in the RFC's authors' implementation.
func (s *search) plan() []phase {
	first, last := s.Initial.Seconds(), s.Final.Seconds()
	end := phase{last, searchVotes * last, s.Width}
	if first == last {
		return []phase{end}
	}
	return []phase{
		{first, first, math.Min(4*s.Width, 0.5)},
		{math.Sqrt(first * last), math.Sqrt(first * end.sum), math.Min(2*s.Width, 0.5)},
		end,
	}
}

func (s *search) run(ctx context.Context) error {
	s.from = s.Start
	for _, p := range s.plan() {
		s.phases = append(s.phases, p)
		for expansions := 0; ; {
			rate, expanded := s.next(p, expansions)
			if rate == 0 {
				break
			}
			if expanded {
				expansions++
			}
			if done, err := s.decide(ctx, p, rate); done || err != nil {
				return err
			}
		}
		k := s.standing(p)
		s.ended = append(s.ended, k)
		switch {
		case k.lower != nil:
			s.from = k.lower.Rate
		case k.upper > 0:
			s.from = k.upper
		}
	}
	return nil
}

// standing is what a phase knows: its bounds, and whether the upper one is only a rate that can't be measured.
type standing struct {
	lower      *results.Bound
	upper      float64
	unmeasured bool
}

func (s *search) standing(p phase) standing {
	lower, upper := s.bounds(p)
	return standing{lower, upper, upper > 0 && s.class(p, upper) == unmeasured}
}

// next is the rate to be tried next; 0 when the phase has its interval, or can't have one.
func (s *search) next(p phase, expansions int) (rate float64, expanded bool) {
	lower, upper := s.bounds(p)
	wide := math.Pow(1-p.width, math.Exp2(float64(min(expansions, 10))))
	switch {
	case lower == nil && upper == 0:
		return s.from, false
	case lower == nil:
		if upper <= s.Min {
			return 0, false
		}
		return math.Max(s.Min, round(upper*wide)), true
	case upper == 0:
		if lower.Rate >= s.Max {
			return 0, false
		}
		return math.Min(s.Max, round(lower.Rate/wide)), true
	case 1-lower.Rate/upper <= p.width*(1+1e-9):
		return 0, false
	}
	middle := round(math.Sqrt(lower.Rate * upper))
	if middle <= lower.Rate || middle >= upper {
		return 0, false // rates of a few requests per hour: there is none between
	}
	return middle, false
}

// round keeps four significant digits, so that rates can be read and asked for again.
func round(rate float64) float64 { return rounded(rate, 4) }

func rounded(x float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64) // can't fail: it is what was formatted
	return r
}

// decide makes trials at rate until p has a verdict on it; done where the search is to end.
func (s *search) decide(ctx context.Context, p phase, rate float64) (done bool, err error) {
	for s.class(p, rate) == undecided {
		if ctx.Err() != nil || len(s.out.Trials) >= s.Trials || s.spoiledInARow() >= spoiledMost {
			return true, nil
		}
		t, err := s.trial(ctx, rate, time.Duration(p.trial*1e9))
		if ctx.Err() != nil {
			return true, nil // cut short: it says nothing
		}
		if err != nil {
			return true, err
		}
		t.Rate = rate
		s.out.Trials = append(s.out.Trials, t)
		s.out.Seconds += t.Duration
	}
	return false, nil
}

// spoiledInARow counts the latest trials that say nothing.
func (s *search) spoiledInARow() (n int) {
	for i := len(s.out.Trials) - 1; i >= 0 && s.out.Trials[i].Spoiled != ""; i-- {
		n++
	}
	return n
}

// class is what is known about a rate.
type class int

const (
	undecided class = iota
	lowerBound
	upperBound
	unmeasured // spoiled twice, with nothing else that would decide
)

// class applies RFC 9971, appendix A: the trials at a rate that are as long as p asks for vote, weighted by their
// length; shorter ones count only against the rate, and only as far as short ones that met the goals don't make up for
// them. A rate is decided as soon as the trials to come could no longer change the vote.
func (s *search) class(p phase, rate float64) class {
	var goodLong, badLong, goodShort, badShort float64
	spoiled := 0
	for i := range s.out.Trials {
		t := &s.out.Trials[i]
		long := t.Duration >= p.trial*(1-1e-9)
		switch {
		case t.Rate != rate:
			continue
		case t.Spoiled != "":
			spoiled++
			continue
		case t.Met && long:
			goodLong += t.Duration
		case t.Met:
			goodShort += t.Duration
		case long:
			badLong += t.Duration
		default:
			badShort += t.Duration
		}
		spoiled = 0
	}
	balancing := goodShort * searchExceed / (1 - searchExceed)
	bad := badLong + math.Max(0, badShort-balancing)
	whole := math.Max(goodLong+bad, p.sum)
	optimistic := bad <= whole*searchExceed
	pessimistic := whole-goodLong <= whole*searchExceed
	switch {
	case optimistic && pessimistic:
		return lowerBound
	case !optimistic && !pessimistic:
		return upperBound
	case spoiled >= 2:
		return unmeasured
	}
	return undecided
}

// bounds are the relevant ones: the lowest rate that is an upper bound or can't be measured (0: none), and the highest
// lower bound below it (nil: none).
func (s *search) bounds(p phase) (lower *results.Bound, upper float64) {
	classes := map[float64]class{}
	for i := range s.out.Trials {
		rate := s.out.Trials[i].Rate
		if _, seen := classes[rate]; !seen {
			classes[rate] = s.class(p, rate)
		}
	}
	for rate, c := range classes {
		if (c == upperBound || c == unmeasured) && (upper == 0 || rate < upper) {
			upper = rate
		}
	}
	best := 0.0
	for rate, c := range classes {
		if c == lowerBound && rate > best && (upper == 0 || rate < upper) {
			best = rate
		}
	}
	if best > 0 {
		lower = s.bound(best)
	}
	return lower, upper
}

// bound counts the trials at a rate.
func (s *search) bound(rate float64) *results.Bound {
	b := &results.Bound{Rate: rate}
	for i := range s.out.Trials {
		switch t := &s.out.Trials[i]; {
		case t.Rate != rate || t.Spoiled != "":
		case t.Met:
			b.Met++
		default:
			b.Missed++
		}
	}
	return b
}

// conclude writes down the answer, as the last phase knows it that has a lower bound, or any bound.
func (s *search) conclude(ctx context.Context) {
	o, plan := s.out, s.plan()
	all := s.ended
	if len(s.phases) > len(all) { // it ended in the middle of one
		all = append(all, s.standing(s.phases[len(all)]))
	}
	at, upper := -1, 0.0
	for i, k := range all {
		if k.lower != nil || k.upper > 0 && o.Lower == nil {
			at, upper, o.Lower = i, k.upper, k.lower
		}
	}
	whole := at == len(plan)-1
	switch {
	case upper > 0 && all[at].unmeasured:
		o.Unmeasured, o.Spoiled = upper, s.spoiledBy(upper)
	case upper > 0:
		o.Upper = s.bound(upper)
	}
	if whole && o.Lower != nil {
		v := s.throughput(s.phases[at], o.Lower.Rate)
		o.Throughput = &v
		whole = upper == 0 || 1-o.Lower.Rate/upper <= s.Width*(1+1e-9)
	}
	switch {
	case ctx.Err() != nil:
		o.Interrupted = true
		o.Irregular = "Interrupted: that is what the trials so far say."
	case s.spoiledInARow() >= spoiledMost:
		o.Irregular = fmt.Sprintf("The last %d trials were spoiled: let the machine come to rest, and search again.",
			s.spoiledInARow())
	case !whole:
		o.Irregular = fmt.Sprintf("It ends early, after %d trials.", len(o.Trials))
	case o.Unmeasured > 0:
		o.Irregular = "The load generator, or the machine, is the limit."
	case o.Lower == nil:
		o.Irregular = "No rate that was tried meets the goals: they may be out of this server's reach."
	case o.Upper == nil:
		o.Irregular = "No rate that was tried misses a goal: it is the highest one that may be tried."
	}
}

func (s *search) spoiledBy(rate float64) (why string) {
	for i := range s.out.Trials {
		if t := &s.out.Trials[i]; t.Rate == rate && t.Spoiled != "" {
			why = t.Spoiled
		}
	}
	return why
}

// throughput is the conditional throughput of RFC 9971, appendix B: of the long trials at rate, ordered by loss, the
// one at the quantile that the exceed ratio names. What the trials that were spared could have shown counts as lost, so
// it is never too high.
func (s *search) throughput(p phase, rate float64) float64 {
	var long []results.SearchTrial
	whole := 0.0
	for _, t := range s.out.Trials {
		if t.Rate == rate && t.Spoiled == "" && t.Duration >= p.trial*(1-1e-9) {
			long = append(long, t)
			whole += t.Duration
		}
	}
	slices.SortFunc(long, func(a, b results.SearchTrial) int { return cmp.Compare(a.Loss, b.Loss) })
	remaining := math.Max(p.sum, whole) * (1 - searchExceed)
	for _, t := range long {
		if remaining -= t.Duration; remaining <= 0 {
			return rate * (1 - t.Loss)
		}
	}
	return 0
}
