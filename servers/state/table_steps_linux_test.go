package state

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A world is a tiny table and the processes that share it, which run in turn and may be ended or stopped between any
// two of their accesses to it.
type world struct {
	t      *testing.T
	what   string
	limits Limits
	head   head
	slots  [2]slot
	time   int64
	dead   map[uint64]bool
	about  map[ID]Session // of every session ever opened: its file and size
	given  map[ID][]bool  // of every session: the bytes that were given out
	keeper ID             // a session that everybody leaves alone
	target ID             // one that they fight for, or the dead one's
}

const (
	idleTime  = int64(time.Minute)
	readCount = 3
)

// process returns the table as the process with this pid has it.
func (w *world) process(pid uint64) *Table {
	return &Table{limits: w.limits, head: &w.head, slots: w.slots[:], pid: pid,
		now: func() int64 { return w.time }, alive: func(pid int) bool { return !w.dead[uint64(pid)] }}
}

func newWorld(t *testing.T, sessions int) *world {
	w := &world{t: t, limits: Limits{Sessions: sessions, Idle: time.Duration(idleTime)}, time: 10 * idleTime,
		dead: map[uint64]bool{}, about: map[ID]Session{}, given: map[ID][]bool{}}
	p := w.process(1)
	for _, id := range []*ID{&w.keeper, &w.target} {
		*id = NewID()
		w.want(w.open(p, *id), nil)
		w.want(w.advance(p, *id), nil)
	}
	w.time++ // so that use renews
	return w
}

func (w *world) want(got error, want error) {
	w.t.Helper()
	if !errors.Is(got, want) {
		w.t.Fatalf("%s: got %v, want %v", w.what, got, want)
	}
}

func (w *world) open(p *Table, id ID) error {
	n := len(w.about)
	file := strings.Repeat(string(rune('a'+n%26)), 1+(23*n)%MaxName)
	w.about[id] = Session{File: file, Size: int64(100 + n)}
	if w.given[id] == nil {
		w.given[id] = make([]bool, 100+n)
	}
	return p.Open(id, file, int64(100+n))
}

// advance reads on, and proves what it got.
func (w *world) advance(p *Table, id ID) error {
	w.t.Helper()
	s, err := p.Advance(id, readCount)
	if err != nil {
		return err
	}
	if about := w.about[id]; s.File != about.File || s.Size != about.Size {
		w.t.Fatalf("%s: got %+v for the session %+v", w.what, s, about)
	}
	for at := s.Offset; at < s.Offset+readCount; at++ {
		if w.given[id][at] {
			w.t.Fatalf("%s: byte %d was given out twice", w.what, at)
		}
		w.given[id][at] = true
	}
	return nil
}

// next reads on in a session that nobody has harmed, so that no byte is missing either.
func (w *world) next(p *Table, id ID) {
	w.t.Helper()
	w.want(w.advance(p, id), nil)
	last := -1
	for at, given := range w.given[id] {
		if given && at != last+1 {
			w.t.Fatalf("%s: byte %d of a session was never given out", w.what, last+1)
		} else if given {
			last = at
		}
	}
}

// died ends a process in the middle of do, unless that takes fewer than so many steps. It tells whether it was.
func (w *world) died(p *Table, steps int, do func(*Table)) bool {
	return w.diedWhen(p, func() bool { steps--; return steps < 0 }, do)
}

// diedWhen ends a process in the middle of do, before the first step at which now is true.
func (w *world) diedWhen(p *Table, now func() bool, do func(*Table)) (died bool) {
	type end struct{}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(end); !ok {
				panic(r)
			}
			died = true
		}
		w.dead[p.pid] = true
	}()
	p.step = func() {
		if now() {
			panic(end{})
		}
	}
	do(p)
	return false
}

// An act is a call that is ended or stopped, and what goes before it.
type act struct {
	name     string
	sessions int // the limit
	before   func(*world)
	do       func(*world, *Table)
}

func openNew(w *world, p *Table) { _ = w.open(p, NewID()) }

// pass lets so much time pass that all but the keeper have ended.
func pass(w *world) {
	for range 4 {
		w.time += idleTime / 4
		w.next(w.process(1), w.keeper)
	}
}

var acts = []act{
	{"advance", 2, func(*world) {}, func(w *world, p *Table) { _ = w.advance(p, w.target) }},
	{"close", 2, func(*world) {}, func(w *world, p *Table) { _ = p.Close(w.target) }},
	{"open", 2, func(w *world) { w.want(w.process(1).Close(w.target), nil) }, openNew},
	{"open in the place of an idle one", 3, pass, openNew},
	{"open when idle ones fill the table", 2, pass, openNew},
	{"open in the place of a dead one's", 3, func(w *world) {
		w.want(w.process(1).Close(w.target), nil)
		isClaimed := func() bool { return how(w.slots[0].seal.Load())|how(w.slots[1].seal.Load()) == claimed|sealed }
		if !w.diedWhen(w.process(9), isClaimed, func(p *Table) { openNew(w, p) }) {
			w.t.Fatal("opening claims no slot")
		}
	}, openNew},
	{"open when the dead fill the table", 2, func(w *world) {
		w.want(w.process(1).Close(w.target), nil)
		for w.head.used.Load() <= 2 {
			w.died(w.process(9), 1, func(p *Table) { openNew(w, p) })
		}
	}, openNew},
}

// sealed counts the sessions that are there.
func (w *world) sealed() (n int64) {
	for i := range w.slots {
		if how(w.slots[i].seal.Load()) == sealed {
			n++
		}
	}
	return n
}

// end: whatever has happened, the session of a bystander goes on, what remains of others is right, and when they have
// ended too, the table takes as many as at first.
func (w *world) end() {
	w.t.Helper()
	p := w.process(1)
	w.next(p, w.keeper)
	for id := range w.about {
		if err := w.advance(p, id); err != nil {
			w.want(err, ErrUnknown)
		}
	}
	w.time += idleTime
	for id := range w.about {
		w.want(w.advance(p, id), ErrUnknown)
	}
	for range len(w.slots) {
		id := NewID()
		w.want(w.open(p, id), nil)
		w.next(p, id)
	}
}

// A process is ended in each call before each of its steps.
func TestTableEndedAtAnyStep(t *testing.T) {
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			for steps := 0; ; steps++ {
				w := newWorld(t, a.sessions)
				w.what = fmt.Sprintf("ended after %d steps", steps)
				a.before(w)
				died := w.died(w.process(2), steps, func(p *Table) { a.do(w, p) })
				if got, want := w.head.used.Load(), w.sealed(); got < want || !died && got > want {
					t.Fatalf("%s: %d sessions are counted, there are %d", w.what, got, want)
				}
				w.end()
				if !died {
					return
				}
			}
		})
	}
}

// A process is stopped in each call before each of its steps. Then another, in each call, is ended after each of its
// steps, and a third goes on, or lets sessions end too, and opens others in their place. When the first goes on, no
// session but its own may come to harm, and no byte be given out twice.
func TestTableStoppedAtAnyStep(t *testing.T) {
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			for stop := 0; stopped(t, a, stop); stop++ {
			}
		})
	}
}

// stopped tries all that may happen while a call is stopped after so many steps. It returns false if it has fewer.
func stopped(t *testing.T, a act, stop int) bool {
	others := append([]act{
		{name: "nobody", do: func(_ *world, p *Table) { p.meet() }},
		{name: "open in the place of the one", do: func(w *world, p *Table) {
			_ = p.Close(w.target)
			openNew(w, p)
		}},
	}, acts[:3]...)
	for _, b := range others {
		for _, third := range []string{"sleeps", "goes on", "lets them end"} {
			for died, steps := true, 0; died; steps++ {
				w := newWorld(t, a.sessions)
				w.what = fmt.Sprintf("stopped after %d steps; %s ended after %d; a third %s", stop, b.name, steps, third)
				a.before(w)
				p, left := w.process(2), stop
				var fresh []ID
				reached := false
				p.step = func() {
					if left--; left != -1 {
						return
					}
					reached = true
					died = w.died(w.process(3), steps, func(p *Table) { b.do(w, p) })
					if third != "sleeps" {
						fresh = w.meanwhile(third == "lets them end")
					}
				}
				a.do(w, p)
				if !reached {
					return false
				}
				for _, id := range fresh {
					w.next(w.process(1), id)
				}
				w.end()
			}
		}
	}
	return true
}

// meanwhile is what a third process does: it reads on, and opens sessions of its own as far as there is room.
func (w *world) meanwhile(later bool) (fresh []ID) {
	p := w.process(1)
	if later {
		pass(w)
	}
	if err := w.advance(p, w.target); err != nil {
		w.want(err, ErrUnknown)
	}
	for range len(w.slots) {
		id := NewID()
		if err := w.open(p, id); err != nil {
			w.want(err, ErrFull)
			continue
		}
		w.next(p, id)
		fresh = append(fresh, id)
		if len(fresh) == 1 { // and once more in the same place, in a later turn
			w.want(p.Close(id), nil)
			fresh[0] = NewID()
			w.want(w.open(p, fresh[0]), nil)
			w.next(p, fresh[0])
		}
	}
	return fresh
}

// Two count the sessions anew: what the first corrects when it goes on, the second has corrected before.
func TestTableCountedByTwo(t *testing.T) {
	for stop, reached := 0, true; reached; stop++ {
		const limit = 10
		w := &world{limits: Limits{Sessions: limit, Idle: time.Duration(idleTime)}, time: 10 * idleTime}
		slots := make([]slot, 2*probes)
		process := func(pid uint64) *Table {
			p := w.process(pid)
			p.slots = slots
			return p
		}
		w.head.used.Store(limit) // the dead's
		first, second, left := process(1), process(2), stop
		reached = false
		first.step = func() {
			if left--; left == -1 {
				reached = true
				w.time += int64(time.Second)
				for second.Open(NewID(), "file", 1) == nil {
				}
			}
		}
		_ = first.Open(NewID(), "file", 1)
		// Who has begun to open is not seen by who counts.
		if got := w.head.used.Load(); reached && got < limit-1 {
			t.Fatalf("stopped after %d steps: %d sessions are counted, there are %d", stop, got, limit)
		}
	}
}
