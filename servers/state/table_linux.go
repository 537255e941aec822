package state

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"
)

// Table is a store in shared memory, for processes that serve together: a hash table without locks. A process may die,
// or be stopped for as long as it likes, between any two of its instructions; the others go on.
//
//	            seal                id     cursor        size   last use   file
//	          ┌──────┬─────┬─────┬──────┬─────┬────────┬──────┬──────────┬───────────┐
//	one slot: │ turn │ pid │ how │ 16 B │ tag │ offset │ 8 B  │ 8 B      │ ≤ 63 B    │  128 B, two cache lines
//	          └──────┴─────┴─────┴──────┴─────┴────────┴──────┴──────────┴───────────┘
//
//	how:  free ── Open: compare-and-swap, a turn further ──▶ claimed ── contents written ──▶ sealed
//	        ▲                                                                                  │
//	        └───────────────────────── Close: compare-and-swap ◀───────────────────────────────┘
//
// The seal is a sequence lock that nobody waits for: who reads a slot believes it only if it was sealed before and
// after, in the same turn (Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012). Only
// the claimer writes the contents, and a claim is taken over only once its process is dead: one that is merely stopped
// will go on writing, and must not find another's session there. The cursor carries the turn's low bits, so that a
// compare-and-swap by somebody who still thinks of an earlier session in this slot fails.
//
// A session may lie in any of a few slots that its id names (random probing), and at most half of the slots are in
// use, so a look-up takes as long with many sessions as with few, cache misses aside.
//
// What it leaves: a slot whose claimer died stays claimed for as long as another process has the same pid.
type Table struct {
	limits Limits
	fd     int
	memory []byte
	head   *head
	slots  []slot
	epoch  time.Time     // a moment of this process ...
	base   time.Duration // ... and of the clock that all share

	// What tests replace.
	pid   uint64
	now   func() int64
	alive func(pid int) bool
	step  func() // before each access to the shared memory, if not nil
}

// A slot is what the drawing shows. The words that a look-up touches share a cache line.
type slot struct {
	seal   atomic.Uint64
	id     [2]atomic.Uint64
	cursor atomic.Uint64
	size   atomic.Uint64
	last   atomic.Uint64
	_      [2]uint64
	file   [(MaxName + 1) / 8]atomic.Uint64 // its length in the first byte
}

// probes is the number of slots that an id names, one from every fourth of its 128 bits. With half of the slots in use,
// all of them are once in 2^32 times.
const probes = 32

// The states of a slot. All zero is a free one, as new memory is.
const (
	free = iota
	claimed
	sealed
)

// seal packs how a slot stands: the turn goes on by one with each claim and never comes back; pids have at most 22 bits
// (PID_MAX_LIMIT).
func seal(turn, pid, how uint64) uint64 { return turn<<24 | pid<<2 | how }

func how(seal uint64) uint64  { return seal & 3 }
func turn(seal uint64) uint64 { return seal >> 24 }
func claimer(seal uint64) int { return int(seal >> 2 & (1<<22 - 1)) }

const (
	tagShift = 44
	maxSize  = 1<<tagShift - 1 // of a file: what the cursor leaves beside the tag, as much as ext4 allows
)

func tag(seal uint64) uint64 { return turn(seal) << tagShift }

// Len returns the number of sessions, about: those that nobody has used for too long count until their place is
// needed, and after the death of a process it may be a few too high until the table seems full.
func (t *Table) Len() int { return int(max(t.head.used.Load(), 0)) }

// Open begins a session at the start of a file of size bytes. Its id is a new one. It fails with ErrFull.
func (t *Table) Open(id ID, file string, size int64) error {
	if len(file) > MaxName || size < 0 || size > maxSize {
		return fmt.Errorf("a session about %q of %d bytes: a name has at most %d bytes, a file %d",
			file, size, MaxName, int64(maxSize))
	}
	t.meet()
	if t.head.used.Add(1) > int64(t.limits.Sessions) && !t.sweep() {
		t.meet()
		t.head.used.Add(-1)
		return ErrFull
	}
	s, mine := t.claim(id)
	if s == nil {
		t.meet()
		t.head.used.Add(-1)
		return ErrFull
	}
	t.write(s, mine, id, file, size)
	t.meet()
	s.seal.Store(seal(turn(mine), 0, sealed))
	return nil
}

// claim takes the first of an id's slots that can be had: free, or of a session that nobody used for too long, or of a
// process that died in claiming it. The last two have been counted before.
func (t *Table) claim(id ID) (s *slot, mine uint64) {
	now := t.now()
	for i := range uint64(probes) {
		s := t.probe(id, i)
		t.meet()
		was := s.seal.Load()
		if how(was) == sealed && !t.expired(s, now) || how(was) == claimed && t.alive(claimer(was)) {
			continue
		}
		mine := seal(turn(was)+1, t.pid, claimed)
		if t.meet(); !s.seal.CompareAndSwap(was, mine) {
			continue
		}
		if how(was) != free {
			t.meet()
			t.head.used.Add(-1)
		}
		return s, mine
	}
	return nil, 0
}

// write fills a slot that this process has claimed.
func (t *Table) write(s *slot, mine uint64, id ID, file string, size int64) {
	store := func(w *atomic.Uint64, v uint64) {
		t.meet()
		w.Store(v)
	}
	store(&s.id[0], binary.LittleEndian.Uint64(id[:8]))
	store(&s.id[1], binary.LittleEndian.Uint64(id[8:]))
	store(&s.size, uint64(size))
	store(&s.last, uint64(t.now()))
	store(&s.cursor, tag(mine))
	var name [MaxName + 1]byte
	name[0] = byte(copy(name[1:], file))
	for i := range s.file {
		store(&s.file[i], binary.LittleEndian.Uint64(name[8*i:]))
	}
}

// Advance moves the cursor on, and returns the session as it was before. It fails with ErrUnknown.
func (t *Table) Advance(id ID, count int64) (Session, error) {
	s, was, found := t.find(id)
	if s == nil {
		return Session{}, ErrUnknown
	}
	cursor := tag(was) | uint64(found.Offset)
	for {
		found.Offset = int64(cursor & maxSize)
		next := cursor + uint64(min(max(count, 0), found.Size-found.Offset))
		if t.meet(); s.cursor.CompareAndSwap(cursor, next) {
			return found, nil
		}
		// Somebody else has moved it: once more, if it is still this session's.
		t.meet()
		if cursor = s.cursor.Load(); cursor&^maxSize != tag(was) {
			return Session{}, ErrUnknown
		}
	}
}

// Close ends a session. It fails with ErrUnknown.
func (t *Table) Close(id ID) error {
	s, was, _ := t.find(id)
	if s == nil {
		return ErrUnknown
	}
	if t.meet(); !s.seal.CompareAndSwap(was, seal(turn(was), 0, free)) {
		return ErrUnknown // somebody else has closed it
	}
	t.meet()
	t.head.used.Add(-1)
	return nil
}

// find looks a session up and renews it. The slot held it under the seal that find returns.
func (t *Table) find(id ID) (*slot, uint64, Session) {
	low, high := binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])
	now := t.now()
	for i := range uint64(probes) {
		s := t.probe(id, i)
		t.meet()
		was := s.seal.Load()
		if how(was) != sealed || s.id[0].Load() != low || s.id[1].Load() != high {
			continue
		}
		found, last, ok := t.read(s, was)
		if !ok || now-int64(last) >= int64(t.limits.Idle) {
			return nil, 0, Session{}
		}
		// A time moves forwards only, whoever writes it and however late: even if the slot is another's by now, whose
		// time happens to be the same, it won't end early for that.
		if t.meet(); now > int64(last) {
			s.last.CompareAndSwap(last, uint64(now))
		}
		return s, was, found
	}
	return nil, 0, Session{}
}

// read copies a slot's contents, if they are all of the turn that its seal told.
func (t *Table) read(s *slot, was uint64) (found Session, last uint64, ok bool) {
	load := func(w *atomic.Uint64) uint64 {
		t.meet()
		return w.Load()
	}
	found.Offset, found.Size, last = int64(load(&s.cursor)&maxSize), int64(load(&s.size)), load(&s.last)
	var name [MaxName + 1]byte
	for i := 0; i < len(s.file) && 8*i <= int(name[0]); i++ {
		binary.LittleEndian.PutUint64(name[8*i:], load(&s.file[i]))
	}
	if load(&s.seal) != was {
		return Session{}, 0, false
	}
	found.File = string(name[1 : 1+name[0]])
	return found, last, true
}

// expired tells whether nobody has used the session in a slot for too long. A slot that changes in between is another's
// by then, and claiming it fails.
func (t *Table) expired(s *slot, now int64) bool {
	t.meet()
	return now-int64(s.last.Load()) >= int64(t.limits.Idle)
}

// sweep counts the sessions anew when there seem to be too many, and ends those that nobody used for too long: what
// has died since the last time does not count for ever. It is done seldom, by one process, and takes some 50 ns for
// each slot. It tells whether there is room.
func (t *Table) sweep() bool {
	now := t.now()
	t.meet()
	before := t.head.swept.Load()
	if before != 0 && now-before < int64(min(max(t.limits.Idle/8, 10*time.Millisecond), time.Second)) {
		return false
	}
	if t.meet(); !t.head.swept.CompareAndSwap(before, now) {
		return false
	}
	t.meet()
	counted, found := t.head.used.Load(), int64(1) // the one for whom room is sought
	for i := range t.slots {
		s := &t.slots[i]
		t.meet()
		was := s.seal.Load()
		if how(was) == free {
			continue
		}
		gone := how(was) == sealed && t.expired(s, now) || how(was) == claimed && !t.alive(claimer(was))
		if t.meet(); !gone || !s.seal.CompareAndSwap(was, seal(turn(was), 0, free)) {
			found++
		}
	}
	// What others opened and closed meanwhile stays in the count, or it is off by as much. Who was stopped for so long
	// that another has begun to count leaves it to that one.
	for {
		t.meet()
		used := t.head.used.Load()
		t.meet()
		if t.head.swept.Load() != now {
			return false
		}
		t.meet()
		if t.head.used.CompareAndSwap(used, used+found-counted) {
			return used+found-counted <= int64(t.limits.Sessions)
		}
	}
}

// probe returns the i-th slot that an id names: its bits are random, and each slot follows from a stretch that begins
// elsewhere in them. The high bits of the product with the number of slots spread a stretch evenly (Lemire, "Fast
// Random Integer Generation in an Interval", 2019).
func (t *Table) probe(id ID, i uint64) *slot {
	half := binary.LittleEndian.Uint64(id[i%2*8:])
	at, _ := bits.Mul64(bits.RotateLeft64(half, int(i/2*4)), uint64(len(t.slots)))
	return &t.slots[at]
}

func (t *Table) meet() {
	if t.step != nil {
		t.step()
	}
}
