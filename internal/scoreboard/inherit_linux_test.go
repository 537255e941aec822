package scoreboard

import (
	"slices"
	"syscall"
	"testing"
)

// A process that inherits the board counts on it, and each worker's counters can be told apart.
func TestInheritedBoardCounts(t *testing.T) {
	b, err := Share(3)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	fd, err := syscall.Dup(int(b.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	child, err := Inherit(uintptr(fd))
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	child.Slot(2).Requests.Add(7)
	child.Slot(0).Accepts.Add(1)
	if got, want := b.PerSlot(), []Counts{{Accepts: 1}, {}, {Requests: 7}}; !slices.Equal(got, want) {
		t.Errorf("the parent sees %+v, want %+v", got, want)
	}
	if !child.Slot(1).State.CompareAndSwap(Free, Busy) || b.Slot(1).State.Load() != Busy {
		t.Error("the parent does not see a worker's state")
	}
}
