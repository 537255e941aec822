package plot

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// drawn are lanes of every kind.
var drawn = map[string][]Lane{
	"iterative": {{Who: "one thread", Process: true, Does: []string{"accept", "read", "handle", "write", "close"},
		Again: "accept", Keeps: "read"}},
	"threadpool-pass": {
		{Who: "thread that accepts", Process: true, Does: []string{"wait for an idle thread", "accept", "pass"},
			Again: "wait for an idle thread", Hands: "connection"},
		{Who: "thread 1 … 64", Many: true, Does: []string{"take", "read", "handle", "write", "close"}, Again: "take",
			Keeps: "read"}},
	"amped": {
		{Who: "event loop: one thread", Process: true, Does: []string{"wait for events", "accept", "read",
			"handle, or hand over", "write", "close"}, Again: "wait for events", Hands: "request that may block"},
		{Who: "helper thread 1 … 64", Many: true, Does: []string{"take", "handle", "give back"}, Again: "take",
			Returns: "answer"}},
	"prefork-reuseport": {
		{Who: "parent", Process: true, Does: []string{"start workers", "wait for one to end"}, Again: "start workers"},
		{Who: "worker 1 … 64", Many: true, Process: true, Listens: true,
			Does: []string{"accept", "read", "handle", "write", "close"}, Again: "accept", Keeps: "read"}},
	"process": {
		{Who: "parent: an event loop", Process: true, Does: []string{"wait for events", "accept", "spawn a worker",
			"reap it", "close"}, Again: "wait for events", Hands: "connection"},
		{Who: "worker, one per request", Many: true, Process: true, Does: []string{"read", "handle", "write", "exit"},
			Returns: "exit status"}},
	"nothing": nil,
	"twenty": slices.Repeat([]Lane{{Who: "a lane of twenty", Process: true, Does: []string{"accept"}, Again: "accept"}},
		20),
}

func TestSketches(t *testing.T) {
	for name, lanes := range drawn {
		for suffix, width := range map[string]float64{"": 720, "-narrow": 344} {
			svg := Sketch(name, lanes, Options{ID: name + suffix, Width: width})
			found := elements(t, svg)
			golden(t, "sketch-"+name+suffix+".svg", svg)
			boxes := 0
			for _, l := range lanes {
				boxes += 1 + len(l.Does)
			}
			if found["rect"] < boxes {
				t.Errorf("%s: %d rectangles, want one for each of %d lanes and steps", name, found["rect"], boxes)
			}
		}
		if words := Words(lanes); lanes != nil && !strings.Contains(words, lanes[0].Who+": "+lanes[0].Does[0]) {
			t.Errorf("%s in words: %s", name, words)
		}
	}
}

// Whatever a record holds, a drawing has an end and stays within its width.
func TestSketchOfAnything(t *testing.T) {
	for _, text := range []string{"", "accept", "<script>alert(1)</script>", `"><script>`, "]]><!--", "a\x00b\xffc\n",
		strings.Repeat("w", 10_000), strings.Repeat("a <b> ", 2_000)} {
		l := Lane{text, true, true, true, slices.Repeat([]string{text, "write"}, 200), text, text, text, text}
		bare := Lane{Who: text, Again: text, Keeps: text}
		lanes := append(slices.Repeat([]Lane{l, bare}, 500), Lane{Does: []string{text}, Again: text, Keeps: text})
		for _, width := range []float64{1, 240, 344, 720, math.Inf(1)} {
			svg := string(Sketch(text, lanes, Options{ID: text, Width: width}))
			for name := range elements(t, []byte(svg)) {
				if !slices.Contains([]string{"svg", "title", "desc", "style", "rect", "text", "path", "circle"}, name) {
					t.Errorf("element %s from %.40q", name, text)
				}
			}
			if len(svg) > 1<<20 {
				t.Errorf("%d bytes from %.40q", len(svg), text)
			}
		}
	}
}

// Nothing of a lane sticks out of the picture.
func TestSketchStaysWithin(t *testing.T) {
	for name, lanes := range drawn {
		for _, width := range []float64{240, 344, 390, 559, 560, 720, 1200} {
			svg := string(Sketch(name, lanes, Options{Width: width}))
			for rect := range strings.SplitSeq(svg, "<rect ") {
				rect, _, _ = strings.Cut(rect, "/>")
				var x, wide float64
				for pair := range strings.FieldsSeq(rect) {
					key, value, _ := strings.Cut(pair, "=")
					n, err := strconv.ParseFloat(strings.Trim(value, `"`), 64)
					switch {
					case err != nil:
					case key == "x":
						x = n
					case key == "width":
						wide = n
					}
				}
				if x < 0 || x+wide > width {
					t.Errorf("%s at %g: a rectangle from %g to %g", name, width, x, x+wide)
				}
			}
		}
	}
}
