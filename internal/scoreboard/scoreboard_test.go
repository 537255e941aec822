package scoreboard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A reader that opens the file sees what the writer counts and has set, while the writer goes on.
func TestReaderSeesTheWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "board")
	w, err := Create(path, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.Set("workers", "3")
	for i := range 5 { // more workers than slots: they share
		w.Slot(i).Requests.Add(10)
	}
	w.Slot(1).Refusals.Add(1)
	if got, want := r.Sum(), (Counts{Requests: 50, Refusals: 1}); got != want {
		t.Errorf("reader sees %+v, want %+v", got, want)
	}
	if m, err := r.Settings(); err != nil || m["workers"] != "3" {
		t.Errorf("reader sees settings %v, %v", m, err)
	}
}

func TestPlainMemory(t *testing.T) {
	b, err := Create("", 1)
	if err != nil {
		t.Fatal(err)
	}
	b.Slot(0).Accepts.Add(2)
	if b.Sum().Accepts != 2 {
		t.Errorf("sum %+v", b.Sum())
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other")
	for _, content := range []string{"", "short", strings.Repeat("x", 8192)} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil {
			t.Errorf("a file of %d bytes was taken for a scoreboard", len(content))
		}
	}
}
