package state

import (
	"sync"
	"sync/atomic"
	"time"
)

// Recent maps sessions to what belongs to them, in shards that are locked one by one. A shard knows the order in which
// its entries were last used, so whoever ends those that nobody has used for long looks at no other: it takes from the
// old end until it meets one that is young enough.
//
//	shard: byID ──▶ entry       oldest ◀──▶ entry ◀──▶ entry ◀──▶ newest
//
// The zero value is empty and ready for use.
type Recent[T any] struct {
	shards [shards]Shard[T]
	armed  atomic.Bool
}

// Among 16 shards the threads of a few CPUs seldom meet, and a look at all of them, by which the oldest entry of all is
// found, takes less than a microsecond.
const shards = 16

// Shard is a part of the sessions. Its lock is held for as long as anything in it is looked at.
type Shard[T any] struct {
	sync.Mutex
	byID           map[ID]*Entry[T]
	oldest, newest *Entry[T]
	peak           int // the most entries that byID has held: a map does not shrink
}

// Entry is one session and its value.
type Entry[T any] struct {
	ID    ID
	Value T
	Used  int64 // nanoseconds, by the clock of whoever keeps the entries

	older, newer *Entry[T]
}

// Shard is where a session belongs.
func (r *Recent[T]) Shard(id ID) *Shard[T] { return &r.shards[id[0]%shards] }

// Shards are all of them.
func (r *Recent[T]) Shards() []Shard[T] { return r.shards[:] }

// Find returns the session's entry, or nil.
func (s *Shard[T]) Find(id ID) *Entry[T] { return s.byID[id] }

// Oldest returns the entry that has not been used for the longest time, or nil.
func (s *Shard[T]) Oldest() *Entry[T] { return s.oldest }

// Newer returns the entry that was used next after e, or nil.
func (e *Entry[T]) Newer() *Entry[T] { return e.newer }

// Put adds an entry that the shard does not have, as the newest.
func (s *Shard[T]) Put(id ID, value T, now int64) {
	if s.byID == nil {
		s.byID = make(map[ID]*Entry[T])
	}
	e := &Entry[T]{ID: id, Value: value, Used: now}
	s.byID[id] = e
	s.peak = max(s.peak, len(s.byID))
	s.append(e)
}

// Touch makes e the newest.
func (s *Shard[T]) Touch(e *Entry[T], now int64) {
	e.Used = now
	if s.newest != e {
		s.unlink(e)
		s.append(e)
	}
}

// Remove takes e out. When few are left of many, the map's memory is given back: the copying is paid for by the
// removals that came before.
func (s *Shard[T]) Remove(e *Entry[T]) {
	s.unlink(e)
	delete(s.byID, e.ID)
	const little = 64
	if s.peak <= little || len(s.byID) > s.peak/4 {
		return
	}
	left := make(map[ID]*Entry[T], len(s.byID))
	for id, entry := range s.byID {
		left[id] = entry
	}
	s.byID, s.peak = left, len(left)
}

func (s *Shard[T]) append(e *Entry[T]) {
	e.older, e.newer = s.newest, nil
	if s.newest != nil {
		s.newest.newer = e
	} else {
		s.oldest = e
	}
	s.newest = e
}

func (s *Shard[T]) unlink(e *Entry[T]) {
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		s.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		s.newest = e.older
	}
	e.older, e.newer = nil, nil
}

// Later has tidy called after d by a timer, if that is not yet to come. Tidy returns the time until it wants to be
// called again, 0 when nothing is left to be tidied: no timer runs while nothing is kept.
func (r *Recent[T]) Later(d time.Duration, tidy func() time.Duration) {
	if r.armed.Load() || !r.armed.CompareAndSwap(false, true) {
		return
	}
	time.AfterFunc(d, func() {
		r.armed.Store(false)
		if again := tidy(); again > 0 {
			r.Later(again, tidy)
		}
	})
}
