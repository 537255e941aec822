package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Damage is what is wrong with a record of which the rest could be read: an error for each place, in the order in which
// they were found. Each names FILE:LINE, or the file where no line can be told, in one line of text, and is one of
// ErrDamaged, ErrNewer, ErrForeign and ErrNoRun.
type Damage []error

func (d Damage) Error() string {
	lines := make([]string, len(d))
	for i, err := range d {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "; ")
}

// Unwrap lets errors.Is and errors.As look at each of them.
func (d Damage) Unwrap() []error { return d }

// Problems are the lines about damage as a report of the run shows them. They may name rows, so that one of a blind run
// only counts them.
func (run *Run) Problems(damage []string) []string {
	if !run.Blind || len(damage) == 0 {
		return damage
	}
	return []string{fmt.Sprintf("The record is damaged: %s, see the report that is not blind.",
		plural(len(damage), "problem"))}
}

// maxProblems is how many problems of a record are named: who reads hundreds?
const maxProblems = 100

// problems collects what is wrong while a record is read.
type problems struct {
	named Damage
	more  int
}

func (p *problems) add(err error) {
	if len(p.named) == maxProblems {
		p.more++
		return
	}
	p.named = append(p.named, err)
}

// err is nil where nothing is wrong.
func (p *problems) err(name string) error {
	switch {
	case len(p.named) == 0:
		return nil
	case p.more > 0:
		return append(p.named[:maxProblems:maxProblems], fmt.Errorf("%s %w: %d more problems are not listed", name,
			ErrDamaged, p.more))
	}
	return p.named
}

// count is how many there are, those that are not named included.
func (p *problems) count() int { return len(p.named) + p.more }

// decode reads one JSON record of a version that this package knows into v. It begins in that line of the file, which
// its errors name.
func decode(file string, line int, text []byte, v any) error {
	var head struct{ Version *int }
	err := json.Unmarshal(text, &head)
	if err != nil {
		return fmt.Errorf("%s %w: %w", lineOf(file, line, text, err), ErrDamaged, err)
	}
	at := fmt.Sprintf("%s:%d", file, line)
	switch n := head.Version; { // the version alone, since the fields of a newer record may not decode
	case n == nil || *n < 1:
		return fmt.Errorf("%s %w: it has no version, so it is no record of serverlab", at, ErrDamaged)
	case *n > Version:
		return fmt.Errorf("%s %w (version %d; this one reads up to %d)", at, ErrNewer, *n, Version)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s %w: %w", lineOf(file, line, text, err), ErrDamaged, err)
	}
	return nil
}

// lineOf is FILE:LINE of an error of the JSON decoder, in text whose first line has that number. An error without an
// offset, of a time say, is placed there if the text is one line; else only the file can be told.
func lineOf(file string, first int, text []byte, err error) string {
	offset := int64(-1)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	case !bytes.Contains(bytes.TrimSpace(text), []byte("\n")):
		offset = 0
	}
	if offset < 0 {
		return file
	}
	before := text[:max(0, min(offset-1, int64(len(text))))]
	return fmt.Sprintf("%s:%d", file, first+bytes.Count(before, []byte("\n")))
}
