package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"serverlab/results"
	"serverlab/servers"
)

func list(_ context.Context, c *call) error {
	namesOnly := c.flags.Bool("names", false, "print the names of the finished architectures only, one a line")
	ascii := c.flags.Bool("ascii", false, "draw with plain characters")
	if err := c.parse(1); err != nil {
		return err
	}
	if c.flags.NArg() == 1 {
		return listRow(c, screenFlags{ascii: *ascii})
	}
	if *namesOnly {
		for _, name := range servers.Names() {
			fmt.Fprintln(c.stdout, name)
		}
		return nil
	}
	for _, a := range servers.Architectures {
		describe(c.stdout, a, "not available here")
	}
	fmt.Fprint(c.stdout, "REFERENCES are servers of others. Each brings a parser of its own, so they are\n"+
		"never ranked with the architectures; `serverlab bench --references` adds them.\n\n")
	for _, a := range servers.References {
		describe(c.stdout, a, "not installed")
	}
	hang(c.stdout, "STATE        ", "what the file service remembers of its clients: --state stateless (nothing), soft "+
		"(open files, for a time) or stateful (sessions, kept by --store).")
	fmt.Fprintln(c.stdout)
	if all := questions(); len(all) > 0 {
		hang(c.stdout, "EXPERIMENTS  ", "`serverlab bench NAME …` runs some; without a name the default is run.")
		listQuestions(c.stdout, all)
	}
	if servers.Architectures[0].Serve == nil {
		fmt.Fprintln(c.stdout, "They can be served and measured on Linux only; here results can be read.")
	}
	return nil
}

// listQuestions prints what each experiment asks.
func listQuestions(w io.Writer, all []results.Experiment) {
	for _, e := range all {
		hang(w, fmt.Sprintf("  %-13s ", e.Name), e.Question)
	}
}

// listRow says all of one row, and draws who accepts, who reads and who writes.
func listRow(c *call, f screenFlags) error {
	a, v, err := servers.Lookup(c.flags.Arg(0))
	if err != nil {
		return usageError{err}
	}
	describe(c.stdout, a, "not available here")
	cfg := servers.DefaultConfig()
	cfg.Build(v)
	fmt.Fprintf(c.stdout, "Who accepts, who reads, who writes in %s:\n", servers.Row(a, v))
	return results.DrawLanes(c.stdout, lanes(a, cfg), f.style(c.stdout))
}

// lanes are those of a row, for the record and for the screen.
func lanes(a servers.Architecture, cfg servers.Config) (all []results.Lane) {
	for _, l := range a.Lanes(cfg) {
		all = append(all, results.Lane(l))
	}
	return all
}

// describe prints one row of a table; missing says what it is when it can't run here.
func describe(w io.Writer, a servers.Architecture, missing string) {
	title := a.Name
	if a.Unfinished {
		title += " (unfinished)"
	}
	fmt.Fprintf(w, "%-22s %s\n", title, a.Lecture)
	hang(w, "  ", a.Idea)
	if a.Serve != nil && a.Needs != nil {
		if err := a.Needs(); err != nil {
			hang(w, "  "+missing+": ", oneLine(err))
		}
	}
	article := "a "
	if strings.ContainsRune("aeiou", rune(a.Unit[0])) {
		article = "an "
	}
	hang(w, "  served by      ", article+string(a.Unit))
	hang(w, "  limit          ", string(a.Limit))
	if a.Sheds {
		hang(w, "                 ", "a request for which its first queue has no place is answered 503; the connection goes on")
	}
	hang(w, "  a slow client  ", string(a.Slow))
	if a.Forgets {
		hang(w, "  soft state     ", "same as stateless: a process that ends with its request can keep no file open "+
			"for the next")
	}
	if known := knows(a); known != "" {
		hang(w, "  settings       ", known)
	}
	if a.StaticOnly {
		hang(w, "  measured       ", "only where a file is asked for: it does no work and can't be told to crash")
	}
	fmt.Fprintln(w)
}

// knows lists what may be set of an architecture, as in the name of a row; the default way to accept comes first.
func knows(a servers.Architecture) string {
	var parts []string
	if len(a.Accepts) > 0 {
		parts = append(parts, "accept="+strings.Join(a.Accepts, "|"))
	}
	for _, s := range servers.Settings {
		if s.Name != "accept" && slices.Contains(a.Settings, s.Name) {
			part := s.Name + "="
			if s.Note != "" {
				part += " (" + s.Note + ")"
			}
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// hang prints a text behind its head, in lines of at most 80 columns, all of which begin where the first one does.
func hang(w io.Writer, head, text string) {
	const width = 80
	line, used := head, 0 // used of the line, behind its head
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if used > 0 && len(head)+used+1+n > width {
			fmt.Fprintln(w, line)
			line, used = strings.Repeat(" ", len(head)), 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	fmt.Fprintln(w, line)
}
