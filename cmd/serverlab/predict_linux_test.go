package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// predictFile asks for a run in vain, with predictions from a file of the given text.
func predictFile(t *testing.T, text string, args ...string) (code int, stderr, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run")
	file := filepath.Join(t.TempDir(), "worksheet")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr = ask(append([]string{"bench", "--out=" + dir, "--arch=epoll,goroutine,iterative",
		"--predict=" + file}, args...)...)
	return code, stderr, dir
}

// Predictions are checked before anything runs, and before anything is written.
func TestBadPredictions(t *testing.T) {
	for _, c := range []struct{ text, args, want string }{
		{"trivial: epoll\nwaits: apache", "", `line 2: waits: no "apache": choose of epoll, goroutine, iterative`},
		{"nothing: epoll", "trivial", `line 1: column: no "nothing": choose of trivial`},
		{"", "trivial", "holds no prediction"},
		{"trivial: epoll", "--arch=epoll trivial", "nothing to predict"},
		{"trivial: epoll", "--resume=nowhere", "--resume goes on as the run began: leave out --"},
	} {
		code, stderr, dir := predictFile(t, c.text, strings.Fields(c.args)...)
		if code != exitUsage || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q; want %q", c.text, code, stderr, c.want)
		}
		if exists(dir) {
			t.Errorf("%q: a directory was made", c.text)
		}
	}
	for args, want := range map[string]string{
		"--predict":                       "this is none",
		"--predict=":                      "names no file",
		"--predict ../../README.md":       "--predict=../../README.md",
		"--resume=x --predict=y":          "leave out --predict",
		"--predict=" + t.TempDir() + "/x": "no such file",
	} {
		code, _, stderr := ask(append([]string{"bench"}, strings.Fields(args)...)...)
		if code == exitDone || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %q; want %q", args, code, stderr, want)
		}
	}
}

// typist runs bench --predict on a terminal of its own and types an answer whenever it is asked; when there is no more
// to type, it presses the last key. It returns what stood there, and how the command ended.
func typist(t *testing.T, answers []string, last string, args ...string) (text string, code int) {
	t.Helper()
	master, slave := pseudoTerminal(t, 100, 50)
	cmd := exec.Command(program(t), append([]string{"bench", "--predict"}, args...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true} // so that Ctrl-C reaches it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	slave.Close()
	var all bytes.Buffer
	buffer := make([]byte, 64<<10)
	for asked := 0; ; {
		n, err := master.Read(buffer)
		all.Write(buffer[:n])
		if err != nil { // EIO: nobody has the other end open
			break
		}
		questions := strings.Count(all.String(), "? ") - strings.Count(all.String(), "expect? ")
		for ; asked < questions && asked <= len(answers); asked++ {
			key := last
			if asked < len(answers) {
				key = answers[asked] + "\n"
			}
			if _, err := master.WriteString(key); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	return all.String(), code
}

// On a terminal each column is asked for before anything is measured; a wrong answer is asked again, and whoever leaves
// has measured nothing.
func TestPredictAsks(t *testing.T) {
	for name, last := range map[string]string{"Ctrl-C": "\x03", "Ctrl-D": "\x04"} {
		dir := filepath.Join(t.TempDir(), "run")
		text, code := typist(t, []string{"apache", "7", "go", "zero", "3x", ""}, last, "trivial", "waits", "kill",
			"--arch=epoll,goroutine,iterative", "--out="+dir)
		if code != exitInterrupted || exists(dir) {
			t.Errorf("%s: exit code %d, directory made: %v", name, code, exists(dir))
		}
		for _, want := range []string{"1/3 trivial: a request without work", `no "apache": choose of epoll`,
			"choose from 1 to 3", `no factor "zero"`, "2/3 waits 5 ms", "3/3 one request",
			"interrupted: nothing was measured"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("%s: %q is there %d times:\n%s", name, want, strings.Count(text, want), text)
			}
		}
	}
}

// What was predicted is kept with the run and scored when it ends, and is still there when an interrupted run goes on.
func TestPredictionsAreKeptAndScored(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for seconds, which -short leaves out")
	}
	dir := filepath.Join(t.TempDir(), "run")
	text, code := typist(t, []string{"ep", "2", ""}, "", "trivial", "waits", "--arch=epoll,iterative", "--trials=1",
		"--out="+dir)
	if code != exitDone || !strings.Contains(text, "PREDICTED: ") {
		t.Fatalf("exit code %d:\n%s", code, text)
	}
	run, trials, err := results.Read(dir)
	want := []results.Prediction{{Situation: "trivial", Winner: "epoll", Factor: 2}}
	if err != nil || !reflect.DeepEqual(run.Predictions, want) || len(trials) != 4 {
		t.Fatalf("%v, %d trials, %v; want %v", run.Predictions, len(trials), err, want)
	}
	for _, args := range [][]string{{"report", dir}, {"report", dir, "--wide"}} {
		if _, stdout, _ := ask(args...); !strings.Contains(stdout, "PREDICTED: 0 of 1 right, 1 can't be told") {
			t.Errorf("%v does not score:\n%s", args, stdout)
		}
	}
	resumed, err := exec.Command(program(t), "bench", "--resume="+dir).Output()
	if err != nil || !strings.Contains(string(resumed), "PREDICTED: ") {
		t.Errorf("resumed: %v\n%s", err, resumed)
	}
}
