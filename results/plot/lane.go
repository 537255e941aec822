package plot

import "slices"

// Sizes of a lane, pixels.
const (
	chipHeight = 22.0
	chipSpace  = 18.0 // between two steps: the arrow
	lineSpace  = 24.0 // between two lines of steps: the ways back
	gutter     = 34.0 // left of steps that take several lines: the ways back from one to another
	lanePad    = 9.0
)

// onSocket are the steps that are system calls on a socket that a client is or will be connected to.
var onSocket = []string{"accept", "read", "write", "close"}

// chip is a step that has got its place: x and y are those of its left upper corner, first says that it begins a line.
type chip struct {
	name        string
	x, y, width float64
	first       bool
}

func (c chip) middle() float64 { return c.x + c.width/2 }

// chips puts steps between left and right, in as many lines as they need.
func chips(does []string, left, right, y float64) (all []chip) {
	place := func(left float64) {
		all = nil
		x, at := left, y
		for _, name := range does {
			name = fit(name, textSize, right-left-12)
			c := chip{name: name, x: x, y: at, width: extent(name, textSize) + 12, first: len(all) == 0}
			if !c.first && c.x+c.width > right {
				at += chipHeight + lineSpace
				c.x, c.y, c.first = left, at, true
			}
			all, x = append(all, c), c.x+c.width+chipSpace
		}
	}
	if place(left + lanePad); len(all) > 0 && all[len(all)-1].y > y {
		place(left + gutter)
	}
	return all
}

// lane draws one lane between left and right, and returns at what height it accepts: that of its first line of steps.
func (f *frame) lane(l Lane, left, right float64) float64 {
	top := f.y
	f.whole("text", fit(l.Who, textSize*1.06, right-left-2*lanePad), "x", px(left+lanePad), "y", px(top+17),
		"font-weight", "600", "fill", light.ink)
	all := chips(l.Does, left, right-lanePad, top+38)
	f.y = top + 26
	for i, c := range all {
		f.chip(c)
		if i > 0 && c.first {
			f.way("", c.x-14, c.y+chipHeight/2, c.x, c.y+chipHeight/2)
		} else if i > 0 {
			f.way("", c.x-chipSpace, c.y+chipHeight/2, c.x, c.y+chipHeight/2)
		}
		f.y = c.y + chipHeight + lanePad
	}
	if n := len(all); n > 0 {
		if i := slices.Index(l.Does, l.Again); i >= 0 && i < n {
			f.back("", all[n-1], all[i], left+7, 1)
			f.y += 6
		}
		if i := slices.Index(l.Does, l.Keeps); i >= 0 && i < n {
			from := slices.Index(l.Does, "write")
			if from < 0 || from >= n {
				from = n - 1
			}
			f.back("4 3", all[from], all[i], left+14, -1)
		}
	}
	f.box("box", left, top, right-left, f.y-top, l.Many && !l.Process)
	if l.Many && !l.Process {
		f.y += 2 * stackStep
	}
	return top + 38 + chipHeight/2
}

func (f *frame) chip(c chip) {
	class, text, fill := "chip", "", "none"
	if slices.Contains(onSocket, c.name) {
		class, text, fill = "socket", "on", light.series[0]
	}
	stroke := ""
	if fill == "none" {
		stroke = light.soft
	}
	f.empty("rect", "class", class, "x", px(c.x), "y", px(c.y), "width", px(c.width), "height", px(chipHeight),
		"rx", "5", "fill", fill, "stroke", stroke)
	f.text(c.middle(), c.y+chipHeight/2+textSize*0.36, text, "middle", c.name)
}

// back draws the way from one step back to another: beneath them (side 1) or above (side -1), and along the gutter at x
// where they stand in different lines.
func (f *frame) back(dash string, from, to chip, x, side float64) {
	edge := func(c chip) float64 {
		if side > 0 {
			return c.y + chipHeight
		}
		return c.y
	}
	a, b := from.middle(), to.middle()
	if from == to {
		a, b = a+8, b-8
	}
	xy := []float64{a, edge(from), a, edge(from) + 9*side}
	if from.y != to.y {
		xy = append(xy, x, edge(from)+9*side, x, edge(to)+9*side)
	}
	f.way(dash, append(xy, b, edge(to)+9*side, b, edge(to))...)
}
