package main

import (
	"context"
	"io"

	"serverlab/results"
)

// reportFlags say what becomes of a run that was measured: the screen, or files for other readers.
type reportFlags struct {
	screen              screenFlags
	svg, pack, benchfmt string
}

func (f *reportFlags) register(c *call) {
	f.screen.register(c)
	c.flags.StringVar(&f.svg, "svg", "", "write each chart as a picture, and its figures as CSV, into `DIR`")
	c.flags.StringVar(&f.pack, "pack", "", "write the run as one `FILE.run`, without host or user name, to hand in or "+
		"mail; every command that takes DIR takes it too")
	registerGoBench(c.flags, &f.benchfmt)
}

// files are those that were asked for, to be filled with a run.
func (f *reportFlags) files(run results.Run, trials []results.Trial) (files []export) {
	for _, x := range []export{
		{"pack", f.pack, func(w io.Writer) error { return results.Pack(w, run, trials) }},
		{"gobench", f.benchfmt, func(w io.Writer) error { return results.GoBench(w, run, trials) }},
	} {
		if x.file != "" {
			files = append(files, x)
		}
	}
	return files
}

// check refuses what can't be written, before anything is read.
func (f *reportFlags) check(c *call) error {
	for _, name := range []string{"svg", "pack", "gobench"} {
		if flag := c.flags.Lookup(name); flag.Changed && flag.Value.String() == "" {
			return usagef("--%s names no %s", name, map[bool]string{false: "file", true: "directory"}[name == "svg"])
		}
	}
	return checkFiles(f.files(results.Run{}, nil), nil)
}

func report(_ context.Context, c *call) error {
	var f reportFlags
	f.register(c)
	if err := c.parse(1); err != nil {
		return err
	}
	if c.flags.NArg() == 0 {
		return usagef("name the directory of a run, such as results/runs/NAME, or the file of one")
	}
	if err := f.check(c); err != nil {
		return err
	}
	run, trials, err := results.Read(c.flags.Arg(0))
	damaged, err := c.despite(c.flags.Arg(0), err)
	if err != nil {
		return err
	}
	if run.Version == 0 {
		return f.listOnly(c, trials, damaged)
	}
	if err := f.output(c, run, trials); err != nil {
		return err
	}
	return damaged
}

// output writes the files that were asked for, and the screen unless one of them takes its place.
func (f *reportFlags) output(c *call, run results.Run, trials []results.Trial) error {
	if f.svg != "" {
		if err := savePictures(f.svg, results.Charts(run, trials)); err != nil {
			return err
		}
	}
	files := f.files(run, trials)
	for _, x := range files {
		if err := x.save(c.stdout); err != nil {
			return err
		}
	}
	if stdoutTaken(files) {
		return nil
	}
	return f.screen.show(c.stdout, run, trials)
}
