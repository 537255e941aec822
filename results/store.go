package results

import (
	"encoding/json"
	"errors"
	"fmt"
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

// Resume opens a run to append to it and returns what it holds. A last line that was cut short is dropped; anything else
// that is wrong is an error (Damage): nothing is appended to a record that can't be read.
func Resume(dir string) (*Writer, Run, []Trial, error) {
	head, err := openRun(dir)
	if err != nil {
		return nil, Run{}, nil, err
	}
	w, err := openWriter(dir)
	if err != nil {
		return nil, Run{}, nil, err
	}
	var r recordReading
	err = r.strict(dir, head, w.file)
	if err == nil && r.torn > 0 {
		if err = w.file.Truncate(r.size); err != nil {
			err = fmt.Errorf("cut the torn last line: %w", err)
		}
	}
	if err != nil {
		w.file.Close()
		return nil, Run{}, nil, err
	}
	w.size = r.size
	return w, r.run, r.trials, nil
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
