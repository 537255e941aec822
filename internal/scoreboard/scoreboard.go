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

// Slot holds the counters of one worker, in a cache line of its own so that workers do not disturb each other.
type Slot struct {
	Accepts  atomic.Uint64 // connections accepted
	Requests atomic.Uint64 // requests answered
	Refusals atomic.Uint64 // connections refused because of the limit
	Drops    atomic.Uint64 // requests dropped from a full queue
	Sessions atomic.Uint64 // sessions of a stateful service that are open
	_        [3]uint64
}

// Counts is the sum of all slots.
type Counts struct{ Accepts, Requests, Refusals, Drops, Sessions uint64 }

// Board is an open scoreboard.
type Board struct {
	mem   []byte
	slots []Slot

	mu       sync.Mutex
	settings map[string]string
}

// Create makes a scoreboard with the given number of slots, in the named file or, if path is empty, in plain memory.
func Create(path string, slots int) (*Board, error) {
	size := slotsStart + slots*int(unsafe.Sizeof(Slot{}))
	var mem []byte
	if path == "" {
		// Through uint64 for the alignment that atomic counters need.
		words := make([]uint64, (size+7)/8)
		mem = unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), size)
	} else {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return nil, fmt.Errorf("create scoreboard: %w", err)
		}
		defer f.Close()
		if err := f.Truncate(int64(size)); err != nil {
			return nil, fmt.Errorf("size scoreboard %s: %w", path, err)
		}
		if mem, err = mapFile(f, size, true); err != nil {
			return nil, fmt.Errorf("map scoreboard %s: %w", path, err)
		}
	}
	binary.NativeEndian.PutUint64(mem[8:], uint64(slots))
	b := view(mem, slots)
	b.settings = map[string]string{}
	binary.NativeEndian.PutUint64(mem, magic)
	return b, nil
}

// Open maps an existing scoreboard for reading.
func Open(path string) (*Board, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open scoreboard: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open scoreboard: %w", err)
	}
	if st.Size() < slotsStart {
		return nil, fmt.Errorf("%s is not a scoreboard: too short", path)
	}
	mem, err := mapFile(f, int(st.Size()), false)
	if err != nil {
		return nil, fmt.Errorf("map scoreboard %s: %w", path, err)
	}
	slots := binary.NativeEndian.Uint64(mem[8:])
	if binary.NativeEndian.Uint64(mem) != magic || slotsStart+slots*uint64(unsafe.Sizeof(Slot{})) != uint64(len(mem)) {
		return nil, errors.Join(fmt.Errorf("%s is not a scoreboard", path), unmap(mem))
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
func (b *Board) Close() error { return unmap(b.mem) }

// Slot returns the slot of worker i; workers beyond the number of slots share.
func (b *Board) Slot(i int) *Slot { return &b.slots[i%len(b.slots)] }

// Sum adds up the counters of all slots.
func (b *Board) Sum() (c Counts) {
	for i := range b.slots {
		s := &b.slots[i]
		c.Accepts += s.Accepts.Load()
		c.Requests += s.Requests.Load()
		c.Refusals += s.Refusals.Load()
		c.Drops += s.Drops.Load()
		c.Sessions += s.Sessions.Load()
	}
	return c
}

// Set records a setting that is in force. What does not fit into the file's page is an error of the program's.
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
