package results

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// held is a cell of the lower table: memory of a client and open files.
func (d *costs) held(c *Cell, s *Situation) (text, code string) {
	h, ok := d.run.Calibration.Held[s.Name][c.Architecture.Name]
	switch {
	case !ok && sameAsStateless(c, s):
		return "as stateless", ""
	case !ok:
		return "–", ""
	case h.Memory == nil:
		return "n/a", ""
	}
	memory, files := size(*h.Memory), "n/a"
	if h.Store != nil {
		memory += "+" + size(*h.Store)
	}
	if h.Descriptors != nil {
		files = count(*h.Descriptors)
	}
	return memory + right(files, 7), ""
}

// size prints bytes that were counted by pages and divided by clients: two digits are as much as they can carry.
func size(bytes float64) string {
	switch {
	case bytes < 1:
		return "0 B"
	case bytes < 999.5:
		return number(math.Round(bytes), 2) + " B"
	}
	return number(bytes/1024, 2) + " KB"
}

// probed is how many clients the lower table is about, 0 where nobody was asked.
func (d *costs) probed() (clients int) {
	for _, s := range d.sits {
		for _, h := range d.run.Calibration.Held[s.Name] {
			clients = max(clients, h.Clients)
		}
	}
	return clients
}

// wideHeld prints what the memory of a client and its open files come to, for each row and variant.
func wideHeld(b *bytes.Buffer, run *Run) {
	grid := [][][]string{{{"", "", "clients", "memory of each", "beside it in the store", "descriptors", ""}}}
	for i := range run.Situations {
		s := &run.Situations[i]
		var rows [][]string
		for _, a := range run.Architectures {
			h, ok := run.Calibration.Held[s.Name][a.Name]
			if !ok {
				continue
			}
			row := []string{s.Name, a.Label, count(h.Clients), "n/a", "–", "n/a", firstLine(h.Why)}
			if h.Memory != nil {
				row[3] = size(*h.Memory)
			}
			if h.Descriptors != nil {
				row[5] = count(*h.Descriptors)
			}
			if h.Store != nil {
				row[4] = size(*h.Store)
			}
			rows = append(rows, row)
		}
		if len(rows) > 0 {
			grid = append(grid, rows)
		}
	}
	if len(grid) == 1 {
		return
	}
	b.WriteString("MEMORY AND DESCRIPTORS OF A CLIENT THAT HAS READ ONCE (PSS of the whole process tree)\n")
	drawGrid(b, grid)
	b.WriteString("\n")
}

// heldNotes say what bounds the open files, and which rows could not serve all clients in time.
func (d *costs) heldNotes() (notes []string) {
	most, few := 0, []string{}
	for i := range d.run.Architectures {
		a := &d.run.Architectures[i]
		fewest, why := math.MaxInt, ""
		for _, s := range d.sits {
			h, ok := d.run.Calibration.Held[s.Name][a.Name]
			if most = max(most, h.MaxOpen); ok && h.Clients < fewest {
				fewest, why = h.Clients, h.Why
			}
		}
		switch {
		case why != "":
			few = append(few, a.Label+" n/a, "+firstLine(why))
		case fewest < d.probed():
			few = append(few, fmt.Sprintf("%s %s", a.Label, count(fewest)))
		}
	}
	if most > 0 {
		notes = append(notes, fmt.Sprintf("A process keeps at most %s files open.", count(most)))
	}
	if len(few) > 0 {
		notes = append(notes, "Fewer clients were served in time: "+strings.Join(few, "; ")+".")
	}
	return notes
}
