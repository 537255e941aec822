// Package scoreboard is how a server tells about itself without words: a file that is mapped into memory, with the
// settings in force and a slot of counters for each worker. Whoever opens the file sees the counters move, and sees
// their last values after a crash. (Apache has had one of this name since 1.0.)
package scoreboard

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	magic        = 0x6472616f62737673 // "svsboard"
	settingsSize = 4096 - 24          // magic, slot count and length of the settings come before
	slotsStart   = 4096
)

// Slot holds the counters of one worker, in cache lines of its own so that workers do not disturb each other.
type Slot struct {
	Accepts  atomic.Uint64 // connections accepted
	Requests atomic.Uint64 // requests answered
	Refusals atomic.Uint64 // connections refused because of the limit
	Drops    atomic.Uint64 // requests dropped from a full queue
	Sessions atomic.Uint64 // sessions of a stateful service that are open
	Open     atomic.Int64  // connections that are open, where processes share a limit of them
	State    atomic.Uint64 // of the worker process in this slot
	Forks    atomic.Uint64 // worker processes that were forked, not started as a program
	Stuck    atomic.Uint64 // of them, those that hung and were killed
	Respawns atomic.Uint64 // times that the process which forks them was replaced
	_        [6]uint64
}

// The states of a worker process.
const (
	Free     uint64 = iota // nobody is in the slot
	Starting               // it is not ready yet
	Idle                   // it waits for a connection
	Busy                   // it serves one
	Retiring               // it is to end when it has no connection, and takes no other
)

// Counts are the counters of one slot, or their sums over all.
type Counts struct{ Accepts, Requests, Refusals, Drops, Sessions, Forks, Stuck, Respawns uint64 }

// Board is an open scoreboard.
type Board struct {
	mem   []byte
	slots []Slot
	file  *os.File // of which mem is the mapping; nil: plain memory

	mu       sync.Mutex
	settings map[string]string
}

// Create makes a scoreboard with the given number of slots, in the named file or, if path is empty, in plain memory.
func Create(path string, slots int) (*Board, error) {
	if path == "" {
		// Through uint64 for the alignment that atomic counters need.
		words := make([]uint64, (boardSize(slots)+7)/8)
		return begin(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), boardSize(slots)), slots), nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create scoreboard: %w", err)
	}
	return createIn(f, slots)
}

// Share makes a scoreboard in memory that worker processes can map as well: see File. It has no name, and is gone with
// the last process that holds it.
func Share(slots int) (*Board, error) {
	f, err := memoryFile("scoreboard")
	if err != nil {
		return nil, fmt.Errorf("create scoreboard in memory: %w", err)
	}
	return createIn(f, slots)
}

// createIn takes f over.
func createIn(f *os.File, slots int) (*Board, error) {
	size := boardSize(slots)
	if err := f.Truncate(int64(size)); err != nil {
		return nil, errors.Join(fmt.Errorf("size scoreboard %s: %w", f.Name(), err), f.Close())
	}
	mem, err := mapFile(f, size, true)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map scoreboard %s: %w", f.Name(), err), f.Close())
	}
	b := begin(mem, slots)
	b.file = f
	return b, nil
}

func boardSize(slots int) int { return slotsStart + slots*int(unsafe.Sizeof(Slot{})) }

// begin makes a scoreboard of zeroed memory.
func begin(mem []byte, slots int) *Board {
	binary.NativeEndian.PutUint64(mem[8:], uint64(slots))
	b := view(mem, slots)
	b.settings = map[string]string{}
	binary.NativeEndian.PutUint64(mem, magic)
	return b
}

// Open maps an existing scoreboard for reading.
func Open(path string) (*Board, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open scoreboard: %w", err)
	}
	defer f.Close()
	return mapExisting(f, false)
}

// Inherit maps the scoreboard of a parent process, whose File it has as descriptor fd, for counting. It closes fd.
func Inherit(fd uintptr) (*Board, error) {
	f := os.NewFile(fd, "inherited scoreboard")
	if f == nil {
		return nil, errors.New("inherit scoreboard: no such descriptor")
	}
	defer f.Close()
	return mapExisting(f, true)
}

func mapExisting(f *os.File, write bool) (*Board, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open scoreboard: %w", err)
	}
	if st.Size() < slotsStart {
		return nil, fmt.Errorf("%s is not a scoreboard: too short", f.Name())
	}
	mem, err := mapFile(f, int(st.Size()), write)
	if err != nil {
		return nil, fmt.Errorf("map scoreboard %s: %w", f.Name(), err)
	}
	slots := binary.NativeEndian.Uint64(mem[8:])
	if binary.NativeEndian.Uint64(mem) != magic || slotsStart+slots*uint64(unsafe.Sizeof(Slot{})) != uint64(len(mem)) {
		return nil, errors.Join(fmt.Errorf("%s is not a scoreboard", f.Name()), unmap(mem))
	}
	return view(mem, int(slots)), nil
}

func view(mem []byte, slots int) *Board {
	b := &Board{mem: mem}
	if slots > 0 {
		b.slots = unsafe.Slice((*Slot)(unsafe.Pointer(&mem[slotsStart])), slots)
	}
	return b
}

// Close unmaps the file. The board and its slots must not be used afterwards.
func (b *Board) Close() error {
	err := unmap(b.mem)
	if b.file != nil {
		err = errors.Join(err, b.file.Close())
	}
	return err
}

// File is what a worker process must be given for Inherit; nil: the board is in plain memory, or only read.
func (b *Board) File() *os.File { return b.file }

// Slots is the number of slots.
func (b *Board) Slots() int { return len(b.slots) }

// Slot returns the slot of worker i; workers beyond the number of slots share.
func (b *Board) Slot(i int) *Slot { return &b.slots[i%len(b.slots)] }

// PerSlot returns the counters of every slot, in the order of the slots. Those of a worker that was replaced go on in
// its slot.
func (b *Board) PerSlot() []Counts {
	all := make([]Counts, len(b.slots))
	for i := range b.slots {
		s := &b.slots[i]
		all[i] = Counts{Accepts: s.Accepts.Load(), Requests: s.Requests.Load(), Refusals: s.Refusals.Load(),
			Drops: s.Drops.Load(), Sessions: s.Sessions.Load(), Forks: s.Forks.Load(), Stuck: s.Stuck.Load(),
			Respawns: s.Respawns.Load()}
	}
	return all
}

// Sum adds up the counters of all slots.
func (b *Board) Sum() (sum Counts) {
	for _, c := range b.PerSlot() {
		sum.Accepts += c.Accepts
		sum.Requests += c.Requests
		sum.Refusals += c.Refusals
		sum.Drops += c.Drops
		sum.Sessions += c.Sessions
		sum.Forks += c.Forks
		sum.Stuck += c.Stuck
		sum.Respawns += c.Respawns
	}
	return sum
}

// Set records a setting that is in force, on a board that was made here. What does not fit into the file's page is an error of the program's.
func (b *Board) Set(key, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settings[key] = value
	text, err := json.Marshal(b.settings)
	if err != nil || len(text) > settingsSize {
		panic(fmt.Sprintf("scoreboard: setting %s does not fit", key))
	}
	copy(b.mem[24:], text)
	binary.NativeEndian.PutUint64(b.mem[16:], uint64(len(text)))
}

// Settings returns the settings in force.
func (b *Board) Settings() (map[string]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.settings != nil {
		return maps.Clone(b.settings), nil
	}
	n := binary.NativeEndian.Uint64(b.mem[16:])
	if n == 0 {
		return map[string]string{}, nil
	}
	if n > settingsSize {
		return nil, errors.New("scoreboard: damaged settings")
	}
	m := map[string]string{}
	if err := json.Unmarshal(b.mem[24:24+n], &m); err != nil {
		return nil, fmt.Errorf("scoreboard: read settings: %w", err)
	}
	return m, nil
}
