package results

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// HistogramLog writes a load as an HdrHistogram log, format 1.3 (.hlog): a line per second and clock, tagged
// "response" and "service", and a line over the whole window for what is not recorded in steps: "lag", "first-byte",
// "connect". began is when the window began; the lines count seconds from there. A second without an answer is there
// too, with an empty histogram, and so is what an open loop waits for after its window. It returns the error of w.
//
// The format is that of HistogramLogWriter in Java's HdrHistogram 2.1. (The writer of hdrhistogram-go cuts the times of
// its header to whole seconds.)
func HistogramLog(w io.Writer, l *Load, began time.Time) error {
	log := hlog{bufio.NewWriter(w)}
	epoch := float64(began.UnixMilli()) / 1e3
	fmt.Fprintf(log, "#[Logged by serverlab: times in nanoseconds, maxima in milliseconds]\n"+
		"#[Histogram log format version 1.3]\n"+
		"#[StartTime: %.3f (seconds since epoch), %s]\n"+
		"#[BaseTime: %.3f (seconds since epoch)]\n"+
		"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
		epoch, began.UTC().Format(time.UnixDate), epoch)
	// A reader that looks for a range of time stops at the first line after it: lines go by their beginning.
	clocks := []clock{{"lag", l.Lag, nil}, {"first-byte", l.FirstByte, nil}, {"connect", l.Connect, nil},
		{"response", l.Response, func(p *Point) Packed { return p.Response }},
		{"service", l.Service, func(p *Point) Packed { return p.Service }}}
	var inSteps []clock
	for _, c := range clocks {
		if c.inSteps(l.Series) {
			inSteps = append(inSteps, c)
		} else if c.whole.Count() > 0 {
			if err := log.line(c.tag, 0, l.Window, c.whole.Histogram); err != nil {
				return err
			}
		}
	}
	if len(inSteps) > 0 {
		if err := log.seconds(l, inSteps); err != nil {
			return err
		}
	}
	if err := log.Flush(); err != nil {
		return fmt.Errorf("write histogram log: %w", err)
	}
	return nil
}

// clock is one of the times that run for each request: its histogram of the whole window, and the one of a step.
type clock struct {
	tag   string
	whole Histogram
	step  func(*Point) Packed // nil: there is none
}

// inSteps tells whether the steps hold all that the whole histogram does. A record that was read has no service times
// in its steps.
func (c *clock) inSteps(s *Series) bool {
	if s == nil || c.step == nil || c.whole.Count() == 0 {
		return false
	}
	n := int64(0)
	for i := range s.Points {
		n += c.step(&s.Points[i]).Count()
	}
	return n == c.whole.Count()
}

type hlog struct{ *bufio.Writer }

// seconds writes a line per second, or per step where steps are longer, for each clock.
func (log hlog) seconds(l *Load, clocks []clock) error {
	s := l.Series
	merged := NewHistogram()
	each := max(1, int(math.Round(1/s.Step)))
	for first := 0; first < len(s.Points); first += each {
		after := min(first+each, len(s.Points))
		start, _ := l.bounds(first)
		_, end := l.bounds(after - 1)
		for _, c := range clocks {
			merged.Reset()
			for i := first; i < after; i++ {
				c.step(&s.Points[i]).AddTo(merged)
			}
			if err := log.line(c.tag, start, end, merged.Histogram); err != nil {
				return err
			}
		}
	}
	return nil
}

// line writes an interval: start and end in seconds since the window began.
func (log hlog) line(tag string, start, end float64, h *hdr.Histogram) error {
	text, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		return fmt.Errorf("encode the %s histogram: %w", tag, err)
	}
	fmt.Fprintf(log, "Tag=%s,%.3f,%.3f,%.3f,%s\n", tag, start, end-start, float64(h.Max())/1e6, text)
	return nil
}

// bounds are the beginning and the end of step i of the series, seconds since the window began. The last step of a
// closed loop ends with the window.
func (l *Load) bounds(i int) (start, end float64) {
	step := l.Series.Step
	start, end = float64(i)*step, float64(i+1)*step
	if last := i == len(l.Series.Points)-1; last && end > l.Window && start < l.Window-step/1000 {
		end = l.Window
	}
	return start, end
}
