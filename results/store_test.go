package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// stored is the fixture as a run that can be read: with as many values in its histograms as its counts say.
func stored(n, trials int) (Run, []Trial) {
	run, all := fixture(n, trials)
	all = slices.Clone(all)
	for i := range all {
		l := &all[i].Load
		l.Response, l.Service = withCount(l.Response, l.Requests), withCount(l.Service, l.Requests)
	}
	return run, all
}

// withCount is the same distribution with n values.
func withCount(h Histogram, n uint64) Histogram {
	to, seen, done := NewHistogram(), int64(0), int64(0)
	for _, bar := range h.Distribution() {
		seen += bar.Count
		if due := seen * int64(n) / h.Count(); due > done {
			if err := to.RecordValues(bar.From, due-done); err != nil {
				panic(err)
			}
			done = due
		}
	}
	return to
}

// written makes a run's directory that holds the first n trials of the fixture.
func written(t *testing.T, n int) (dir string, run Run, trials []Trial) {
	t.Helper()
	run, trials = stored(2, 1)
	trials = trials[:n]
	dir = filepath.Join(t.TempDir(), "deep", "run")
	w, err := Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range trials {
		if err := w.Append(trial); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, run, trials
}

// sameTrials compares through JSON, where a histogram is its whole content.
func sameTrials(t *testing.T, got, want []Trial) {
	t.Helper()
	a, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("the trials differ: %d bytes of JSON, want %d", len(a), len(b))
	}
}

func TestRoundTrip(t *testing.T) {
	dir, run, trials := written(t, 10)
	gotRun, got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotRun, run) {
		t.Errorf("run differs:\n%+v\n%+v", gotRun, run)
	}
	sameTrials(t, got, trials)
	for i := range got {
		if got[i].Load.Requests > 0 && !got[i].Load.Response.Equals(trials[i].Load.Response.Histogram) {
			t.Errorf("trial %d: the response histogram differs", i)
		}
	}
}

func TestEmptyHistogramIsNull(t *testing.T) {
	text, err := json.Marshal(Load{Response: NewHistogram()})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"response":null,"service":null`) {
		t.Errorf("%s", text)
	}
	var l Load
	if err := json.Unmarshal(text, &l); err != nil {
		t.Fatal(err)
	}
	if l.Response.Count() != 0 {
		t.Errorf("%d values", l.Response.Count())
	}
}

func TestTornLastLine(t *testing.T) {
	dir, _, trials := written(t, 4)
	path := filepath.Join(dir, trialsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for _, cut := range []int{start + 1, start + 100, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		run, got, err := Read(dir)
		var d Damage
		if !errors.As(err, &d) || len(d) != 1 || !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path+":4 ") {
			t.Errorf("cut at %d: %v, want line 4 named", cut, err)
		}
		sameTrials(t, got, trials[:3])
		if len(run.Notes) != 1 {
			t.Errorf("cut at %d: notes %q, want one", cut, run.Notes)
		}
		w, _, got, err := Resume(dir)
		if err != nil {
			t.Fatal(err)
		}
		sameTrials(t, got, trials[:3])
		if err := errors.Join(w.Append(trials[3]), w.Close()); err != nil {
			t.Fatal(err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, whole) {
			t.Errorf("cut at %d: the resumed file is not the whole one (%v)", cut, err)
		}
	}
}

func TestDirectoriesThatHoldNoRun(t *testing.T) {
	empty := t.TempDir()
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dir, read, resume string }{
		{filepath.Join(empty, "nowhere"), "no such directory: ", "no such directory: "},
		{empty, "holds no run", "holds no run"},
		{file, "is no run", "is a file"}, // a packed run can be read, and not gone on with
	} {
		if _, _, err := Read(c.dir); err == nil || !strings.Contains(err.Error(), c.read) {
			t.Errorf("Read: %v, want %q", err, c.read)
		}
		if _, _, _, err := Resume(c.dir); err == nil || !strings.Contains(err.Error(), c.resume) {
			t.Errorf("Resume: %v, want %q", err, c.resume)
		}
	}
	if _, _, err := Read(filepath.Join(empty, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not ErrNotExist", err)
	}
}

func TestCreateRefusesARun(t *testing.T) {
	dir, run, trials := written(t, 2)
	if _, err := Create(dir, run); !errors.Is(err, ErrExists) {
		t.Errorf("%v, want ErrExists", err)
	}
	_, got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	sameTrials(t, got, trials)
}

func TestRunWithoutTrials(t *testing.T) {
	dir, _, _ := written(t, 0)
	if err := os.Remove(filepath.Join(dir, trialsFile)); err != nil {
		t.Fatal(err)
	}
	if _, trials, err := Read(dir); err != nil || len(trials) != 0 {
		t.Errorf("%d trials, %v", len(trials), err)
	}
}

func TestOneWriterAtATime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("runs are written, and locked, on Linux only")
	}
	dir, _, _ := written(t, 1)
	w, _, _, err := Resume(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Resume(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("%v, want ErrLocked", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w, _, _, err = Resume(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
}
