package results

import (
	"fmt"
	"strconv"
	"strings"
)

// Demo is what a class sees of servers that run side by side.
type Demo struct {
	Rows   []DemoRow
	Rate   float64 // requests per second that each server is sent
	Work   string  // in words, what each request does: "waits 5 ms"; "": nothing
	Silent int     // clients of each server that never send
	Paused bool
	Help   bool   // explain the keys in place of the rows
	Note   string // what has just happened
}

// DemoRow is one server.
type DemoRow struct {
	Name, Lecture string
	Step          float64 // of Points, seconds
	Points        []Point // of the last minute; the last one is the latest
	Fresh         int     // of Points, the latest: since the load was last changed
	Down          bool    // it has been killed, and is not there again
}

// What is shown: the rate of the last second, and a p99 of the last two; where there were too few answers for that, of
// as long as it takes, up to ten.
const (
	demoMinute  = 60.0 // seconds that a row remembers
	demoRate    = 1.0
	demoP99     = 2.0
	demoP99Most = 10.0
)

// The layout: columns of the names, and where the two figures begin at most.
const (
	demoNames    = 17
	demoHeadings = 2 // lines above the rows, and lines below
	demoFooter   = 2
)

// Add takes in the next points, and forgets what is older than a minute.
func (r *DemoRow) Add(points []Point) {
	r.Points = append(r.Points, points...)
	r.Fresh += len(points)
	if over := len(r.Points) - r.steps(demoMinute); over > 0 {
		r.Points = append(r.Points[:0], r.Points[over:]...)
	}
	r.Fresh = min(r.Fresh, len(r.Points))
}

// steps is how many steps so many seconds have.
func (r *DemoRow) steps(seconds float64) int {
	if r.Step <= 0 {
		return 1
	}
	return max(1, int(seconds/r.Step+0.5))
}

// latest returns the fresh points of the last seconds.
func (r *DemoRow) latest(seconds float64) []Point {
	n := min(r.steps(seconds), r.Fresh)
	return r.Points[len(r.Points)-n:]
}

// rate is the number of right answers per second, in the last second; ok is false before anything was measured.
func (r *DemoRow) rate() (rate float64, ok bool) {
	points := r.latest(demoRate)
	if len(points) == 0 || r.Step <= 0 {
		return 0, false
	}
	sum := uint64(0)
	for _, p := range points {
		sum += p.Requests
	}
	return float64(sum) / (r.Step * float64(len(points))), true
}

// p99 is that of the response times, seconds; ok is false where there were too few answers.
func (r *DemoRow) p99() (p99 float64, ok bool) {
	h, least := NewPacked(), r.steps(demoP99)
	points := r.latest(demoP99Most)
	for i := range points {
		if p := points[len(points)-1-i]; p.Response.Count() > 0 {
			h.Merge(p.Response.PackedHistogram)
		}
		if p99, ok = h.Quantile(0.99); ok && i+1 >= least {
			break
		}
	}
	return p99, ok
}

// trouble says in a few words what is wrong; "": nothing.
func (r *DemoRow) trouble() string {
	failed := uint64(0)
	points := r.latest(demoRate)
	for _, p := range points {
		failed += p.Errors
	}
	rate, measured := r.rate()
	switch {
	case r.Down:
		return "× down"
	case !measured:
		return ""
	case rate == 0 && points[len(points)-1].InFlight > 0:
		return "× stuck"
	case failed > 0:
		return "× " + count(failed) + " failed"
	case points[len(points)-1].Waiting >= 1:
		return "late by " + duration(points[len(points)-1].Waiting, 2)
	}
	return ""
}

// DemoFrame draws d for a terminal of so many rows and s.Width columns (0: 80). It takes no more than these, leaves the
// last column free, and each line ends in a line feed. The figures are as large as there is room for.
func DemoFrame(d Demo, rows int, s Style) string {
	if s.Width <= 0 {
		s.Width = 80
	}
	n := max(s.Width-1, 1)
	lines := []demoLine{{bold, d.title(n)}, {}}
	if d.Help {
		lines = append(lines, d.keys()...)
	} else {
		each := (rows - demoHeadings - demoFooter) / max(1, len(d.Rows))
		top := d.top()
		for i := range d.Rows {
			lines = append(lines, d.Rows[i].block(n, each, top, s.ASCII)...)
		}
	}
	foot := []demoLine{{"", d.Note},
		{dim, firstFit(n, "w wait   s silent clients   k kill   + - load   space pause   ? help   q end",
			"w s k + - space ? q")}}
	room := max(0, rows-len(foot))
	for len(lines) < room {
		lines = append(lines, demoLine{})
	}
	lines = lines[:room]
	lines = append(lines, foot...)
	var b strings.Builder
	for _, l := range lines[:max(0, min(len(lines), rows))] {
		text := s.text(strings.TrimRight(clip(l.text, n), " "))
		if l.colour != "" {
			text = s.paint(l.colour, text)
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}

// demoLine is a line of a frame, in a colour or none.
type demoLine struct{ colour, text string }

func (d *Demo) title(n int) string {
	rate := exact(d.Rate) + " requests/s to each"
	work := "no waiting"
	if d.Work != "" {
		work = "each " + d.Work
	}
	silent := count(d.Silent) + " silent clients"
	if d.Silent == 0 {
		silent = "no silent clients"
	}
	paused := ""
	if d.Paused {
		paused = "PAUSED   "
	}
	return firstFit(n, paused+rate+"   "+work+"   "+silent, paused+exact(d.Rate)+"/s   "+work)
}

// top is the highest rate that any row had in a step: all are drawn on one scale.
func (d *Demo) top() (top float64) {
	for i := range d.Rows {
		for _, p := range d.Rows[i].Points {
			if step := d.Rows[i].Step; step > 0 {
				top = max(top, float64(p.Requests)/step)
			}
		}
	}
	return top
}

// block draws a row in at most so many lines of n columns.
func (r *DemoRow) block(n, lines int, top float64, ascii bool) []demoLine {
	rate, time, unit := "-", "-", ""
	if v, ok := r.rate(); ok {
		rate = strconv.FormatFloat(v, 'f', 0, 64)
	}
	if v, ok := r.p99(); ok {
		time, unit, _ = strings.Cut(duration(v, 2), " ")
		time = strings.ReplaceAll(time, ",", "")
	}
	trouble, colour := r.trouble(), ""
	if strings.HasPrefix(trouble, "×") {
		colour = red
	}
	names := []string{r.Name, r.Lecture, trouble}
	size := 0 // lines of a figure
	room := (n - demoNames) / 2
	digits := max(5, len(rate))
	switch {
	case lines >= largeLines+1 && digits*largeColumns+4 <= room:
		size = largeLines
	case lines >= smallLines && digits*smallColumns+4 <= room:
		size = smallLines
	default:
		text := left(r.Name, demoNames) + left(rate+"/s", 12) + left("p99 "+time+" "+unit, 16) + trouble
		return []demoLine{{colour, text}}[:min(1, max(0, lines))]
	}
	rates, times := bigDigits(rate, size, ascii), bigDigits(time, size, ascii)
	var drawn []demoLine
	for i := range size {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		after, afterTime := "", ""
		if i == size-1 {
			after, afterTime = "/s", unit+" p99"
		}
		text := left(name, demoNames) + left(rates[i]+after, room) + times[i] + afterTime
		drawn = append(drawn, demoLine{colour, text})
	}
	if lines > size {
		drawn = append(drawn, demoLine{dim, left("last minute", demoNames) + r.minute(n-demoNames, top)})
	}
	for len(drawn) < min(lines, size+2) {
		drawn = append(drawn, demoLine{})
	}
	return drawn
}

// minute draws the rate of the last minute in at most n columns, from zero to top; a step without an answer stays empty.
func (r *DemoRow) minute(n int, top float64) string {
	columns := min(n, int(demoMinute))
	if columns <= 0 || top <= 0 {
		return ""
	}
	line := []rune(strings.Repeat(" ", columns))
	each := r.steps(demoMinute / float64(columns))
	for i := range columns {
		to := len(r.Points) - i*each
		from := max(0, to-each)
		if to <= from {
			break
		}
		sum := uint64(0)
		for _, p := range r.Points[from:to] {
			sum += p.Requests
		}
		line[columns-1-i] = eighth(float64(sum) / (r.Step * float64(to-from)) / top)
	}
	return string(line)
}

// keys explains them.
func (d *Demo) keys() (lines []demoLine) {
	for _, k := range []struct{ key, what string }{
		{"w", "each request waits 5 ms, as for a network: its thread is free then"},
		{"", "again: it blocks 5 ms, as for a disk: its thread is kept; then none"},
		{"s", "16, 100, 1,000 clients connect to each server and say nothing"},
		{"k", "kill a worker process of each, or the server where it has none;"},
		{"", "whoever was killed is there again after a second"},
		{"+ -", "more requests, or fewer"},
		{"space", "pause, and go on"},
		{"q", "end; Ctrl-C does the same"},
		{"", ""},
		{"rate", "right answers per second, in the last second"},
		{"p99", "99 of 100 requests had their answers so soon after they were due,"},
		{"", fmt.Sprintf("in the last %g s; in up to %g s where answers are few; - if too few", demoP99, demoP99Most)},
	} {
		lines = append(lines, demoLine{"", "  " + left(k.key, 8) + k.what})
	}
	return lines
}
