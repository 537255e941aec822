package results

import (
	"fmt"
	"io"
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

// DrawLanes writes the lanes as text, two lines for each: who it is, and what it does in turn.
func DrawLanes(w io.Writer, lanes []Lane, style Style) error {
	var b strings.Builder
	for i, l := range lanes {
		who := l.Who
		if i > 0 && l.Process {
			who += ", a process of its own"
		}
		if i > 0 && lanes[i-1].Hands != "" {
			who += ", given the " + lanes[i-1].Hands
		}
		steps := strings.Join(l.Does, " → ")
		switch {
		case l.Again == "":
		case strings.HasPrefix(steps, l.Again):
			steps += ", and again"
		default:
			steps += ", then " + l.Again + " again"
		}
		if l.Returns != "" {
			steps += "; gives back the " + l.Returns
		}
		b.WriteString("  " + clip(strings.Join(strings.Fields(who), " "), lineWidth-2) + "\n")
		for _, line := range wrap(steps, lineWidth-6) {
			b.WriteString("      " + clip(line, lineWidth-6) + "\n")
		}
	}
	if _, err := io.WriteString(w, style.text(b.String())); err != nil {
		return fmt.Errorf("draw who does what: %w", err)
	}
	return nil
}
