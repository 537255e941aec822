//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// broken is a copy of the reference run whose two files edit may change.
func broken(t *testing.T, edit func(head, body []byte) ([]byte, []byte)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "broken")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var texts [2][]byte
	names := []string{"run.json", "trials.jsonl"}
	for i, name := range names {
		text, err := os.ReadFile(filepath.Join(referenceRun, name))
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = text
	}
	texts[0], texts[1] = edit(texts[0], texts[1])
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), texts[i], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// twoBadLines breaks the second line and cuts the last one short.
func twoBadLines(head, body []byte) ([]byte, []byte) {
	lines := bytes.SplitAfter(body, []byte("\n"))
	lines[1] = []byte("{\"version\": \x1b[31m}\n")
	return head, bytes.Join(lines[:len(lines)-1], nil)[:len(body)/2]
}

// noHead breaks run.json.
func noHead(head, body []byte) ([]byte, []byte) { return head[:len(head)/2], body }

// Every output of a damaged run is made of what can be read, each problem is a line, and the exit code tells.
func TestDamagedRunIsReported(t *testing.T) {
	dir := broken(t, twoBadLines)
	file := filepath.Join(t.TempDir(), "x")
	for args, want := range map[string]string{
		"report " + dir:                                "WHICH ARCHITECTURE",
		"report --wide " + dir:                         "TRIVIAL",
		"report --gobench - " + dir:                    "BenchmarkServe/situation=trivial/arch=",
		"report --markdown - " + dir:                   "trials.jsonl\\:2 is damaged",
		"report --svg " + file + " " + dir:             "WHICH ARCHITECTURE",
		"compare " + referenceRun + " " + dir:          "no measurable difference",
		"compare --orders " + referenceRun + " " + dir: "iterative before",
	} {
		if strings.Contains(args, "compare") { // a copy would be refused by --orders
			dir2 := broken(t, func(head, body []byte) ([]byte, []byte) {
				head = bytes.Replace(head, []byte(`"started": "2`), []byte(`"started": "1`), 1)
				return twoBadLines(head, body)
			})
			args = strings.Replace(args, dir, dir2, 1)
		}
		code, out, stderr := ask(strings.Fields(args)...)
		if code != exitFailed || !strings.Contains(out, want) {
			t.Errorf("%s: exit code %d, lacks %q:\n%s", args, code, want, out)
		}
		if strings.Count(stderr, "\n") != 3 || strings.Contains(stderr, "\x1b") {
			t.Errorf("%s: want two problems and a last line: %q", args, stderr)
		}
		for _, word := range []string{"trials.jsonl:2 is damaged", "it is cut short"} {
			if !strings.Contains(stderr, word) {
				t.Errorf("%s: standard error lacks %q: %s", args, word, stderr)
			}
		}
	}
}

// Without run.json the trials are listed, nothing is ranked, and nothing is written that needs it.
func TestTrialsAreListedWithoutTheirRun(t *testing.T) {
	dir := broken(t, noHead)
	code, out, stderr := ask("report", dir)
	if code != exitFailed || !strings.Contains(out, "612 trials") || !strings.Contains(out, "nothing is ranked") ||
		strings.Contains(out, "WHICH") || !strings.Contains(stderr, "run.json:") {
		t.Errorf("exit code %d, %q\n%s", code, stderr, out)
	}
	for _, args := range []string{"report --gobench - " + dir, "compare " + dir + " " + referenceRun} {
		code, out, stderr := ask(strings.Fields(args)...)
		if code != exitFailed || out != "" || !strings.Contains(stderr, "run.json") {
			t.Errorf("%s: exit code %d, %q, %q", args, code, stderr, out)
		}
	}
	code, out, stderr = ask("compare", "--orders", referenceRun, dir)
	if code != exitFailed || !strings.Contains(out, "1 run,") || !strings.Contains(stderr, "1 of 2 runs are left out") {
		t.Errorf("exit code %d, %q\n%s", code, stderr, out)
	}
}
