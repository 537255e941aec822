//go:build linux

// Package exercise is an architecture with a gap: an event loop on poll(2), whose body is left to you. README.md is the
// task; `bin/serverlab check --arch exercise` grades it.
//
//	       +--> accept
//	poll(2) --> read -> Feed -> write      the handler runs in the loop
//	       +--> write the rest of an answer
//
// Everything around the loop is here: the listening socket (non-blocking), the set of descriptors that poll(2) looks
// at, connections and what can be done with them (helpers.go), and a descriptor that becomes readable when the server
// is to stop.
package exercise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
	"serverlab/servers/http1"
)

// Config is what the loop is given, and the policy that it obeys.
type Config struct {
	Listener int                   // the listening socket, non-blocking
	Ready    func()                // to be called once, when connections are accepted
	Session  func() *http1.Session // begins the protocol of a new connection
	Slot     *scoreboard.Slot      // counters

	MaxConns    int           // connections served at the same time; one more is answered Refusal, and closed
	IdleTimeout time.Duration // without a byte of a request, or without progress in taking an answer
	ReadTimeout time.Duration // from the first to the last byte of one request
	StopTimeout time.Duration // for what is in hand when the server is told to stop
}

// Server is what the loop works on.
type Server struct {
	Config
	stop  int           // a descriptor that becomes readable when the server is to stop
	conns map[int]*Conn // the open connections, by descriptor
	set   pollSet       // what poll(2) looks at
	in    [64 << 10]byte
}

// Conn is one connection.
type Conn struct {
	fd      int
	session *http1.Session
	out     []byte // of an answer: what the socket has not taken yet
	more    bool   // the session has more answers: Feed it with nil when out is empty
	closing bool   // the connection ends when out is empty

	lingering bool      // finish has closed its writing side; what still comes is read and thrown away
	deadline  time.Time // when patience with it ends: README.md, step 3
}

// ErrUnwritten is all that the loop returns while the gap is there.
var ErrUnwritten = errors.New("exercise: the loop is not written yet: see servers/exercise/README.md")

// Serve serves until ctx ends; then it answers what is in hand, closes what is open, and returns nil.
func Serve(ctx context.Context, cfg Config) error {
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("create eventfd: %w", err)
	}
	s := &Server{Config: cfg, stop: stop, conns: map[int]*Conn{}}
	woken := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(woken)
		one := [8]byte{7: 1} // any number but zero will do, whatever the byte order
		_, _ = unix.Write(stop, one[:])
	})
	defer func() {
		if !cancel() {
			<-woken
		}
		for _, c := range s.conns {
			s.close(c)
		}
		_ = unix.Close(stop)
	}()
	return s.loop()
}

// loop is your work. What a session does (package http1; it never touches a socket):
//
//	out, more, closing := c.session.Feed(c.out[:0], in)
//	                                          takes all of in, which may be a part of a request, or several; out is to
//	                                          be sent (it may be empty); more: when that is sent, Feed it with nil for
//	                                          the rest; closing: when it is sent, the connection ends
//	c.session.Partial()                       a request has begun, and not all of it has come
//	c.session.Requests()                      how many it has answered; add what is new to s.Slot.Requests
//	c.session.CloseAfter()                    makes the next answer the last
func (s *Server) loop() error {
	// ---------------------------------------------------------------- the gap begins here
	return ErrUnwritten
	// ---------------------------------------------------------------- and ends here
}
