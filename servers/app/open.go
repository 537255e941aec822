package app

import (
	"sync/atomic"
	"time"

	"serverlab/servers/state"
)

// openFiles are the files that this process keeps open, one for each session. They are soft state: whatever is dropped
// is opened again when it is wanted, and no answer depends on it.
//
//	request ──▶ get ──▶ pread ──▶ release        a hit costs a lock, no system call but the reading, no allocation
//	             └─ nil ──▶ open, keep ──▶ ...
//
// A file is dropped when it has not been used for the lease, when there is no room and none was used longer ago, and
// when its session is closed. A file that is being read stays open until its last reader has released it: a descriptor
// that was closed under a reader might be another file's by then.
type openFiles struct {
	most   int64         // that are kept
	lease  time.Duration // renewed by each use
	forget time.Duration // all are dropped as often as this, so that one can see that nothing depends on them; 0: never
	now    func() int64  // nanoseconds since some moment

	kept     atomic.Int64
	sessions state.Recent[*openFile]
}

// openFile is an open file and those who hold it: its readers, and the cache for as long as it keeps it.
type openFile struct {
	file
	name    string
	opened  int64 // by the clock of the cache
	holders atomic.Int32
}

func newOpenFiles(most int, lease, forget time.Duration) *openFiles {
	begun := time.Now()
	return &openFiles{most: int64(most), lease: lease, forget: forget,
		now: func() int64 { return int64(time.Since(begun)) }}
}

// release ends one holder's use of the file.
func (f *openFile) release() {
	if f.holders.Add(-1) == 0 {
		_ = f.Close() // it was only read
	}
}

// get returns the session's open file, which the caller releases, or nil if there is none of that name. Without a name
// any will do: the file of a stateful session never changes.
func (o *openFiles) get(id state.ID, name []byte) *openFile {
	now := o.now()
	s := o.sessions.Shard(id)
	s.Lock()
	e := s.Find(id)
	if e == nil {
		s.Unlock()
		return nil
	}
	f := e.Value
	if o.rest(e, now) <= 0 || name != nil && string(name) != f.name {
		o.remove(s, e)
		s.Unlock()
		f.release()
		return nil
	}
	f.holders.Add(1)
	s.Touch(e, now)
	s.Unlock()
	return f
}

// keep takes a file over that was opened for a session, and returns it to be used and released.
func (o *openFiles) keep(id state.ID, opened file, name string) *openFile {
	f := &openFile{file: opened, name: name, opened: o.now()}
	f.holders.Store(1)
	if !o.reserve() {
		return f
	}
	f.holders.Store(2)
	s := o.sessions.Shard(id)
	s.Lock()
	var before *openFile
	if e := s.Find(id); e != nil { // two requests of one session have opened it at the same time
		before = e.Value
		o.remove(s, e)
	}
	s.Put(id, f, f.opened)
	s.Unlock()
	if before != nil {
		before.release()
	}
	o.sessions.Later(o.soonest(o.lease), o.tidy)
	return f
}

// drop ends the keeping of a session's file.
func (o *openFiles) drop(id state.ID) {
	s := o.sessions.Shard(id)
	s.Lock()
	e := s.Find(id)
	if e == nil {
		s.Unlock()
		return
	}
	o.remove(s, e)
	s.Unlock()
	e.Value.release()
}

// shed gives some descriptors back, of the files that were used longest ago.
func (o *openFiles) shed() {
	for range max(1, o.kept.Load()/8) {
		if !o.evict() {
			return
		}
	}
}

// reserve makes room for one file more; false: nothing can be kept.
func (o *openFiles) reserve() bool {
	for o.most > 0 {
		n := o.kept.Load()
		if n < o.most {
			if o.kept.CompareAndSwap(n, n+1) {
				return true
			}
		} else if !o.evict() {
			return false // others have the room, but not yet the file
		}
	}
	return false
}

// evict drops the file that was used longest ago; false: none is kept.
func (o *openFiles) evict() bool {
	var oldest *state.Shard[*openFile]
	var used int64
	for i := range o.sessions.Shards() {
		s := &o.sessions.Shards()[i]
		s.Lock()
		if e := s.Oldest(); e != nil && (oldest == nil || e.Used < used) {
			oldest, used = s, e.Used
		}
		s.Unlock()
	}
	if oldest == nil {
		return false
	}
	oldest.Lock()
	e := oldest.Oldest()
	if e == nil { // somebody else was quicker, which makes room as well
		oldest.Unlock()
		return true
	}
	o.remove(oldest, e)
	oldest.Unlock()
	e.Value.release()
	return true
}

// remove takes an entry out of its shard, whose lock is held; the caller releases the file when it is not.
func (o *openFiles) remove(s *state.Shard[*openFile], e *state.Entry[*openFile]) {
	s.Remove(e)
	o.kept.Add(-1)
}

// rest is for how long an entry is still kept if nobody uses it, in nanoseconds.
func (o *openFiles) rest(e *state.Entry[*openFile], now int64) int64 {
	if o.forget > 0 && now/int64(o.forget) != e.Value.opened/int64(o.forget) {
		return 0
	}
	return int64(o.lease) - (now - e.Used)
}

// tidy drops what is no longer to be kept, and returns after what time there may be more. It runs by a timer, so that
// descriptors come back when no request does. In a process of a pool that sits in system calls of which the runtime
// knows nothing it may come late, by about a second: get looks at the time itself.
func (o *openFiles) tidy() (again time.Duration) {
	now := o.now()
	first := int64(-1)
	var dropped []*openFile
	for i := range o.sessions.Shards() {
		s := &o.sessions.Shards()[i]
		s.Lock()
		for e := s.Oldest(); e != nil; {
			next := e.Newer()
			if rest := o.rest(e, now); rest <= 0 {
				o.remove(s, e)
				dropped = append(dropped, e.Value)
			} else {
				if first < 0 || rest < first {
					first = rest
				}
				if o.forget == 0 {
					break // whatever is newer has longer
				}
			}
			e = next
		}
		s.Unlock()
	}
	for _, f := range dropped {
		f.release()
	}
	if first < 0 {
		return 0
	}
	return o.soonest(max(time.Duration(first), o.lease/8)) // not for each of them by itself
}

// soonest is d, or the time until all is forgotten if that is less.
func (o *openFiles) soonest(d time.Duration) time.Duration {
	if o.forget > 0 {
		d = min(d, o.forget-time.Duration(o.now()%int64(o.forget)))
	}
	return max(d, 1)
}
