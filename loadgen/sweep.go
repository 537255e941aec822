package loadgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"serverlab/results"
)

// SweepConfig says which loads to make one after the other.
type SweepConfig struct {
	By     string    // "rate" (open loop) or "connections" (closed loop)
	Points []float64 // in rising order
	Repeat int       // trials of each point
}

const (
	sweepPoints = 10  // of a range of rates
	mostPoints  = 100 // of a list
	mostRepeats = 100
)

// ParseSweep reads the points of a sweep: a list ("1000,2000,4000"), or a range ("1000..20000"), which becomes ten
// rates in equal steps, or numbers of connections that double.
func ParseSweep(text, by string) (points []float64, err error) {
	if by != "rate" && by != "connections" {
		return nil, fmt.Errorf("sweep-by %q: give rate or connections", by)
	}
	first, last, isRange := strings.Cut(text, "..")
	if isRange {
		from, err := sweepPoint(first, by)
		to, err2 := sweepPoint(last, by)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		if from >= to {
			return nil, fmt.Errorf("sweep %q: the first number must be below the last", clip(text))
		}
		return spread(from, to, by), nil
	}
	for part := range strings.SplitSeq(text, ",") {
		p, err := sweepPoint(part, by)
		if err != nil {
			return nil, err
		}
		if points = append(points, p); len(points) > mostPoints {
			return nil, fmt.Errorf("sweep: more than %d points", mostPoints)
		}
	}
	slices.Sort(points)
	if len(slices.Compact(slices.Clone(points))) < len(points) {
		return nil, fmt.Errorf("sweep %q: a number is there twice; --repeat says how often each is measured", clip(text))
	}
	if len(points) < 2 {
		return nil, fmt.Errorf("sweep %q: give a range such as 1000..20000, or two points at least", clip(text))
	}
	return points, nil
}

func sweepPoint(text, by string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if by == "rate" {
		if err != nil || !(v > 0 && v <= maxRate) {
			return 0, fmt.Errorf("sweep: %q is no rate: give requests per second above 0, such as 1000..20000 or 1000,2000,4000",
				clip(text))
		}
		return v, nil
	}
	if err != nil || !(v >= 1 && v <= maxConnections) || v != math.Trunc(v) {
		return 0, fmt.Errorf("sweep: %q is no number of connections: give whole numbers from 1 to %d, such as 1..256",
			clip(text), maxConnections)
	}
	return v, nil
}

// spread fills a range.
func spread(from, to float64, by string) (points []float64) {
	if by == "connections" {
		for n := from; n < to; n *= 2 {
			points = append(points, n)
		}
		return append(points, to)
	}
	for i := range sweepPoints {
		p := from + (to-from)*float64(i)/(sweepPoints-1)
		if i > 0 && i < sweepPoints-1 {
			p = rounded(p, 3)
		}
		if n := len(points); n == 0 || p > points[n-1] {
			points = append(points, p)
		}
	}
	return points
}

// Validate reports the first wrong setting, in one line.
func (s *SweepConfig) Validate() error {
	switch {
	case len(s.Points) == 0 || !slices.IsSorted(s.Points):
		return errors.New("sweep: give points in rising order")
	case s.By != "rate" && s.By != "connections":
		return fmt.Errorf("sweep-by %q: give rate or connections", s.By)
	case s.Repeat < 1 || s.Repeat > mostRepeats:
		return fmt.Errorf("repeat %d: give a number of trials from 1 to %d", s.Repeat, mostRepeats)
	}
	return nil
}

// Sweep makes all loads of s, in s.Repeat blocks of all points, each block in a random order of its own, so that drift
// of the machine hits all points alike. All points of a block draw the same random numbers for their arrivals, and each
// block others. said, if set, is called after each trial. When ctx ends Sweep returns what it has, Interrupted; with
// an error, when a trial fails.
func Sweep(ctx context.Context, c Config, s SweepConfig, run Runner, said func(done int, p *results.SweepPoint)) (
	*results.Sweep, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	began := time.Now()
	o := &results.Sweep{URL: c.URL, By: s.By, Model: cmp.Or(c.Arrivals, "poisson"), KeepAlive: c.KeepAlive,
		Connections: c.Connections, Seed: c.Seed, Repeat: s.Repeat, Warmup: c.Warmup.Seconds(), Window: c.Duration.Seconds()}
	if s.By == "connections" {
		o.Model, o.Connections = "closed", 0
	}
	for _, p := range s.Points {
		o.Points = append(o.Points, results.SweepPoint{Load: p})
	}
	var err error
	for order, turn := range s.turns(c.Seed) {
		if err = ctx.Err(); err != nil {
			break
		}
		p := &o.Points[turn.point]
		var t results.SweepTrial
		if t, err = c.sweepTrial(ctx, s.By, p.Load, turn.block, run); err != nil || ctx.Err() != nil {
			break
		}
		t.Order = order
		p.Trials = append(p.Trials, t)
		p.Settle()
		if said != nil {
			said(order+1, p)
		}
	}
	if o.Interrupted = ctx.Err() != nil; o.Interrupted {
		err = nil
	}
	for i := range o.Points {
		o.Points[i].Settle()
	}
	o.FindKnee()
	o.Seconds = time.Since(began).Seconds()
	return o, err
}

type turn struct{ block, point int }

// turns lists all trials, block by block, each in an order of its own.
func (s *SweepConfig) turns(seed uint64) (turns []turn) {
	random := rand.New(rand.NewPCG(seed, 0x7377656570))
	for block := range s.Repeat {
		for _, point := range random.Perm(len(s.Points)) {
			turns = append(turns, turn{block, point})
		}
	}
	return turns
}

// sweepTrial makes one load. One that something else than the server spoiled is not repeated: the other blocks have
// more of that point.
func (c Config) sweepTrial(ctx context.Context, by string, load float64, block int, run Runner) (t results.SweepTrial,
	err error) {
	if by == "rate" {
		c.Rate = load
	} else {
		c.Connections, c.Rate, c.Arrivals, c.Visit = int(load), 0, "", 0
		c.Threads = min(c.Threads, c.Connections)
	}
	c.Seed += uint64(block)
	t.Block = block + 1
	if t.Load, err = run(ctx, c); err != nil {
		return t, err
	}
	t.Load.Series = nil // what the points say together is the point here
	t.Spoiled = results.Spoiled(t.Load.Findings)
	return t, nil
}
