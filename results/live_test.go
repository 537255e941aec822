package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// liveLoad is an invented load of which so many steps of 100 ms have ended.
func liveLoad(l Load, steps int) *Load {
	rng := rand.New(rand.NewPCG(7, 7))
	l.URL, l.Connections, l.Threads, l.Warmup, l.Window = "http://127.0.0.1:8080/", 64, 1, 1, 10
	l.Response, l.Series = NewHistogram(), &Series{Step: 0.1}
	for i := range steps {
		p := Point{InFlight: 3, Response: NewPacked()}
		if i != 20 { // nothing was answered in that one
			p.Requests = uint64(450 + rng.IntN(100))
		}
		for range p.Requests {
			ns := int64(200e3 * math.Exp(0.6*rng.NormFloat64()))
			if rng.IntN(60) == 0 {
				ns *= 40
			}
			if err := p.Response.RecordValue(ns); err != nil {
				panic(err)
			}
		}
		p.Response.AddTo(l.Response)
		l.Requests += p.Requests
		l.Series.Points = append(l.Series.Points, p)
	}
	return &l
}

func TestLiveFrameGolden(t *testing.T) {
	open := Load{Model: "poisson", Rate: 5000}
	late := liveLoad(open, 33)
	late.Errors = map[string]uint64{"timeout": 1200, "reset": 3}
	late.Series.Points[32].Waiting = 0.0213
	failing := liveLoad(Load{Model: "closed", Errors: map[string]uint64{"refused": 6000}}, 0)
	failing.Series.Points = make([]Point, 12)
	before := &Load{Model: "constant", Rate: 20, Connections: 1, Warmup: 1, Window: 4}
	slow := liveLoad(open, 3)
	slow.Warmup, slow.Window, slow.Series.Step = 0, 86_400, 2.4
	short := liveLoad(open, 6) // stopped 10 ms after the beginning of its last step
	short.Requests -= short.Series.Points[5].Requests - 50
	short.Series.Points[5].Requests = 50
	for name, c := range map[string]struct {
		load    *Load
		elapsed float64
		rows    int
		style   Style
	}{
		"live-before.txt":   {before, -0.001, 24, Style{}},
		"live-warmup.txt":   {liveLoad(open, 0), 0.42, 24, Style{}},
		"live-first.txt":    {liveLoad(Load{Model: "closed"}, 1), 1.17, 24, Style{}},
		"live-window.txt":   {liveLoad(open, 33), 4.37, 24, Style{}},
		"live-errors.txt":   {late, 4.37, 24, Style{}},
		"live-ascii.txt":    {late, 4.37, 24, Style{ASCII: true}},
		"live-color.txt":    {late, 4.37, 24, Style{Color: true}},
		"live-wide.txt":     {late, 4.37, 24, Style{Width: 132}},
		"live-narrow.txt":   {late, 4.37, 24, Style{Width: 40}},
		"live-narrower.txt": {late, 4.37, 24, Style{Width: 24}},
		"live-low.txt":      {late, 4.37, 14, Style{}},
		"live-lower.txt":    {late, 4.37, 5, Style{}},
		"live-failing.txt":  {failing, 2.2, 24, Style{}},
		"live-steps.txt":    {slow, 7.3, 24, Style{}},
		"live-short.txt":    {short, 1.51, 24, Style{}},
		"live-ended.txt":    {liveLoad(Load{Model: "closed"}, 101), 11.2, 24, Style{}},
	} {
		golden(t, name, LiveFrame(c.load, c.elapsed, c.rows, c.style))
	}
}

// A frame fits into the terminal, whatever that is, and says more than nothing where there is a line at all.
func TestLiveFrameFits(t *testing.T) {
	full := liveLoad(Load{Model: "poisson", Rate: 5000, Errors: map[string]uint64{"timeout": 12}}, 50)
	for _, l := range []*Load{full, liveLoad(Load{Model: "closed"}, 0), {}} {
		for _, columns := range []int{1, 2, 9, 10, 11, 12, 17, 21, 25, 29, 34, 39, 46, 57, 63, 72, 80, 99, 101, 140} {
			for _, rows := range []int{-1, 0, 1, 5, 9, 13, 14, 15, 50} {
				frame := LiveFrame(l, 6, rows, Style{Width: columns, ASCII: columns%2 == 0})
				if n := strings.Count(frame, "\n"); n > max(0, min(rows, 16)) || n == 0 && rows > 0 {
					t.Fatalf("%d lines in %d rows", n, rows)
				}
				for line := range strings.Lines(frame) {
					if n := width(line) - 1; n > max(1, columns-1) {
						t.Fatalf("%d columns of %d: %q", n, columns, line)
					}
				}
			}
		}
	}
}

// The ends of the axis are the round figures next to the values, and not the values themselves.
func TestRoundFigures(t *testing.T) {
	for _, c := range []struct{ v, down, up float64 }{
		{3, 2, 5}, {1, 0.5, 2}, {2, 1, 5}, {5, 2, 10}, {7e-5, 5e-5, 1e-4}, {1.2e-9, 1e-9, 2e-9}, {99, 50, 100},
	} {
		same := func(a, b float64) bool { return math.Abs(a/b-1) < 1e-9 }
		if down, up := roundDown(c.v), roundUp(c.v); !same(down, c.down) || !same(up, c.up) {
			t.Errorf("%v: between %v and %v, want %v and %v", c.v, down, up, c.down, c.up)
		}
	}
}

// Drawing four frames a second must not disturb what is measured beside it.
func BenchmarkLiveFrame(b *testing.B) {
	for _, steps := range []int{10, 100} {
		l := liveLoad(Load{Model: "poisson", Rate: 5000}, steps)
		b.Run(fmt.Sprintf("steps=%d", steps), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				LiveFrame(l, 4, 24, Style{})
			}
		})
	}
}
