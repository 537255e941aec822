package results

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Sweep is a row of loads up to the knee and past it: at rates (an open loop), or with numbers of connections (a closed
// one).
type Sweep struct {
	URL         string  `json:"url,omitempty"`
	By          string  `json:"by"`    // "rate" or "connections"
	Model       string  `json:"model"` // "closed", "poisson", ...
	KeepAlive   bool    `json:"keepalive"`
	Connections int     `json:"connections"` // 0 where the points differ in it
	Seed        uint64  `json:"seed"`        // of the order, and of the first block's arrivals; each block takes the next
	Repeat      int     `json:"repeat"`      // trials of each point, one in each block
	Warmup      float64 `json:"warmup"`      // seconds before each window
	Window      float64 `json:"window"`      // seconds
	Interrupted bool    `json:"interrupted,omitempty"`

	Points []SweepPoint `json:"points"` // in rising order
	// Knee is the number of the point with the highest power, see Sweep.FindKnee; -1 where there is none.
	Knee    int     `json:"knee"`
	Seconds float64 `json:"seconds"` // that the sweep took
}

// SweepPoint is one load of a sweep.
type SweepPoint struct {
	Load   float64      `json:"load"` // offered rate, requests per second, or number of connections
	Trials []SweepTrial `json:"trials"`

	// The medians over the trials that count, or over all where Void: right answers per second, quantiles of the
	// response time in seconds, the share of requests without a right answer, and the mean number of requests in
	// flight. A nil pointer is a figure that there is not.
	Achieved *float64 `json:"achieved"`
	P50      *float64 `json:"p50"`
	P99      *float64 `json:"p99"`
	Errors   *float64 `json:"errors"`
	InFlight *float64 `json:"in_flight"`

	Valid   int    `json:"valid"`   // trials that the load generator or the machine has not spoiled
	Void    bool   `json:"void"`    // there is none: the figures are shown and can't be the knee
	Verdict string `json:"verdict"` // the commonest finding of its trials, if half of them have one; else "valid"
}

// SweepTrial is one trial of a point.
type SweepTrial struct {
	Block   int    `json:"block"`             // from 1
	Order   int    `json:"order"`             // in which it ran, from 0
	Spoiled string `json:"spoiled,omitempty"` // why it does not count: the load generator or the machine was the limit
	Load    *Load  `json:"load"`              // without its series
}

// Settle computes the point's figures from its trials. Percentiles are never pooled or averaged over trials: the median
// of the trials' values stands for them.
func (p *SweepPoint) Settle() {
	p.Valid = 0
	for i := range p.Trials {
		if p.Trials[i].Spoiled == "" {
			p.Valid++
		}
	}
	p.Void = p.Valid == 0
	median := func(figure func(*Load) (float64, bool)) *float64 {
		s := p.spread(figure)
		if s.N == 0 {
			return nil
		}
		return &s.Median
	}
	p.Achieved, p.Errors = median((*Load).goodput), median((*Load).errorShare)
	p.P50, p.P99 = median(quantileOf(0.5)), median(quantileOf(0.99))
	p.InFlight = median(func(l *Load) (float64, bool) { return l.Audit.InFlight, l.Audit.InFlight > 0 })
	p.Verdict = p.verdict()
}

func (p *SweepPoint) verdict() string {
	kinds := map[string]int{}
	with := 0
	for i := range p.Trials {
		t := Trial{Findings: p.Trials[i].Load.Findings}
		kind, _, _ := strings.Cut(p.Trials[i].Spoiled, ":")
		if f := t.Voided(Latency); f != nil && kind == "" {
			kind = f.Kind
		}
		if f := t.Voided(Throughput); f != nil && kind == "" {
			kind = f.Kind
		}
		if kind != "" {
			kinds[kind]++
			with++
		}
	}
	switch {
	case len(p.Trials) == 0:
		return "not measured"
	case 2*with < len(p.Trials):
		return "valid"
	}
	return commonest(kinds)
}

// power is throughput over response time (Kleinrock 1979); 0 where a figure is missing or void.
func (p *SweepPoint) power() float64 {
	if p.Void || p.Achieved == nil || p.P50 == nil || *p.P50 <= 0 {
		return 0
	}
	return *p.Achieved / *p.P50
}

// refuses tells whether a server has turned away so much that the response times of the others say little of its load.
func (p *SweepPoint) refuses() bool {
	s := p.spread((*Load).shedShare)
	return s.N > 0 && s.Median > 1-heldLeast
}

// FindKnee sets Knee to the point with the highest power: throughput divided by response time (Kleinrock, Power and
// deterministic rules of thumb for probabilistic problems in computer communications, ICC 1979). There one more per
// cent of throughput costs one more per cent of response time; before it throughput is cheap, behind it, dear. In a
// closed loop that is where the asymptotes of throughput and response time meet; for the queue M/M/1 it is at half of
// the capacity. Other than the bend that Kneedle finds (Satopaa et al. 2011), it does not move with the range that is
// swept, and takes no parameter. Response time is the median here and not the mean, as a few stalls of the machine's
// would otherwise choose the point; for M/M/1 that makes no difference.
//
// A point at which the load generator was the limit, or the server refused requests, can't be the knee, nor can the
// last one, unless it shows that it is beyond capacity: the sweep may have ended too early. Then, and with fewer than
// three points, Knee is -1.
func (s *Sweep) FindKnee() {
	s.Knee = -1
	best, last, usable := 0.0, -1, 0
	for i := range s.Points {
		power := s.Points[i].power()
		if power > 0 {
			last = i
			usable++
		}
		if power > best && !s.Points[i].refuses() {
			best, s.Knee = power, i
		}
	}
	if usable < kneePoints || s.Knee == last && s.Points[last].sound() {
		s.Knee = -1
	}
}

// kneePoints is how many points a sweep needs for a knee.
const kneePoints = 3

// sound reports whether a point shows no sign of being beyond capacity.
func (p *SweepPoint) sound() bool { return p.Verdict == "valid" }

// CSV writes a line for each point; a figure that there is not is an empty cell.
func (s *Sweep) CSV(w io.Writer) error {
	head := "offered_per_s"
	if s.By == "connections" {
		head = "connections"
	}
	lines := [][]string{{head, "achieved_per_s", "p50_s", "p99_s", "errors_share", "in_flight", "trials", "valid_trials",
		"verdict", "knee"}}
	plain := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	cell := func(v *float64) string {
		if v == nil {
			return ""
		}
		return plain(*v)
	}
	for i := range s.Points {
		p := &s.Points[i]
		lines = append(lines, []string{plain(p.Load), cell(p.Achieved), cell(p.P50), cell(p.P99), cell(p.Errors),
			cell(p.InFlight), strconv.Itoa(len(p.Trials)), strconv.Itoa(p.Valid), p.Verdict, strconv.FormatBool(i == s.Knee)})
	}
	if err := csv.NewWriter(w).WriteAll(lines); err != nil {
		return fmt.Errorf("write the sweep as CSV: %w", err)
	}
	return nil
}

// Print draws the sweep: a line for each point, and latency against throughput.
func (s *Sweep) Print(w io.Writer, style Style) error {
	var b bytes.Buffer
	s.head(&b)
	offered := "offered/s"
	if s.By == "connections" {
		offered = "clients"
	}
	fmt.Fprintf(&b, "  %9s %10s %9s %9s %8s %9s  %s\n", offered, "answers/s", "p50", "p99", "errors", "in flight",
		"verdict")
	for i := range s.Points {
		b.WriteString(s.line(i, style) + "\n")
	}
	for _, line := range wrap(s.Verdict(), 79) {
		b.WriteString(line + "\n")
	}
	s.chart(&b)
	if _, err := io.WriteString(w, style.text(b.String())); err != nil {
		return fmt.Errorf("print the sweep: %w", err)
	}
	return nil
}

func (s *Sweep) head(b *bytes.Buffer) {
	parts := []string{"closed loop"}
	if s.By == "rate" {
		parts = []string{s.Model + " arrivals", plural(s.Connections, "connection")}
	}
	if !s.KeepAlive {
		parts = append(parts, "a connection per request")
	}
	parts = append(parts, fmt.Sprintf("%d × %s a point", s.Repeat, span(s.Window)))
	if s.URL != "" {
		parts = append(parts, s.URL)
	}
	b.WriteString(clip(strings.Join(parts, ", "), 79) + "\n")
}

// verdictWidth is what is left for the last column of a line.
const verdictWidth = 16

func (s *Sweep) line(i int, style Style) string {
	p := &s.Points[i]
	show := func(v *float64, format func(float64) string) string {
		if v == nil {
			return "n/a"
		}
		if p.Void {
			return "(" + format(*v) + ")"
		}
		return format(*v)
	}
	short := func(v float64) string { return duration(v, 3) }
	verdict := p.Verdict
	if n := len(p.Trials); n > 0 && p.Valid < n && !p.Void {
		verdict = firstFit(verdictWidth, fmt.Sprintf("%s (%d/%d)", verdict, p.Valid, n), verdict)
	}
	mark := "  "
	if i == s.Knee {
		mark, verdict = "● ", firstFit(verdictWidth, verdict+", knee", verdict)
	}
	return clip(fmt.Sprintf("%s%9s %10s %9s %9s %8s %9s  %s", mark, exact(p.Load),
		show(p.Achieved, func(v float64) string { return number(v, 4) }), show(p.P50, short), show(p.P99, short),
		show(p.Errors, func(v float64) string { return number(100*v, 3) + " %" }), show(p.InFlight, func(v float64) string {
			return number(v, 3)
		}), verdict), 79)
}

// Verdict says in a line where the knee is, and by which rule.
func (s *Sweep) Verdict() string {
	text := ""
	if s.Interrupted {
		text = "INTERRUPTED. "
	}
	at := func(p SweepPoint) string {
		if s.By == "connections" {
			return exact(p.Load) + " clients"
		}
		return exact(p.Load) + "/s"
	}
	const rule = "highest throughput / p50 (power; Kleinrock 1979)"
	switch {
	case s.Knee == 0:
		return text + "● Knee at or below " + at(s.Points[0]) + ": " + rule
	case s.Knee > 0:
		return text + "● Knee at " + at(s.Points[s.Knee]) + ": " + rule
	case slices.ContainsFunc(s.Points, func(p SweepPoint) bool { return p.Void && len(p.Trials) > 0 }):
		return text + "No knee found; load generator or machine spoiled the points in brackets."
	case s.Interrupted:
		return text + "The points so far show no knee."
	case len(s.Points) < kneePoints:
		return text + "No knee: that takes three points at least."
	}
	return text + "No knee yet: throughput / p50 still rises. Sweep further."
}

// The chart's size without its frame.
const (
	sweepRows    = 7
	sweepColumns = 62
)

// chart draws p50 and p99 against throughput: to the right from zero, upwards on a logarithmic axis. Behind the knee
// the points turn upwards and, past capacity, back to the left.
func (s *Sweep) chart(b *bytes.Buffer) {
	y := logAxis{math.Inf(1), 0, sweepRows}
	top := 0.0
	for i := range s.Points {
		p := &s.Points[i]
		for _, v := range []*float64{p.P50, p.P99} {
			if v != nil && p.Achieved != nil {
				y.lo, y.hi = math.Min(y.lo, *v), math.Max(y.hi, *v)
				top = math.Max(top, *p.Achieved)
			}
		}
	}
	if top == 0 || y.lo <= 0 {
		return
	}
	if y.hi < 1.5*y.lo {
		y.lo, y.hi = y.lo/1.25, y.hi*1.25
	}
	grid := make([][]rune, sweepRows)
	for i := range grid {
		grid[i] = []rune(strings.Repeat(" ", sweepColumns))
	}
	column := func(v float64) int { return min(int(v/top*sweepColumns), sweepColumns-1) }
	put := func(x int, v *float64, mark, other rune) {
		if v == nil {
			return
		}
		switch cell := &grid[sweepRows-1-y.at(*v)][x]; *cell {
		case ' ', '│', mark:
			*cell = mark
		case other:
			*cell = '◈'
		}
	}
	if s.Knee >= 0 {
		for _, row := range grid {
			row[column(*s.Points[s.Knee].Achieved)] = '│'
		}
	}
	for i := range s.Points {
		if p := &s.Points[i]; p.Achieved != nil {
			put(column(*p.Achieved), p.P50, '◆', '◇')
			put(column(*p.Achieved), p.P99, '◇', '◆')
		}
	}
	b.WriteString("response time (log axis) against right answers/s   ◆ p50   ◇ p99   ◈ both\n")
	for i, row := range grid {
		label := ""
		if i%3 == 0 {
			label = duration(y.edge(sweepRows-1-i)*math.Sqrt(y.edge(1)/y.edge(0)), 2)
		}
		b.WriteString(strings.TrimRight(right(label, 8)+" ┤"+string(row), " ") + "\n")
	}
	b.WriteString(strings.Repeat(" ", 9) + "└" + strings.Repeat("─", sweepColumns) + "\n")
	b.WriteString(strings.Repeat(" ", 9) + left("0", sweepColumns/2) + right(number(top, 4), sweepColumns/2+1) + "\n")
}

// Line says what a point's latest trial added, for those who wait.
func (p *SweepPoint) Line(done, all int, by string) string {
	what := exact(p.Load) + "/s"
	if by == "connections" {
		what = plural(int(p.Load), "connection")
	}
	t := p.Trials[len(p.Trials)-1]
	text := "n/a"
	if t.Load.Window > 0 {
		text = number(t.Load.withinWindow()/t.Load.Window, 4) + " answers/s"
	}
	if v, ok := t.Load.Response.Quantile(0.5); ok {
		text += ", p50 " + duration(v, 3)
	}
	if v, ok := t.Load.Response.Quantile(0.99); ok {
		text += ", p99 " + duration(v, 3)
	}
	if t.Spoiled != "" {
		kind, _, _ := strings.Cut(t.Spoiled, ":")
		text += "; does not count: " + kind
	}
	return clip(fmt.Sprintf("%3d/%d  %s: %s", done, all, right(what, 16), text), 79)
}

// Answered tells whether there was one right answer at least.
func (s *Sweep) Answered() bool {
	for i := range s.Points {
		for _, t := range s.Points[i].Trials {
			if t.Load.Requests > 0 {
				return true
			}
		}
	}
	return false
}
