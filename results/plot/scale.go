package plot

import (
	"math"
	"strconv"
	"strings"
)

// Scale is how an axis maps figures to places.
type Scale int

// The scales. A bar's length says something on Linear only.
const (
	Linear Scale = iota // from zero, always
	Log                 // each step multiplies; what is not positive has no place
	Counts              // as Log, for whole numbers: 0, too, has a place, half a decade before 1
	Nines               // for quantiles of 0 to 1: each further nine takes the same room; 1 has no place
)

// Axis is one direction of a chart.
type Axis struct {
	Title string // what it measures
	Unit  Unit
	Scale Scale
}

// name is the axis's title with unit and scale, without which it can't be read.
func (a Axis) name() string {
	var more []string
	if a.Unit.Symbol != "" {
		more = append(more, a.Unit.Symbol)
	}
	switch a.Scale {
	case Log, Counts:
		more = append(more, "log scale")
	case Nines:
		more = append(more, "each nine takes a step")
	}
	if len(more) == 0 {
		return a.Title
	}
	return a.Title + " (" + strings.Join(more, ", ") + ")"
}

// column is the head of the axis's column in a table.
func (a Axis) column() string {
	if a.Unit.Symbol == "" {
		return a.Title
	}
	return a.Title + " (" + a.Unit.Symbol + ")"
}

// place is where a figure lies on the scale before it is mapped to pixels; ok is false where it has no place.
func (s Scale) place(v float64) (p float64, ok bool) {
	if !drawable(v) {
		return 0, false
	}
	switch s {
	case Log:
		return math.Log10(v), v >= 1e-18
	case Counts:
		if v == 0 {
			return placeOfZero, true
		}
		return math.Log10(v), v >= 1
	case Nines:
		return -math.Log10(1 - v), v >= 0 && v < 1 // Tene's percentile axis, as HdrHistogram's plots have it
	}
	if math.Abs(v) < 1e-18 { // a scale of it would have no step
		v = 0
	}
	return v, true
}

// placeOfZero is where 0 lies on Counts.
const placeOfZero = -0.5

// tick is a line across the chart; a label may be empty where there is no room.
type tick struct {
	at    float64 // pixels
	label string
}

// ruler is a scale that knows its ends.
type ruler struct {
	axis       Axis
	lo, hi     float64 // places
	from, to   float64 // pixels of lo and hi; to is less than from where it points upwards
	lengthwise bool    // labels lie along it, so they need their own width
	step       float64 // from tick to tick of a linear scale, base units
}

// newRuler spans all figures that have a place. On a linear scale zero is always among them.
func newRuler(a Axis, figures []float64, from, to float64, lengthwise bool) ruler {
	r := ruler{axis: a, lo: math.Inf(1), hi: math.Inf(-1), from: from, to: to, lengthwise: lengthwise}
	for _, v := range figures {
		if p, ok := a.Scale.place(v); ok {
			r.lo, r.hi = min(r.lo, p), max(r.hi, p)
		}
	}
	if math.IsInf(r.lo, 1) {
		r.lo, r.hi = 0, 0
	}
	switch a.Scale {
	case Linear:
		size := a.Unit.of(1)
		r.lo, r.hi = min(r.lo, 0), max(r.hi, 0)
		if r.lo == r.hi {
			r.hi = 1 / size
		}
		r.step = r.roundStep()
		r.lo, r.hi = math.Floor(r.lo/r.step+1e-9)*r.step, math.Ceil(r.hi/r.step-1e-9)*r.step
	case Log:
		shift := math.Log10(a.Unit.of(1)) // a tick is a round number of the unit, not of the base unit
		r.lo, r.hi = roundLog(r.lo+shift, false)-shift, roundLog(r.hi+shift, true)-shift
		if r.hi-r.lo < 0.2 {
			r.lo, r.hi = roundLog(r.lo+shift-0.1, false)-shift, roundLog(r.hi+shift+0.1, true)-shift
		}
	case Counts:
		if r.lo > placeOfZero {
			r.lo = roundLog(r.lo, false)
		}
		r.hi = max(roundLog(r.hi, true), r.lo+1)
	case Nines:
		r.lo, r.hi = 0, max(r.hi, 1)
	}
	return r
}

// at is the pixel of a figure; ok is false where it has no place.
func (r ruler) at(v float64) (float64, bool) {
	p, ok := r.axis.Scale.place(v)
	return r.pixel(p), ok
}

func (r ruler) pixel(place float64) float64 {
	return r.from + (place-r.lo)/(r.hi-r.lo)*(r.to-r.from)
}

// room is how many ticks have room.
func (r ruler) room() float64 {
	if r.lengthwise {
		return max(math.Abs(r.to-r.from)/72, 2)
	}
	return max(math.Abs(r.to-r.from)/44, 2)
}

// roundStep is the distance of a linear scale's ticks: 1, 2 or 5 times a power of ten of the unit, in base units.
func (r ruler) roundStep() float64 {
	size := r.axis.Unit.of(1)
	want := (r.hi - r.lo) * size / r.room()
	power := math.Pow(10, math.Floor(math.Log10(want)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= want*0.999 {
			return n * power / size
		}
	}
	return 10 * power / size
}

// roundLog goes outwards to the next 1, 2 or 5 times a power of ten.
func roundLog(p float64, up bool) float64 {
	whole := math.Floor(p)
	marks := []float64{0, math.Log10(2), math.Log10(5), 1}
	if up {
		for _, m := range marks {
			if whole+m >= p-1e-9 {
				return whole + m
			}
		}
	}
	for i := len(marks) - 1; i > 0; i-- {
		if whole+marks[i] <= p+1e-9 {
			return whole + marks[i]
		}
	}
	return whole
}

// ticks are the ruler's lines, in order. Labels that would touch the one before stay empty.
func (r ruler) ticks() (all []tick) {
	switch r.axis.Scale {
	case Log:
		all = r.logTicks(r.lo)
	case Counts:
		if r.lo < 0 {
			all = append(all, tick{r.pixel(placeOfZero), "0"})
		}
		all = append(all, r.logTicks(max(r.lo, 0))...)
	case Nines:
		all = r.nines()
	default:
		size, step := r.axis.Unit.of(1), r.step
		digits := max(0, -int(math.Floor(math.Log10(step*size)+1e-9)))
		for i := math.Round(r.lo / step); i*step <= r.hi+step/2; i++ {
			label := strconv.FormatFloat(i*step*size, 'f', digits, 64)
			if i == 0 {
				label = "0"
			}
			all = append(all, tick{r.pixel(i * step), short(label)})
		}
	}
	return r.thin(all)
}

// short prints very large numbers by powers of ten.
func short(label string) string {
	if whole, _, _ := strings.Cut(label, "."); len(whole) > 10 {
		v, _ := strconv.ParseFloat(label, 64) // it was printed by FormatFloat
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return thousands(label)
}

// logTicks are those at powers of ten from a place on, and between them where there is room.
func (r ruler) logTicks(from float64) (all []tick) {
	shift := math.Log10(r.axis.Unit.of(1))
	factors := []float64{1}
	if r.hi-r.lo < 1.3 || 3*(r.hi-r.lo) < 1.5*r.room() {
		factors = []float64{1, 2, 5}
	}
	every := max(1, int(math.Ceil((r.hi-r.lo)/r.room())))
	for e := int(math.Floor(r.lo + shift)); float64(e) <= r.hi+shift+1e-9; e++ {
		for _, f := range factors {
			p := float64(e) + math.Log10(f) - shift
			if p < from-1e-9 || p > r.hi+1e-9 || e%every != 0 {
				continue
			}
			label := strconv.FormatFloat(f*math.Pow(10, float64(e)), 'f', max(0, -e), 64)
			if e < -5 {
				label = strconv.FormatFloat(f, 'f', 0, 64) + "e" + strconv.Itoa(e)
			}
			all = append(all, tick{r.pixel(p), short(label)})
		}
	}
	return all
}

func (r ruler) nines() (all []tick) {
	all = []tick{{r.pixel(0), "0 %"}, {r.pixel(math.Log10(2)), "50 %"}}
	for n := 1; float64(n) <= r.hi+1e-9; n++ {
		label := "90"
		if n > 1 {
			label = "99"
		}
		if n > 2 {
			label += "." + strings.Repeat("9", n-2)
		}
		all = append(all, tick{r.pixel(float64(n)), label + " %"})
	}
	return all
}

// thin empties labels that have no room beside the one before.
func (r ruler) thin(all []tick) []tick {
	free := math.Inf(-1)
	for i := range all {
		t, half := &all[i], textSize/2+2
		at := t.at
		if r.lengthwise {
			half = extent(t.label, textSize)/2 + 3
		} else {
			at = -at // it points upwards
		}
		if at-half < free {
			t.label = ""
			continue
		}
		free = at + half
	}
	return all
}
