package results

import (
	"fmt"
	"math"
	"slices"
)

// crashColumns are those of the matrix that closes the crash screen.
var crashColumns = []struct{ head, state, store, fault string }{
	{"stateless", "stateless", "", "server"}, {"soft", "soft", "", "server"}, {"stateful", "stateful", "", "server"},
	{"Redis", "stateful", "redis", "server"}, {"Redis", "stateful", "redis", "store"},
	{"stateful", "stateful", "", "worker"},
}

const (
	crashColumn     = 10 // characters, its gap included
	crashColumnLost = 11 // the same, of a column that has sessions to lose
	matrixHead      = 3  // lines
)

// matrix is the crash experiment on one screen: a row for each architecture, a column for what matters most, and in it
// the sessions lost, where there are any to lose, and the time to the first right answer.
func (d *crashScreen) matrix() (lines []string) {
	heads := [2]string{left("", crashLabel), left("(killed)", crashLabel)}
	rows := make([]string, len(d.run.Architectures))
	known := make([]bool, len(rows))
	for i := range rows {
		rows[i] = left(" "+d.run.Architectures[i].Label, crashLabel)
	}
	for _, column := range crashColumns {
		at := slices.IndexFunc(d.groups, func(g crashGroup) bool { return g.is(column.state, column.store, column.fault) })
		if at < 0 {
			continue
		}
		wide := crashColumn
		if column.state == "stateful" {
			wide = crashColumnLost
		}
		killed := map[string]string{"store": "Redis"}[column.fault]
		if killed == "" {
			killed = column.fault
		}
		heads[0] += right(column.head, wide)
		heads[1] += right("("+killed+")", wide)
		for i := range rows {
			text := ""
			for j := range d.groups[at].cells {
				if c := &d.groups[at].cells[j]; c.arch == &d.run.Architectures[i] {
					text, known[i] = c.brief(), true
				}
			}
			if slices.Contains(d.groups[at].missing, &d.run.Architectures[i]) {
				text = "¹"
			}
			rows[i] += right(text, wide)
		}
	}
	lines = append(lines, "IN SHORT: sessions lost, where there are any; time to the first right answer", heads[0], heads[1])
	for i, row := range rows {
		if known[i] {
			lines = append(lines, row)
		}
	}
	return lines
}

// brief is a cell of the matrix.
func (c *crashCell) brief() string {
	load := c.shown()
	switch {
	case c.wrong > 0:
		return "wrong"
	case load == nil:
		return "n/a"
	}
	first, _ := medianOf(c.first)
	if math.IsInf(first, 0) {
		return "never"
	}
	text := duration(first, 2)
	if lost, _ := medianOf(c.lost); load.Sessions.State == "stateful" {
		text = fmt.Sprintf("%.0f, %s", lost, text)
	}
	return text
}
