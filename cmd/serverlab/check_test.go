//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"serverlab/servers/conformance"
)

// loneProgram is serverlab at a path of its own, where it has no worker program beside it.
func loneProgram(t *testing.T) string {
	t.Helper()
	lone := filepath.Join(t.TempDir(), "serverlab")
	if err := os.Link(program(t), lone); err != nil {
		t.Fatal(err)
	}
	return lone
}

func TestCheckBadInput(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"check", "--arch is missing"}, {"check --arch apache", `no architecture "apache"`},
		{"check --arch epoll epoll", "unexpected argument"},
	} {
		code, stdout, stderr := ask(strings.Fields(c.args)...)
		if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: code %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
}

// An architecture that can't do anything (process without a worker program) fails, property by property, in words and
// in JSON.
func TestCheckFails(t *testing.T) {
	lone := loneProgram(t)
	files := filepath.Join(filepath.Dir(lone), "files")
	for _, flag := range []string{"--json=false", "--json"} {
		cmd := exec.Command(lone, "check", "--arch=process", "--files="+files, flag)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || strings.Count(stderr.String(), "\n") != 1 {
			t.Fatalf("%v, standard error %q", err, stderr.String())
		}
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		all := conformance.Properties()
		if len(lines) != len(all)+1 {
			t.Fatalf("%d lines for %d properties", len(lines), len(all))
		}
		for i, p := range all {
			var r conformance.Result
			if flag == "--json=false" {
				words := strings.Fields(lines[i])
				r = conformance.Result{Outcome: words[0], Property: words[1], Reason: lines[i]}
			} else if err := json.Unmarshal([]byte(lines[i]), &r); err != nil {
				t.Fatalf("line %q: %v", lines[i], err)
			}
			if r.Property != p.Name || r.Outcome != conformance.Failed || !strings.Contains(r.Reason, "serverlab-worker") {
				t.Errorf("%s: %+v", p.Name, r)
			}
		}
		var sum checkSummary
		if flag != "--json" {
			continue
		}
		if err := json.Unmarshal([]byte(lines[len(all)]), &sum); err != nil || sum.Failed != len(all) || sum.OK != 0 {
			t.Errorf("sum %q (%v)", lines[len(all)], err)
		}
	}
}

// An interrupted check says so and takes its server with it.
func TestCheckIsInterrupted(t *testing.T) {
	lone := loneProgram(t)
	files := filepath.Join(filepath.Dir(lone), "files")
	cmd := exec.CommandContext(t.Context(), lone, "check", "--arch=goroutine", "--files="+files)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := bufio.NewScanner(out)
	if !first.Scan() || !strings.HasPrefix(first.Text(), "ok ") {
		t.Errorf("first line %q", first.Text())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for first.Scan() { // whatever it found before the signal came
	}
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitInterrupted {
		t.Errorf("ended with %v, want exit code %d", err, exitInterrupted)
	}
	all, err := procfs.AllProcs()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if path, err := p.Executable(); err == nil && path == lone {
			t.Errorf("process %d is left behind", p.PID)
		}
	}
}
