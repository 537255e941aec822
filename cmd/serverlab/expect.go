package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"serverlab/results"
)

// expectFlags are what somebody expects of a run, to be answered by its figures.
type expectFlags struct {
	texts  []string
	parsed []*results.Expectation
}

// errUndecided says that no expectation is refuted, but some can't be told.
var errUndecided = errors.New("no expectation is refuted, but")

func (f *expectFlags) register(c *call) {
	c.flags.StringArrayVar(&f.texts, "expect", nil, "answer `LINE`, such as 'cpu(mine) <= "+
		"1.2*cpu(threadpool)', or each line of @FILE; may be repeated")
	c.more += expectHelp
}

// expectHelp is what --help says of expectations.
const expectHelp = `
--expect compares figures of rows, with + - * / and parentheses, by < <= > >=
or == (the same within 2 %):
  cpu throughput goodput p50 p99 memory harmed stall outage lost switches
  threads processes syscalls starved errors failed, each as in p99(ROW) or
  p99(ROW, SITUATION); of a rising load peak(ROW), knee(ROW), and past(ROW):
  the share of its peak that is left at the highest rate;
  best(cpu), worst(p99, SITUATION): of all rows that have a figure.
Numbers may have units: 40us 5ms 2s 12KB 3MB 5000/s 10%. Write a row with a
comma or a parenthesis in "…". Trials are paired block by block; an answer needs
six blocks, and a row that failed refutes what calls it good. Answers take the
place of the screen, unless --wide is given too.

Exit codes of --expect: 0 all hold, 1 at least one is refuted, 3 none is refuted
but at least one can't be told; 2 as ever: a wrong line.
`

// mostLines is how long a file of expectations may be, in bytes.
const mostLines = 1 << 20

// parse reads all lines, before anything else is done.
func (f *expectFlags) parse() error {
	for _, text := range f.texts {
		name, isFile := strings.CutPrefix(text, "@")
		if !isFile {
			if err := f.add(text); err != nil {
				return usageError{err}
			}
			continue
		}
		lines, err := readLines(name)
		if err != nil {
			return err
		}
		for i, line := range lines {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			if err := f.add(line); err != nil {
				return usagef("%s, line %d: %w", name, i+1, err)
			}
		}
	}
	if len(f.texts) > 0 && len(f.parsed) == 0 {
		return usagef("--expect: no line holds an expectation")
	}
	return nil
}

func readLines(name string) ([]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--expect: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostLines+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("--expect: %w", err)
	case len(text) > mostLines:
		return nil, fmt.Errorf("--expect %s: it has more than %d bytes", name, mostLines)
	}
	return strings.Split(string(text), "\n"), nil
}

func (f *expectFlags) add(line string) error {
	e, err := results.ParseExpectation(line)
	if err != nil {
		return fmt.Errorf("--expect: %w", err)
	}
	f.parsed = append(f.parsed, e)
	return nil
}

// ask answers all lines; nil without any.
func (f *expectFlags) ask(run *results.Run, trials []results.Trial) (all []results.Outcome, err error) {
	for _, e := range f.parsed {
		o, err := e.Judge(run, trials, results.MinTrials)
		if err != nil {
			return nil, usageError{fmt.Errorf("--expect: %w", err)}
		}
		all = append(all, o)
	}
	return all, nil
}

// showOutcome prints the answers, on standard error where a file takes standard output, and makes the exit code of
// them.
func (f *reportFlags) showOutcome(c *call, all []results.Outcome, taken bool, run results.Run,
	trials []results.Trial) error {
	w := c.stdout
	if taken {
		w = c.stderr
	}
	err := results.WriteRiddle(w, &run, f.screen.style(w))
	if err == nil {
		err = results.WriteOutcomes(w, all, f.screen.style(w))
	}
	if err == nil && f.screen.wide && !taken {
		fmt.Fprintln(w)
		err = f.screen.show(w, run, trials)
	}
	refuted, open := 0, 0
	for _, o := range all {
		switch o.Truth {
		case results.Refuted:
			refuted++
		case results.CannotTell:
			open++
		}
	}
	switch {
	case err != nil:
		return err
	case refuted > 0:
		return fmt.Errorf("%d of %d expectations refuted, %d can't be told", refuted, len(all), open)
	case open > 0:
		return fmt.Errorf("%w %d of %d can't be told", errUndecided, open, len(all))
	}
	return nil
}
