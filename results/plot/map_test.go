package plot

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// phases is a map on which two things win, one never does, a cell is a draw, and one was not measured.
func phases() *Map {
	won := func(key int, note string) MapCell { return MapCell{Known: true, Key: key, Note: note} }
	draw := won(-1, "no measurable difference")
	return &Map{Head: Head{Title: "Who answers the most: 64 clients", Of: "architecture", Note: "grey: no difference",
		Desc: "Each cell has the letter of the row that answers the most."},
		Across: "service time of a request", Up: "share of it that blocks",
		Columns: []string{"100 µs", "1.0 ms", "5.0 ms"}, Rows: []string{"0 %", "100 %"},
		Cells: [][]MapCell{{draw, draw, {}},
			{won(1, "1.2 times thread"), won(0, "4 times iterative"), won(0, "64 times iterative")}},
		Keys: []MapKey{{"C", rows[2], 2}, {"E", rows[4], 4},
			{"L", "a pool of processes that is told each connection", 12}}}
}

func TestMapTable(t *testing.T) {
	table := phases().Table()
	if want := []string{"architecture", "share of it that blocks", "service time of a request", "note"}; !slices.Equal(
		table.Header, want) {
		t.Errorf("header %q, want %q", table.Header, want)
	}
	for i, want := range [][]string{
		{"none", "0 %", "100 µs", "no measurable difference"},
		{"none", "0 %", "1.0 ms", "no measurable difference"},
		{"n/a", "0 %", "5.0 ms", ""},
		{"goroutine", "100 %", "100 µs", "1.2 times thread"},
		{"threadpool 64", "100 %", "1.0 ms", "4 times iterative"},
		{"threadpool 64", "100 %", "5.0 ms", "64 times iterative"},
	} {
		if got := table.Rows[i]; !slices.Equal(got, want) {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
}

// TestMapSaysAllWithoutColour asks for what keyboards and screen readers walk through: a group for each thing, in the
// order of the keys, with a text on each of its cells, and a letter.
func TestMapSaysAllWithoutColour(t *testing.T) {
	svg := string(SVG(phases(), Options{ID: "map", Width: 720}))
	for _, want := range []string{
		"threadpool 64, 100 %, 1.0 ms: 4 times iterative",
		"goroutine, 100 %, 100 µs: 1.2 times thread",
		"0 %, 1.0 ms: no measurable difference",
	} {
		if n := strings.Count(svg, "<title>"+want+"</title>"); n != 1 {
			t.Errorf("%d cells say %q", n, want)
		}
	}
	for letter, n := range map[string]int{"C": 2, "E": 1, "=": 2, "L": 0} {
		if got := strings.Count(svg, ">"+letter+"</text>"); got != n {
			t.Errorf("%d cells have the letter %s, want %d", got, letter, n)
		}
	}
	first, second := strings.Index(svg, `data-series="0"`), strings.Index(svg, `data-series="1"`)
	if first < 0 || second < first {
		t.Errorf("the groups begin at %d and %d", first, second)
	}
}

// TestMapOfNothing draws maps without cells, and cells of things and places that have no name.
func TestMapOfNothing(t *testing.T) {
	for _, m := range []*Map{{}, {Columns: []string{"1"}}, {Cells: [][]MapCell{{{Known: true}}}}} {
		if svg := SVG(m, Options{Width: 300}); !bytes.Contains(svg, []byte("no figures")) {
			t.Errorf("%+v is drawn:\n%s", m, svg)
		}
	}
	odd := &Map{Columns: []string{"1"}, Cells: [][]MapCell{{{Known: true, Key: 7}, {Known: true}}, nil}}
	elements(t, SVG(odd, Options{Width: 300}))
	if got := odd.Table().Rows[0]; !slices.Equal(got, []string{"none", "", "1", ""}) {
		t.Errorf("a thing without a name: %q", got)
	}
}
