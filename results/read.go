package results

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxLine is how long a line of the trials may be, in bytes, with its newline, and how long run.json as a whole.
const maxLine = 64 << 20

// Read returns a run and its trials in the order in which they ran, from its directory or from the one file that Pack
// has made of it. It changes nothing, and may read a run that is still being written.
//
// Of a damaged record it returns what can be read, with an error of type Damage that names all that is left out. Where
// run.json can't be read, Run.Version is 0 and the trials are all that is known: ListTrials shows them. Any other error
// says that there is nothing to read.
func Read(dir string) (Run, []Trial, error) {
	if info, err := os.Stat(dir); err == nil && info.Mode().IsRegular() {
		return readPacked(dir)
	}
	var r recordReading
	head, err := openRun(dir)
	switch {
	case errors.Is(err, ErrNoRun):
		if info, e := os.Stat(filepath.Join(dir, trialsFile)); e != nil || info.Size() == 0 {
			return Run{}, nil, err
		}
		r.wrong.add(err)
	case err != nil:
		return Run{}, nil, err
	default:
		r.head(filepath.Join(dir, runFile), head)
	}
	path := filepath.Join(dir, trialsFile)
	f, err := openRegular(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		r.wrong.add(fmt.Errorf("%s %w: %w", path, ErrDamaged, err))
	default:
		defer f.Close()
		r.lines(f, path)
	}
	return r.result(dir, path)
}

// openRun returns the text of a directory's run.json.
func openRun(dir string) ([]byte, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no such directory: %s: name one that `serverlab bench` has written: %w", dir,
			fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("read run: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is a file: name the directory of a run", dir)
	}
	f, err := openRegular(filepath.Join(dir, runFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s %w", dir, ErrNoRun)
	}
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxLine))
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	return text, nil
}

// openRegular opens a file and nothing else: a pipe of that name would wait for ever.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return os.Open(path)
}

// recordReading is a record while it is read.
type recordReading struct {
	run    Run // its Version is 0 as long as there is none
	trials []Trial
	wrong  problems
	size   int64 // of the complete lines of trials.jsonl, bytes
	torn   int   // the number of a last line that was cut short; 0: none was
}

// head takes in run.json.
func (r *recordReading) head(path string, text []byte) {
	var run Run
	if err := decode(path, 1, text, &run); err != nil {
		r.wrong.add(err)
		return
	}
	what := run.impossible()
	if lie := run.Lie; lie != nil { // its histograms are long, and no text that anything shows
		run.Lie = nil
		text, _ = json.Marshal(run)
		run.Lie = lie
	}
	if n := longestString(text); n > mostText {
		what = fmt.Sprintf("it has a text of %d bytes; one has at most %d", n, mostText)
	}
	if what != "" {
		r.wrong.add(fmt.Errorf("%s %w: %s", path, ErrDamaged, what))
		return
	}
	r.run = run
}

// lines takes in the trials, complete lines only: one without its newline is a write that did not end.
func (r *recordReading) lines(f io.Reader, path string) {
	in, seen := bufio.NewReaderSize(f, 1<<16), map[Planned]int{}
	for number := 1; ; number++ {
		line, size, err := nextLine(in)
		switch {
		case err == io.EOF && size > 0:
			r.torn = number
			return
		case err == io.EOF:
			return
		case err != nil:
			r.wrong.add(fmt.Errorf("%s:%d %w: it can't be read from here on: %w", path, number, ErrDamaged, err))
			return
		}
		r.size += size
		if size > maxLine {
			r.wrong.add(fmt.Errorf("%s:%d %w: it has %d bytes; a trial has at most %d", path, number, ErrDamaged, size,
				maxLine))
			continue
		}
		r.line(path, number, line, seen)
	}
}

// line takes in one trial. seen are the lines of those before it.
func (r *recordReading) line(path string, number int, text []byte, seen map[Planned]int) {
	var t Trial
	if err := decode(path, number, text, &t); err != nil {
		r.wrong.add(err)
		return
	}
	what := ""
	switch first, twice := seen[t.Planned]; {
	case t.Situation == "" || t.Architecture == "" || t.Block < 1:
		what = "it is no trial: it names no situation, row and block"
	case twice:
		what = fmt.Sprintf("it repeats the trial of line %d: %s, block %d", first, t.cell(), t.Block)
	case r.run.Version > 0:
		what = r.stranger(&t)
	}
	if what == "" {
		what = t.impossible()
	}
	if what != "" {
		r.wrong.add(fmt.Errorf("%s:%d %w: %s", path, number, ErrDamaged, what))
		return
	}
	seen[t.Planned] = number
	r.trials = append(r.trials, t)
}

// cell names the trial's cell for a reader of errors.
func (p *Planned) cell() string { return fmt.Sprintf("%q of %q", p.Situation, p.Architecture) }

// stranger says that a trial is not one of the run, or "".
func (r *recordReading) stranger(t *Trial) string {
	switch {
	case !slices.ContainsFunc(r.run.Architectures, func(a Architecture) bool { return a.Name == t.Architecture }):
		return fmt.Sprintf("%s has no row %q", runFile, t.Architecture)
	case !slices.ContainsFunc(r.run.Situations, func(s Situation) bool { return s.Name == t.Situation }):
		return fmt.Sprintf("%s has no situation %q", runFile, t.Situation)
	case !slices.Contains(r.run.Plan, t.Planned):
		return fmt.Sprintf("the plan in %s has no block %d of %s", runFile, t.Block, t.cell())
	}
	return ""
}

// nextLine reads up to the next newline and tells how many bytes it took. Of a line that is longer than maxLine it
// returns nothing.
func nextLine(in *bufio.Reader) (line []byte, size int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if size += int64(len(part)); size <= maxLine {
			line = append(line, part...)
		} else {
			line = nil
		}
		if err != bufio.ErrBufferFull {
			return line, size, err
		}
	}
}

// result is what could be read, and what could not. path is that of the trials.
func (r *recordReading) result(name, path string) (Run, []Trial, error) {
	if r.torn > 0 {
		r.wrong.add(fmt.Errorf("%s:%d %w: it is cut short: no newline ends it", path, r.torn, ErrDamaged))
	}
	if n := r.wrong.count(); n > 0 && r.run.Version > 0 {
		r.run.Notes = append(r.run.Notes, "The record is damaged: "+plural(n, "place")+" of it can't be read.")
	}
	return r.run, r.trials, r.wrong.err(name)
}

// strict is a run that can be gone on with: nothing may be wrong with it but a last line that was cut short.
func (r *recordReading) strict(dir string, head []byte, f io.Reader) error {
	r.head(filepath.Join(dir, runFile), head)
	r.lines(f, filepath.Join(dir, trialsFile))
	return r.wrong.err(dir)
}
