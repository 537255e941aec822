package loadgen

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Profile is a rate that changes in the window: its pieces share the window equally, one after the other. In the
// warm-up the rate is the one that the first piece begins with.
type Profile []Piece

// Piece is a part of a Profile, in which the rate goes evenly from one value to another, requests per second.
type Piece struct{ From, To float64 }

// maxPieces bounds a Profile.
const maxPieces = 1000

// ParseProfile reads a rate in requests per second ("1000"), a ramp ("1000..5000"), steps ("1000,2000,4000"), or steps
// that are ramps. Each rate is from 0 to 1e8.
func ParseProfile(s string) (Profile, error) {
	if n := strings.Count(s, ",") + 1; n > maxPieces {
		return nil, fmt.Errorf("rate: %d steps are more than %d", n, maxPieces)
	}
	var p Profile
	for piece := range strings.SplitSeq(s, ",") {
		first, last, ramp := strings.Cut(piece, "..")
		if !ramp {
			last = first
		}
		from, err := parseRate(first)
		to, err2 := parseRate(last)
		if errors.Join(err, err2) != nil {
			return nil, fmt.Errorf("rate %q: give requests per second from 0 to %.0f, such as 1000, 1000..5000 or "+
				"1000,2000,4000", clip(s), float64(maxRate))
		}
		p = append(p, Piece{from, to})
	}
	return p, nil
}

func parseRate(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && !(v >= 0 && v <= maxRate) { // not a number is wrong too
		err = strconv.ErrRange
	}
	return math.Abs(v), err // of -0
}

// clip shortens what is repeated in an error.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// String returns the text that ParseProfile reads.
func (p Profile) String() string {
	var b strings.Builder
	for i, piece := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatFloat(piece.From, 'f', -1, 64))
		if piece.To != piece.From {
			b.WriteString(".." + strconv.FormatFloat(piece.To, 'f', -1, 64))
		}
	}
	return b.String()
}

// Mean is the mean rate over the window, requests per second.
func (p Profile) Mean() float64 {
	var sum float64
	for _, piece := range p {
		sum += (piece.From + piece.To) / 2
	}
	return sum / max(1, float64(len(p)))
}

// Steady reports whether the rate stays the same all the time.
func (p Profile) Steady() bool {
	for _, piece := range p {
		if piece.From != p[0].From || piece.To != p[0].From {
			return false
		}
	}
	return true
}

// validate checks what ParseProfile would not have returned, in one line.
func (p Profile) validate(mean float64) error {
	if len(p) > maxPieces {
		return fmt.Errorf("rate: %d steps are more than %d", len(p), maxPieces)
	}
	for _, piece := range p {
		for _, v := range []float64{piece.From, piece.To} {
			if !(v >= 0 && v <= maxRate) {
				return fmt.Errorf("rate %v: give requests per second from 0 to %.0f", v, float64(maxRate))
			}
		}
	}
	if len(p) > 0 && p.Mean() == 0 {
		return fmt.Errorf("rate %s: one of them must be above 0", clip(p.String()))
	}
	if len(p) > 0 && mean != 0 && mean != p.Mean() {
		return fmt.Errorf("rate %v: the mean of %s is %v", mean, clip(p.String()), p.Mean())
	}
	return nil
}

// leg is a stretch of a schedule on which the rate changes evenly. On it the number of arrivals that are expected
// grows by a quadratic function of the time, so it can be inverted exactly.
type leg struct {
	from   float64 // nanoseconds since the load began; up to the next leg
	before float64 // arrivals that are expected until then
	rate   float64 // there, arrivals per second
	slope  float64 // its change, arrivals per second, per second
}

// legs are p's over a window, and over the warm-up before it; one more, without an arrival, follows. A client stands
// for as many requests as a visit has.
func (p Profile) legs(begin, end int64, visit float64) []leg {
	all := make([]leg, 0, len(p)+2)
	var before float64
	add := func(from, to float64, r Piece) {
		if seconds := (to - from) / 1e9; seconds > 0 {
			all = append(all, leg{from, before, r.From / visit, (r.To - r.From) / visit / seconds})
			before += (r.From + r.To) / 2 / visit * (to - from) / 1e9
		}
	}
	edge := func(i int) float64 { return float64(begin) + float64(end-begin)*float64(i)/float64(len(p)) }
	if p.Steady() { // in one: no rounding where one would end
		add(0, float64(end), p[0])
	} else {
		add(0, float64(begin), Piece{p[0].From, p[0].From})
		for i, piece := range p {
			add(edge(i), edge(i+1), piece)
		}
	}
	return append(all, leg{from: float64(end), before: before})
}

// expected is the number of arrivals that are expected until a moment on the leg.
func (l *leg) expected(ns float64) float64 {
	s := (ns - l.from) / float64(time.Second)
	return l.before + s*(l.rate+l.slope/2*s)
}

// when is the moment at which so many arrivals are expected. It solves l.expected(when) = expected for the root that
// lies on the leg, in the form that loses no digits where the slope is small, or 0.
func (l *leg) when(expected float64) float64 {
	y := expected - l.before
	if l.slope == 0 {
		return l.from + y*1e9/l.rate // the one rounding of a steady rate
	}
	if y <= 0 {
		return l.from // where the rate may be 0
	}
	root := math.Sqrt(max(0, l.rate*l.rate+2*l.slope*y))
	return l.from + 2*y/(l.rate+root)*1e9
}
