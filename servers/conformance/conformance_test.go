//go:build linux

package conformance

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"serverlab/internal/corpus"
	"serverlab/servers"
	"serverlab/servers/app"
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
		args := []string{"build", "-o", out}
		if out == program { // a worker process has one thread, and would be very slow to start
			args = append(args, raceFlag...)
		}
		if text, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build %s: %v\n%s", pkg, err, text)
			return 1
		}
	}
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil { // for the programs: each would wait a second
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := corpus.Ensure(files); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := flag.Set("test.parallel", rowsAtATime); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Every architecture has every property, in every variant in which it must prove itself: within this process, where the
// race detector sees the server at work, and, where that takes a process of its own, as `serverlab serve`.
func TestArchitectures(t *testing.T) {
	var machine sync.RWMutex // a heavy property has it to itself
	for _, arch := range servers.Architectures {
		for _, row := range arch.Rows() {
			t.Run(row, func(t *testing.T) {
				t.Parallel()
				if arch.Unfinished {
					t.Skip("unfinished: it is for students to write")
				}
				if arch.Needs != nil && arch.Needs() != nil {
					t.Skip(arch.Needs())
				}
				arch, variant, err := servers.Lookup(row)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range Properties() {
					t.Run(p.Name, func(t *testing.T) {
						share := machine.RLocker()
						if p.Heavy {
							share = &machine
						}
						share.Lock()
						defer share.Unlock()
						start := InProcess(arch, variant, files, program, workerProgram)
						if p.Process {
							start = Child(program, row, files)
						}
						verify(t, Subject{Arch: arch, Variant: variant, Start: start, Files: files, Crowd: mostConns,
							Patience: time.Minute}, p) // others want the machine too
					})
				}
			})
		}
	}
}

// A port in use is told as such, whatever would listen there.
func TestPortInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, arch := range servers.Architectures {
		cfg := servers.DefaultConfig()
		cfg.Addr, cfg.Worker = ln.Addr().String(), []string{workerProgram}
		cfg.Ready = func(net.Addr) { t.Errorf("%s listens on a port in use", arch.Name) }
		if err := arch.Serve(t.Context(), cfg, app.New(app.Options{})); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s: %v, want EADDRINUSE", arch.Name, err)
		}
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
	case OK:
		if r.Reason != "" {
			t.Log(r.Reason)
		}
	}
}
