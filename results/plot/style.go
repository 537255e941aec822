package plot

import (
	"fmt"
	"strings"
)

// theme is a set of colours. Series are Okabe and Ito's palette ("Color Universal Design", 2008), which colour-blind
// people can tell apart, with the pale ones darkened on white and the dark ones lightened on black until every line
// has a contrast of 3:1 with its background (WCAG 2.2, 1.4.11). Dash and marker say the same a second time.
type theme struct {
	back, ink, soft, grid string
	series                [8]string
}

var light = theme{back: "#ffffff", ink: "#1b1b1b", soft: "#5c5c5c", grid: "#dddddd", series: [8]string{
	"#0072b2", "#d55e00", "#009270", "#b06a9a", "#b87d00", "#2d8fc9", "#1b1b1b", "#8f8300"}}

var dark = theme{back: "#16181c", ink: "#ececec", soft: "#a9adb3", grid: "#3a3e45", series: [8]string{
	"#3d9be0", "#f07a2e", "#16b88f", "#d590bd", "#e69f00", "#7cc7f2", "#ececec", "#f0e442"}}

// dashes are the lines of the eight colours.
var dashes = [8]string{"", "7 3", "2 3", "10 3 2 3", "12 4", "5 2 1 2 1 2", "1 2", "8 2 3 2"}

// looks is how many series can be told apart: each colour with a filled marker, an open one and one with a point in it,
// and another dash each time.
const looks = 3 * len(dashes)

// CSS is the style sheet of all charts. A picture in a file of its own brings it along; a page that holds charts made
// with Options.Inline has it once. Light or dark is the reader's setting, unless an element around the chart has the
// attribute data-theme; print is always light.
func CSS() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".plot{%s;font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;"+
		"font-size:%gpx;font-variant-numeric:tabular-nums}\n", light.variables(), textSize)
	fmt.Fprintf(&b, "@media (prefers-color-scheme:dark){.plot{%s}}\n", dark.variables())
	fmt.Fprintf(&b, "[data-theme=light] .plot{%s}\n[data-theme=dark] .plot{%s}\n", light.variables(), dark.variables())
	fmt.Fprintf(&b, "@media print{.plot,[data-theme] .plot{%s}}\n", light.variables())
	b.WriteString(`.plot .back{fill:var(--plot-back)}
.plot text{fill:var(--plot-ink);stroke:none}
.plot text.soft{fill:var(--plot-soft)}
.plot .title{font-size:16px;font-weight:600}
.plot .halo{paint-order:stroke;stroke:var(--plot-back);stroke-width:4px;stroke-linejoin:round}
.plot .grid{stroke:var(--plot-grid)}
.plot .axis{stroke:var(--plot-soft)}
.plot .moment,.plot .whisker{stroke:var(--plot-ink)}
.plot .line{fill:none;stroke:var(--c);stroke-width:2}
.plot .fill{fill:var(--c);stroke:var(--c)}
.plot .open{fill:var(--plot-back);stroke:var(--c);stroke-width:1.6}
.plot .band{fill:var(--c);stroke:none;opacity:.18}
.plot .hatch,.plot .under{stroke:var(--plot-back)}
.plot .faint{opacity:.75}
.plot .box,.plot .way{fill:none;stroke:var(--plot-ink)}
.plot .process{fill:none;stroke:var(--plot-soft)}
.plot .tip{fill:var(--plot-ink)}
.plot .chip{fill:none;stroke:var(--plot-soft)}
.plot .socket{fill:var(--plot-0)}
.plot text.on{fill:var(--plot-back)}
`)
	for i := range light.series {
		fmt.Fprintf(&b, ".plot .s%d{--c:var(--plot-%d)}\n", i, i)
	}
	b.WriteString(".plot .reference{--c:var(--plot-soft)}\n")
	return b.String()
}

func (t theme) variables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "--plot-back:%s;--plot-ink:%s;--plot-soft:%s;--plot-grid:%s", t.back, t.ink, t.soft, t.grid)
	for i, c := range t.series {
		fmt.Fprintf(&b, ";--plot-%d:%s", i, c)
	}
	return b.String()
}

// look is the appearance of a series: a colour, and a dash and a marker that say the same without it. The attributes
// are for viewers that know no style sheets; a style sheet prevails.
type look struct {
	class, colour, dash string
	shape               int
	open, point         bool // the marker is hollow; and has a point in its middle
}

// reference is the look of what is not measured: a ceiling, an ideal.
var reference = look{class: "reference", colour: light.soft, dash: "2 4", shape: -1}

func lookOf(style int) look {
	n := (style%looks + looks) % looks
	i := n % len(dashes)
	l := look{class: fmt.Sprintf("s%d", i), colour: light.series[i], dash: dashes[i], shape: i}
	if n >= len(dashes) { // where no marker is near, colour and dash together must do
		l.open, l.dash = true, dashes[(i+3*(n/len(dashes)))%len(dashes)]
		l.point = n >= 2*len(dashes)
	}
	return l
}

// marker draws the look's shape around x, y.
func (l look) marker(c *canvas, x, y, r float64, title string) {
	class, fill := "fill", l.colour
	if l.open {
		class, fill = "open", light.back
	}
	pairs := []string{"class", class, "fill", fill, "stroke", l.colour}
	tag := "path"
	if l.shape == 0 {
		tag, pairs = "circle", append(pairs, "cx", px(x), "cy", px(y), "r", px(r))
	} else if l.shape > 0 {
		pairs = append(pairs, "d", shapes[l.shape](x, y, r))
	} else {
		return
	}
	if title == "" {
		c.empty(tag, pairs...)
	} else {
		c.start(tag, pairs...)
		c.whole("title", title)
		c.end(tag)
	}
	if l.point {
		c.empty("circle", "class", "fill", "fill", l.colour, "stroke", "none", "cx", px(x), "cy", px(y), "r", px(r*0.4))
	}
}

// shapes are drawn as closed lines.
var shapes = [8]func(x, y, r float64) string{
	1: func(x, y, r float64) string { return closed(x-r, y-r, x+r, y-r, x+r, y+r, x-r, y+r) },         // square
	2: func(x, y, r float64) string { return closed(x, y-r*1.2, x+r*1.2, y+r*0.9, x-r*1.2, y+r*0.9) }, // triangle
	3: func(x, y, r float64) string { return closed(x, y-r*1.3, x+r*1.3, y, x, y+r*1.3, x-r*1.3, y) }, // diamond
	4: func(x, y, r float64) string { return closed(x, y+r*1.2, x+r*1.2, y-r*0.9, x-r*1.2, y-r*0.9) }, // on its tip
	5: func(x, y, r float64) string { return cross(x, y, r*1.1, r*0.4) },                              // plus
	6: func(x, y, r float64) string {
		return closed(x-r*1.5, y-r*0.5, x+r*1.5, y-r*0.5, x+r*1.5, y+r*0.5, x-r*1.5, y+r*0.5)
	},
	7: func(x, y, r float64) string {
		return closed(x-r*0.5, y-r*1.5, x+r*0.5, y-r*1.5, x+r*0.5, y+r*1.5, x-r*0.5, y+r*1.5)
	},
}

func cross(x, y, r, s float64) string {
	return closed(x-s, y-r, x+s, y-r, x+s, y-s, x+r, y-s, x+r, y+s, x+s, y+s, x+s, y+r, x-s, y+r, x-s, y+s, x-r, y+s,
		x-r, y-s, x-s, y-s)
}

func closed(xy ...float64) string { return path(xy) + "Z" }

// path is the d of a line through pairs of x and y.
func path(xy []float64) string {
	var b strings.Builder
	for i := 0; i+1 < len(xy); i += 2 {
		b.WriteString("ML"[min(i, 1):min(i, 1)+1] + px(xy[i]) + " " + px(xy[i+1]))
	}
	return b.String()
}
