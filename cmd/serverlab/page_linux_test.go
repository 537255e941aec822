package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"serverlab/results"
)

func TestReportHTML(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.html")
	code, screen, stderr := ask("report", "../../results/reference", "--html", file)
	if code != exitDone || !strings.Contains(screen, "WHICH") {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	html, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(html), "<!doctype html>") ||
		!strings.Contains(string(html), "goroutine") {
		t.Errorf("%v, %.100q", err, html)
	}
	code, page, stderr := ask("report", "../../results/reference", "--html", "-")
	if code != exitDone || page != string(html) {
		t.Errorf("on standard output: exit code %d, %.100q, %s", code, page, stderr)
	}
	if code, _, stderr := ask("report", "../../results/reference", "--html="); code != exitUsage {
		t.Errorf("no name: exit code %d, %q", code, stderr)
	}
}

func TestPageBesideItsRecord(t *testing.T) {
	run, trials, err := results.Read("../../results/reference")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := savePage(dir, run, trials[:9]); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || !strings.Contains(string(html), "Not complete: 9 of") {
		t.Errorf("%v, %.100q", err, html)
	}
	err = savePage(filepath.Join(dir, "gone"), run, trials)
	if err == nil || !strings.Contains(err.Error(), "report.html") || strings.Contains(err.Error(), "\n") {
		t.Errorf("no directory: %v", err)
	}
}
