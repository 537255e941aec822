package plot

import (
	"math"
	"strconv"
)

// Lines draws one figure against another: percentile curves (X on Nines), latency against throughput, throughput
// against offered load, time lines.
type Lines struct {
	Head
	X, Y    Axis
	Series  []Series
	Moments []Moment // on X
}

// Series is one line.
type Series struct {
	Name      string
	Style     int  // colour, dash and marker, 0 to 23; the same thing has the same one in all charts of a page
	Reference bool // not measured: a ceiling, an ideal. It is thin, grey, and needs no Style
	Points    []Point
}

// Point is one place of a line, in base units.
type Point struct {
	X, Y     float64
	Interval *Interval // of Y; nil: unknown
	// Open marks a figure that is not to be trusted like the others: not ranked, or a lower bound.
	Open bool
	N    int    // of Head.Count, that Y is the median of
	Mark string // a word for the place, "knee": it gets a ring, and the ring a key
}

// markersPerLine keeps a curve of many points a curve.
const markersPerLine = 9

// Table implements Chart: a row for each point.
func (l *Lines) Table() Table {
	intervals, marks := false, false
	for _, s := range l.Series {
		for _, p := range s.Points {
			intervals = intervals || p.Interval != nil
			marks = marks || p.Mark != "" || p.Open
		}
	}
	t := Table{Header: []string{orWord(l.Of, "line"), l.X.column(), l.Y.column()}}
	if intervals {
		t.Header = append(t.Header, intervalHeader(l.Y.Unit)...)
	}
	if l.Count != "" {
		t.Header = append(t.Header, l.Count)
	}
	if marks {
		t.Header = append(t.Header, "mark")
	}
	for _, s := range l.Series {
		for _, p := range s.Points {
			row := []string{s.Name, cell(l.X.Unit.of(p.X)), cell(l.Y.Unit.of(p.Y))}
			if intervals {
				row = append(row, intervalCells(p.Interval, l.Y.Unit)...)
			}
			if l.Count != "" {
				n := ""
				if !s.Reference { // that is no measurement
					n = strconv.Itoa(p.N)
				}
				row = append(row, n)
			}
			if marks {
				row = append(row, p.word())
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// word is what a table says of a point beside its figures.
func (p Point) word() string {
	switch {
	case p.Open && p.Mark != "":
		return p.Mark + ", not ranked"
	case p.Open:
		return "not ranked"
	}
	return p.Mark
}

func orWord(word, other string) string {
	if word == "" {
		return other
	}
	return word
}

func (l *Lines) draw(f *frame) {
	var xs, ys []float64
	for _, s := range l.Series {
		for _, p := range s.Points {
			if !l.has(p) {
				if !math.IsNaN(p.Y) { // that is a gap, which shows by itself
					f.hidden++
				}
				continue
			}
			xs, ys = append(xs, p.X), append(ys, p.Y)
			if p.Interval != nil {
				ys = append(ys, p.Interval.Low, p.Interval.High)
			}
		}
	}
	if len(xs) == 0 {
		f.hidden = 0
		f.nothing()
		return
	}
	for _, m := range l.Moments {
		xs = append(xs, m.At)
	}
	f.legend(l.keys())
	for _, line := range wrap(l.Y.name(), textSize, f.inner(), 2) {
		f.y += textSize + 5
		f.text(margin, f.y-5, "", "", line)
	}
	a := area{top: f.y + 8 + momentLine*float64(len(l.Moments)), right: f.width - margin - 6}
	a.bottom = a.top + min(max(f.width*0.45, 220), 420)
	y := newRuler(l.Y, ys, a.bottom, a.top, false)
	ticks := y.ticks()
	for _, t := range ticks {
		a.left = max(a.left, margin+extent(t.label, textSize)+tickGap)
	}
	x := newRuler(l.X, xs, a.left, a.right, true)
	f.upAxis(ticks, a)
	f.acrossAxis(x, a)
	f.line(a.left, a.bottom, a.right, a.bottom, "axis")
	for i := range l.Series {
		l.series(f, i, x, y)
	}
	f.moments(l.Moments, x, a)
}

// has tells whether a point has a place on both scales.
func (l *Lines) has(p Point) bool {
	_, okX := l.X.Scale.place(p.X)
	_, okY := l.Y.Scale.place(p.Y)
	return okX && okY
}

func (s *Series) look() look {
	if s.Reference {
		return reference
	}
	return lookOf(s.Style)
}

// keys are the legend: the lines, then each word that marks a place, once.
func (l *Lines) keys() (keys []key) {
	seen := map[string]bool{}
	var marks []key
	for i, s := range l.Series {
		k := s.look()
		keys = append(keys, key{s.Name, i, func(c *canvas, x, y float64) {
			c.start("g", "class", k.class)
			c.empty("path", "class", "line", "d", path([]float64{x, y, x + 30, y}), "fill", "none", "stroke", k.colour,
				"stroke-width", "2", "stroke-dasharray", k.dash)
			k.marker(c, x+15, y, 4, "")
			c.end("g")
		}})
		for _, p := range s.Points {
			if p.Mark != "" && !seen[p.Mark] && l.has(p) {
				seen[p.Mark] = true
				marks = append(marks, key{p.Mark, -1, func(c *canvas, x, y float64) { ring(c, x+15, y) }})
			}
		}
	}
	return append(keys, marks...)
}

// ring marks a place.
func ring(c *canvas, x, y float64) {
	c.empty("circle", "class", "whisker", "cx", px(x), "cy", px(y), "r", "8", "fill", "none", "stroke", light.ink,
		"stroke-width", "1.5")
}

// series draws a line, which breaks where a point has no place, then its intervals and markers.
func (l *Lines) series(f *frame, number int, x, y ruler) {
	s := &l.Series[number]
	k := s.look()
	f.start("g", "class", "series "+k.class, "data-series", px(float64(number)))
	var run []float64
	d := ""
	var shown []Point
	alone := map[int]bool{} // of shown: nothing else shows a point that no line leads to
	flush := func() {
		if len(run) > 2 {
			d += path(run)
		} else if len(run) > 0 {
			alone[len(shown)-1] = true
		}
		run = nil
	}
	for _, p := range s.Points {
		if !l.has(p) {
			flush()
			continue
		}
		px, _ := x.at(p.X)
		py, _ := y.at(p.Y)
		run, shown = append(run, px, py), append(shown, p)
	}
	flush()
	width := "2"
	if s.Reference {
		width = "1.5"
	}
	if d != "" {
		f.empty("path", "class", "line", "d", d, "fill", "none", "stroke", k.colour, "stroke-width", width,
			"stroke-dasharray", k.dash, "stroke-linejoin", "round")
	}
	every := max(1, int(math.Ceil(float64(len(shown))/markersPerLine)))
	for i, p := range shown {
		opens := p.Open && (i == 0 || !shown[i-1].Open)
		if p.Mark != "" || opens || alone[i] || !s.Reference && (i+s.Style)%every == 0 {
			l.point(f, s, k, p, x, y)
		}
	}
	f.end("g")
}

// point draws a marker and what it knows of itself, which a pointer that rests on it shows.
func (l *Lines) point(f *frame, s *Series, k look, p Point, x, y ruler) {
	atX, _ := x.at(p.X)
	atY, _ := y.at(p.Y)
	if p.Interval != nil {
		low, okLow := y.at(p.Interval.Low)
		high, okHigh := y.at(p.Interval.High)
		if okLow && okHigh {
			f.line(atX, low, atX, high, "whisker")
		}
	}
	if p.Open {
		k.open = true
	}
	title := s.Name + ": " + figure(l.X.Unit.of(p.X)) + " " + l.X.Unit.Symbol + ", " +
		figure(l.Y.Unit.of(p.Y)) + " " + l.Y.Unit.Symbol
	if w := p.word(); w != "" {
		title += " (" + w + ")"
	}
	if s.Reference { // it has no marker: a limit of one place would be in the legend only
		f.empty("path", "class", "line", "d", path([]float64{atX - 14, atY, atX + 14, atY}), "fill", "none", "stroke", k.colour,
			"stroke-width", "1.5", "stroke-dasharray", k.dash)
	}
	k.marker(&f.canvas, atX, atY, 4, title)
	if p.Mark != "" {
		ring(&f.canvas, atX, atY)
	}
}
