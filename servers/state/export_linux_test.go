package state

import (
	"time"

	"golang.org/x/sys/unix"
)

// Wait lets time pass for a table.
func (t *Table) Wait(d time.Duration) {
	before := t.now
	t.now = func() int64 { return before() + int64(d) }
}

// Release takes the table's memory and descriptor away.
func (t *Table) Release() {
	t.release()
	_ = unix.Close(t.fd)
}
