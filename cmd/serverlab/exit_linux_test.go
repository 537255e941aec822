package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestExitCodes asks for each exit code in each way to get it; a script of somebody's homework relies on them.
func TestExitCodes(t *testing.T) {
	damaged, headless := broken(t, twoBadLines), broken(t, noHead)
	const holds, refuted, open = "cpu(process) > 1ms", "memory(iterative) < 1MB", "p99(iterative) < 1ms"
	file := filepath.Join(t.TempDir(), "page.html")
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitDone, []string{"help"}},
		{exitDone, []string{"report", "--help"}},
		{exitDone, []string{"report", referenceRun}},
		{exitDone, []string{"report", referenceRun, "--html", file}},
		{exitDone, []string{"report", referenceRun, "--expect", holds}},
		{exitFailed, []string{"report", referenceRun, "--expect", holds, "--expect", refuted, "--expect", open}},
		{exitFailed, []string{"report", damaged}},
		{exitFailed, []string{"report", damaged, "--markdown", file}},
		{exitFailed, []string{"report", damaged, "--expect", "cpu(process) >= 0s"}},
		{exitFailed, []string{"report", damaged, "--expect", open}},
		{exitFailed, []string{"report", headless}},
		{exitFailed, []string{"report", headless, "--expect", holds}},
		{exitFailed, []string{"report", filepath.Join(damaged, "none")}},
		{exitUndecided, []string{"report", referenceRun, "--expect", holds, "--expect", open}},
		{exitUsage, nil},
		{exitUsage, []string{"reprot"}},
		{exitUsage, []string{"report"}},
		{exitUsage, []string{"report", referenceRun, "another"}},
		{exitUsage, []string{"report", referenceRun, "--no-such-flag"}},
		{exitUsage, []string{"report", referenceRun, "--expect", "cpu(process)"}},
		{exitUsage, []string{"report", referenceRun, "--expect", "peak(nobody) > 1"}},
		{exitUsage, []string{"report", damaged, "--expect", "cpu(nobody) > 1ms"}},
		{exitInterrupted, []string{"bench", "--arch", "iterative", "--out", filepath.Join(t.TempDir(), "run")}},
	} {
		ctx := context.Background()
		if c.code == exitInterrupted {
			ctx = stopped
		}
		var stdout, stderr bytes.Buffer
		code := run(ctx, c.args, &stdout, &stderr)
		if last := lastLine(stderr.String()); code != c.code || (code == exitDone) != (last == "") && c.args != nil {
			t.Errorf("%q: exit code %d, want %d: %q", c.args, code, c.code, last)
		}
	}
}

// lastLine is what a command says at last.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
