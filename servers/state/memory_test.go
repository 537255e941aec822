package state_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"serverlab/servers/state"
	"serverlab/servers/state/storetest"
)

// newMemory returns a store and its clock, which stands still.
func newMemory(l state.Limits) (*state.Memory, *atomic.Int64) {
	m, clock := state.NewMemory(l), new(atomic.Int64)
	m.SetClock(clock.Load)
	return m, clock
}

func TestMemory(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, l state.Limits) (state.Store, func(time.Duration)) {
		m, clock := newMemory(l)
		return m, func(d time.Duration) { clock.Add(int64(d)) }
	})
}

// A session ends when nobody has used it for the idle time, not a nanosecond earlier, and use renews it.
func TestMemoryIdle(t *testing.T) {
	m, clock := newMemory(state.Limits{Sessions: 10, Idle: time.Second})
	used, left := state.NewID(), state.NewID()
	for _, id := range []state.ID{used, left} {
		if err := m.Open(id, "f00", 100); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		clock.Add(int64(time.Second) - 1)
		if s, err := m.Advance(used, 10); err != nil || s.Offset != int64(10*i) {
			t.Fatalf("use %d after less than the idle time: %+v, %v", i, s, err)
		}
	}
	if _, err := m.Advance(left, 1); !errors.Is(err, state.ErrUnknown) {
		t.Errorf("a session that nobody used: %v, want %v", err, state.ErrUnknown)
	}
	clock.Add(int64(time.Second))
	if _, err := m.Advance(used, 10); !errors.Is(err, state.ErrUnknown) {
		t.Errorf("after the idle time: %v, want %v", err, state.ErrUnknown)
	}
	if err := m.Close(used); !errors.Is(err, state.ErrUnknown) || m.Len() != 0 {
		t.Errorf("close after the idle time: %v, %d sessions are left", err, m.Len())
	}
}

// Tidying ends all whose time is over and no other, and gives the memory of the maps back.
func TestMemoryTidies(t *testing.T) {
	const many = 20_000
	m, clock := newMemory(state.Limits{Sessions: 2 * many, Idle: time.Second})
	var count atomic.Uint64
	m.CountIn(&count)
	ids := make([]state.ID, many)
	for i := range ids {
		ids[i] = state.NewID()
		if err := m.Open(ids[i], "f00", 100); err != nil {
			t.Fatal(err)
		}
	}
	clock.Add(int64(time.Second) / 2)
	young := ids[:10]
	for _, id := range young {
		if _, err := m.Advance(id, 1); err != nil {
			t.Fatal(err)
		}
	}
	if !m.Tidy() || m.Len() != many || m.Buckets() < many {
		t.Fatalf("before the time: %d sessions, room for %d", m.Len(), m.Buckets())
	}
	clock.Add(int64(time.Second) / 2)
	if !m.Tidy() || m.Len() != len(young) || count.Load() != uint64(len(young)) {
		t.Fatalf("%d sessions are left, %d are counted, want %d", m.Len(), count.Load(), len(young))
	}
	if m.Buckets() > many/10 {
		t.Errorf("the maps have room for %d sessions, for %d of them", m.Buckets(), m.Len())
	}
	for i, id := range ids {
		if _, err := m.Advance(id, 1); (err == nil) != slices.Contains(young, id) {
			t.Fatalf("session %d: %v", i, err)
		}
	}
	clock.Add(int64(time.Second))
	if m.Tidy() || m.Len() != 0 {
		t.Errorf("%d sessions are left in the end", m.Len())
	}
}

// Without a request either: the timer comes, and comes again for as long as there is something to wait for.
func TestMemoryTidiesByItself(t *testing.T) {
	m := state.NewMemory(state.Limits{Sessions: 10, Idle: time.Millisecond})
	for round := range 3 {
		for range 10 {
			if err := m.Open(state.NewID(), "f00", 1); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		for deadline := time.Now().Add(time.Minute); m.Len() > 0; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("round %d: %d sessions are left", round, m.Len())
			}
		}
	}
}

func TestAdvanceAllocatesNothing(t *testing.T) {
	m := state.NewMemory(state.Limits{Sessions: 10, Idle: time.Minute})
	id := state.NewID()
	if err := m.Open(id, "f00", 1<<40); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := m.Advance(id, 1); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The manual states what a session takes: 100,000 of them no more than 200 bytes each, however the maps have grown.
func TestMemoryPerSession(t *testing.T) {
	const many = 100_000
	before := heapSize()
	m := state.NewMemory(state.Limits{Sessions: many, Idle: time.Hour})
	for i := range many {
		if err := m.Open(state.NewID(), fmt.Sprintf("f%02d", i%16), 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	per := (heapSize() - before) / many
	t.Logf("%d bytes per session", per)
	if per > 200 {
		t.Errorf("%d bytes per session, want at most 200", per)
	}
	runtime.KeepAlive(m)
}

func heapSize() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// BenchmarkAdvance looks sessions up in no order that the CPU's caches could know: what changes with the number is how
// many of them are there.
func BenchmarkAdvance(b *testing.B) {
	for _, many := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			m := state.NewMemory(state.Limits{Sessions: many, Idle: time.Hour})
			ids := make([]state.ID, many)
			for i := range ids {
				ids[i] = state.NewID()
				if err := m.Open(ids[i], "f00", 1<<40); err != nil {
					b.Fatal(err)
				}
			}
			slices.SortFunc(ids, func(x, y state.ID) int { return slices.Compare(x[:], y[:]) })
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := m.Advance(ids[i%many], 4096); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
