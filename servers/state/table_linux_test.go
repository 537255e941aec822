package state_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/servers/state"
	"serverlab/servers/state/storetest"
)

func newTable(t testing.TB, l state.Limits) *state.Table {
	t.Helper()
	table, err := state.CreateTable(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.Release)
	return table
}

func TestTable(t *testing.T) {
	storetest.Run(t, func(t *testing.T, l state.Limits) (state.Store, func(time.Duration)) {
		table := newTable(t, l)
		return table, table.Wait
	})
}

// A second mapping is what another process sees.
func TestTableIsShared(t *testing.T) {
	l := state.Limits{Sessions: 100, Idle: time.Minute}
	one := newTable(t, l)
	other, err := state.InheritTable(one.Fd(), l)
	if err != nil {
		t.Fatal(err)
	}
	id := state.NewID()
	if err := one.Open(id, "file", 10); err != nil {
		t.Fatal(err)
	}
	if got, err := other.Advance(id, 4); err != nil || got.Offset != 0 {
		t.Fatalf("got %+v and %v", got, err)
	}
	if got, err := one.Advance(id, 4); err != nil || got.Offset != 4 {
		t.Fatalf("got %+v and %v", got, err)
	}
	if one.Len() != 1 || other.Len() != 1 {
		t.Errorf("%d and %d sessions are open, want 1", one.Len(), other.Len())
	}
	if err := other.Close(id); err != nil {
		t.Fatal(err)
	}
	if one.Len() != 0 {
		t.Errorf("%d sessions are open, want 0", one.Len())
	}
}

// The descriptor must outlive exec, at a number that no standard descriptor and extra file of a child takes.
func TestTableIsInherited(t *testing.T) {
	table := newTable(t, state.Limits{Sessions: 1, Idle: time.Minute})
	flags, err := unix.FcntlInt(uintptr(table.Fd()), unix.F_GETFD, 0)
	if err != nil {
		t.Fatal(err)
	}
	if flags&unix.FD_CLOEXEC != 0 || table.Fd() < 100 {
		t.Errorf("descriptor %d has flags %#x", table.Fd(), flags)
	}
}

func TestTableRenewedByUse(t *testing.T) {
	table := newTable(t, state.Limits{Sessions: 1, Idle: time.Minute})
	id := state.NewID()
	if err := table.Open(id, "file", 10); err != nil {
		t.Fatal(err)
	}
	for at := range int64(5) {
		table.Wait(45 * time.Second)
		if got, err := table.Advance(id, 1); err != nil || got.Offset != at {
			t.Fatalf("got %+v and %v, want offset %d", got, err, at)
		}
		if err := table.Open(state.NewID(), "file", 10); !errors.Is(err, state.ErrFull) {
			t.Fatalf("got %v, want %v", err, state.ErrFull)
		}
	}
}

func TestTableRefuses(t *testing.T) {
	l := state.Limits{Sessions: 100, Idle: time.Minute}
	table := newTable(t, l)
	if err := table.Open(state.NewID(), strings.Repeat("x", state.MaxName+1), 1); err == nil {
		t.Error("a name that is too long was taken")
	}
	if err := table.Open(state.NewID(), "file", 1<<44); err == nil {
		t.Error("a file that is too large was taken")
	}
	if table.Len() != 0 {
		t.Errorf("%d sessions are open, want 0", table.Len())
	}
	for _, bad := range []state.Limits{{}, {Sessions: 1}, {Sessions: -1, Idle: time.Second}, {Sessions: 1, Idle: -1}} {
		if _, err := state.CreateTable(bad); err == nil {
			t.Errorf("a table with limits %+v was made", bad)
		}
	}
	for _, bad := range []state.Limits{{}, {Sessions: 101, Idle: l.Idle}, {Sessions: 100, Idle: time.Second}} {
		if _, err := state.InheritTable(table.Fd(), bad); err == nil {
			t.Errorf("a table with limits %+v was inherited as one with %+v", l, bad)
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, fd := range []int{-1, 99_999, int(null.Fd())} {
		if _, err := state.InheritTable(fd, l); err == nil || !strings.Contains(err.Error(), strconv.Itoa(fd)) {
			t.Errorf("descriptor %d: got %v", fd, err)
		}
	}
}
