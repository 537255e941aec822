package plot

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

var rows = []string{"iterative", "eventloop", "threadpool 64", "thread", "goroutine", "process", "prefork 64", "epoll",
	"amped"}

func percentiles() *Lines {
	c := &Lines{Head: Head{Title: "Response time by percentile", Of: "architecture",
		Note: "Poisson arrivals, 310/s, 64 clients; the trial with the median p99 of six",
		Desc: "The process row is fifty times slower throughout; all others part only above the 99th percentile."},
		X: Axis{"percentile", Percent, Nines}, Y: Axis{"response time", Milliseconds, Log}}
	for i, name := range rows {
		s := Series{Name: name, Style: i}
		for n := 0.0; n <= 3.05; n += 0.1 {
			q := 1 - math.Pow(10, -n)
			v := (180e-6 + 20e-6*float64(i)) * math.Exp(0.35*n*(1+0.25*float64(i%4)))
			if name == "process" {
				v *= 50
			}
			s.Points = append(s.Points, Point{X: q, Y: v, Open: n > 2.95 && i == 3})
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func knees() *Lines {
	c := &Lines{Head: Head{Title: "Latency against throughput", Of: "architecture", Note: "p99, offered rate stepped up",
		Desc: "Each line goes right until its knee, and then up."},
		X: Axis{"right answers per second", PerSecond, Linear}, Y: Axis{"p99 of the response time", Milliseconds, Log}}
	for i, top := range []float64{24000, 16500, 12400} {
		s := Series{Name: rows[i], Style: i}
		for n := 1; n <= 8; n++ {
			share := float64(n) / 8
			v := 300e-6 / (1.04 - share)
			p := Point{X: top * math.Min(share, 0.98), Y: v, Interval: &Interval{v * 0.8, v * 1.3}, Open: n == 8}
			if n == 7 {
				p.Mark = "knee"
			}
			s.Points = append(s.Points, p)
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func offered() *Lines {
	c := &Lines{Head: Head{Title: "Throughput against offered load", Of: "architecture"},
		X: Axis{"offered", PerSecond, Linear}, Y: Axis{"right answers", PerSecond, Linear},
		Series: []Series{{Name: "as offered", Reference: true, Points: []Point{{X: 0, Y: 0}, {X: 30000, Y: 30000}}}}}
	for i, top := range []float64{24000, 16500} {
		s := Series{Name: rows[i], Style: i}
		for x := 3000.0; x <= 30000; x += 3000 {
			s.Points = append(s.Points, Point{X: x, Y: math.Min(x, top)})
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func crash() *Lines {
	c := &Lines{Head: Head{Title: "What a crash costs, over time", Of: "architecture"},
		X: Axis{"time since the fault", Seconds, Linear}, Y: Axis{"right answers", PerSecond, Linear},
		Moments: []Moment{{0, "server killed (SIGKILL)"}, {0.14, "prefork answers again"}}}
	for i, down := range []float64{0.02, 0.14} {
		s := Series{Name: []string{"eventloop", "prefork 64"}[i], Style: []int{1, 6}[i]}
		for n := -50; n <= 50; n++ {
			t := float64(n) / 100
			v := 9000 - 900*float64(i) + 150*math.Sin(float64(7*n))
			if t >= 0 && t < down {
				v = 0
			}
			s.Points = append(s.Points, Point{X: t, Y: v})
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func cpu() *Bars {
	c := &Bars{Head: Head{Title: "CPU time per request: in the program and in the kernel", Of: "architecture",
		Note: "constant arrivals, 3,000/s, a connection per request; medians of six trials"},
		Axis: Axis{"CPU time per request", Microseconds, Linear}, Parts: []string{"user", "system"}, Stacked: true,
		Cut: 150e-6}
	for i, v := range []float64{40, 59.4, 78.7, 110, 78.2, 3300, 81.7} {
		v *= 1e-6
		c.Rows = append(c.Rows, BarRow{Name: rows[i], Style: i, Values: []float64{0.3 * v, 0.7 * v},
			Intervals: []*Interval{{0.96 * v, 1.05 * v}}})
	}
	c.Rows[3].Notes = []string{"(disturbed)"}
	c.Rows = append(c.Rows, BarRow{Name: "amped", Values: []float64{math.NaN(), math.NaN()}, Notes: []string{"stuck"}})
	return c
}

func states() *Bars {
	return &Bars{Head: Head{Title: "CPU time per read, by what the server remembers", Of: "architecture"},
		Axis: Axis{"CPU time per read", Microseconds, Linear}, Parts: []string{"stateless", "soft", "stateful"},
		Rows: []BarRow{
			{Name: "eventloop", Values: []float64{20.7e-6, 18.9e-6, 19.3e-6},
				Intervals: []*Interval{{19.8e-6, 21.5e-6}, {18.2e-6, 19.6e-6}, nil}},
			{Name: "prefork 64", Values: []float64{33e-6, 31e-6, math.NaN()}},
		}}
}

func balance() *Dots {
	c := &Dots{Head: Head{Title: "How even is the work? Requests of each worker", Of: "architecture"},
		Axis: Axis{"share of a fair share", Percent, Linear}, Moments: []Moment{{1, "fair share"}}}
	for i, spread := range []float64{0.01, 0.2, 0.6} {
		r := DotRow{Name: []string{"threadpool 64", "prefork 64", "symped"}[i], Style: []int{2, 6, 9}[i]}
		for n := range 64 {
			r.Values = append(r.Values, 1+spread*math.Sin(float64(n*n)))
		}
		c.Rows = append(c.Rows, r)
	}
	return c
}

func trials() *Dots {
	c := &Dots{Head: Head{Title: "CPU time per request, every trial", Of: "architecture"},
		Axis: Axis{"CPU time per request", Microseconds, Log}}
	for i, v := range []float64{40e-6, 59.4e-6, 3300e-6, 81.7e-6} {
		r := DotRow{Name: rows[i], Style: i, Median: &Median{v, 0.97 * v, 1.04 * v}}
		for n := range 6 {
			r.Values = append(r.Values, v*(0.96+0.02*float64(n)))
		}
		c.Rows = append(c.Rows, r)
	}
	c.Rows = append(c.Rows, DotRow{Name: "amped", Note: "stuck"})
	return c
}

// gallery is one chart of each kind that the report draws.
func gallery() map[string]Chart {
	return map[string]Chart{"percentiles": percentiles(), "knees": knees(), "offered": offered(), "crash": crash(),
		"cpu": cpu(), "states": states(), "balance": balance(), "trials": trials(), "map": phases()}
}

// elements reads a document to its end and counts its elements by name. What is not well-formed fails the test.
func elements(t *testing.T, svg []byte) map[string]int {
	t.Helper()
	seen := map[string]int{}
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return seen
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok {
			seen[e.Name.Local]++
			for _, a := range e.Attr {
				if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") || strings.HasSuffix(a.Name.Local, "href") {
					t.Errorf("attribute %s of %s", a.Name.Local, e.Name.Local)
				}
				if bad := []string{"NaN", "Inf"}; slices.ContainsFunc(bad, func(b string) bool {
					return strings.Contains(a.Value, b)
				}) {
					t.Errorf("%s of %s is %q", a.Name.Local, e.Name.Local, a.Value)
				}
			}
		}
	}
}

func TestGolden(t *testing.T) {
	for name, c := range gallery() {
		for suffix, width := range map[string]float64{"": 720, "-narrow": 358} {
			svg := SVG(c, Options{ID: name + suffix, Width: width})
			elements(t, svg)
			golden(t, name+suffix+".svg", svg)
		}
		golden(t, name+".csv", c.Table().CSV())
	}
}

// golden compares text with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, text []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s differs: look at the new picture, and run with -update if it is right", path)
	}
}

// TestTableIsComplete asks that every name and every figure of a chart stands in its table, in rows of one length, and
// that CSV says the same.
func TestTableIsComplete(t *testing.T) {
	for name, c := range gallery() {
		table := c.Table()
		for _, r := range table.Rows {
			if len(r) != len(table.Header) {
				t.Errorf("%s: row %q has %d cells, the header %d", name, r, len(r), len(table.Header))
			}
		}
		all, err := csv.NewReader(bytes.NewReader(table.CSV())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(all, append([][]string{table.Header}, table.Rows...), slices.Equal) {
			t.Errorf("%s: the CSV is not the table", name)
		}
	}
	if got := len(percentiles().Table().Rows); got != 9*31 {
		t.Errorf("percentiles: %d rows, want one for each of 279 points", got)
	}
	row := cpu().Table().Rows[0]
	if want := []string{"iterative", "12", "28", "40", "38.4", "42", ""}; !slices.Equal(row, want) {
		t.Errorf("cpu: %q, want %q", row, want)
	}
}

// TestCSVHoldsNoFormula puts what a spreadsheet would run into names, and asks that figures stay as they are.
func TestCSVHoldsNoFormula(t *testing.T) {
	for text, want := range map[string]string{"=1+1": "'=1+1", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-x": "'-x",
		"@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "-0.5": "-0.5", "+1e6": "+1e6", "": "", "a=b": "a=b",
		"n/a": "n/a", "-": "'-", "-1+1": "'-1+1"} {
		all, err := csv.NewReader(bytes.NewReader(Table{Header: []string{"name", text}}.CSV())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(all[0][1], "\r\n", "\n"); got != want {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
	}
}

// hostile puts one text into every string of every kind of chart.
func hostile(text string, v float64) []Chart {
	h := Head{Title: text, Note: text, Desc: text, Of: text}
	a := Axis{Title: text, Unit: Unit{Symbol: text, Size: 1e-3}}
	log, nines := a, a
	log.Scale, nines.Scale = Log, Nines
	points := []Point{{X: v, Y: v, Mark: text, Interval: &Interval{v, v}}, {X: 0.5, Y: v}, {X: v, Y: 2, Open: true}}
	series := []Series{{Name: text, Style: -3, Points: points}, {Name: text, Reference: true, Points: points}}
	bars := []BarRow{{Name: text, Style: 99, Values: []float64{v, 1}, Intervals: []*Interval{{v, v}},
		Notes: []string{text, text}}}
	dots := []DotRow{{Name: text, Values: []float64{v, v, 1}, Median: &Median{v, v, v}, Note: text}}
	moments := []Moment{{v, text}, {0.5, text}}
	var all []Chart
	for _, x := range []Axis{a, log, nines} {
		for _, y := range []Axis{a, log, nines} {
			all = append(all, &Lines{Head: h, X: x, Y: y, Series: series, Moments: moments})
		}
		all = append(all, &Dots{Head: h, Axis: x, Rows: dots, Moments: moments},
			&Bars{Head: h, Axis: x, Parts: []string{text, text}, Stacked: true, Rows: bars},
			&Bars{Head: h, Axis: x, Parts: []string{text, text}, Cut: v, Rows: bars, Moments: moments})
	}
	cells := [][]MapCell{{{Known: true, Note: text}, {Known: true, Key: -1, Note: text}}, {{Note: text}}}
	return append(all, &Map{Head: h, Across: text, Up: text, Columns: []string{text, text}, Rows: []string{text}, Cells: cells,
		Keys: []MapKey{{text, text, 99}}})
}

// TestTextIsNeverMarkup puts a script into every string.
func TestTextIsNeverMarkup(t *testing.T) {
	for _, text := range []string{"<script>alert(1)</script>", `"><script>alert(1)</script>`, "]]><!--", "a\x00b\xffc\n",
		`'" onload="alert(1)`, strings.Repeat("w", 10_000), strings.Repeat("a <b> ", 2_000)} {
		for i, c := range hostile(text, 0.25) {
			svg := SVG(c, Options{ID: text, Width: 300, Inline: i%2 == 0})
			for name := range elements(t, svg) {
				if !slices.Contains([]string{"svg", "title", "desc", "style", "rect", "g", "text", "line", "path", "circle",
					"defs", "pattern"}, name) {
					t.Errorf("element %s from %.40q", name, text)
				}
			}
		}
	}
}

// TestOddFigures draws what measurements must not be, and nothing at all.
func TestOddFigures(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, -1, 1, 1e-300, 1e300, -1e300, 1e18, -1e18,
		math.MaxFloat64, 5e-324, 1 - 1e-16} {
		for _, c := range hostile("x", v) {
			elements(t, SVG(c, Options{}))
			c.Table()
		}
	}
	for _, c := range []Chart{&Lines{}, &Lines{Series: []Series{{Name: "a"}}}, &Bars{},
		&Bars{Rows: []BarRow{{Name: "a"}}},
		&Bars{Parts: []string{"a"}}, &Bars{Parts: []string{"a", "b"}, Rows: []BarRow{{Name: "a"}}}, &Dots{},
		&Dots{Rows: []DotRow{{Name: "a"}}}} {
		elements(t, SVG(c, Options{Width: math.Inf(1)}))
		c.Table()
	}
	one := &Lines{Series: []Series{{Name: "a", Points: []Point{{X: 3, Y: 4}}}}}
	if n := elements(t, SVG(one, Options{}))["circle"]; n != 2 {
		t.Errorf("one point: %d circles, want that of the legend and the point", n)
	}
	limit := &Lines{Series: []Series{{Name: "ceiling", Reference: true, Points: []Point{{X: 3, Y: 4}}}}}
	if n := elements(t, SVG(limit, Options{}))["path"]; n != 2 {
		t.Errorf("a limit of one place: %d paths, want that of the legend and a dash", n)
	}
	lost := &Lines{Y: Axis{Scale: Log}, Series: []Series{{Name: "a", Points: []Point{{X: 3, Y: 4}, {X: 4, Y: -1}}}}}
	if !bytes.Contains(SVG(lost, Options{}), []byte("1 figures have no place")) {
		t.Error("a figure that is left out is not mentioned")
	}
}

// FuzzChart draws one of the hostile charts at a time: which says the number of it.
func FuzzChart(f *testing.F) {
	for which := range uint8(len(hostile("", 0))) {
		f.Add("<script>", 0.25, 300.0, which)
		f.Add("\xff]]>", math.Inf(-1), -4.0, which)
		f.Add("é 漢字", 1e-9, 1e9, which)
		f.Add("é \xe6+\xa2字", 1e-9, 1.000000005e9, which)
	}
	f.Fuzz(func(t *testing.T, text string, v, width float64, which uint8) {
		all := hostile(text, v)
		c := all[int(which)%len(all)]
		elements(t, SVG(c, Options{ID: text, Width: width, Inline: true}))
		if _, err := csv.NewReader(bytes.NewReader(c.Table().CSV())).ReadAll(); err != nil {
			t.Errorf("the CSV can't be read: %v", err)
		}
	})
}
