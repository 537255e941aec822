//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"serverlab/internal/cpuset"
	"serverlab/results"
)

// tracing is a run of two rows, a and broken, and what it has said.
func tracing(t *testing.T) (b *bench, said *strings.Builder) {
	t.Helper()
	t.Setenv("BENCH_TEST_SERVER", "null-close")
	cpus, err := cpuset.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	said = new(strings.Builder)
	return &bench{rows: []results.Architecture{{Name: "a", Label: "a"}, {Name: "broken", Label: "broken"}},
		ServerCPUs: cpus,
		Options: Options{
			Say: func(format string, args ...any) { fmt.Fprintf(said, format+"\n", args...) },
			Server: func(o ServerOptions) []string {
				if o.Architecture == "broken" {
					return []string{"/bin/false"}
				}
				return []string{os.Args[0]}
			}}}, said
}

// Without strace, or with one that may not trace, a run goes on and says so once.
func TestTracesWithoutStrace(t *testing.T) {
	for name, script := range map[string]string{
		"missing":   "",
		"forbidden": "#!/bin/sh\necho 'ptrace: Operation not permitted' >&2\nexit 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if script != "" {
				if err := os.WriteFile(filepath.Join(dir, "strace"), []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			b, said := tracing(t)
			t.Setenv("PATH", dir)
			all, err := b.traces(context.Background())
			if err != nil || len(all) != 0 {
				t.Errorf("%v, %v; want nothing and no error", all, err)
			}
			if len(b.notes) != 1 || !strings.Contains(b.notes[0], "strace") || strings.Count(said.String(), "\n") != 1 {
				t.Errorf("notes %q, said %q; want one", b.notes, said)
			}
		})
	}
}

// A strace that fails later costs the rows their traces, and the run nothing.
func TestTracesOfFailingStrace(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\nfor last; do :; done\n[ \"$last\" = true ]\n"
	if err := os.WriteFile(filepath.Join(dir, "strace"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	b, _ := tracing(t)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	all, err := b.traces(context.Background())
	if err != nil || len(all) != 0 || len(b.notes) != 1 || !strings.Contains(b.notes[0], "a: ") ||
		!strings.Contains(b.notes[0], "broken: ") {
		t.Errorf("%v, %v, notes %q; want one note that names both rows", all, err, b.notes)
	}
}

// What can be traced is kept, one request of each row; what can't be is named.
func TestTraces(t *testing.T) {
	if err := exec.Command("strace", "-f", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("strace: %v", err)
	}
	b, said := tracing(t)
	all, err := b.traces(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	a := all["a"]
	if len(all) != 1 || len(a.Requests) != 1 || a.Requests[0].Total() < 3 ||
		!strings.Contains(said.String(), "system calls") {
		t.Errorf("%+v, said %q; want the calls of one request of a", all, said)
	}
	if len(b.notes) != 1 || !strings.Contains(b.notes[0], "broken: ") || strings.Contains(b.notes[0], "a: ") {
		t.Errorf("notes %q; want one about the row that is broken", b.notes)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.traces(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v after an interruption", err)
	}
}

// Tracing is planned where it is done: for what a request costs, and for nothing else.
func TestTracesArePlanned(t *testing.T) {
	run := defaultRun(4)
	with := calibration(run)
	for i := range run.Situations {
		run.Situations[i].Metric = results.Latency
	}
	if without := calibration(run); asksForCalls(run.Situations) || with-without < 4*calibrationTrace {
		t.Errorf("planned %v with traces and %v without", with, without)
	}
}
