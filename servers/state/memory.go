package state

import (
	"sync/atomic"
	"time"
	"unique"
)

// Memory keeps sessions in the memory of this process: the plainest store, and the cheapest. They end with the process,
// and no other process knows them.
type Memory struct {
	limits   Limits
	now      func() int64 // nanoseconds since some moment
	open     *atomic.Uint64
	sessions Recent[place]
}

// place is what is kept of a session beside its name. Many sessions are about few files, so their names are shared.
type place struct {
	file         unique.Handle[string]
	size, offset int64
}

// NewMemory returns an empty store. The limit of its sessions is exact.
func NewMemory(l Limits) *Memory {
	begun := time.Now()
	return &Memory{limits: l, now: func() int64 { return int64(time.Since(begun)) }, open: new(atomic.Uint64)}
}

// CountIn has the store count its open sessions in c, where others can see them. It must be called before the first
// session is opened.
func (m *Memory) CountIn(c *atomic.Uint64) {
	c.Store(0)
	m.open = c
}

// Len is how many sessions are open, those included that have ended for want of use and were not looked at since.
func (m *Memory) Len() int { return int(m.open.Load()) }

// Open implements Store. It fails with ErrFull.
func (m *Memory) Open(id ID, file string, size int64) error {
	if !m.reserve() {
		return ErrFull
	}
	s := m.sessions.Shard(id)
	s.Lock()
	if e := s.Find(id); e != nil { // begun anew
		m.end(s, e)
	}
	s.Put(id, place{file: unique.Make(file), size: size}, m.now())
	s.Unlock()
	m.sessions.Later(m.limits.Idle, m.tidy)
	return nil
}

// reserve counts one session more, unless there are too many even without those whose time is over.
func (m *Memory) reserve() bool {
	for range 2 {
		for n := m.open.Load(); n < uint64(m.limits.Sessions); n = m.open.Load() {
			if m.open.CompareAndSwap(n, n+1) {
				return true
			}
		}
		m.tidy()
	}
	return false
}

// Advance implements Store. It fails with ErrUnknown.
func (m *Memory) Advance(id ID, count int64) (Session, error) {
	s := m.sessions.Shard(id)
	s.Lock()
	defer s.Unlock()
	e, now := m.find(s, id)
	if e == nil {
		return Session{}, ErrUnknown
	}
	was := Session{File: e.Value.file.Value(), Size: e.Value.size, Offset: e.Value.offset}
	e.Value.offset += min(max(count, 0), was.Size-was.Offset)
	s.Touch(e, now)
	return was, nil
}

// Close implements Store. It fails with ErrUnknown.
func (m *Memory) Close(id ID) error {
	s := m.sessions.Shard(id)
	s.Lock()
	defer s.Unlock()
	e, _ := m.find(s, id)
	if e == nil {
		return ErrUnknown
	}
	m.end(s, e)
	return nil
}

// find looks for a session that is alive.
func (m *Memory) find(s *Shard[place], id ID) (e *Entry[place], now int64) {
	now = m.now()
	if e = s.Find(id); e != nil && now-e.Used >= int64(m.limits.Idle) {
		m.end(s, e)
		e = nil
	}
	return e, now
}

func (m *Memory) end(s *Shard[place], e *Entry[place]) {
	s.Remove(e)
	m.open.Add(^uint64(0))
}

// tidy ends the sessions whose time is over, and returns after what time there may be the next.
func (m *Memory) tidy() (again time.Duration) {
	idle, now := int64(m.limits.Idle), m.now()
	var first int64 // the time until the first one ends
	left := false
	for i := range m.sessions.Shards() {
		s := &m.sessions.Shards()[i]
		s.Lock()
		for e := s.Oldest(); e != nil; e = s.Oldest() {
			if rest := idle - (now - e.Used); rest > 0 {
				if !left || rest < first {
					left, first = true, rest
				}
				break
			}
			m.end(s, e)
		}
		s.Unlock()
	}
	if !left {
		return 0
	}
	return time.Duration(max(first, idle/8, 1)) // not for each of them by itself
}
