package plot

import "strconv"

// Map draws which of several things wins in each cell of a grid: a colour and a letter say the same.
type Map struct {
	Head
	Across, Up    string      // what the columns and the rows are
	Columns, Rows []string    // labels, left to right and from the bottom up
	Cells         [][]MapCell // [row][column]
	Keys          []MapKey
}

// MapKey is a thing that may win.
type MapKey struct {
	Letter, Name string
	Style        int
}

// MapCell is one cell.
type MapCell struct {
	Known bool   // false: nothing was measured here
	Key   int    // number of the thing that wins; -1: none does
	Note  string // in the table and beside the pointer: "1.4 times thread"
}

// winner is the key of a cell; nil where nobody wins, or the number is that of none.
func (m *Map) winner(c *MapCell) *MapKey {
	if !c.Known || c.Key < 0 || c.Key >= len(m.Keys) {
		return nil
	}
	return &m.Keys[c.Key]
}

// Table implements Chart: a row for each cell; the winner first.
func (m *Map) Table() Table {
	t := Table{Header: []string{orWord(m.Of, "winner"), m.Up, m.Across, "note"}}
	for i := range m.Cells {
		for k := range m.Cells[i] {
			c := &m.Cells[i][k]
			name := "none"
			if key := m.winner(c); key != nil {
				name = key.Name
			} else if !c.Known {
				name = "n/a"
			}
			t.Rows = append(t.Rows, []string{name, labelOf(m.Rows, i), labelOf(m.Columns, k), c.Note})
		}
	}
	return t
}

func labelOf(labels []string, i int) string {
	if i < len(labels) {
		return labels[i]
	}
	return ""
}

const (
	mapCellHeight = 34.0
	mapCellMost   = 110.0 // width
)

func (m *Map) draw(f *frame) {
	if len(m.Cells) == 0 || len(m.Columns) == 0 {
		f.nothing()
		return
	}
	names := 0.0
	for _, r := range m.Rows {
		names = max(names, extent(r, textSize))
	}
	f.y += textSize + 4
	f.text(margin, f.y, "", "", fit(m.Up, textSize, f.inner()))
	a := area{left: margin + min(names, f.inner()*0.3) + 10, right: f.width - margin, top: f.y + 8}
	width := min((a.right-a.left)/float64(len(m.Columns)), mapCellMost)
	a.right = a.left + width*float64(len(m.Columns))
	a.bottom = a.top + mapCellHeight*float64(len(m.Cells))
	for i := range m.Cells {
		y := a.bottom - mapCellHeight*float64(i+1)
		f.text(a.left-8, y+mapCellHeight/2+textSize*0.36, "soft", "end", fit(labelOf(m.Rows, i), textSize, a.left-margin-8))
	}
	for n := range m.Keys { // a group for each winner, so that a page can switch it and arrow keys walk through it
		m.group(f, n, a, width)
	}
	m.group(f, -1, a, width)
	f.y = a.bottom + textSize + 5
	for k, label := range m.Columns {
		f.text(a.left+width*(float64(k)+0.5), f.y, "soft", "middle", fit(label, textSize, width-2))
	}
	f.y += textSize + 6
	f.text(a.left, f.y, "", "", fit(m.Across, textSize, f.width-margin-a.left))
	f.y += 8
	m.keys(f)
}

// group draws the cells that a thing wins; those that nobody does for -1.
func (m *Map) group(f *frame, n int, a area, width float64) {
	class, number := "series "+reference.class, ""
	if n >= 0 {
		class, number = "series "+lookOf(m.Keys[n].Style).class, strconv.Itoa(n)
	}
	f.start("g", "class", class, "data-series", number)
	for i := len(m.Cells) - 1; i >= 0; i-- {
		for k := range m.Cells[i] {
			c := &m.Cells[i][k]
			key := m.winner(c)
			if k >= len(m.Columns) || n >= 0 && key != &m.Keys[n] || n < 0 && key != nil {
				continue
			}
			x, y := a.left+width*float64(k), a.bottom-mapCellHeight*float64(i+1)
			title := labelOf(m.Rows, i) + ", " + labelOf(m.Columns, k) + ": " + c.Note
			if key != nil {
				title = key.Name + ", " + title
			}
			m.cell(f, c, key, title, x, y, width)
		}
	}
	f.end("g")
}

func (m *Map) cell(f *frame, c *MapCell, key *MapKey, title string, x, y, width float64) {
	class, fill, stroke, letter, ink, pale := "band", light.soft, "none", "=", "soft", "0.18"
	switch {
	case key != nil:
		k := lookOf(key.Style)
		class, fill, stroke, letter, ink, pale = "fill", k.colour, k.colour, key.Letter, "on", ""
		if k.open {
			class, fill, ink = "open", light.back, ""
		}
	case !c.Known:
		class, fill, stroke, letter, pale = "chip", "none", light.soft, "", ""
	}
	f.start("rect", "class", class, "fill", fill, "stroke", stroke, "opacity", pale, "x", px(x+1),
		"y", px(y+1), "width", px(width-2),
		"height", px(mapCellHeight-2), "rx", "3")
	f.whole("title", title)
	f.end("rect")
	if letter != "" {
		f.text(x+width/2, y+mapCellHeight/2+textSize*0.36, ink, "middle", fit(letter, textSize, width-4))
	}
}

// keys is the legend: the letter in the thing's colour, its name.
func (m *Map) keys(f *frame) {
	var all []key
	for n, k := range m.Keys {
		look := lookOf(k.Style)
		all = append(all, key{k.Letter + " " + k.Name, n, func(c *canvas, x, y float64) {
			c.start("g", "class", look.class)
			class, fill := "fill", look.colour
			if look.open {
				class, fill = "open", light.back
			}
			c.empty("rect", "class", class, "fill", fill, "stroke", look.colour, "x", px(x+8), "y", px(y-7), "width", "16",
				"height", "14", "rx", "2")
			c.end("g")
		}})
	}
	f.legend(all)
}
