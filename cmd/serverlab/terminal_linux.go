package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// terminalSize is the size of the terminal w, 80 by 24 where it tells none.
func terminalSize(w io.Writer) (columns, rows int) {
	if f, ok := w.(*os.File); ok {
		if s, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && s.Col > 0 && s.Row > 0 {
			return int(s.Col), int(s.Row)
		}
	}
	return 80, 24
}
