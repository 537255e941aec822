package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"serverlab/results"
)

// screenFlags is how a result is shown.
type screenFlags struct {
	wide, ascii, lessons bool
}

func (f *screenFlags) register(c *call) {
	c.flags.BoolVar(&f.wide, "wide", false, "show everything that was measured, not only the closing screen")
	c.flags.BoolVar(&f.lessons, "lessons", false, "show only what came of the lessons of the experiments")
	c.flags.BoolVar(&f.ascii, "ascii", false, "draw with plain characters")
}

func (f *screenFlags) style(w io.Writer) results.Style {
	return results.Style{Width: 80, ASCII: f.ascii, Color: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
}

// show prints the closing screen, or everything.
func (f *screenFlags) show(w io.Writer, run results.Run, trials []results.Trial) error {
	if f.lessons {
		return results.WriteLessons(w, run, trials, f.style(w))
	}
	draw := []func(io.Writer, results.Run, []results.Trial, results.Style) error{results.Screen}
	switch faults, all := results.Faults(run); {
	case all && !f.wide:
		draw[0] = results.Crash
	case faults:
		draw = append(draw, results.Crash)
	}
	experiments := results.Experiments
	if f.wide {
		draw[0], experiments = results.Wide, results.WideExperiments
	}
	draw = append(draw, experiments, results.Predicted)
	if err := results.WriteRiddle(w, &run, f.style(w)); err != nil {
		return err
	}
	for _, draw := range draw {
		if err := draw(w, run, trials, f.style(w)); err != nil {
			return fmt.Errorf("draw the result: %w", err)
		}
	}
	columns, _ := terminalSize(w)
	if wide := results.Width(run); isTerminal(w) && !f.wide && columns < wide {
		fmt.Fprintf(w, "The table is %d columns wide: a narrower terminal breaks its lines.\n", wide)
	}
	return nil
}

// isTerminal tells a terminal from a file and a pipe.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

func explain(_ context.Context, c *call) error {
	if err := c.parse(8); err != nil {
		return err
	}
	if c.flags.NArg() == 0 {
		for _, term := range results.Terms() {
			fmt.Fprintln(c.stdout, term)
		}
		return nil
	}
	text, err := results.Explain(strings.Join(c.flags.Args(), " "))
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintln(c.stdout, text)
	return nil
}
