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
	"strings"
	"testing"
)

// written makes a run's directory that holds the first n trials of the fixture.
func written(t *testing.T, n int) (dir string, run Run, trials []Trial) {
	t.Helper()
	run, trials = fixture(2, 1)
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
		if !got[i].Load.Response.Equals(trials[i].Load.Response.Histogram) {
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
		if err != nil {
			t.Fatal(err)
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

func TestDamageIsRefused(t *testing.T) {
	const third = `"version":1,"situation":"waits"`
	for name, c := range map[string]struct {
		file, from, to, want string
		is                   error
	}{
		"a damaged middle":     {trialsFile, third, strings.Replace(third, `":`, `:`, 1), "line 3 of ", ErrDamaged},
		"a newer trial":        {trialsFile, third, strings.Replace(third, "1", "2", 1), "line 3 of ", ErrNewer},
		"a damaged histogram":  {trialsFile, `"response":"`, `"response":"!`, "line 1 of ", ErrDamaged},
		"a newer run":          {runFile, `"version": 1`, `"version": 2`, "version 2", ErrNewer},
		"a run without one":    {runFile, `"version": 1`, `"vision": 1`, "no version", ErrDamaged},
		"a run that is no run": {runFile, "{", "[", runFile, ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _, _ := written(t, 10)
			path := filepath.Join(dir, c.file)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte(c.from)) {
				t.Fatalf("%s does not hold %q", path, c.from)
			}
			if err := os.WriteFile(path, bytes.Replace(text, []byte(c.from), []byte(c.to), 1), 0o644); err != nil {
				t.Fatal(err)
			}
			_, _, err = Read(dir)
			check := func(err error) {
				if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v, want %v with %q in one line", err, c.is, c.want)
				}
			}
			check(err)
			_, _, _, err = Resume(dir)
			check(err)
		})
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
