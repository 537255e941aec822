package corpus

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The content at an offset must not depend on where a read began or how long it was.
func TestAtIsAFunctionOfTheOffset(t *testing.T) {
	whole := make([]byte, 4096)
	At("f03", 0, whole)
	for _, r := range []struct{ offset, count int }{{0, 1}, {1, 7}, {7, 2}, {8, 8}, {1023, 1500}, {4095, 1}} {
		part := make([]byte, r.count)
		At("f03", int64(r.offset), part)
		if !bytes.Equal(part, whole[r.offset:r.offset+r.count]) {
			t.Errorf("read of %d bytes at %d differs from the whole", r.count, r.offset)
		}
	}
	other := make([]byte, 4096)
	At("f04", 0, other)
	if bytes.Equal(whole, other) {
		t.Error("two files have the same content")
	}
}

func TestEnsureCreatesAndMends(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "files")
	if err := Ensure(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, Name(5))
	if err := os.WriteFile(path, []byte("not ours"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, Size)
	At(Name(5), 0, want)
	if !bytes.Equal(got, want) {
		t.Error("a damaged file was not written anew")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != Files {
		t.Errorf("%d entries, %v; want %d files and nothing else", len(entries), err, Files)
	}
}

func TestEnsureSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(file); err == nil {
		t.Error("a file was accepted as a directory")
	}
}
