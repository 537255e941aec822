package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"serverlab/bench"
	"serverlab/results"
)

// askPredictions stands for a --predict without a file: the questions are asked on the terminal.
const askPredictions = "ask"

// predictions returns what asks for predictions, or reads them; nil where none are wanted.
func (f *benchFlags) predictions(c *call) (func(context.Context, results.Run) ([]results.Prediction, error), error) {
	switch {
	case !c.flags.Changed("predict"):
		return nil, nil
	case f.predict == "":
		return nil, usagef("--predict= names no file; `--predict` alone asks")
	case f.predict != askPredictions:
		return func(_ context.Context, run results.Run) ([]results.Prediction, error) {
			return readPredictions(f.predict, results.Questions(&run))
		}, nil
	}
	for _, word := range c.flags.Args() {
		if !slices.Contains(bench.Experiments(), word) && exists(word) {
			return nil, usagef("a file of predictions is given as --predict=%s", word)
		}
	}
	if !onTerminal(os.Stdin) || !isTerminal(c.stderr) {
		return nil, usagef("--predict asks on a terminal, and this is none: write the predictions into a file, " +
			"and name it by --predict=FILE")
	}
	return func(ctx context.Context, run results.Run) ([]results.Prediction, error) {
		d := dialog{in: bufio.NewReader(os.Stdin), out: c.stderr, style: f.screen.style(c.stderr)}
		return d.run(ctx, results.Questions(&run))
	}, nil
}

// onTerminal tells a terminal from any other file; /dev/null is a device as well.
func onTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

var errNothingToPredict = usageError{errors.New("there is nothing to predict: no column has two rows to choose from")}

func readPredictions(path string, questions []results.Question) ([]results.Prediction, error) {
	if len(questions) == 0 {
		return nil, errNothingToPredict
	}
	in := os.Stdin
	if path != toStdout { // - is standard input here
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("--predict: %w", err)
		}
		defer file.Close()
		in = file
	}
	all, err := results.ReadPredictions(in, questions)
	if err != nil {
		return nil, usagef("--predict=%s: %w", path, err)
	}
	return all, nil
}

// dialog asks for predictions, one column after the other.
type dialog struct {
	in    *bufio.Reader
	out   io.Writer
	style results.Style
}

// run asks all questions. Enter skips one; what can't be understood is asked again.
func (d *dialog) run(ctx context.Context, questions []results.Question) (all []results.Prediction, err error) {
	if len(questions) == 0 {
		return nil, errNothingToPredict
	}
	d.say("What do you expect? Answer by a number, a name or its beginning; enter skips.")
	for i := range questions {
		q := &questions[i]
		d.say("")
		d.say(results.AskLines(q, fmt.Sprintf("%d/%d ", i+1, len(questions)), d.style)...)
		choice, factor := -1, 0.0
		if err := d.ask(ctx, q.Asks, func(answer string) (err error) {
			choice, err = q.Choose(answer)
			return err
		}); err != nil {
			return nil, err
		}
		if choice < 0 {
			continue
		}
		factorOf := q.Choices[choice] + ": how many times as good as the worst? (3, say)"
		if err := d.ask(ctx, factorOf, func(answer string) (err error) {
			factor, err = results.ParseFactor(answer)
			return err
		}); err != nil {
			return nil, err
		}
		all = append(all, q.Predict(choice, factor, -1))
	}
	d.say("")
	return all, nil
}

func (d *dialog) say(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(d.out, line)
	}
}

// ask asks until take can use the answer, or there is none. Its error is that of a user who leaves.
func (d *dialog) ask(ctx context.Context, question string, take func(string) error) error {
	for {
		fmt.Fprintf(d.out, "  %s ", question)
		answer, err := d.line(ctx)
		if err != nil || answer == "" {
			return err
		}
		if err = take(answer); err == nil {
			return nil
		}
		d.say("  " + err.Error())
	}
}

// line waits for the next line, or until ctx ends: then the read is left behind in a process that is about to end.
func (d *dialog) line(ctx context.Context) (string, error) {
	type read struct {
		text string
		err  error
	}
	next := make(chan read, 1)
	go func() {
		text, err := d.in.ReadString('\n')
		next <- read{text, err}
	}()
	left := fmt.Errorf("%w: nothing was measured", errInterrupted)
	select {
	case <-ctx.Done():
		d.say("")
		return "", left
	case r := <-next:
		if r.err == io.EOF {
			d.say("")
			return "", left
		}
		if r.err != nil {
			return "", fmt.Errorf("read the answer: %w", r.err)
		}
		return strings.TrimSpace(r.text), nil
	}
}
