//go:build !linux

package app

import "os"

// directory is the served directory; os.Root keeps every path inside it.
type directory struct{ root *os.Root }

func openDirectory(path string) (*directory, error) {
	root, err := os.OpenRoot(path)
	return &directory{root}, err
}

func (d *directory) open(name string) (*os.File, error) { return d.root.Open(name) }

func exhausted(error) bool { return false }
