package results

import (
	"bytes"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// drawGrid draws groups of rows in boxes, the first column to the left and the others to the right. All rows have the
// same number of cells; a cell of several lines makes its row as high.
func drawGrid(b *bytes.Buffer, groups [][][]string) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	columns := []table.ColumnConfig{}
	for i, rows := range groups {
		if i > 0 {
			t.AppendSeparator()
		}
		for _, row := range rows {
			cells := table.Row{}
			for _, cell := range row {
				cells = append(cells, cell)
			}
			t.AppendRow(cells)
			for n := len(columns) + 1; n <= len(row); n++ {
				columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight})
			}
		}
	}
	if len(columns) > 0 {
		columns[0].Align = text.AlignLeft
	}
	t.SetColumnConfigs(columns)
	b.WriteString(t.Render() + "\n")
}
