package results

import (
	"strings"

	"serverlab/results/plot"
)

// Sketch draws who accepts, who reads and who writes, as an SVG. It is nil where the record has no lanes.
func (a *Architecture) Sketch(o plot.Options) []byte {
	if len(a.Lanes) == 0 {
		return nil
	}
	return plot.Sketch(a.Name, sketched(a.Lanes), o)
}

// LanesInWords says the same in sentences; it is empty where the record has no lanes.
func (a *Architecture) LanesInWords() string { return plot.Words(sketched(a.Lanes)) }

func sketched(lanes []Lane) (all []plot.Lane) {
	for _, l := range lanes {
		all = append(all, plot.Lane(l))
	}
	return all
}

// DrawLanes is the drawing as text, a line or two for each lane.
func DrawLanes(lanes []Lane, style Style) string {
	var b strings.Builder
	for i, l := range lanes {
		head := "  "
		if i > 0 {
			head = "  └ "
			if given := lanes[i-1].Hands; given != "" {
				head += given + " → "
			}
		}
		b.WriteString(head + l.Who + "\n")
		var steps []string
		for _, d := range l.Does {
			if d == l.Keeps {
				d = "[" + d
			}
			if l.Keeps != "" && d == "write" {
				d += "]*"
			}
			steps = append(steps, d)
		}
		line := "      " + strings.Join(steps, " → ")
		if l.Again != "" {
			line += " ↻ " + l.Again
		}
		b.WriteString(line + "\n")
	}
	return style.text(b.String())
}
