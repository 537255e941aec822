package plot

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Bars draws lengths from zero, one row for each thing: a bar for each part, side by side or, if Stacked, end to end.
// Its axis is linear whatever it says, since a bar's length says nothing on another.
type Bars struct {
	Head
	Axis    Axis
	Parts   []string // what the values of a row are: "user", "system"
	Stacked bool     // the values of a row add up
	// Cut, in base units, is where bars that are much longer than the others end with a break; their figure still
	// stands beside them. 0: no bar is cut.
	Cut     float64
	Rows    []BarRow
	Moments []Moment // on the axis: a ceiling
}

// BarRow is a thing and its values.
type BarRow struct {
	Name      string
	Style     int         // colour where there is only one part
	Values    []float64   // one for each part, in base units; NaN: there is none
	Intervals []*Interval // one for each value, of the sum if Stacked; nil: unknown
	Notes     []string    // likewise: in place of a figure, or behind it: "stuck", "not ranked"
	N         []int       // likewise: how many of Head.Count each is the median of
}

// barHeight and rowGap are of one bar and between rows, pixels.
const (
	barHeight = 16.0
	rowGap    = 9.0
)

// Table implements Chart: a row for each bar, or for each stack with its parts.
func (b *Bars) Table() Table {
	t := Table{Header: []string{orWord(b.Of, "row")}}
	noted := slices.ContainsFunc(b.Rows, func(r BarRow) bool {
		return slices.ContainsFunc(r.Notes, func(n string) bool { return n != "" })
	})
	switch {
	case b.Stacked:
		for _, part := range b.Parts {
			t.Header = append(t.Header, Axis{Title: part, Unit: b.Axis.Unit}.column())
		}
	case len(b.Parts) > 1:
		t.Header = append(t.Header, "part")
	}
	t.Header = append(append(t.Header, b.Axis.column()), intervalHeader(b.Axis.Unit)...)
	if b.Count != "" {
		t.Header = append(t.Header, b.Count)
	}
	if noted {
		t.Header = append(t.Header, "note")
	}
	add := func(r BarRow, i int, cells ...string) {
		row := append([]string{r.Name}, cells...)
		if b.Count != "" {
			row = append(row, strconv.Itoa(r.count(i)))
		}
		if noted {
			row = append(row, r.note(i))
		}
		t.Rows = append(t.Rows, row)
	}
	for _, r := range b.Rows {
		if b.Stacked {
			var cells []string
			for i := range b.Parts {
				cells = append(cells, cell(b.Axis.Unit.of(r.value(i))))
			}
			cells = append(cells, cell(b.Axis.Unit.of(b.sum(r))))
			add(r, 0, append(cells, intervalCells(r.interval(0), b.Axis.Unit)...)...)
			continue
		}
		for i, part := range b.Parts {
			var cells []string
			if len(b.Parts) > 1 {
				cells = append(cells, part)
			}
			cells = append(cells, cell(b.Axis.Unit.of(r.value(i))))
			add(r, i, append(cells, intervalCells(r.interval(i), b.Axis.Unit)...)...)
		}
	}
	return t
}

func (r BarRow) value(i int) float64 {
	if i < len(r.Values) {
		return r.Values[i]
	}
	return math.NaN()
}

func (r BarRow) interval(i int) *Interval {
	if i < len(r.Intervals) {
		return r.Intervals[i]
	}
	return nil
}

func (r BarRow) note(i int) string {
	if i < len(r.Notes) {
		return r.Notes[i]
	}
	return ""
}

func (r BarRow) count(i int) int {
	if i < len(r.N) {
		return r.N[i]
	}
	return 0
}

// sum is the length of a stack: NaN where a part is unknown, since a sum without it would be too short.
func (b *Bars) sum(r BarRow) float64 {
	sum := 0.0
	for i := range b.Parts {
		sum += r.value(i)
	}
	return sum
}

// label stands beside bar i of a row.
func (b *Bars) label(r BarRow, i int, v float64) string {
	note := r.note(i)
	if math.IsNaN(v) && note != "" {
		return note
	}
	return strings.TrimSpace(figure(b.Axis.Unit.of(v)) + " " + note)
}

// lengths are the figures that are drawn from zero, with their labels and intervals.
func (b *Bars) lengths(r BarRow) (values []float64, intervals []*Interval) {
	if b.Stacked {
		return []float64{b.sum(r)}, []*Interval{r.interval(0)}
	}
	for i := range b.Parts {
		values, intervals = append(values, r.value(i)), append(intervals, r.interval(i))
	}
	return values, intervals
}

func (b *Bars) draw(f *frame) {
	if len(b.Rows) == 0 || len(b.Parts) == 0 {
		f.nothing()
		return
	}
	var figures []float64
	names, labels := 0.0, 0.0
	for _, r := range b.Rows {
		names = max(names, extent(r.Name, textSize))
		values, intervals := b.lengths(r)
		for i, v := range values {
			figures = append(figures, b.cut(v))
			if intervals[i] != nil {
				figures = append(figures, b.cut(intervals[i].High), b.cut(intervals[i].Low))
			}
			labels = max(labels, extent(b.label(r, i, v), textSize))
		}
	}
	for _, m := range b.Moments {
		figures = append(figures, m.At)
	}
	b.patterns(f)
	if len(b.Parts) > 1 {
		f.legend(b.keys(f))
	}
	a := area{left: margin + min(names, f.inner()*0.5) + 8, top: f.y + 6 + momentLine*float64(len(b.Moments))}
	a.right = max(f.width-margin-min(labels, f.inner()*0.35)-8, a.left+60)
	bars := 1
	if !b.Stacked {
		bars = len(b.Parts)
	}
	high := float64(bars)*barHeight + rowGap
	a.bottom = a.top + high*float64(len(b.Rows)) + 2
	axis := b.Axis
	axis.Scale = Linear
	x := newRuler(axis, figures, a.left, a.right, true)
	f.acrossAxis(x, a)
	f.moments(b.Moments, x, a) // before the figures, whose halo keeps them readable on the line
	zero := x.pixel(0)
	for i, r := range b.Rows {
		y := a.top + high*float64(i) + rowGap/2
		f.text(a.left-6, y+float64(bars)*barHeight/2+textSize*0.36, "", "end",
			fit(r.Name, textSize, a.left-margin-6))
		b.row(f, i, y, x)
	}
	f.line(zero, a.top, zero, a.bottom, "axis")
}

// cut shortens what is longer than Cut.
func (b *Bars) cut(v float64) float64 {
	if b.Cut > 0 && v > b.Cut {
		return b.Cut
	}
	return v
}

// partLook is the look of a bar: of its part, or of its row where there is only one part.
func (b *Bars) partLook(r BarRow, part int) look {
	if len(b.Parts) == 1 {
		return lookOf(r.Style)
	}
	return lookOf(part)
}

func (b *Bars) row(f *frame, number int, y float64, x ruler) {
	r := b.Rows[number]
	f.start("g", "class", "series", "data-series", strconv.Itoa(number))
	values, intervals := b.lengths(r)
	if b.Stacked {
		b.stack(f, r, values[0], x, y)
	}
	for i, v := range values {
		top := y + float64(i)*barHeight
		end := x.pixel(0)
		if drawable(v) {
			end = x.pixel(b.cut(v))
			if !b.Stacked {
				b.bar(f, i, r, x.pixel(0), end, top)
			}
			if b.Cut > 0 && v > b.Cut {
				f.broken(end-10, top)
			}
			end = max(end, f.whisker(intervals[i], b, x, top+barHeight/2))
		} else if !math.IsNaN(v) {
			f.hidden++
		}
		label := fit(b.label(r, i, v), textSize, f.width-max(end, x.pixel(0))-7)
		f.text(max(end, x.pixel(0))+5, top+barHeight/2+textSize*0.36, "halo", "", label)
	}
	f.end("g")
}

// stack draws the parts end to end. Those of a bar that is cut keep their shares, so that it still says what prevails.
func (b *Bars) stack(f *frame, r BarRow, sum float64, x ruler, y float64) {
	from, share := 0.0, 1.0
	if b.Cut > 0 && sum > b.Cut {
		share = b.Cut / sum
	}
	for i := range b.Parts {
		if v := r.value(i) * share; drawable(v) && drawable(sum) {
			b.bar(f, i, r, x.pixel(from), x.pixel(from+v), y)
			from += v
		}
	}
}

// bar draws one part, hatched so that it is told from the others without its colour.
func (b *Bars) bar(f *frame, part int, r BarRow, from, to, y float64) {
	if to < from {
		from, to = to, from
	}
	k := b.partLook(r, part)
	pairs := []string{"x", px(from), "y", px(y + 1), "width", px(to - from), "height", px(barHeight - 2)}
	f.start("g", "class", k.class)
	f.start("rect", append([]string{"class", "fill", "fill", k.colour, "stroke", k.colour}, pairs...)...)
	f.whole("title", r.Name+", "+b.Parts[part]+": "+figure(b.Axis.Unit.of(r.value(part)))+" "+b.Axis.Unit.Symbol)
	f.end("rect")
	if len(b.Parts) > 1 && part%len(hatches) > 0 {
		hatch := "url(#" + f.id + "-h" + strconv.Itoa(part%len(hatches)) + ")"
		f.empty("rect", append([]string{"fill", hatch}, pairs...)...)
	}
	f.end("g")
}

// broken draws the gap of a bar that goes on.
func (f *frame) broken(x, y float64) {
	f.empty("path", "class", "back", "d", closed(x-5, y+barHeight, x+1, y, x+7, y, x+1, y+barHeight), "fill", light.back)
}

// whisker draws an interval and returns where it ends.
func (f *frame) whisker(i *Interval, b *Bars, x ruler, y float64) float64 {
	if i == nil || !drawable(i.Low) || !drawable(i.High) || b.Cut > 0 && i.High > b.Cut {
		return 0
	}
	low, high := x.pixel(i.Low), x.pixel(i.High)
	f.line(low, y, high, y, "whisker")
	f.line(low, y-4, low, y+4, "whisker")
	f.line(high, y-4, high, y+4, "whisker")
	return high
}

// hatches are drawn over the bars of the second and further parts, in the colour of the background.
var hatches = [6]string{1: "M-1 7L7 -1M-1 1L1 -1M5 7L7 5", 2: "M3 0V6", 3: "M0 3H6M3 0V6",
	4: "M-1 -1L7 7M-1 5L1 7M5 -1L7 1", 5: "M0 3H6"}

func (b *Bars) patterns(f *frame) {
	if len(b.Parts) < 2 {
		return
	}
	f.start("defs")
	for i := 1; i < min(len(hatches), len(b.Parts)); i++ {
		f.start("pattern", "id", f.id+"-h"+strconv.Itoa(i), "width", "6", "height", "6", "patternUnits", "userSpaceOnUse")
		f.empty("path", "class", "hatch", "d", hatches[i], "fill", "none", "stroke", light.back, "stroke-width", "1.5")
		f.end("pattern")
	}
	f.end("defs")
}

func (b *Bars) keys(f *frame) (keys []key) {
	for i, part := range b.Parts {
		keys = append(keys, key{part, -1, func(c *canvas, x, y float64) {
			b.bar(f, i, BarRow{Name: part, Values: make([]float64, len(b.Parts))}, x, x+30, y-barHeight/2)
		}})
	}
	return keys
}
