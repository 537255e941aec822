package plot

import (
	"strconv"
	"strings"
)

// Options is how a chart is written.
type Options struct {
	// ID names the picture within its page: letters, digits, - and _; everything else is left out. Two pictures of one
	// page need different ones. Empty is "plot".
	ID string
	// Width is in CSS pixels, 240 to 4,000; 0 is 720. Text keeps its size, so a telephone gets a picture of its own
	// width in place of a smaller one.
	Width float64
	// Inline leaves out style sheet and name space: the picture is part of an HTML page that has CSS already.
	Inline bool
}

// margin is the empty space around a chart, pixels.
const margin = 8.0

// frame is a chart that is being drawn, from top to bottom.
type frame struct {
	canvas
	id     string
	width  float64
	y      float64 // where the next thing begins
	hidden int     // figures that have no place on their scale
}

// SVG draws a chart. The result is a complete SVG document; with Inline, an element for a page.
func SVG(chart Chart, o Options) []byte {
	f := frame{id: Identifier(o.ID), width: 720, y: margin}
	if o.Width > 0 {
		f.width = min(max(o.Width, 240), 4000)
	}
	h := chart.head()
	f.titles(h)
	chart.draw(&f)
	if f.hidden > 0 {
		f.paragraph(strconv.Itoa(f.hidden)+" figures have no place on this scale: see the table.", "soft", 2)
	}
	f.y += margin

	var page canvas
	size := px(f.width) + " " + px(f.y)
	ns := "http://www.w3.org/2000/svg"
	if o.Inline {
		ns = ""
	}
	page.start("svg", "xmlns", ns, "class", "plot", "role", "img", "aria-labelledby", f.id+"-t "+f.id+"-d",
		"viewBox", "0 0 "+size, "width", px(f.width), "height", px(f.y), "font-family", "sans-serif",
		"font-size", px(textSize))
	page.b.WriteString("\n")
	page.whole("title", h.Title, "id", f.id+"-t")
	page.whole("desc", strings.TrimSpace(h.Note+" "+h.Desc), "id", f.id+"-d")
	if !o.Inline {
		page.whole("style", CSS())
	}
	page.empty("rect", "class", "back", "width", px(f.width), "height", px(f.y), "fill", light.back)
	page.b.WriteString(f.b.String())
	page.end("svg")
	return []byte(page.b.String())
}

// Identifier keeps of a text what may stand in an id, in url(#id) and in the name of a file anywhere; of nothing it
// makes "plot".
func Identifier(id string) string {
	id = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, id)
	if id == "" {
		return "plot"
	}
	return id
}

// inner is the room between the margins.
func (f *frame) inner() float64 { return f.width - 2*margin }

func (f *frame) titles(h *Head) {
	for _, l := range wrap(h.Title, titleSize*1.18, f.inner(), 3) { // bold is wider
		f.y += titleSize + 4
		f.whole("text", l, "x", px(margin), "y", px(f.y-4), "class", "title", "font-size", px(titleSize),
			"font-weight", "600", "fill", light.ink)
	}
	f.paragraph(h.Note, "soft", 3)
	f.y += 4
}

func (f *frame) paragraph(text, class string, most int) {
	for _, l := range wrap(text, textSize, f.inner(), most) {
		f.y += textSize + 4
		f.text(margin, f.y-4, class, "", l)
	}
}

// key is an entry of the legend: a swatch, 30 pixels wide, and a name.
type key struct {
	name   string
	series int // the number of its series, which a script switches by; -1 for none
	swatch func(c *canvas, x, y float64)
}

// legend writes the keys in lines.
func (f *frame) legend(keys []key) {
	if len(keys) == 0 {
		return
	}
	x := margin
	f.y += 18
	for _, k := range keys {
		name := fit(k.name, textSize, f.inner()-36)
		need := 36 + extent(name, textSize) + 14
		if x > margin && x+need-14 > f.width-margin {
			x, f.y = margin, f.y+20
		}
		number := ""
		if k.series >= 0 {
			number = strconv.Itoa(k.series)
		}
		f.start("g", "class", "key", "data-series", number)
		k.swatch(&f.canvas, x, f.y-5)
		f.text(x+36, f.y, "", "", name)
		f.end("g")
		x += need
	}
	f.y += 10
}

// area is the part of a chart in which figures have places.
type area struct{ left, top, right, bottom float64 }

// nothing says that there is no figure to draw.
func (f *frame) nothing() {
	f.y += 40
	f.text(f.width/2, f.y, "soft", "middle", "no figures")
	f.y += 30
}

// acrossAxis writes the horizontal axis beneath the area: lines, labels, title.
func (f *frame) acrossAxis(r ruler, a area) {
	ticks := r.ticks()
	if n := len(ticks); n > 1 { // the last label may have to move towards the one before it, which it must not touch
		left := min(ticks[n-1].at+extent(ticks[n-1].label, textSize)/2, f.width-2) - extent(ticks[n-1].label, textSize)
		if before := &ticks[n-2]; before.at+extent(before.label, textSize)/2 > left-4 && ticks[n-1].label != "" {
			before.label = ""
		}
	}
	for _, t := range ticks {
		f.line(t.at, a.top, t.at, a.bottom, "grid")
		anchor, x, half := "middle", t.at, extent(t.label, textSize)/2
		if x+half > f.width-2 {
			anchor, x = "end", f.width-2
		} else if x-half < 2 {
			anchor, x = "", 2
		}
		if t.label != "" {
			f.text(x, a.bottom+textSize+5, "soft", anchor, t.label)
		}
	}
	f.y = a.bottom + textSize + 9
	lines := wrap(r.axis.name(), textSize, a.right-margin, 2)
	for _, l := range lines {
		f.y += textSize + 4
		f.text(a.right, f.y-4, "", "end", l)
	}
}

// tickGap is between the labels of the vertical axis and the area: a marker at its edge must not cover them.
const tickGap = 10.0

// upAxis writes the vertical axis: lines, labels, and the title above them, where it can be read without turning.
func (f *frame) upAxis(ticks []tick, a area) {
	for _, t := range ticks {
		f.line(a.left, t.at, a.right, t.at, "grid")
		if t.label != "" {
			f.text(a.left-tickGap, t.at+textSize*0.36, "soft", "end", t.label)
		}
	}
}

// momentLine is the height of a moment's label; labels stand above the area, a line for each.
const momentLine = textSize + 3

// moments marks places on the horizontal axis.
func (f *frame) moments(all []Moment, r ruler, a area) {
	y := a.top - momentLine*float64(len(all)) - 3
	for _, m := range all {
		x, ok := r.at(m.At)
		if !ok {
			f.hidden++
			continue
		}
		y += momentLine
		f.line(x, y-momentLine/2, x, a.bottom, "moment")
		label := fit(m.Label, textSize, max(x-margin, a.right-x)-5)
		anchor, at := "", x+5
		if x+5+extent(label, textSize) > a.right {
			anchor, at = "end", x-5
		}
		f.text(at, y, "halo", anchor, label)
	}
}
