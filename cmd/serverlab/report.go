package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"serverlab/results"
)

// reportFlags say what becomes of a run that was measured: the screen, or files for other readers.
type reportFlags struct {
	screen                        screenFlags
	svg, markdown, pack, benchfmt string
}

func (f *reportFlags) register(c *call) {
	f.screen.register(c)
	c.flags.StringVar(&f.svg, "svg", "", "write each chart as a picture, and its figures as CSV, into `DIR`")
	c.flags.StringVar(&f.markdown, "markdown", "",
		"write the report as Markdown to `FILE`, with the pictures of --svg "+
			"where these are asked for, too")
	c.flags.StringVar(&f.pack, "pack", "", "write the run as one `FILE.run`, without host or user name, to hand in or "+
		"mail; every command that takes DIR takes it too")
	registerGoBench(c.flags, &f.benchfmt)
}

// files are those that were asked for, to be filled with a run.
func (f *reportFlags) files(run results.Run, trials []results.Trial) (files []export) {
	for _, x := range []export{
		{"markdown", f.markdown, func(w io.Writer) error {
			pictures, err := f.linked(results.Charts(run, trials))
			if err != nil {
				return err
			}
			return results.Markdown(w, run, trials, pictures)
		}},
		{"pack", f.pack, func(w io.Writer) error { return results.Pack(w, run, trials) }},
		{"gobench", f.benchfmt, func(w io.Writer) error { return results.GoBench(w, run, trials) }},
	} {
		if x.file != "" {
			files = append(files, x)
		}
	}
	return files
}

// linked are the pictures of --svg with their paths from the Markdown file, or from here where that is standard output.
func (f *reportFlags) linked(all []results.Picture) (linked []results.Linked, err error) {
	if f.svg == "" {
		return nil, nil
	}
	from, err1 := filepath.Abs(filepath.Dir(f.markdown)) // of "-": here
	to, err2 := filepath.Abs(f.svg)
	dir, err3 := filepath.Rel(from, to)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("find the way to the pictures: %w", err)
	}
	for _, p := range all {
		linked = append(linked, results.Linked{Picture: p, Path: filepath.ToSlash(filepath.Join(dir, p.Name+".svg"))})
	}
	return linked, nil
}

// check refuses what can't be written, before anything is read.
func (f *reportFlags) check(c *call) error {
	for _, name := range []string{"svg", "markdown", "pack", "gobench"} {
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
	if err != nil {
		return err
	}
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
