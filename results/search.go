package results

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
)

// Goal is one thing that a server has to hold: a quantile of the response times, or the share of requests without a
// right answer.
type Goal struct {
	Quantile float64 `json:"quantile,omitempty"` // 0.99 for p99; 0: the share of requests without a right answer
	Limit    float64 `json:"limit"`              // the most that is allowed: seconds, or a share from 0 to 1
}

// Value is what a load, made at a rate, says about the goal: seconds, or a share. ok is false where too few requests
// were made to say it, and where so many had no answer in time that the quantile lies among them.
func (g Goal) Value(l *Load) (v float64, ok bool) {
	if g.Quantile > 0 {
		v, ok = l.Response.Quantile(g.Quantile)
		return v, ok && !lowerBound(&Trial{Load: *l}, g.Quantile)
	}
	if l.Intended == 0 {
		return 0, false
	}
	return max(0, 1-float64(l.Requests)/float64(l.Intended)), true
}

// Missed reports whether the load missed the goal, decided whether it says anything about it. A quantile among requests
// that had no answer at the end is missed where these had waited for longer than the limit, and undecided otherwise.
func (g Goal) Missed(l *Load) (missed, decided bool) {
	v, ok := g.Value(l)
	if ok {
		return v > g.Limit, true
	}
	if g.Quantile > 0 {
		v, ok = l.Response.Quantile(g.Quantile)
		return ok && v > g.Limit, ok && v > g.Limit
	}
	return false, false
}

func (g Goal) name() string {
	if g.Quantile == 0 {
		return "errors"
	}
	return "p" + exact(100*g.Quantile)
}

func (g Goal) figure(v float64) string {
	if g.Quantile == 0 {
		return number(100*v, 3) + " %"
	}
	return duration(v, 3)
}

// String is the goal as a reader writes it: "p99 ≤ 5 ms".
func (g Goal) String() string {
	if g == (Goal{}) {
		return "no errors"
	}
	switch {
	case g.Quantile == 0:
		return g.name() + " ≤ " + exact(100*g.Limit) + " %"
	case g.Limit < 1e-3:
		return g.name() + " ≤ " + exact(1e6*g.Limit) + " µs"
	case g.Limit < 1:
		return g.name() + " ≤ " + exact(1e3*g.Limit) + " ms"
	}
	return g.name() + " ≤ " + exact(g.Limit) + " s"
}

// SearchTrial is one trial of a search.
type SearchTrial struct {
	Rate     float64 `json:"rate"`     // offered, requests per second
	Duration float64 `json:"duration"` // of the window, seconds
	Met      bool    `json:"met"`      // all goals
	Loss     float64 `json:"loss"`     // share of requests without a right answer
	// Spoiled says why the trial says nothing about the server: the load generator or the machine was the limit. It is
	// empty where the trial counts.
	Spoiled string `json:"spoiled,omitempty"`
	Load    *Load  `json:"load,omitempty"` // what was seen, without its series
}

// Bound is a rate that was decided about.
type Bound struct {
	Rate   float64 `json:"rate"`   // requests per second
	Met    int     `json:"met"`    // trials at that rate that met all goals
	Missed int     `json:"missed"` // ... that did not; neither counts spoiled ones
}

// Search is the answer to the question for the highest rate that meets all goals: an interval between a rate that met
// them and a higher one that did not, with every trial behind it.
type Search struct {
	URL         string  `json:"url,omitempty"`
	Model       string  `json:"model"`
	KeepAlive   bool    `json:"keepalive"`
	Connections int     `json:"connections"`
	Seed        uint64  `json:"seed,omitempty"` // of the first trial; each one after it takes the next number
	Goals       []Goal  `json:"goals"`
	Initial     float64 `json:"initial"` // seconds: the shortest trial
	Final       float64 `json:"final"`   // seconds: the trials that decide
	Sum         float64 `json:"sum"`     // seconds of such trials that decide about a rate for certain
	Exceed      float64 `json:"exceed"`  // share of them that may miss a goal at a rate that counts as met
	Width       float64 `json:"width"`   // of the interval, as a share of its upper end
	Closed      float64 `json:"closed"`  // right answers per second in the closed loop in which the search began

	Lower *Bound `json:"lower"` // the highest rate below Upper that met all goals; nil: none did
	Upper *Bound `json:"upper"` // the lowest rate that missed one; nil: none did
	// Throughput are right answers per second at Lower, in the manner of RFC 9971's conditional throughput; nil where
	// there is none.
	Throughput *float64 `json:"throughput"`
	// Irregular says in what the answer falls short of such an interval; empty where it does not.
	Irregular string `json:"irregular,omitempty"`
	// Unmeasured is the lowest rate whose trials were spoiled, also when they were repeated, and Spoiled says by what;
	// 0 where there is none, or where it lies above what the search was about.
	Unmeasured  float64 `json:"unmeasured,omitempty"`
	Spoiled     string  `json:"spoiled,omitempty"`
	Interrupted bool    `json:"interrupted,omitempty"`

	Trials  []SearchTrial `json:"trials"`  // in the order in which they ran
	Seconds float64       `json:"seconds"` // that the trials loaded in all, warm-up apart
}

// Line is a trial in one line, for those who wait.
func (t *SearchTrial) Line(goals []Goal) string {
	head := right(number(t.Rate, 4), 10) + "/s for " + right(span(t.Duration), 6) + "  "
	var said []string
	for _, g := range goals {
		if t.Load == nil {
			break
		}
		v, ok := g.Value(t.Load)
		text := "n/a"
		if ok {
			text = g.figure(v)
		}
		if missed, _ := g.Missed(t.Load); missed {
			text += " (missed)"
		}
		if g != (Goal{}) || v > 0 {
			said = append(said, g.name()+" "+text)
		}
	}
	word := "missed"
	switch {
	case t.Met:
		word = "met"
	case t.Spoiled != "":
		word = "spoiled"
	}
	return clip(head+left(word+":", 9)+strings.Join(said, ", "), 79)
}

// Print draws the answer.
func (s *Search) Print(w io.Writer, style Style) error {
	var b bytes.Buffer
	var goals []string
	for _, g := range s.Goals {
		goals = append(goals, g.String())
	}
	if s.URL != "" {
		fmt.Fprintln(&b, s.URL)
	}
	conns := "a connection per request"
	if s.KeepAlive {
		conns = "keep-alive"
	}
	fmt.Fprintf(&b, "the highest rate with %s\n%s arrivals, at most %s at a time, %s\n\n", strings.Join(goals, ", "),
		s.Model, plural(s.Connections, "connection"), conns)
	for _, line := range wrap(s.answer(), 79) {
		fmt.Fprintln(&b, line)
	}
	if s.Lower != nil {
		fmt.Fprintf(&b, "%s/s: %s%s\n", number(s.Lower.Rate, 4), s.Lower.votes(), s.typical(s.Lower, true))
		if s.Throughput != nil {
			fmt.Fprintf(&b, "right answers at that rate: %s/s\n", number(*s.Throughput, 4))
		}
	}
	if s.Upper != nil {
		fmt.Fprintf(&b, "%s/s: %s%s\n", number(s.Upper.Rate, 4), s.Upper.votes(), s.typical(s.Upper, false))
	}
	spoiled := ""
	if n := s.spoiled(); n > 0 {
		spoiled = fmt.Sprintf(", %d of them spoiled by the load generator or the machine", n)
	}
	fmt.Fprintf(&b, "%s in %s%s\n", plural(len(s.Trials), "trial"), elapsed(s.Seconds), spoiled)
	if s.Closed > 0 {
		fmt.Fprintf(&b, "closed loop, for comparison: %s/s with %s\n", number(s.Closed, 4),
			plural(s.Connections, "connection"))
	}
	if _, err := io.WriteString(w, style.text(b.String())); err != nil {
		return fmt.Errorf("print the search: %w", err)
	}
	return nil
}

// answer is the result in a sentence or two.
func (s *Search) answer() string {
	var t string
	switch {
	case s.Lower != nil && s.Upper != nil:
		t = fmt.Sprintf("Between %s and %s requests/s (%s %% apart).", number(s.Lower.Rate, 4), number(s.Upper.Rate, 4),
			number(100*s.Interval(), 2))
	case s.Lower != nil:
		t = fmt.Sprintf("At least %s requests/s.", number(s.Lower.Rate, 4))
	case s.Upper != nil:
		t = fmt.Sprintf("Below %s requests/s.", number(s.Upper.Rate, 4))
	default:
		t = "No answer."
	}
	if s.Irregular != "" {
		t += " " + s.Irregular
	}
	if s.Unmeasured > 0 {
		t += fmt.Sprintf(" At %s/s: %s.", number(s.Unmeasured, 4), s.Spoiled)
	}
	return t
}

func (b *Bound) votes() string {
	return fmt.Sprintf("%d of %s met all goals", b.Met, plural(b.Met+b.Missed, "trial"))
}

// typical quotes the longest trial at a bound that voted as the bound does.
func (s *Search) typical(b *Bound, met bool) string {
	var best *SearchTrial
	for i := range s.Trials {
		t := &s.Trials[i]
		if t.Rate == b.Rate && t.Met == met && t.Spoiled == "" && (best == nil || t.Duration >= best.Duration) {
			best = t
		}
	}
	if best == nil || best.Load == nil {
		return ""
	}
	var said []string
	for _, g := range s.Goals {
		v, ok := g.Value(best.Load)
		missed, _ := g.Missed(best.Load)
		switch {
		case ok && (v > 0 || g.Limit > 0) && (met || missed):
			said = append(said, g.name()+" "+g.figure(v))
		case !ok && missed:
			said = append(said, g.name()+" among requests without an answer")
		}
	}
	if len(said) == 0 {
		return ""
	}
	return "; " + strings.Join(said, ", ")
}

func (s *Search) spoiled() (n int) {
	for i := range s.Trials {
		if s.Trials[i].Spoiled != "" {
			n++
		}
	}
	return n
}

// Interval is the distance of the two bounds as a share of the upper one; infinite where one is missing.
func (s *Search) Interval() float64 {
	if s.Lower == nil || s.Upper == nil {
		return math.Inf(1)
	}
	return 1 - s.Lower.Rate/s.Upper.Rate
}
