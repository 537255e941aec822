package main

import (
	"fmt"
	"io"
	"strings"

	"serverlab/loadgen"
	"serverlab/results"
)

// liveView draws a load on a terminal while it goes on, over and over in the same place. It never hides the cursor,
// which stays below, so whatever ends the program leaves the terminal as it was.
type liveView struct {
	w             io.Writer
	size          func() (columns, rows int)
	style         results.Style
	columns, rows int // as they were when the last frame was drawn
	lines         int // of it
	err           error
}

// view returns a view for the load that f asks for, nil where nobody looks at it or something else is printed there.
func (f *loadFlags) view(c *call) *liveView {
	if !f.live || f.json || f.exports.stdout() || !isTerminal(c.stdout) {
		return nil
	}
	return &liveView{w: c.stdout, size: func() (int, int) { return terminalSize(c.stdout) },
		style: (&screenFlags{ascii: f.ascii}).style(c.stdout)}
}

// watch draws the load as it is now: in one piece, so that nothing flickers, up to the first line of the frame before,
// each line with the rest of it cleared, and at last what is below. Where the lines have gone when a terminal changes
// its size differs between terminals, so the whole screen is cleared then. After a write that failed nothing more is
// drawn.
func (v *liveView) watch(p loadgen.Progress) {
	if v.err != nil {
		return
	}
	columns, rows := v.size()
	start := ""
	switch {
	case v.lines == 0:
	case columns != v.columns || rows != v.rows:
		start = "\x1b[H\x1b[2J"
	default:
		start = fmt.Sprintf("\r\x1b[%dA", v.lines)
	}
	v.style.Width, v.columns, v.rows = columns, columns, rows
	frame := results.LiveFrame(p.Load, p.Elapsed.Seconds(), rows-1, v.style)
	v.lines = strings.Count(frame, "\n")
	_, v.err = io.WriteString(v.w, start+strings.ReplaceAll(frame, "\n", "\x1b[K\n")+"\x1b[J")
}

// end sets the last frame apart from what is printed next.
func (v *liveView) end() {
	if v != nil && v.lines > 0 {
		fmt.Fprintln(v.w)
	}
}
