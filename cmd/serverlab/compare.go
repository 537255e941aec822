package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"serverlab/results"
)

// compare shows two runs side by side, or of more of them in which order the architectures come on how many.
func compare(ctx context.Context, c *call) error {
	var f screenFlags
	c.flags.BoolVar(&f.ascii, "ascii", false, "draw with plain characters")
	every := c.flags.Bool("every", false, "of three runs or more, show every two rows, not only those that follow each "+
		"other")
	orders := c.flags.Bool("orders", false, "show also of two runs only in which order their rows come")
	if err := c.parse(mostRuns); err != nil {
		return err
	}
	names := c.flags.Args()
	if len(names) < 2 {
		return usagef("name two runs or more: directories such as results/runs/NAME, or files of `serverlab report --pack`")
	}
	if err := distinct(names); err != nil {
		return err
	}
	if len(names) == 2 && *every {
		*orders = true
	}
	if len(names) > 2 || *orders {
		return compareOrders(ctx, c, names, *every, f.style(c.stdout))
	}
	var two [2]results.Named
	var damaged error
	for i, name := range names {
		if ctx.Err() != nil {
			return errInterrupted
		}
		run, trials, err := results.Read(name)
		bad, err := c.despite(name, err)
		if err != nil {
			return err
		}
		if run.Version == 0 {
			return fmt.Errorf("%s can't be compared without its run.json", name)
		}
		damaged = errors.Join(damaged, bad)
		two[i] = results.Named{Name: name, Run: run, Trials: trials}
	}
	if err := results.Compare(c.stdout, two[0], two[1], f.style(c.stdout)); err != nil {
		return err
	}
	return damaged
}

// mostRuns is how many laptops a class may have.
const mostRuns = 1000

// distinct refuses a run that is named twice: it would count twice, and always agree with itself.
func distinct(names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		path := target(name)
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		if seen[path] {
			return usagef("%s is named twice: compare different runs", name)
		}
		seen[path] = true
	}
	return nil
}

// compareOrders reads one run after the other, so that only one is in memory. One that can't be read is named and left
// out, and of a damaged one what can be read counts, since a class should not wait for one student; the exit code says
// so.
func compareOrders(ctx context.Context, c *call, names []string, every bool, style results.Style) error {
	var all results.Orders
	bad, part, read := 0, 0, 0
	for _, name := range names {
		if ctx.Err() != nil {
			fmt.Fprintf(c.stderr, "serverlab compare: stopped after %d of %d runs\n", read, len(names))
			break
		}
		run, trials, err := results.Read(name)
		damaged, err := c.despite(name, err)
		switch {
		case err != nil:
		case run.Version == 0:
			err = fmt.Errorf("%s has no run.json that can be read", name)
		default:
			err = all.Add(name, run, trials)
		}
		if err != nil {
			fmt.Fprintf(c.stderr, "serverlab compare: left out: %s\n", oneLine(err))
			bad++
			continue
		}
		if damaged != nil {
			part++
		}
		read++
	}
	if read > 0 {
		if err := all.Draw(c.stdout, every, style); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case bad+part > 0:
		return fmt.Errorf("%d of %d runs are left out, and %d are damaged", bad, len(names), part)
	}
	return nil
}
