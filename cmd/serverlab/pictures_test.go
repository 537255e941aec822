//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportSVG(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	code, screen, stderr := ask("report", "../../results/reference", "--svg", dir)
	if code != exitDone || !strings.Contains(screen, "WHICH") {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "arrivals-percentiles.svg"))
	if err != nil || !bytes.HasPrefix(svg, []byte("<svg ")) || !bytes.Contains(svg, []byte("goroutine")) {
		t.Errorf("%v, %.100q", err, svg)
	}
	table, err := os.ReadFile(filepath.Join(dir, "trivial-cpu.csv"))
	if err != nil || !bytes.HasPrefix(table, []byte("architecture,user (µs),system (µs),")) {
		t.Errorf("%v, %.100q", err, table)
	}
}

func TestReportSVGRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := ask("report", "../../results/reference", "--svg", file)
	if code != exitFailed || !strings.Contains(stderr, "--svg") || !strings.Contains(stderr, file) {
		t.Errorf("a file in the way: exit code %d, %q", code, stderr)
	}
	if code, _, stderr := ask("report", "../../results/reference", "--svg="); code != exitUsage {
		t.Errorf("no name: exit code %d, %q", code, stderr)
	}
}
