package results

import (
	"strings"
	"testing"
)

func fixtureLie(t *testing.T) Lie {
	t.Helper()
	record := func(values map[int64]int64) Histogram {
		h := NewHistogram()
		for v, n := range values {
			if err := h.RecordValues(v, n); err != nil {
				t.Fatal(err)
			}
		}
		return h
	}
	stall := map[int64]int64{1_030_000: 6000}
	for i := range int64(2000) {
		stall[2e6+i*499_500] = 1
	}
	return Lie{Answer: 0.001, Stall: 1, Window: 4, Rate: 2000, Clients: 10,
		Truth:     [5]float64{0.001, 0.601, 0.961, 0.997, 1.001},
		Naive:     record(map[int64]int64{1_060_000: 27_000, 2_250_000: 300, 1_000_500_000: 10}),
		Corrected: record(map[int64]int64{1_060_000: 27_000, 500_000_000: 9380}),
		Honest:    record(stall)}
}

// What three clients say about one stall fits a terminal of 24 lines and 80 columns, the line above it included.
func TestLieScreen(t *testing.T) {
	l := fixtureLie(t)
	nothing := Lie{Answer: 0.001, Stall: 1, Window: 4, Rate: 2000, Clients: 10}
	for name, c := range map[string]struct {
		lie   Lie
		style Style
	}{"lie.txt": {lie: l}, "lie-ascii.txt": {l, Style{ASCII: true}}, "lie-color.txt": {l, Style{Color: true}},
		"lie-nothing.txt": {lie: nothing}} {
		var b strings.Builder
		if err := LieScreen(&b, &c.lie, c.style); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
		if n := strings.Count(b.String(), "\n"); n > 23 {
			t.Errorf("%s: %d lines", name, n)
		}
		for line := range strings.Lines(b.String()) {
			if !c.style.Color && width(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s: wider than 80 columns: %q", name, line)
			}
		}
	}
	if n := l.slow(l.Naive); n != 10 {
		t.Errorf("%d slow answers, want 10", n)
	}
	if n := l.slow(l.Honest); n < 1900 || n > 2000 {
		t.Errorf("%d slow answers, want nearly 2,000", n)
	}
}
