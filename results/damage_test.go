package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// edited is a run's directory of ten trials in which something is replaced once.
func edited(t *testing.T, file, from, to string) string {
	t.Helper()
	dir, _, _ := written(t, 10)
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(from)) {
		t.Fatalf("%s does not hold %q", path, from)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte(from), []byte(to), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// named fails unless the error is Damage of one place, of that kind and in one line, that names file, line and word.
func named(t *testing.T, err, is error, place, word string) {
	t.Helper()
	var d Damage
	if !errors.As(err, &d) || len(d) != 1 || !errors.Is(err, is) || !strings.Contains(err.Error(), place+" ") ||
		!strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want %v in one line with %q and %q", err, is, place, word)
	}
}

// Each kind of damage is named with file and line, the rest is read, and nothing is appended to such a run.
func TestDamage(t *testing.T) {
	const third = `"version":1,"situation":"waits","architecture":"iterative"`
	third1 := strings.Replace(third, "1", "2", 1)
	for name, c := range map[string]struct {
		file, from, to string
		is             error
		place, word    string
		left           int // trials that are read
	}{
		"no JSON":       {trialsFile, third, strings.Replace(third, `":`, `"`, 1), ErrDamaged, ":3", "invalid", 9},
		"a newer trial": {trialsFile, third, third1, ErrNewer, ":3", "version 2", 9},
		"foreign":       {trialsFile, third, `"vision":1`, ErrDamaged, ":3", "no record of serverlab", 9},
		"of no cell":    {trialsFile, third, `"version":1`, ErrDamaged, ":3", "it is no trial", 9},
		"a long text": {trialsFile, `"seconds":1.1`, `"seconds":1.1,"failure":"` +
			strings.Repeat("x", mostTrialText+1) + `"`, ErrDamaged, ":1", "text of 16385 bytes", 9},
		"a broken histogram": {trialsFile, `"response":"`, `"response":"!`, ErrDamaged, ":1", "histogram", 9},
		"a huge number":      {trialsFile, `"seconds":1.1`, `"seconds":1e999`, ErrDamaged, ":1", "seconds", 9},
		"no number":          {trialsFile, `"seconds":1.1`, `"seconds":NaN`, ErrDamaged, ":1", "invalid", 9},
		"an unknown row":     {trialsFile, third, strings.Replace(third, "iterative", "x\\u001b[2J", 1), ErrDamaged, ":3", `no row "x\x1b[2J"`, 9},
		"an unknown column":  {trialsFile, third, strings.Replace(third, "waits", "sleeps", 1), ErrDamaged, ":3", `no situation "sleeps"`, 9},
		"an unplanned block": {trialsFile, third + `,"block":1`, third + `,"block":7`, ErrDamaged, ":3", "no block 7", 9},
		"a repeated trial": {trialsFile, third, strings.Replace(third, "waits", "trivial", 1), ErrDamaged, ":3",
			"repeats the trial of line 1", 9},
		"no window":             {trialsFile, `"window":2`, `"window":0`, ErrDamaged, ":1", "window", 9},
		"a negative CPU time":   {trialsFile, `"cpu":0.4`, `"cpu":-0.4`, ErrDamaged, ":1", "cpu is -0.4", 9},
		"other counts":          {trialsFile, `"requests":`, `"requests":1`, ErrDamaged, ":1", "response histogram", 9},
		"more harmed than were": {trialsFile, `"harmed":0`, `"harmed":65`, ErrDamaged, ":1", "harmed", 9},
		"a damaged run":         {runFile, `"trials": 1,`, `"trials": 1`, ErrDamaged, runFile + ":8", "invalid", 10},
		"a run of wrong types":  {runFile, `"trials": 1,`, `"trials": "one",`, ErrDamaged, runFile + ":7", "setup.trials", 10},
		"no date":               {runFile, `"started": "2026`, `"started": "x2026`, ErrDamaged, runFile, "parsing", 10},
		"a newer run":           {runFile, `"version": 1`, `"version": 2`, ErrNewer, runFile + ":1", "version 2", 10},
		"a foreign run":         {runFile, `"version": 1`, `"vision": 1`, ErrDamaged, runFile + ":1", "no record", 10},
		"a list for a run":      {runFile, "{", "[", ErrDamaged, runFile + ":2", "invalid", 10},
		"a row twice": {runFile, `"name": "eventloop"`, `"name": "iterative"`, ErrDamaged, runFile, `two rows of the name "iterative"`,
			10},
		"an impossible rate": {runFile, `"rate": 3000`, `"rate": 1e300`, ErrDamaged, runFile, "rate is 1e+300", 10},
	} {
		t.Run(name, func(t *testing.T) {
			dir := edited(t, c.file, c.from, c.to)
			run, trials, err := Read(dir)
			named(t, err, c.is, c.place, c.word)
			if known := run.Version > 0; len(trials) != c.left || known != (c.file == trialsFile) {
				t.Errorf("%d trials of a run of version %d, want %d", len(trials), run.Version, c.left)
			}
			if _, _, _, err = Resume(dir); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.place+" ") {
				t.Errorf("Resume: %v, want %v with %q", err, c.is, c.place)
			}
			head, errHead := os.ReadFile(filepath.Join(dir, runFile))
			body, errBody := os.ReadFile(filepath.Join(dir, trialsFile))
			if err := errors.Join(errHead, errBody); err != nil {
				t.Fatal(err)
			}
			file := archived(t, runFile, string(head), trialsFile, string(body))
			run, trials, err = unpack(bytes.NewReader(file), "a.run")
			named(t, err, c.is, c.place, c.word)
			if known := run.Version > 0; len(trials) != c.left || known != (c.file == trialsFile) {
				t.Errorf("packed: %d trials of a run of version %d, want %d", len(trials), run.Version, c.left)
			}
		})
	}
}

// A run without run.json has its trials still; without any it is none.
func TestTrialsWithoutARun(t *testing.T) {
	dir, _, want := written(t, 3)
	if err := os.Remove(filepath.Join(dir, runFile)); err != nil {
		t.Fatal(err)
	}
	run, trials, err := Read(dir)
	named(t, err, ErrNoRun, dir, runFile)
	if run.Version != 0 {
		t.Errorf("version %d", run.Version)
	}
	sameTrials(t, trials, want)
	if err := os.Truncate(filepath.Join(dir, trialsFile), 0); err != nil {
		t.Fatal(err)
	}
	var d Damage
	if _, _, err := Read(dir); !errors.Is(err, ErrNoRun) || errors.As(err, &d) {
		t.Errorf("%v, want ErrNoRun, and no Damage", err)
	}
}

// A line without an end takes no memory, and the next one is read.
func TestLongLine(t *testing.T) {
	dir, _, trials := written(t, 2)
	path := filepath.Join(dir, trialsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	long := bytes.Repeat([]byte(" "), maxLine)
	if err := os.WriteFile(path, append(append(long, '\n'), whole...), 0o644); err != nil {
		t.Fatal(err)
	}
	_, got, err := Read(dir)
	named(t, err, ErrDamaged, path+":1", fmt.Sprint(maxLine))
	sameTrials(t, got, trials)
}

// Of very many problems the first are named and the others are counted.
func TestManyProblems(t *testing.T) {
	dir, _, _ := written(t, 0)
	path := filepath.Join(dir, trialsFile)
	if err := os.WriteFile(path, bytes.Repeat([]byte("{}\n"), 3*maxProblems), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := Read(dir)
	var d Damage
	if !errors.As(err, &d) || len(d) != maxProblems+1 || !strings.Contains(d[maxProblems].Error(), "200 more") {
		t.Errorf("%d problems: %v", len(d), d[len(d)-1])
	}
}

// What a packed run holds before the place where it is cut short is read.
func TestPackedRunThatIsCutShort(t *testing.T) {
	run, trials := stored(2, 1)
	whole := packed(t, run, trials)
	gotRun, got, err := unpack(bytes.NewReader(whole[:2*len(whole)/3]), "a.run")
	var d Damage
	if !errors.As(err, &d) || len(d) != 1 || gotRun.Version != Version || len(got) == 0 || len(got) == len(trials) {
		t.Fatalf("%d trials of %d, %v", len(got), len(trials), err)
	}
	named(t, err, ErrDamaged, fmt.Sprintf("a.run/%s:%d", trialsFile, len(got)+1), "cut short")
	sameTrials(t, got, trials[:len(got)])
}

// A record whose figures are as big, or its times as short, as any that is read: all that is made of it is drawn, within
// the widths that real ones have.
func TestExtremesAreDrawn(t *testing.T) {
	for name, change := range map[string]func(*Trial){
		"most":  func(t *Trial) { t.Load.Window, t.Load.Requests = leastWindow, mostCount },
		"least": func(t *Trial) { t.Load.Window, t.Load.Requests = mostSeconds, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			run, trials := stored(2, 6)
			for i := range trials {
				c := &trials[i]
				c.Server.CPU, c.Server.PSSPeak = pointer(mostSeconds), pointer(uint64(mostCount))
				c.Server.PSSSilent, c.Server.PSSStart = pointer(uint64(mostCount)), pointer(uint64(0))
				change(c)
				for _, h := range []*Histogram{&c.Load.Response, &c.Load.Service} {
					*h = NewHistogram()
					if err := h.RecordValues(HistogramMax, int64(c.Load.Requests)); err != nil {
						t.Fatal(err)
					}
				}
				if what := c.impossible(); what != "" {
					t.Fatal(what)
				}
			}
			var b bytes.Buffer
			err := errors.Join(Screen(&b, run, trials, Style{}), Wide(&b, run, trials, Style{}),
				GoBench(&b, run, trials), ListTrials(&b, trials, Style{}))
			if err != nil {
				t.Error(err)
			}
			for line := range strings.Lines(b.String()) {
				if width(line) > 250 {
					t.Errorf("%d columns: %s", width(line), line)
				}
			}
			pictures := Charts(run, trials)
			if len(pictures) == 0 {
				t.Error("no chart")
			}
			for _, p := range pictures {
				if n := len(plot.SVG(p.Chart, plot.Options{ID: p.Name})); n > 1<<20 {
					t.Errorf("%s has %d bytes", p.Name, n)
				}
			}
		})
	}
}

// Whatever a record holds, reading it ends, each problem is one line, and what was read is drawn without a panic.
func FuzzRead(f *testing.F) {
	run, trials := stored(2, 1)
	head, err := json.Marshal(run)
	if err != nil {
		f.Fatal(err)
	}
	line, err := json.Marshal(trials[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(head, append(line, '\n'))
	f.Add(head, append(line, line...))
	f.Add([]byte(`{"version":1}`), []byte("{\"version\":2}\n\n{}\n"))
	f.Add([]byte("["), append(line, '\n'))
	evilHead, evilBody := hostileExperiments(f)
	f.Add(evilHead, evilBody)
	f.Fuzz(func(t *testing.T, head, body []byte) {
		var r recordReading
		r.head("a/"+runFile, head)
		r.lines(bytes.NewReader(body), "a/"+trialsFile)
		run, trials, err := r.result("a", "a/"+trialsFile)
		var d Damage
		if err != nil && (!errors.As(err, &d) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q is no Damage of one line each", err)
		}
		var b bytes.Buffer
		draw := func(name string, err error) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		draw("list", ListTrials(&b, trials, Style{}))
		if run.Version == 0 {
			return
		}
		draw("screen", Screen(&b, run, trials, Style{}))
		draw("wide", Wide(&b, run, trials, Style{}))
		draw("experiments", Experiments(&b, run, trials, Style{}))
		draw("all of them", WideExperiments(&b, run, trials, Style{}))
		draw("lessons", WriteLessons(&b, run, trials, Style{}))
		draw("markdown", Markdown(&b, run, trials, nil, nil))
		draw("gobench", GoBench(&b, run, trials))
		for _, p := range Charts(run, trials) {
			plot.SVG(p.Chart, plot.Options{ID: p.Name})
		}
	})
}

// A name of ten million letters would be shown hundreds of times: such a run.json is named, and its trials are listed.
func TestLongNameInRun(t *testing.T) {
	for name, text := range map[string]string{"value": `"idea":"` + strings.Repeat("x", mostText+1) + `"`,
		"key": `"` + strings.Repeat("x", mostText+1) + `":1,"idea":""`} {
		t.Run(name, func(t *testing.T) {
			run, trials, err := Read(edited(t, runFile, `"idea": "one request at a time"`, text))
			named(t, err, ErrDamaged, runFile, "text of 4097 bytes")
			if run.Version != 0 || len(trials) != 10 {
				t.Errorf("version %d and %d trials, want 0 and 10", run.Version, len(trials))
			}
		})
	}
}

// Rows times situations are bounded, too: each cell takes time.
func TestManyCells(t *testing.T) {
	run := Run{Version: Version}
	for i := range mostRunRows {
		run.Architectures = append(run.Architectures, Architecture{Name: fmt.Sprint("r", i)})
	}
	for i := range mostCells / mostRunRows {
		run.Situations = append(run.Situations, Situation{Name: fmt.Sprint("s", i)})
	}
	if what := run.impossible(); what != "" {
		t.Errorf("the most that is read is refused: %s", what)
	}
	run.Situations = append(run.Situations, Situation{Name: "more"})
	if what := run.impossible(); !strings.Contains(what, "cells") {
		t.Errorf("%q, want what names the cells", what)
	}
}

// More situations than a line has room for are no reason to end in a panic.
func TestManyColumnsAreDrawn(t *testing.T) {
	for _, n := range []int{9, 33, 65, 100} {
		run, trials := newFixture(2, 1)
		for i := range n {
			s := run.Situations[0]
			s.Name = fmt.Sprint("s", i)
			run.Situations = append(run.Situations, s)
			run.Plan = append(run.Plan, Planned{s.Name, run.Architectures[0].Name, 1})
		}
		for _, draw := range []func(io.Writer, Run, []Trial, Style) error{Screen, Wide} {
			if err := draw(io.Discard, run, trials, Style{}); err != nil {
				t.Errorf("%d more situations: %v", n, err)
			}
		}
	}
}

// Neither escapes nor what turns the direction of a line reaches the terminal; letters of all languages do.
func TestPlain(t *testing.T) {
	got := Style{}.text("a\x1b[31m\u0085\u202eb\u2066\u2028\u200fé漢א\n")
	if want := "a?[31m??b???é漢א\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
