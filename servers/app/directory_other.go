//go:build !linux

package app

import (
	"errors"
	"os"
)

// directory is the served directory; os.Root keeps every path inside it.
type directory struct{ root *os.Root }

// file is an open file.
type file struct{ *os.File }

func openDirectory(path string) (*directory, error) {
	root, err := os.OpenRoot(path)
	return &directory{root}, err
}

func (d *directory) open(name string) (file, error) {
	f, err := d.root.Open(name)
	return file{f}, err
}

// size returns the length of a regular file in bytes.
func (f file) size() (int64, error) {
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("no regular file")
	}
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func exhausted(error) bool { return false }
