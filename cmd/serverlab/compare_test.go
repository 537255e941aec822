//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const referenceRun = "../../results/reference"

// pack packs the reference run into a file of a directory of its own.
func pack(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if code, _, stderr := ask("report", referenceRun, "--pack", file); code != exitDone {
		t.Fatalf("pack: exit code %d, %s", code, stderr)
	}
	return file
}

// A packed run is shown as its directory is, and by "-" it goes to standard output and nothing else does.
func TestPackedRunIsARun(t *testing.T) {
	file := pack(t, "a.run")
	_, want, _ := ask("report", referenceRun)
	if code, got, stderr := ask("report", file); code != exitDone || got != want {
		t.Errorf("exit code %d, %q; the packed run shows another screen", code, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if code, got, _ := ask("report", referenceRun, "--pack", "-"); code != exitDone || got != string(text) {
		t.Errorf("exit code %d; --pack - is another file than --pack FILE", code)
	}
	if code, out, stderr := ask("compare", referenceRun, file, "--ascii"); code != exitDone ||
		!strings.Contains(out, "one and the same run") || !strings.Contains(out, "no measurable difference") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, out)
	}
}

// In a class, a file that is none and a copy are named and left out; the others are drawn, and the exit code tells.
func TestCompareManyNamesTheBad(t *testing.T) {
	file := pack(t, "a.run")
	bad := filepath.Join(t.TempDir(), "bad.run")
	if err := os.WriteFile(bad, []byte("no run"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := ask("compare", referenceRun, file, bad)
	if code != exitFailed || !strings.Contains(out, "1 run,") || !strings.Contains(out, "iterative before") {
		t.Errorf("exit code %d, %s", code, out)
	}
	for _, want := range []string{bad + " is no run", file + " is a copy of " + referenceRun, "2 of 3 runs are left out"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error lacks %q:\n%s", want, stderr)
		}
	}
}

func TestCompareBadInput(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"compare", exitUsage, "name two runs or more"},
		{"compare " + referenceRun, exitUsage, "name two runs or more"},
		{"compare " + referenceRun + " " + referenceRun + "/", exitUsage, "named twice"},
		{"compare " + referenceRun + " nowhere", exitFailed, "nowhere"},
		{"compare " + referenceRun + " main.go", exitFailed, "main.go is no run"},
		{"report " + referenceRun + " --pack=", exitUsage, "--pack names no file"},
		{"report " + referenceRun + " --pack nowhere/a.run", exitFailed, "--pack"},
		{"report " + referenceRun + " --pack a --gobench a", exitUsage, "both write to a"},
	} {
		code, out, stderr := ask(strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || out != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %d and one line with %q", c.args, code, out, stderr, c.code, c.want)
		}
	}
}
