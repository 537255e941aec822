package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run that was calibrated can be gone on with; what was interrupted before has to begin anew.
func TestHowToGoOn(t *testing.T) {
	dir := t.TempDir()
	if text := goOn(dir); text != "" {
		t.Errorf("nothing is kept: %q", text)
	}
	if err := os.WriteFile(filepath.Join(dir, "run.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if text := goOn(dir); !strings.Contains(text, "--resume="+dir) {
		t.Errorf("a calibrated run: %q", text)
	}
}
