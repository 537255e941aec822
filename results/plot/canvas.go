package plot

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// canvas collects SVG elements. Everything that it writes but tags and names of attributes is escaped.
type canvas struct{ b strings.Builder }

// start opens an element; pairs are names and values of its attributes. A pair with an empty value is left out.
func (c *canvas) start(tag string, pairs ...string) {
	c.tag(tag, pairs)
	c.b.WriteString(">")
}

// empty writes an element without content.
func (c *canvas) empty(tag string, pairs ...string) {
	c.tag(tag, pairs)
	c.b.WriteString("/>\n")
}

func (c *canvas) tag(tag string, pairs []string) {
	c.b.WriteString("<" + tag)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			c.b.WriteString(" " + pairs[i] + `="`)
			c.escape(pairs[i+1])
			c.b.WriteString(`"`)
		}
	}
}

func (c *canvas) end(tag string) { c.b.WriteString("</" + tag + ">\n") }

// whole writes an element that holds text only.
func (c *canvas) whole(tag, text string, pairs ...string) {
	c.start(tag, pairs...)
	c.escape(text)
	c.end(tag)
}

// escape replaces what XML can't hold, too.
func (c *canvas) escape(text string) { _ = xml.EscapeText(&c.b, []byte(text)) } // a Builder takes everything

// text writes one line at x, y, which is its base line. anchor is "", "middle" or "end".
func (c *canvas) text(x, y float64, class, anchor, text string) {
	fill := light.ink
	switch class {
	case "soft":
		fill = light.soft
	case "on": // a filled shape
		fill = light.back
	}
	c.whole("text", text, "x", px(x), "y", px(y), "class", class, "text-anchor", anchor, "fill", fill)
}

// line writes a straight line in a neutral colour; class is "grid", "axis" or "moment".
func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	stroke, dash := light.soft, ""
	switch class {
	case "grid":
		stroke = light.grid
	case "moment":
		stroke, dash = light.ink, "5 4"
	case "whisker": // over a bar of its own colour it must show, too
		stroke = light.ink
		c.empty("line", "x1", px(x1), "y1", px(y1), "x2", px(x2), "y2", px(y2), "class", "under", "stroke", light.back,
			"stroke-width", "3")
	}
	c.empty("line", "x1", px(x1), "y1", px(y1), "x2", px(x2), "y2", px(y2), "class", class, "stroke", stroke,
		"stroke-dasharray", dash)
}

// px prints a coordinate: a tenth of a pixel is enough, and hides how the last bits were rounded.
func px(v float64) string {
	t := strconv.FormatFloat(v, 'f', 1, 64)
	if t = strings.TrimSuffix(t, ".0"); t == "-0" {
		return "0"
	}
	return t
}

// Sizes of text, pixels.
const (
	textSize  = 13.0
	titleSize = 16.0
)

// extent estimates the width of a text in pixels, rather too wide than too narrow: which font there is can't be known.
func extent(text string, size float64) float64 {
	n := 0.0
	for _, r := range text {
		switch {
		case r >= 0x2e80:
			n++
		case strings.ContainsRune("iljtfrI.,:;'|!()[] ", r):
			n += 0.36
		case strings.ContainsRune("mwMW@%", r):
			n += 0.93
		case r >= 'A' && r <= 'Z':
			n += 0.7
		default:
			n += 0.58
		}
	}
	return n * size
}

// fit shortens a text that is wider than so many pixels.
func fit(text string, size, room float64) string {
	if extent(text, size) <= room {
		return text
	}
	r := []rune(text)
	n := 0
	for used := extent("…", size); n < len(r); n++ {
		if used += extent(string(r[n]), size); used > room {
			break
		}
	}
	return strings.TrimSpace(string(r[:n])) + "…"
}

// wrap breaks a text at spaces into at most so many lines; the last one is shortened to fit.
func wrap(text string, size, room float64, most int) (lines []string) {
	line := ""
	words := strings.Fields(text)
	for i, w := range words {
		if line != "" && extent(line+" "+w, size) > room {
			if len(lines) == most-1 {
				return append(lines, fit(strings.Join(append([]string{line}, words[i:]...), " "), size, room))
			}
			lines, line = append(lines, fit(line, size, room)), ""
		}
		line = strings.TrimSpace(line + " " + w)
	}
	if line != "" {
		lines = append(lines, fit(line, size, room))
	}
	return lines
}
