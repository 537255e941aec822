//go:build linux

package conformance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"serverlab/internal/corpus"
	"serverlab/servers"
)

// What all tests share: the two programs, and the served files.
var program, workerProgram, files string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program, workerProgram = filepath.Join(dir, "serverlab"), filepath.Join(dir, "serverlab-worker")
	files = filepath.Join(dir, "files")
	for out, pkg := range map[string]string{program: "serverlab/cmd/serverlab", workerProgram: "serverlab/cmd/worker"} {
		args := append([]string{"build", "-o", out}, raceFlag...)
		if text, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build %s: %v\n%s", pkg, err, text)
			return 1
		}
	}
	if err := corpus.Ensure(files); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Every architecture has every property: within this process, where the race detector sees the server at work, and,
// where that takes a process of its own, as `serverlab serve`.
func TestArchitectures(t *testing.T) {
	for _, arch := range servers.Architectures {
		t.Run(arch.Name, func(t *testing.T) {
			for _, p := range Properties() {
				t.Run(p.Name, func(t *testing.T) {
					start := InProcess(arch, files, workerProgram)
					if p.Process {
						start = Child(program, arch, files)
					}
					verify(t, Subject{Arch: arch, Start: start, Files: files}, p)
				})
			}
		})
	}
}

func verify(t *testing.T, s Subject, p Property) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	switch r := Check(ctx, s, p); r.Outcome {
	case Failed:
		t.Errorf("%s: %s", p.Asks, r.Reason)
	case Skipped:
		t.Skip(r.Reason)
	}
}
