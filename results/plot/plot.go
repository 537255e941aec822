// Package plot draws charts as SVG: lines, bars and dots. A chart is a small struct of data in base units; SVG turns it
// into a picture and Table into the same figures in words, so that page, file and table never differ. It knows nothing
// of servers, needs no network, no script and no fonts of its own, and gives the same bytes for the same data.
//
// Names come from records that others have written: text is escaped where it is written, in one place (canvas), and
// never becomes markup.
package plot

import (
	"encoding/csv"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Chart is a Lines, Bars or Dots.
type Chart interface {
	// Table is the chart's data: figures in the units of the axes, which the header names.
	Table() Table
	// Heading is what stands above its drawing.
	Heading() Head
	head() *Head
	draw(f *frame)
}

// Head is what every chart has above its drawing.
type Head struct {
	Title string // one line: what is shown
	Note  string // the setting without which the figures say nothing: arrival model, rate, clients, trials
	Desc  string // what there is to see, in a sentence or two, for who listens to the page
	Of    string // what a line, bar or row is one of: "architecture"
	Count string // what N counts in a table, "trials"; "" where a figure is no median of several
}

// Heading makes whatever has a Head a part of a Chart.
func (h *Head) Heading() Head { return *h }

func (h *Head) head() *Head { return h }

// Table is a chart's data in words. Each row has as many cells as the header.
type Table struct {
	Header []string
	Rows   [][]string
}

// CSV is the table as RFC 4180 has it. A spreadsheet takes a cell that begins with = + - @, a tab or a line's end for a
// formula and runs it when the file is opened, and names come from others: such a cell gets a leading apostrophe,
// unless it is a number (OWASP, CSV Injection).
func (t Table) CSV() []byte {
	var b strings.Builder
	w := csv.NewWriter(&b)
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		cells := slices.Clone(row)
		for i := range cells {
			cells[i] = defused(cells[i])
		}
		_ = w.Write(cells) // a Builder takes everything
	}
	w.Flush()
	return []byte(b.String())
}

func defused(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

// Unit is what figures are printed in: a figure in base units is divided by Size.
type Unit struct {
	Symbol string  // "ms"; empty for plain numbers
	Size   float64 // of one such unit, in base units; 0 is 1
}

// The units of charts. The base units are second, byte and 1.
var (
	Plain        = Unit{}
	Seconds      = Unit{"s", 1}
	Milliseconds = Unit{"ms", 1e-3}
	Microseconds = Unit{"µs", 1e-6}
	Kilobytes    = Unit{"KB of 1,024 bytes", 1024}
	Megabytes    = Unit{"MB of 1,048,576 bytes", 1 << 20}
	PerSecond    = Unit{"1/s", 1}
	Percent      = Unit{"%", 0.01}
)

func (u Unit) of(v float64) float64 {
	if u.Size > 0 {
		return v / u.Size
	}
	return v
}

// Interval is the 95 % confidence interval of a figure, in base units.
type Interval struct{ Low, High float64 }

// Moment is a place on an axis that is marked across the chart: a fault, the fair share.
type Moment struct {
	At    float64 // in the axis's base units
	Label string
}

// drawable tells whether a figure has a place on a chart. What is beyond any measurement could overflow a scale.
func drawable(v float64) bool { return !math.IsNaN(v) && math.Abs(v) <= 1e18 }

// cell prints a figure for a table: at least six digits, and all of a whole number's.
func cell(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "n/a"
	case v == math.Trunc(v) && math.Abs(v) < 1e15:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// intervalHeader are the heads of intervalCells.
func intervalHeader(u Unit) []string {
	if u.Symbol == "" {
		return []string{"95 % low", "95 % high"}
	}
	return []string{"95 % low (" + u.Symbol + ")", "95 % high (" + u.Symbol + ")"}
}

// intervalCells are the two cells of an interval, empty where there is none.
func intervalCells(i *Interval, u Unit) []string {
	if i == nil {
		return []string{"", ""}
	}
	return []string{cell(u.of(i.Low)), cell(u.of(i.High))}
}

// figure prints a figure beside its bar: three digits, or all of a count below a thousand.
func figure(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "n/a"
	}
	if math.Abs(v) < 1000 && v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	digits := decimals(v)
	if digits >= 0 {
		t := strconv.FormatFloat(v, 'f', digits, 64)
		if printed, err := strconv.ParseFloat(t, 64); err == nil && decimals(printed) < digits { // 9.998 is 10.0
			t = strconv.FormatFloat(v, 'f', max(digits-1, 0), 64)
		}
		return t
	}
	unit := math.Pow(10, float64(-digits))
	return short(strconv.FormatFloat(math.Round(v/unit)*unit, 'f', 0, 64))
}

// decimals is how many digits after the point make three in all.
func decimals(v float64) int { return min(2-int(math.Floor(math.Log10(math.Abs(v)))), 9) }

// thousands puts separators into the whole part of a number.
func thousands(t string) string {
	whole, part, dot := strings.Cut(t, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		whole += "." + part
	}
	return sign + whole
}
