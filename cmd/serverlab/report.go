package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"serverlab/results"
	"serverlab/results/page"
)

// reportFlags say what becomes of a run that was measured: the screen, or files for other readers.
type reportFlags struct {
	screen                              screenFlags
	html, svg, markdown, pack, benchfmt string
	blind                               blindFlags
	expect                              expectFlags
	problems                            []string // of the record
}

func (f *reportFlags) register(c *call) {
	f.screen.register(c)
	c.flags.StringVar(&f.html, "html", "", "write the whole report as one `FILE` for a browser, which needs no "+
		"network (bench writes it, too)")
	c.flags.StringVar(&f.svg, "svg", "", "write each chart as a picture, and its figures as CSV, into `DIR`")
	c.flags.StringVar(&f.markdown, "markdown", "",
		"write the report as Markdown to `FILE`, with the pictures of --svg "+
			"where these are asked for, too")
	c.flags.StringVar(&f.pack, "pack", "", "write the run as one `FILE.run`, without host or user name, to hand in or "+
		"mail; every command that takes DIR takes it too")
	registerGoBench(c.flags, &f.benchfmt)
	f.blind.register(c)
	f.expect.register(c)
}

// files are those that were asked for, to be filled with a run.
func (f *reportFlags) files(run results.Run, trials []results.Trial) (files []export) {
	for _, x := range []export{
		{"html", f.html, func(w io.Writer) error { return page.Write(w, run, trials, f.problems) }},
		{"markdown", f.markdown, func(w io.Writer) error {
			pictures, err := f.linked(results.Charts(run, trials))
			if err != nil {
				return err
			}
			return results.Markdown(w, run, trials, pictures, f.problems)
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
	for _, name := range []string{"html", "svg", "markdown", "pack", "gobench"} {
		if flag := c.flags.Lookup(name); flag.Changed && flag.Value.String() == "" {
			return usagef("--%s names no %s", name, map[bool]string{false: "file", true: "directory"}[name == "svg"])
		}
	}
	if info, err := os.Stat(f.svg); err == nil && !info.IsDir() {
		return fmt.Errorf("--svg %s: it is a file: name a directory", f.svg)
	}
	if err := f.expect.parse(); err != nil {
		return err
	}
	files := f.files(results.Run{}, nil)
	if err := f.blind.check(c, f.svg, files); err != nil {
		return err
	}
	return checkFiles(files, nil)
}

func report(ctx context.Context, c *call) error {
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
	f.problems = problems(err)
	damaged, err := c.despite(c.flags.Arg(0), err)
	if err != nil {
		return err
	}
	if run.Version == 0 {
		return f.listOnly(c, trials, damaged)
	}
	if run, trials, err = f.blind.apply(c.flags.Arg(0), run, trials); err != nil {
		return err
	}
	err = f.output(ctx, c, run, trials)
	if err == nil || damaged != nil && errors.Is(err, errUndecided) { // what is damaged fails, whatever it says
		return damaged
	}
	return err
}

// problems are what of a record could not be read, a line each.
func problems(err error) (lines []string) {
	var damage results.Damage
	if errors.As(err, &damage) {
		for _, problem := range damage {
			lines = append(lines, oneLine(problem))
		}
	}
	return lines
}

// output writes the files that were asked for, as many as can be written, and the screen unless one of them takes its
// place.
func (f *reportFlags) output(ctx context.Context, c *call, run results.Run, trials []results.Trial) error {
	outcome, err := f.expect.ask(&run, trials)
	if err != nil {
		return err
	}
	if f.svg != "" {
		err = savePictures(f.svg, results.Charts(run, trials))
	}
	files := f.files(run, trials)
	for _, x := range files {
		if ctx.Err() != nil {
			return errInterrupted
		}
		err = errors.Join(err, x.save(c.stdout))
	}
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return err
	}
	if outcome != nil {
		return f.showOutcome(c, outcome, stdoutTaken(files), run, trials)
	}
	if stdoutTaken(files) {
		return nil
	}
	return f.screen.show(c.stdout, run, trials)
}
