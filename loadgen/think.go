package loadgen

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Think is the time that a client lets pass between an answer and its next request: Mean, or random times of that mean
// and of the exponential distribution. The zero value is no time at all.
type Think struct {
	Mean        time.Duration
	Exponential bool
}

const exponentialThink = "exponential:"

// ParseThink reads a time such as "10ms", or "exponential:10ms".
func ParseThink(s string) (Think, error) {
	text, isExponential := strings.CutPrefix(s, exponentialThink)
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxTime {
		return Think{}, fmt.Errorf("think %q: give a time from 0s to %v, such as 10ms or exponential:10ms",
			clip(s), maxTime)
	}
	return Think{d, isExponential && d > 0}, nil
}

// String returns the text that ParseThink reads, or "" where nothing is thought.
func (t Think) String() string {
	switch {
	case t.Mean == 0:
		return ""
	case t.Exponential:
		return exponentialThink + t.Mean.String()
	}
	return t.Mean.String()
}

// thoughts is what a client draws its thinking from. It depends on the seed and on the client's number only, so every
// server meets the same clients, however fast it is and however many threads play them.
func thoughts(seed, client uint64) rand.PCG {
	return *rand.NewPCG(seed, (client+1)*0x9e3779b97f4a7c15) // neighbours differ in all bits
}

// draw returns the next time, nanoseconds.
func (t Think) draw(from *rand.PCG) int64 {
	if !t.Exponential {
		return int64(t.Mean)
	}
	return moment(exponential(from) * float64(t.Mean))
}

// rest returns what is left of the thinking in the midst of which client i of n begins, so that they don't all begin
// at once: of equal times the share that spreads them evenly, of exponential ones as much as of a new one.
func (t Think) rest(i, n int, from *rand.PCG) int64 {
	if t.Exponential {
		return t.draw(from)
	}
	return int64(float64(t.Mean) * float64(i) / float64(n))
}
