package plot

import (
	"math"
	"strings"
	"testing"
)

func labels(r ruler) string {
	var all []string
	for _, t := range r.ticks() {
		if t.label != "" {
			all = append(all, t.label)
		}
	}
	return strings.Join(all, " ")
}

// TestLastLabelTouchesNone looks at an axis whose last label has to move to the left to stay within the picture.
func TestLastLabelTouchesNone(t *testing.T) {
	l := &Lines{X: Axis{Title: "idle connections", Scale: Counts}, Series: []Series{{Name: "a",
		Points: []Point{{X: 0, Y: 1}, {X: 10_000, Y: 2}}}}}
	svg := string(SVG(l, Options{Width: 720}))
	shown := func(label string) bool { return strings.Contains(svg, ">"+label+"</text>") }
	if !shown("10,000") || !shown("2,000") || shown("5,000") {
		t.Errorf("10,000 is missing, or it touches 5,000:\n%s", svg)
	}
}

func TestTicks(t *testing.T) {
	for name, c := range map[string]struct {
		axis    Axis
		figures []float64
		width   float64
		want    string
	}{
		"from zero":       {Axis{}, []float64{7, 9}, 400, "0 2 4 6 8 10"},
		"below zero":      {Axis{}, []float64{-0.5, 1}, 400, "-0.5 0 0.5 1.0"},
		"microseconds":    {Axis{Unit: Microseconds}, []float64{81.7e-6}, 400, "0 20 40 60 80 100"},
		"kilobytes":       {Axis{Unit: Kilobytes}, []float64{22.1 * 1024}, 400, "0 5 10 15 20 25"},
		"thousands":       {Axis{}, []float64{24_000}, 400, "0 5,000 10,000 15,000 20,000 25,000"},
		"nothing":         {Axis{}, nil, 200, "0 0.5 1.0"},
		"decades":         {Axis{Unit: Milliseconds, Scale: Log}, []float64{2e-4, 0.9}, 400, "1 10 100 1,000"},
		"within a decade": {Axis{Unit: Milliseconds, Scale: Log}, []float64{2e-3, 9e-3}, 400, "2 5 10"},
		"one value":       {Axis{Scale: Log}, []float64{1}, 400, "0.5 1 2"},
		"counts from 0":   {Axis{Scale: Counts}, []float64{0, 10, 10_000}, 400, "0 1 10 100 1,000 10,000"},
		"counts":          {Axis{Scale: Counts}, []float64{1, 512}, 400, "1 10 100 1,000"},
		"no counts":       {Axis{Scale: Counts}, []float64{0}, 400, "0 1 2"},
		"nines":           {Axis{Scale: Nines}, []float64{0.9995}, 400, "0 % 50 % 90 % 99 % 99.9 %"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := labels(newRuler(c.axis, c.figures, 0, c.width, true)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestRulerHoldsItsFigures asks of many ranges that each figure lies between the ends, in order, and that there are
// at least two labels.
func TestRulerHoldsItsFigures(t *testing.T) {
	for _, scale := range []Scale{Linear, Log} {
		for e := -12; e <= 12; e++ {
			for _, f := range []float64{1, 1.01, 1.9, 3.3, 4.99, 7.77, 9.99} {
				v := f * math.Pow(10, float64(e))
				for _, width := range []float64{120, 333, 999} {
					r := newRuler(Axis{Scale: scale, Unit: Kilobytes}, []float64{v, v * 1.7}, 10, 10+width, true)
					a, _ := r.at(v)
					b, _ := r.at(v * 1.7)
					if a < 10-1e-6 || b <= a || b > 10+width+1e-6 {
						t.Errorf("scale %d of %g: %g and %g are not within 10 and %g", scale, v, a, b, 10+width)
					}
					if n := len(strings.Fields(labels(r))); n < 2 {
						t.Errorf("scale %d of %g at %g pixels: %d labels", scale, v, width, n)
					}
				}
			}
		}
	}
}
