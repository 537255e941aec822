// Package corpus generates the files that the file service serves. Every byte is a function of the file's name and
// its offset, so any client can tell a right answer from a wrong one without having the file.
package corpus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
)

// Files is how many files a corpus has; Size is the length of each in bytes.
const (
	Files = 16
	Size  = 1 << 20
)

// Name returns the name of file i, 0 ≤ i < Files.
func Name(i int) string { return fmt.Sprintf("f%02d", i) }

// At fills p with the content of the named file from offset on. It knows nothing of the file's end.
func At(name string, offset int64, p []byte) {
	h := fnv.New64a()
	h.Write([]byte(name))
	seed := h.Sum64()
	var word [8]byte
	for len(p) > 0 {
		binary.LittleEndian.PutUint64(word[:], splitmix(seed+uint64(offset/8)*0x9e3779b97f4a7c15))
		n := copy(p, word[offset%8:])
		p = p[n:]
		offset += int64(n)
	}
}

// splitmix is the output function of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
// OOPSLA 2014).
func splitmix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// DefaultDir is where a corpus is kept unless the user says otherwise: the user's cache, or the system's directory
// for temporary files where there is no such thing.
func DefaultDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	return filepath.Join(base, "serverlab", "files")
}

// Ensure creates the files that dir lacks. A file appears under its name only when it is whole, so two servers may do
// this at the same time.
func Ensure(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the directory of served files: %w", err)
	}
	for i := range Files {
		if whole(filepath.Join(dir, Name(i)), Name(i)) {
			continue
		}
		if err := write(dir, Name(i)); err != nil {
			return fmt.Errorf("create served file %s in %s: %w", Name(i), dir, err)
		}
	}
	return nil
}

// whole looks at the length and at both ends: enough to notice a file that somebody else put there.
func whole(path, name string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() != Size || !st.Mode().IsRegular() {
		return false
	}
	var want, got [64]byte
	for _, offset := range []int64{0, Size - int64(len(want))} {
		At(name, offset, want[:])
		if _, err := f.ReadAt(got[:], offset); err != nil || !bytes.Equal(got[:], want[:]) {
			return false
		}
	}
	return true
}

func write(dir, name string) (err error) {
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}()
	content := make([]byte, Size)
	At(name, 0, content)
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}
