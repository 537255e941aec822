package plot

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// Dots draws every single value of each row on one axis, and its median with an interval if there is one: trials of a
// cell, requests of each worker, one dot per laptop. It takes a logarithmic axis, which bars can't.
type Dots struct {
	Head
	Each    string // what a dot is: "trial", "worker"
	Axis    Axis
	Rows    []DotRow
	Moments []Moment // on the axis: the fair share
}

// DotRow is a thing and its values, in base units.
type DotRow struct {
	Name   string
	Style  int
	Values []float64
	Median *Median // nil: none is drawn
	Note   string  // at the end of the row: "stuck", "not ranked"
}

// Median is the middle of a row's values with its interval; Low and High are NaN where it is unknown.
type Median struct{ Value, Low, High float64 }

// Table implements Chart: a row for each value, in the order given, and one for the median where there is one.
func (d *Dots) Table() Table {
	medians := slices.ContainsFunc(d.Rows, func(r DotRow) bool { return r.Median != nil })
	t := Table{Header: []string{orWord(d.Of, "row"), orWord(d.Each, "number"), d.Axis.column()}}
	if medians {
		t.Header = append(t.Header, intervalHeader(d.Axis.Unit)...)
	}
	t.Header = append(t.Header, "note")
	add := func(r *DotRow, which, figure string, i *Interval) {
		row := []string{r.Name, which, figure}
		if medians {
			row = append(row, intervalCells(i, d.Axis.Unit)...)
		}
		t.Rows = append(t.Rows, append(row, r.Note))
	}
	for i := range d.Rows {
		r := &d.Rows[i]
		for k, v := range r.Values {
			add(r, strconv.Itoa(k+1), cell(d.Axis.Unit.of(v)), nil)
		}
		if m := r.Median; m != nil {
			which := "median of " + strconv.Itoa(len(r.Values))
			add(r, which, cell(d.Axis.Unit.of(m.Value)), &Interval{m.Low, m.High})
		} else if len(r.Values) == 0 {
			add(r, "", "n/a", nil)
		}
	}
	return t
}

func (r *DotRow) all() []float64 {
	if r.Median == nil {
		return r.Values
	}
	return append(slices.Clone(r.Values), r.Median.Value, r.Median.Low, r.Median.High)
}

// dotRow is the height of a row in which no dots lie on each other, and the most that a row grows to, pixels.
const (
	dotRow     = 30.0
	dotRowMost = 58.0
	dotRadius  = 3.5
)

func (d *Dots) draw(f *frame) {
	if len(d.Rows) == 0 {
		f.nothing()
		return
	}
	var figures []float64
	names := 0.0
	for i := range d.Rows {
		figures = append(figures, d.Rows[i].all()...)
		names = max(names, extent(d.Rows[i].Name, textSize))
	}
	for _, m := range d.Moments {
		figures = append(figures, m.At)
	}
	a := area{left: margin + min(names, f.inner()*0.4) + 12, right: f.width - margin - 10, top: f.y + 4}
	a.top += momentLine * float64(len(d.Moments))
	x := newRuler(d.Axis, figures, a.left, a.right, true)
	a.bottom = a.top
	swarms := make([][]dot, len(d.Rows))
	heights := make([]float64, len(d.Rows))
	for i := range d.Rows {
		swarms[i], heights[i] = swarm(f, d.Rows[i].Values, x)
		a.bottom += heights[i]
	}
	f.acrossAxis(x, a)
	f.moments(d.Moments, x, a)
	y := a.top
	for i := range d.Rows {
		y += heights[i] / 2
		d.row(f, i, swarms[i], y, x)
		y += heights[i] / 2
	}
	f.line(a.left, a.bottom, a.right, a.bottom, "axis")
}

// dot is a value's place: x, and how far from the middle of its row.
type dot struct{ value, x, dy float64 }

// swarm puts dots that would lie on each other above and below the middle, and returns the row's height. Where they
// are more than there is room for, they come closer.
func swarm(f *frame, values []float64, x ruler) (dots []dot, height float64) {
	for _, v := range values {
		if at, ok := x.at(v); ok {
			dots = append(dots, dot{v, at, 0})
		} else {
			f.hidden++
		}
	}
	slices.SortFunc(dots, func(a, b dot) int { return cmp.Compare(a.x, b.x) })
	most, level := 0, 0
	for i := range dots {
		if i > 0 && dots[i].x-dots[i-level-1].x < 2*dotRadius {
			level++
		} else {
			level = 0
		}
		most = max(most, level)
		dots[i].dy = float64((level+1)/2) * float64(1-2*(level%2)) // 0, -1, 1, -2, 2, ...
	}
	apart := min(2*dotRadius, (dotRowMost/2-6)/max(float64((most+1)/2), 1))
	for i := range dots {
		dots[i].dy *= apart
	}
	return dots, max(dotRow, 2*(apart*float64((most+1)/2)+dotRadius+5))
}

func (d *Dots) row(f *frame, number int, dots []dot, y float64, x ruler) {
	r := &d.Rows[number]
	k := lookOf(r.Style)
	k.shape = 0 // the row's name says which it is, and round dots lie closest
	base := y + textSize*0.36
	f.start("g", "class", "series "+k.class, "data-series", strconv.Itoa(number))
	f.text(x.from-8, base, "", "end", fit(r.Name, textSize, x.from-margin-8))
	f.start("g", "class", "faint", "opacity", "0.75")
	for _, p := range dots {
		k.marker(&f.canvas, p.x, y+p.dy, dotRadius, r.Name+": "+figure(d.Axis.Unit.of(p.value))+" "+d.Axis.Unit.Symbol)
	}
	f.end("g")
	if m := r.Median; m != nil {
		if at, ok := x.at(m.Value); ok {
			low, okLow := x.at(m.Low)
			high, okHigh := x.at(m.High)
			if okLow && okHigh {
				f.line(low, y, high, y, "whisker")
				f.line(low, y-4, low, y+4, "whisker")
				f.line(high, y-4, high, y+4, "whisker")
			}
			f.line(at, y-11, at, y+11, "whisker")
		}
	}
	if r.Note != "" {
		note := fit(r.Note, textSize, (x.to-x.from)*0.8)
		end, room := x.to, math.Inf(1)
		for _, p := range dots {
			if p.x > x.to-extent(note, textSize)-8 {
				room = 0
			}
		}
		if room == 0 {
			base -= 9
		}
		f.text(end, base, "halo", "end", note)
	}
	f.end("g")
}
