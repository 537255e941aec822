// Package storetest is what every store of sessions must do, used by the tests of each.
package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"serverlab/servers/state"
)

// New makes an empty store for a test. What it returns beside it lets time pass in which nobody uses the store.
type New func(t *testing.T, l state.Limits) (s state.Store, pass func(time.Duration))

// Run has a store prove itself.
func Run(t *testing.T, open New) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, New)
	}{
		{"read to the end", toTheEnd},
		{"names and sizes", names},
		{"unknown", unknown},
		{"apart", apart},
		{"bound", bound},
		{"idle", idle},
		{"nothing twice", nothingTwice},
		{"closed once", closedOnce},
		{"bound at once", boundAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

// Many is a limit that no test but those about limits comes near to.
var many = state.Limits{Sessions: 2000, Idle: time.Minute}

// opened begins a session or ends the test.
func opened(t *testing.T, s state.Store, file string, size int64) state.ID {
	t.Helper()
	id := state.NewID()
	if err := s.Open(id, file, size); err != nil {
		t.Fatalf("open %q of %d bytes: %v", file, size, err)
	}
	return id
}

func advance(t *testing.T, s state.Store, id state.ID, count int64, want state.Session) {
	t.Helper()
	if got, err := s.Advance(id, count); err != nil || got != want {
		t.Fatalf("advance by %d: got %+v and %v, want %+v", count, got, err, want)
	}
}

func wantUnknown(t *testing.T, s state.Store, id state.ID) {
	t.Helper()
	if got, err := s.Advance(id, 1); !errors.Is(err, state.ErrUnknown) {
		t.Errorf("advance: got %+v and %v, want %v", got, err, state.ErrUnknown)
	}
	if err := s.Close(id); !errors.Is(err, state.ErrUnknown) {
		t.Errorf("close: got %v, want %v", err, state.ErrUnknown)
	}
}

func toTheEnd(t *testing.T, open New) {
	s, _ := open(t, many)
	id := opened(t, s, "file", 250)
	for _, step := range []struct{ count, offset int64 }{
		{100, 0}, {0, 100}, {-50, 100}, {100, 100}, {100, 200}, {100, 250}, {1 << 62, 250}, {0, 250},
	} {
		advance(t, s, id, step.count, state.Session{File: "file", Size: 250, Offset: step.offset})
	}
}

func names(t *testing.T, open New) {
	s, _ := open(t, many)
	for _, file := range []string{"a", "1234567", "12345678", "a b\n\x00\xff{}", strings.Repeat("x", state.MaxName)} {
		for _, size := range []int64{0, 1, 1<<32 + 1, 1<<44 - 1} {
			id := opened(t, s, file, size)
			advance(t, s, id, 1<<62, state.Session{File: file, Size: size})
			advance(t, s, id, 1, state.Session{File: file, Size: size, Offset: size})
		}
	}
}

func unknown(t *testing.T, open New) {
	s, _ := open(t, many)
	wantUnknown(t, s, state.NewID())
	wantUnknown(t, s, state.ID{})
	id := opened(t, s, "file", 1)
	if err := s.Close(id); err != nil {
		t.Fatal(err)
	}
	wantUnknown(t, s, id)
}

// apart: what is done to one session is not done to another.
func apart(t *testing.T, open New) {
	s, _ := open(t, many)
	ids := make([]state.ID, 1000)
	for i := range ids {
		ids[i] = opened(t, s, fmt.Sprintf("file %d", i), int64(1000+i))
	}
	for i, id := range ids {
		if i%3 == 0 {
			if err := s.Close(id); err != nil {
				t.Fatal(err)
			}
			continue
		}
		advance(t, s, id, int64(i), state.Session{File: fmt.Sprintf("file %d", i), Size: int64(1000 + i)})
	}
	for i, id := range ids {
		if i%3 == 0 {
			wantUnknown(t, s, id)
			continue
		}
		advance(t, s, id, 1, state.Session{File: fmt.Sprintf("file %d", i), Size: int64(1000 + i), Offset: int64(i)})
	}
}

func bound(t *testing.T, open New) {
	s, _ := open(t, state.Limits{Sessions: 10, Idle: time.Minute})
	var id state.ID
	for range 10 {
		id = opened(t, s, "file", 1)
	}
	for range 3 {
		if err := s.Open(state.NewID(), "file", 1); !errors.Is(err, state.ErrFull) {
			t.Fatalf("one too many: got %v, want %v", err, state.ErrFull)
		}
		if err := s.Close(id); err != nil {
			t.Fatal(err)
		}
		id = opened(t, s, "file", 1)
	}
}

// idle: sessions that nobody uses end, and leave their place to others.
func idle(t *testing.T, open New) {
	l := state.Limits{Sessions: 10, Idle: 50 * time.Millisecond}
	s, pass := open(t, l)
	var ids []state.ID
	for range l.Sessions {
		ids = append(ids, opened(t, s, "file", 1))
	}
	pass(l.Idle)
	wantUnknown(t, s, ids[0])
	for range l.Sessions {
		opened(t, s, "file", 1)
	}
	for _, id := range ids {
		wantUnknown(t, s, id)
	}
}

// nothingTwice: whatever is read at the same time, each byte is given out once.
func nothingTwice(t *testing.T, open New) {
	s, _ := open(t, many)
	const size, readers = 20_000, 8
	id := opened(t, s, "file", size)
	given := make([]atomic.Uint32, size)
	var all sync.WaitGroup
	for r := range readers {
		all.Go(func() {
			for n := int64(0); ; n++ {
				count := 1 + (n+int64(r))%37
				got, err := s.Advance(id, count)
				if err != nil || got.Size != size || got.File != "file" {
					t.Errorf("got %+v and %v", got, err)
					return
				}
				for at := got.Offset; at < min(got.Offset+count, size); at++ {
					given[at].Add(1)
				}
				if got.Offset == size {
					return
				}
			}
		})
	}
	all.Wait()
	for at := range given {
		if n := given[at].Load(); n != 1 {
			t.Fatalf("byte %d was given out %d times", at, n)
		}
	}
}

func closedOnce(t *testing.T, open New) {
	s, _ := open(t, many)
	for range 50 {
		id := opened(t, s, "file", 1)
		var closed atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := s.Close(id); err == nil {
					closed.Add(1)
				} else if !errors.Is(err, state.ErrUnknown) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := closed.Load(); n != 1 {
			t.Fatalf("a session was closed %d times", n)
		}
	}
}

// boundAtOnce: the limit holds about, whoever opens at the same time.
func boundAtOnce(t *testing.T, open New) {
	const clients = 16
	l := state.Limits{Sessions: 200, Idle: time.Minute}
	s, _ := open(t, l)
	var took atomic.Int32
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range l.Sessions {
				if err := s.Open(state.NewID(), "file", 1); err == nil {
					took.Add(1)
				} else if !errors.Is(err, state.ErrFull) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := int(took.Load()); n < l.Sessions || n > l.Sessions+2*clients {
		t.Errorf("%d sessions could be opened, the limit is %d", n, l.Sessions)
	}
}
