package results

import (
	"bytes"
	"strings"
)

// drawGrid draws groups of rows in boxes, the first column to the left and the others to the right. All rows have the
// same number of cells; a cell of several lines makes its row as high.
func drawGrid(b *bytes.Buffer, groups [][][]string) {
	var widths []int
	for _, rows := range groups {
		for _, row := range rows {
			for i, cell := range row {
				if i == len(widths) {
					widths = append(widths, 0)
				}
				for line := range strings.SplitSeq(cell, "\n") {
					widths[i] = max(widths[i], width(line))
				}
			}
		}
	}
	rule := func(from, between, to string) {
		for i, w := range widths {
			if i == 0 {
				b.WriteString(from)
			} else {
				b.WriteString(between)
			}
			b.WriteString(strings.Repeat("─", w+2))
		}
		b.WriteString(to + "\n")
	}
	for i, rows := range groups {
		if i == 0 {
			rule("┌", "┬", "┐")
		} else {
			rule("├", "┼", "┤")
		}
		for _, row := range rows {
			drawRow(b, row, widths)
		}
	}
	rule("└", "┴", "┘")
}

// drawRow draws one row, as many lines as its highest cell has.
func drawRow(b *bytes.Buffer, row []string, widths []int) {
	more := true
	for n := 0; more; n++ {
		more = false
		for i, cell := range row {
			lines := strings.Split(cell, "\n")
			t := ""
			if n < len(lines) {
				t = lines[n]
			}
			more = more || n+1 < len(lines)
			if i == 0 {
				t = left(t, widths[i])
			} else {
				t = right(t, widths[i])
			}
			b.WriteString("│ " + t + " ")
		}
		b.WriteString("│\n")
	}
}
