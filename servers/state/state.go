// Package state is what a stateful server remembers of its clients: sessions, each with a file, a cursor and the time
// of its last use, in one of several stores. Open files are no part of it: a descriptor belongs to one process, and
// what a store holds must be of use to all.
package state

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"
)

// ID names a session. It can't be guessed.
type ID [16]byte

// NewID draws one from the kernel's random source.
func NewID() (id ID) {
	_, _ = rand.Read(id[:]) // never fails: the program ends instead
	return id
}

// Parse reads what AppendTo wrote.
func Parse(text []byte) (id ID, ok bool) {
	if len(text) != 2*len(id) {
		return id, false
	}
	for _, c := range text {
		if 'A' <= c && c <= 'F' { // Decode would take it
			return id, false
		}
	}
	_, err := hex.Decode(id[:], text)
	return id, err == nil
}

// AppendTo appends 32 hexadecimal digits.
func (id ID) AppendTo(b []byte) []byte { return hex.AppendEncode(b, id[:]) }

// Session is what a store tells of one: its file, the file's size in bytes when it was opened, and the place in it.
type Session struct {
	File         string
	Size, Offset int64
}

// MaxName is the longest name of a file that a session can be about, in bytes.
const MaxName = 63

// Limits bounds a store.
type Limits struct {
	Sessions int           // that are open at the same time, about
	Idle     time.Duration // after which a session that nobody uses has ended
}

// A Store keeps sessions. All its methods may be called at the same time, by every process that shares it; one that
// dies in the middle of a call harms no session but its own. None waits for longer than a bounded time.
type Store interface {
	// Open begins a session at the start of a file of size bytes. It fails with ErrFull or ErrUnreachable.
	Open(id ID, file string, size int64) error
	// Advance moves the cursor on by count bytes, or to the end of the file if that is nearer, and returns the session
	// as it was before: nobody else gets the same bytes. It fails with ErrUnknown or ErrUnreachable; after the latter
	// nobody knows whether the cursor has moved.
	Advance(id ID, count int64) (Session, error)
	// Close ends a session. It fails with ErrUnknown or ErrUnreachable.
	Close(id ID) error
}

// The errors of a store, which may be wrapped.
var (
	ErrUnknown     = errors.New("no such session")
	ErrFull        = errors.New("too many sessions")
	ErrUnreachable = errors.New("the session store can't be reached")
)
