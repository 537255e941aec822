package plot

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var rgb [3]int
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("colour %q: %v", colour, err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v := float64(rgb[i]) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// TestContrast asks for WCAG's 3:1 of lines and 4.5:1 of text.
func TestContrast(t *testing.T) {
	for name, theme := range map[string]theme{"light": light, "dark": dark} {
		contrast := func(colour string) float64 {
			a, b := luminance(t, colour), luminance(t, theme.back)
			return (max(a, b) + 0.05) / (min(a, b) + 0.05)
		}
		for _, c := range theme.series {
			if got := contrast(c); got < 3 {
				t.Errorf("%s: %s has a contrast of %.2f, want 3", name, c, got)
			}
		}
		for _, c := range []string{theme.ink, theme.soft} {
			if got := contrast(c); got < 4.5 {
				t.Errorf("%s: text in %s has a contrast of %.2f, want 4.5", name, c, got)
			}
		}
	}
}

// TestLooksDiffer asks that any two of the 24 looks can be told apart without colour as well.
func TestLooksDiffer(t *testing.T) {
	seen := map[string]int{}
	for i := range looks {
		k := lookOf(i)
		var c canvas
		k.colour = "same"
		k.marker(&c, 10, 10, 4, "")
		text := c.b.String()
		if other, ok := seen[text]; ok {
			t.Errorf("styles %d and %d have one marker", other, i)
		}
		seen[text] = i
		if k.dash != lookOf(i+looks).dash || lookOf(-1) != lookOf(looks-1) {
			t.Errorf("style %d is not that of %d", i, i+looks)
		}
	}
	for i, d := range dashes {
		for _, other := range dashes[:i] {
			if d == other {
				t.Errorf("dash %q twice", d)
			}
		}
	}
}

// TestInline asks that a page gets the style sheet once, and no name space.
func TestInline(t *testing.T) {
	svg := string(SVG(cpu(), Options{ID: "a b\"c", Inline: true}))
	if strings.Contains(svg, "<style") || strings.Contains(svg, "xmlns") {
		t.Error("an inline picture brings a style sheet or a name space")
	}
	if !strings.Contains(svg, `id="abc-t"`) || !strings.Contains(svg, `aria-labelledby="abc-t abc-d"`) {
		t.Error("the picture has no name for who listens")
	}
}
