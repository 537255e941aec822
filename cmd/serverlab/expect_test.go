//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportExpect(t *testing.T) {
	file := filepath.Join(t.TempDir(), "homework.txt")
	text := "# what we expect\n\nbest(cpu) <= cpu(thread)\n  cpu(process) > 1ms \r\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.txt")
	if err := os.WriteFile(wrong, []byte("cpu(process) > 1ms\ncpu(process) >\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"--expect=@" + file}, exitDone, "✓ cpu(process) > 1ms", ""},
		{[]string{"--expect=@" + file, "--expect=p99(iterative) < 1ms"}, exitUndecided, "? p99",
			"1 of 3 can't be told"},
		{[]string{"--expect=memory(iterative) < 1MB", "--expect=p99(iterative) < 1ms"}, exitFailed, "✗ memory",
			"1 of 2 expectations refuted"},
		{[]string{"--expect=cpu(process) > 1ms", "--wide"}, exitDone, "ORDER OF THE TRIALS", ""},
		{[]string{"--expect=cpu(process) > 1ms", "--ascii"}, exitDone, "+ cpu(process) > 1ms\n    holds", ""},
		{[]string{"--expect=cpu(process) > 1ms", "--gobench=-"}, exitDone, "BenchmarkServe", "✓ cpu"},
		{[]string{"--expect=cpu(mine) > 1ms"}, exitUsage, "", "there are iterative, eventloop"},
		{[]string{"--expect="}, exitUsage, "", "give a number or a figure"},
		{[]string{"--expect=@" + wrong}, exitUsage, "", "wrong.txt, line 2: "},
		{[]string{"--expect=@/dev/null"}, exitUsage, "", "no line holds an expectation"},
		{[]string{"--expect=@" + file + ".none"}, exitFailed, "", "no such file"},
		{[]string{"--blind", "--seed=1", "--key=" + file + ".key", "--expect=cpu(iterative) > 1ms"}, exitUsage, "",
			"there are A, B, C"},
	} {
		code, stdout, stderr := ask(append([]string{"report", referenceRun}, c.args...)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%q: exit code %d, want %d\n%s\n%s", c.args, code, c.code, stdout, stderr)
		}
		if stdout != "" && c.code == exitUsage {
			t.Errorf("%q: it prints before it refuses:\n%s", c.args, stdout)
		}
	}
}

func TestReportBlind(t *testing.T) {
	dir := t.TempDir()
	key, packed, svg := filepath.Join(dir, "key.txt"), filepath.Join(dir, "class.run"), filepath.Join(dir, "svg")
	args := []string{"report", referenceRun, "--blind", "--key", key}
	code, screen, stderr := ask(append(args, "--pack", packed, "--svg", svg)...)
	if code != exitDone || !strings.HasPrefix(screen, "Which of A to H is which?") {
		t.Fatalf("exit code %d, %s\n%s", code, stderr, screen)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("everybody may read the key: %v, %v", info, err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 9 || !strings.HasPrefix(lines[1], "A  ") || !strings.Contains(string(text), "  eventloop\n") {
		t.Errorf("key:\n%s", text)
	}
	if _, again, _ := ask("report", packed); again != screen {
		t.Errorf("the packed run shows another screen:\n%s", again)
	}
	if code, _, stderr := ask("report", packed, "--blind", "--key", key+"2"); code != exitFailed ||
		!strings.Contains(stderr, "blind already") {
		t.Errorf("twice: %d, %s", code, stderr)
	}
	if code, _, stderr := ask(args...); code != exitFailed || !strings.Contains(stderr, "another key") {
		t.Errorf("another key over the first: %d, %s", code, stderr)
	}
	if now, err := os.ReadFile(key); err != nil || string(now) != string(text) {
		t.Errorf("the key has been overwritten: %v\n%s", err, now)
	}
	_, seed, _ := strings.Cut(lines[0], "--seed ")
	if code, again, stderr := ask(append(args, "--seed", seed)...); code != exitDone || again != screen {
		t.Errorf("the same seed: %d, %s\n%s", code, stderr, again)
	}
	for _, wrong := range [][]string{{"--key", "k"}, {"--seed", "1"}, {"--blind", "--key="}, {"--blind", "--key=-"},
		{"--blind", "--svg", dir, "--key", filepath.Join(dir, "k.txt")},
		{"--blind", "--key", packed, "--pack", packed}} {
		if code, _, _ := ask(append([]string{"report", referenceRun}, wrong...)...); code != exitUsage {
			t.Errorf("%q: exit code %d", wrong, code)
		}
	}
}

// TestKeyLiesBesideTheRun: what is handed out is the run's directory or a file of it.
func TestKeyLiesBesideTheRun(t *testing.T) {
	for dir, want := range map[string]string{"/a/runs/first": "/a/runs/first-key.txt", "/a/first/": "/a/first-key.txt",
		"/a/class.run": "/a/class-key.txt", "/a/b/..": "/a-key.txt"} {
		if got := besideRun(dir); got != want {
			t.Errorf("the key of %s is %s, want %s", dir, got, want)
		}
	}
	if key := besideRun("."); within(".", key) {
		t.Errorf("%s lies in the run's directory", key)
	}
}
