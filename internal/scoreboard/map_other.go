//go:build !linux

package scoreboard

import (
	"errors"
	"os"
)

func mapFile(*os.File, int, bool) ([]byte, error) {
	return nil, errors.New("servers run on Linux only")
}

func memoryFile(string) (*os.File, error) { return nil, errors.New("servers run on Linux only") }

func unmap([]byte) error { return nil }
