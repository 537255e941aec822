//go:build linux

package bench

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Delay is a known distribution of the time that a server takes for an answer, and one stall at most. Every request has
// a delay of its own, whatever else the server does (in queueing theory: a server with infinitely many places), so the
// distribution of response times is that of the delays, but for the stall.
type Delay struct {
	text string
	// quantile is the inverse of the distribution function: the nanoseconds that a share u of all delays stays below.
	quantile func(u float64) float64
	// Answers that are due in the stall go out at its end. Both are nanoseconds; begin counts from the first request.
	begin, length int64
}

// delayForms is what ParseDelay takes, for those who got it wrong.
const delayForms = "give constant:2ms, exponential:2ms, bimodal:1ms,50ms,1%, stall:1s@2s, or a stall after one of " +
	"them: constant:1ms+stall:1s@2s"

// ParseDelay reads a delay: "constant:2ms", "exponential:2ms" (its mean), "bimodal:1ms,50ms,1%" (fast, slow, and how
// many are slow), "stall:1s@2s" (answers at once; for one second, which begins two seconds after the first request,
// answers nobody, and then everybody who has waited), or one of the first three with a stall:
// "constant:1ms+stall:1s@2s".
func ParseDelay(text string) (d Delay, err error) {
	d = Delay{text: text, quantile: func(float64) float64 { return 0 }}
	usual, stall, stalls := strings.Cut(text, "+")
	if strings.HasPrefix(text, "stall:") {
		stall, stalls = text, true
	} else if d.quantile, err = parseDistribution(usual); err != nil {
		return d, fmt.Errorf("delay %q: %w; %s", text, err, delayForms)
	}
	if stalls {
		if d.begin, d.length, err = parseStall(stall); err != nil {
			return d, fmt.Errorf("delay %q: %w; %s", text, err, delayForms)
		}
	}
	return d, nil
}

// parseStall reads "stall:1s@2s".
func parseStall(text string) (begin, length int64, err error) {
	value, ok := strings.CutPrefix(text, "stall:")
	long, at, ok2 := strings.Cut(value, "@")
	if !ok || !ok2 {
		return 0, 0, fmt.Errorf("%q is no stall", text)
	}
	if length, err = parseTime(long); err == nil {
		begin, err = parseTime(at)
	}
	return begin, length, err
}

func parseDistribution(text string) (func(u float64) float64, error) {
	name, value, _ := strings.Cut(text, ":")
	values := strings.Split(value, ",")
	switch {
	case name == "bimodal" && len(values) == 3:
		fast, err1 := parseTime(values[0])
		slow, err2 := parseTime(values[1])
		percent, isPercent := strings.CutSuffix(values[2], "%")
		share, err3 := strconv.ParseFloat(percent, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if err3 != nil || !isPercent || !(share >= 0 && share <= 100) {
			return nil, fmt.Errorf("%q is no share from 0%% to 100%%", values[2])
		}
		return func(u float64) float64 {
			if u <= 1-share/100 {
				return float64(fast)
			}
			return float64(slow)
		}, nil
	case (name == "constant" || name == "exponential") && len(values) == 1:
		mean, err := parseTime(value)
		if err != nil {
			return nil, err
		}
		if name == "constant" {
			return func(float64) float64 { return float64(mean) }, nil
		}
		return func(u float64) float64 { return -float64(mean) * math.Log(1-u) }, nil
	}
	return nil, fmt.Errorf("%q is no distribution", text)
}

// parseTime reads a time of at most a minute: a server that is slower than that measures patience.
func parseTime(text string) (int64, error) {
	t, err := time.ParseDuration(text)
	if err != nil || t < 0 || t > time.Minute {
		return 0, fmt.Errorf("%q is no time from 0s to 1m", text)
	}
	return int64(t), nil
}

// String returns the text that d was parsed from.
func (d Delay) String() string { return d.text }

// golden is 2^64 divided by the golden ratio.
const golden = 0x9e3779b97f4a7c15

// even returns number k of a sequence in (0, 1) that is spread evenly: of any n numbers in a row, about n·u lie below
// u, give or take a few, where random ones would scatter by the root of n (Weyl's equidistribution; Knuth, The Art of
// Computer Programming, volume 3, section 6.4, theorem S). So the delays of a few thousand requests have the quantiles
// of their distribution, and what a measurement makes of them needs no allowance for the luck of the draw: with random
// delays the p99 of 6,000 exponential ones of 2 ms would miss by more than 250 µs in a third of all runs.
func even(seed, k uint64) float64 {
	x := seed*0xd1342543de82ef95 + k*golden // another odd factor, so that seeds begin at unrelated places
	return (float64(x>>11) + 0.5) * 0x1p-53
}

// due is when the answer to a request must go out that is the k-th one and came now: nanoseconds since the first one.
func (d *Delay) due(seed, k uint64, now int64) int64 {
	at := now + int64(d.quantile(even(seed, k)))
	if at >= d.begin && at < d.begin+d.length {
		return d.begin + d.length
	}
	return at
}

// queue holds answers until they are due, the next one last. A heap would mix those that are due at the same time,
// which after a stall are many, and whose turn is the order in which they came.
type queue []pending

// pending is an answer that waits.
type pending struct {
	due int64
	fd  int32
	tag uint32 // of the connection: its descriptor may belong to another one by then
}

// push puts p behind all that are due no later: before them in q.
func (q *queue) push(p pending) {
	i, _ := slices.BinarySearchFunc(*q, p.due, func(o pending, due int64) int { return cmp.Compare(due, o.due) })
	*q = slices.Insert(*q, i, p)
}

// pop takes the next one that is due by now.
func (q *queue) pop(now int64) (p pending, ok bool) {
	n := len(*q)
	if n == 0 || (*q)[n-1].due > now {
		return p, false
	}
	p = (*q)[n-1]
	*q = (*q)[:n-1]
	return p, true
}

// next is when the next one is due; math.MaxInt64 where there is none.
func (q queue) next() int64 {
	if len(q) == 0 {
		return math.MaxInt64
	}
	return q[len(q)-1].due
}
