package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The two files of a run's directory. The run is written once; the trials grow by one line each, so a run that is
// killed loses at most the trial that it was in.
const (
	runFile    = "run.json"
	trialsFile = "trials.jsonl"
)

// Errors of a run's directory that a caller may want to tell apart. Each is wrapped with the name of the directory.
var (
	ErrExists  = errors.New("already holds a run: resume it with `serverlab bench --resume`, or name another directory")
	ErrNoRun   = errors.New("holds no run (no " + runFile + "): name a directory that `serverlab bench` has written")
	ErrLocked  = errors.New("another benchmark is writing there: wait for it, or name another directory")
	ErrNewer   = errors.New("was written by a newer serverlab: read it with that version")
	ErrDamaged = errors.New("is damaged")
)

// Writer appends trials to a run's directory. One process writes at a time; it is not safe for concurrent use.
type Writer struct {
	file *os.File
	size int64 // of the complete lines; what follows a failed write is cut off
}

// Create makes dir and writes run into it. It refuses a directory that holds a run already (ErrExists) or that another
// process is writing (ErrLocked).
func Create(dir string, run Run) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, runFile)); err == nil {
		return nil, fmt.Errorf("%s %w", dir, ErrExists)
	}
	w, err := openWriter(dir)
	if err != nil {
		return nil, err
	}
	if err := create(dir, run, w); err != nil {
		w.file.Close()
		return nil, err
	}
	return w, nil
}

// create runs under the lock, so of two benches that start at once the second finds the first one's run.
func create(dir string, run Run, w *Writer) error {
	if _, err := os.Stat(filepath.Join(dir, runFile)); err == nil {
		return fmt.Errorf("%s %w", dir, ErrExists)
	}
	info, err := w.file.Stat()
	if err != nil {
		return fmt.Errorf("create run: %w", err)
	}
	if info.Size() > 0 {
		return fmt.Errorf("%s holds %s without %s: name another directory", dir, trialsFile, runFile)
	}
	text, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return fmt.Errorf("encode run: %w", err)
	}
	return WriteFile(filepath.Join(dir, runFile), append(text, '\n'))
}

// WriteFile writes a file that is there completely or not at all, even if the machine stops in between. It replaces one
// of that name. Its errors name the file.
func WriteFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // of no effect once it has been renamed
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	syncDir(filepath.Dir(path))
	return nil
}

// syncDir makes a rename durable where the system can sync a directory; elsewhere there is nothing to do about it.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

func openWriter(dir string) (*Writer, error) {
	f, err := os.OpenFile(filepath.Join(dir, trialsFile), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open trials: %w", err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &Writer{file: f}, nil
}

// Resume opens a run to append to it and returns what it holds. A last line that was cut short is dropped; a damaged
// line before it is an error (ErrDamaged) that names its number, and so is a newer version (ErrNewer).
func Resume(dir string) (*Writer, Run, []Trial, error) {
	run, err := readRun(dir)
	if err != nil {
		return nil, Run{}, nil, err
	}
	w, err := openWriter(dir)
	if err != nil {
		return nil, Run{}, nil, err
	}
	trials, size, torn, err := readTrials(w.file, filepath.Join(dir, trialsFile))
	if err == nil && torn {
		if err = w.file.Truncate(size); err != nil {
			err = fmt.Errorf("cut the torn last line: %w", err)
		}
	}
	if err != nil {
		w.file.Close()
		return nil, Run{}, nil, err
	}
	w.size = size
	return w, run, trials, nil
}

// Append writes one trial as one line and returns when it is on the disk. After an error the file holds what it held
// before, so the trial can be written again.
func (w *Writer) Append(t Trial) error {
	line, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode trial: %w", err)
	}
	line = append(line, '\n')
	if _, err := w.file.Write(line); err != nil {
		return errors.Join(fmt.Errorf("append trial: %w", err), w.file.Truncate(w.size))
	}
	if err := w.file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("append trial: %w", err), w.file.Truncate(w.size))
	}
	w.size += int64(len(line))
	return nil
}

// Close gives the directory free for another writer.
func (w *Writer) Close() error { return w.file.Close() }

// Read returns a run and its trials in the order in which they ran, from its directory or from the one file that Pack
// has made of it. It changes nothing: a last line that was cut short is left out and said in Run.Notes. It may read a
// run that is still being written.
func Read(dir string) (Run, []Trial, error) {
	if info, err := os.Stat(dir); err == nil && info.Mode().IsRegular() {
		return readPacked(dir)
	}
	run, err := readRun(dir)
	if err != nil {
		return Run{}, nil, err
	}
	path := filepath.Join(dir, trialsFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return run, nil, nil
	}
	if err != nil {
		return Run{}, nil, fmt.Errorf("read trials: %w", err)
	}
	defer f.Close()
	trials, _, torn, err := readTrials(f, path)
	if err != nil {
		return Run{}, nil, err
	}
	if torn {
		run.Notes = append(run.Notes, "The last trial was cut short while it was written; it is left out.")
	}
	return run, trials, nil
}

func readRun(dir string) (Run, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Run{}, fmt.Errorf("no such directory: %s: name one that `serverlab bench` has written: %w", dir,
			fs.ErrNotExist)
	case err != nil:
		return Run{}, fmt.Errorf("read run: %w", err)
	case !info.IsDir():
		return Run{}, fmt.Errorf("%s is a file: name the directory of a run", dir)
	}
	path := filepath.Join(dir, runFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Run{}, fmt.Errorf("%s %w", dir, ErrNoRun)
	}
	if err != nil {
		return Run{}, fmt.Errorf("read run: %w", err)
	}
	return decodeRun(path, text)
}

func decodeRun(name string, text []byte) (Run, error) {
	if err := checkVersion(name, text); err != nil {
		return Run{}, err
	}
	var run Run
	if err := json.Unmarshal(text, &run); err != nil {
		return Run{}, fmt.Errorf("%s %w: %w", name, ErrDamaged, err)
	}
	return run, nil
}

// checkVersion looks at the version alone, since the fields of a newer record may not decode.
func checkVersion(name string, text []byte) error {
	var v struct{ Version int }
	if err := json.Unmarshal(text, &v); err != nil {
		return fmt.Errorf("%s %w: %w", name, ErrDamaged, err)
	}
	if v.Version > Version {
		return fmt.Errorf("%s %w (version %d; this one reads up to %d)", name, ErrNewer, v.Version, Version)
	}
	if v.Version < 1 {
		return fmt.Errorf("%s %w: it has no version", name, ErrDamaged)
	}
	return nil
}

// readTrials reads complete lines only and returns their size in bytes. A line without its newline is a write that
// did not end: torn.
func readTrials(r io.Reader, path string) (trials []Trial, size int64, torn bool, err error) {
	in, seen := bufio.NewReader(r), map[Planned]bool{}
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return trials, size, len(line) > 0, nil
		}
		if err != nil {
			return nil, 0, false, fmt.Errorf("read %s: %w", path, err)
		}
		name := fmt.Sprintf("line %d of %s", number, path)
		if err := checkVersion(name, bytes.TrimSpace(line)); err != nil {
			return nil, 0, false, err
		}
		var t Trial
		if err := json.Unmarshal(line, &t); err != nil {
			return nil, 0, false, fmt.Errorf("%s %w: %w", name, ErrDamaged, err)
		}
		if seen[t.Planned] {
			return nil, 0, false, fmt.Errorf("%s %w: it repeats the trial %s of %s, block %d", name, ErrDamaged,
				t.Situation, t.Architecture, t.Block)
		}
		seen[t.Planned] = true
		trials = append(trials, t)
		size += int64(len(line))
	}
}
