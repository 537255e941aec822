package results

import (
	"strings"
	"testing"
	"unicode"

	"serverlab/results/plot"
)

var pooled = []Lane{
	{Who: "loop that accepts", Process: true, Does: []string{"wait for events", "accept", "hand over"},
		Again: "wait for events", Hands: "connection"},
	{Who: "event loop 1 … 2", Many: true, Does: []string{"read", "handle", "write", "close"}, Again: "handle",
		Returns: "answer"},
	{Who: "worker", Process: true, Does: []string{"exit"}},
}

func TestDrawLanes(t *testing.T) {
	var b strings.Builder
	if err := DrawLanes(&b, pooled, Style{}); err != nil {
		t.Fatal(err)
	}
	const want = `  loop that accepts
      wait for events → accept → hand over, and again
  event loop 1 … 2, given the connection
      read → handle → write → close, then handle again; gives back the answer
  worker, a process of its own
      exit
`
	if b.String() != want {
		t.Errorf("drawn:\n%s\nwant:\n%s", b.String(), want)
	}
}

// Lanes come from records of others, too: no line is too long, and none steers the terminal.
func TestDrawLanesOfAnything(t *testing.T) {
	for _, text := range []string{"", "\x1b[2J\a", strings.Repeat("漢字", 200), strings.Repeat("a b ", 300)} {
		var b strings.Builder
		l := Lane{text, true, true, true, []string{text, text}, text, text, text, text}
		if err := DrawLanes(&b, []Lane{l, {}, l}, Style{ASCII: text == ""}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if width(line) > 80 || strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("%q, %d columns", line, width(line))
			}
		}
	}
}

func TestSketchOfArchitecture(t *testing.T) {
	a := Architecture{Name: "pooled", Lanes: pooled}
	svg := string(a.Sketch(plot.Options{ID: "x"}))
	if !strings.Contains(svg, a.LanesInWords()) || !strings.Contains(svg, ">hand over<") {
		t.Errorf("%s\nhas not all of: %s", svg, a.LanesInWords())
	}
	if a.Lanes = nil; a.Sketch(plot.Options{}) != nil || a.LanesInWords() != "" {
		t.Error("something is drawn where there are no lanes")
	}
}
