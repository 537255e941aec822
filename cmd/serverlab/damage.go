package main

import (
	"errors"
	"fmt"
	"strings"

	"serverlab/results"
)

// despite takes damage out of an error of results.Read: it says each problem in a line on standard error, and returns
// what to end with once the rest has been shown. Any other error is fatal.
func (c *call) despite(name string, err error) (damaged, fatal error) {
	var d results.Damage
	if !errors.As(err, &d) {
		return nil, err
	}
	for _, problem := range d {
		fmt.Fprintf(c.stderr, "serverlab %s: %s\n", c.flags.Name(), printable(oneLine(problem)))
	}
	return fmt.Errorf("%s is damaged: what could be read of it is shown", name), nil
}

// printable keeps what a record says from steering the terminal.
func printable(text string) string { return strings.Map(results.Plain, text) }

// listOnly shows the trials of a run whose run.json can't be read: no other output can be made of them.
func (f *reportFlags) listOnly(c *call, trials []results.Trial, damaged error) error {
	if len(trials) == 0 {
		return errors.New("nothing of it can be read")
	}
	files := f.files(results.Run{}, nil)
	if stdoutTaken(files) {
		return errors.New("nothing is written: that needs a run.json that can be read")
	}
	if len(files) > 0 || f.svg != "" {
		fmt.Fprintf(c.stderr, "serverlab %s: no file is written: that needs a run.json that can be read\n",
			c.flags.Name())
	}
	if err := results.ListTrials(c.stdout, trials, f.screen.style(c.stdout)); err != nil {
		return err
	}
	return damaged
}
