package plot

import (
	"fmt"
	"slices"
	"strings"
)

// Lane is one thread, process or loop of a server, or several of the same kind, and what each does in turn. The fields
// are those of results.Lane.
type Lane struct {
	Who     string
	Many    bool
	Process bool
	Listens bool
	Does    []string
	Again   string
	Keeps   string
	Hands   string
	Returns string
}

// Sketch draws who accepts, who reads and who writes: the clients, the listening socket, and a box for each lane with
// its steps in turn. A frame is a process, a stack is several of a kind, and a filled step is one on a socket.
func Sketch(name string, lanes []Lane, o Options) []byte {
	lanes, more := bounded(lanes)
	return SVG(&sketch{Head{Title: cut(name), Desc: Words(lanes), Of: "lane"}, lanes, more}, o)
}

// What is drawn at most: a record that others have written may hold anything.
const (
	mostLanes = 24
	mostSteps = 16
	mostRunes = 60
)

// bounded cuts lanes to what can be drawn, and says how many it has left out.
func bounded(lanes []Lane) (some []Lane, more int) {
	for _, l := range lanes[:min(len(lanes), mostLanes)] {
		l.Who, l.Again, l.Keeps = cut(l.Who), cut(l.Again), cut(l.Keeps)
		l.Hands, l.Returns = cut(l.Hands), cut(l.Returns)
		does := l.Does[:min(len(l.Does), mostSteps)]
		l.Does = make([]string, len(does))
		for i, d := range does {
			l.Does[i] = cut(d)
		}
		some = append(some, l)
	}
	return some, len(lanes) - len(some)
}

func cut(text string) string {
	n := 0
	for i := range text {
		if n++; n > mostRunes {
			return text[:i] + "…"
		}
	}
	return text
}

// Words says in sentences what Sketch draws.
func Words(lanes []Lane) string {
	lanes, _ = bounded(lanes)
	var all []string
	for i, l := range lanes {
		s := l.Who
		if l.Process && i > 0 {
			s += ", in a process of its own"
		}
		s += ": " + strings.Join(l.Does, ", ")
		if l.Keeps != "" {
			s += "; " + l.Keeps + " again while the client keeps its connection"
		}
		if l.Again != "" {
			s += "; then " + l.Again + " again"
		}
		if l.Hands != "" && i+1 < len(lanes) {
			s += "; hands over the " + l.Hands
		}
		if l.Returns != "" && i > 0 {
			s += "; gives back the " + l.Returns
		}
		all = append(all, s+".")
	}
	return strings.Join(all, " ")
}

// sketch is the drawing as a chart without axes.
type sketch struct {
	Head
	lanes []Lane
	more  int // that are not drawn
}

// Table has a row for each lane.
func (s *sketch) Table() Table {
	t := Table{Header: []string{"lane", "steps", "goes on with", "while the connection is kept", "hands over",
		"gives back"}}
	for _, l := range s.lanes {
		t.Rows = append(t.Rows, []string{l.Who, strings.Join(l.Does, ", "), l.Again, l.Keeps, l.Hands, l.Returns})
	}
	return t
}

// Sizes of the drawing, pixels.
const (
	frameSpace  = 18.0 // between two processes
	handSpace   = 30.0 // between two lanes of which one hands something to the other
	frameBorder = 9.0
	stackStep   = 4.0 // by which each box behind the first one of a stack sticks out; there are two
	sketchWide  = 560 // from here on the clients stand at the left, not above
	socketWide  = 86.0
)

func (s *sketch) draw(f *frame) {
	if len(s.lanes) == 0 {
		f.nothing()
		return
	}
	lanes := s.lanes
	each := slices.ContainsFunc(lanes, func(l Lane) bool { return l.Listens })
	left, trunk, from := margin+22, margin+7, 0.0
	wide := f.width >= sketchWide
	if wide {
		left = margin + 80 + socketWide + 40
	} else {
		from = f.clientsAbove(each, trunk)
	}
	var accepts []float64 // where the ways from the listening socket end
	for i := 0; i < len(lanes); {
		n := i + 1
		for n < len(lanes) && !lanes[n].Process {
			n++
		}
		accepts = append(accepts, f.process(lanes[i:n], left)...)
		if i = n; i < len(lanes) {
			f.handOver(lanes[i-1], lanes[i], left, 2*frameBorder)
		}
	}
	if wide && len(accepts) > 0 {
		from = accepts[0]
		trunk = f.clientsAside(each, from)
		f.y = max(f.y, from+42)
	}
	for _, y := range accepts {
		f.way("", trunk, from, trunk, y, left+frameBorder, y)
	}
	f.y += 2 * stackStep
	if s.more > 0 {
		f.paragraph(fmt.Sprintf("… and %d more", s.more), "soft", 1)
	}
	f.y += 4
	f.paragraph(s.key(lanes), "soft", 4)
}

// key says what the signs of the drawing mean, those that are there.
func (s *sketch) key(lanes []Lane) string {
	t := "Filled: on a socket. Frame: a process."
	if slices.ContainsFunc(lanes, func(l Lane) bool { return l.Many }) {
		t += " Stack: several."
	}
	if slices.ContainsFunc(lanes, func(l Lane) bool { return l.Keeps != "" }) {
		t += " Dashed: while the client keeps its connection."
	}
	return t
}

// clientsAbove draws the clients and the listening socket in one line, and returns where the way from it goes on, down
// at trunk.
func (f *frame) clientsAbove(each bool, trunk float64) float64 {
	y := f.y + 18
	for i := range 3 {
		f.client(margin+7+14*float64(i), y)
	}
	f.text(margin+48, y+textSize*0.36, "", "", "clients")
	f.way("", margin+98, y, margin+126, y)
	name := "listening socket"
	if each {
		name = "listening socket each"
	}
	name = fit(name, textSize, f.width-(margin+126)-16-margin-2*stackStep)
	width := extent(name, textSize) + 16
	f.box("box", margin+126, y-13, width, 26, each)
	f.text(margin+134, y+textSize*0.36, "", "", name)
	f.y = y + 36
	x := margin + 126 + width/2
	f.path("way", "", x, y+13, x, f.y-8, trunk, f.y-8)
	return f.y - 8
}

// clientsAside draws them around y, and returns how far right the way from the socket may go before it turns.
func (f *frame) clientsAside(each bool, y float64) float64 {
	for i := range 3 {
		f.client(margin+22, y+15*float64(i-1))
	}
	f.text(margin+22, y+39, "", "middle", "clients")
	f.way("", margin+40, y, margin+76, y)
	x := margin + 76
	f.box("box", x, y-21, socketWide, 42, each)
	second := "socket"
	if each {
		second = "socket each"
	}
	f.text(x+socketWide/2, y-4, "", "middle", "listening")
	f.text(x+socketWide/2, y+13, "", "middle", second)
	f.path("way", "", x+socketWide, y, x+socketWide+20, y)
	return x + socketWide + 20
}

func (f *frame) client(x, y float64) {
	f.empty("circle", "class", "box", "cx", px(x), "cy", px(y), "r", "5", "fill", "none", "stroke", light.ink)
}

// process draws the lanes of one process and its frame, and returns the heights at which some of them accept.
func (f *frame) process(lanes []Lane, left float64) (accepts []float64) {
	right := f.width - margin - 2*stackStep
	top := f.y
	f.y += frameBorder + textSize
	label := "process"
	if lanes[0].Process && lanes[0].Many {
		label = "processes"
	}
	f.text(right-8, f.y-5, "soft", "end", label)
	for i, l := range lanes {
		if i > 0 {
			f.handOver(lanes[i-1], l, left, 0)
		}
		at := f.lane(l, left+frameBorder, right-frameBorder-2*stackStep)
		if slices.Contains(l.Does, "accept") {
			accepts = append(accepts, at)
		}
	}
	f.y += frameBorder
	f.box("process", left, top, right-left, f.y-top, lanes[0].Process && lanes[0].Many)
	return accepts
}

// handOver leaves room between two lanes and draws what the first gives to the second, and the second gives back. inset
// is how much of the way lies within their frames.
func (f *frame) handOver(from, to Lane, left, inset float64) {
	above := f.y - inset/2
	f.y += frameSpace
	if from.Hands != "" || to.Returns != "" {
		f.y += handSpace - frameSpace
	}
	below := f.y
	if inset > 0 {
		below += frameBorder + textSize
	}
	x, half := left+30, (f.width-left-margin-2*stackStep)/2
	middle := (above+below)/2 + textSize*0.36
	if from.Hands != "" {
		f.way("", x, above, x, below)
		f.text(x+6, middle, "halo", "", fit(from.Hands, textSize, half-40))
	}
	if to.Returns != "" {
		x += half - 20
		f.way("", x, below, x, above)
		f.text(x+6, middle, "halo", "", fit(to.Returns, textSize, half-40))
	}
}

// box draws a rectangle, with the edges of two more behind it where there are several.
func (f *frame) box(class string, x, y, width, height float64, several bool) {
	stroke, dash, radius := light.ink, "", "4"
	if class == "process" {
		stroke, dash, radius = light.soft, "", "8"
	}
	f.empty("rect", "class", class, "x", px(x), "y", px(y), "width", px(width), "height", px(height), "rx", radius,
		"fill", "none", "stroke", stroke, "stroke-dasharray", dash)
	for i := 1.0; several && i <= 2; i++ {
		d := i * stackStep
		f.path(class, "", x+d+2, y+height+d, x+width+d, y+height+d, x+width+d, y+d+2)
	}
}

// path draws a line through points, pairs of x and y.
func (f *frame) path(class, dash string, xy ...float64) {
	stroke := light.ink
	if class == "process" {
		stroke = light.soft
	}
	f.empty("path", "class", class, "d", path(xy), "fill", "none", "stroke", stroke, "stroke-dasharray", dash)
}

// way is a path with an arrow's tip at its end, in the direction of its last part, which is level or upright.
func (f *frame) way(dash string, xy ...float64) {
	f.path("way", dash, xy...)
	n := len(xy)
	x, y, dx, dy := xy[n-2], xy[n-1], xy[n-2]-xy[n-4], xy[n-1]-xy[n-3]
	tip := []float64{x, y, x - 7, y - 3.5, x - 7, y + 3.5}
	switch {
	case dy > 0:
		tip = []float64{x, y, x - 3.5, y - 7, x + 3.5, y - 7}
	case dy < 0:
		tip = []float64{x, y, x - 3.5, y + 7, x + 3.5, y + 7}
	case dx < 0:
		tip = []float64{x, y, x + 7, y - 3.5, x + 7, y + 3.5}
	}
	f.empty("path", "class", "tip", "d", closed(tip...), "fill", light.ink)
}
