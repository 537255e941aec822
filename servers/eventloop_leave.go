//go:build linux

package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A client may close its sending side and still read: it is half-closed. gnet closes a connection at the end of its
// input, in its own read, whatever output it has buffered. So a half-closed client that has answers left is seen off:
// its connection leaves the loop for a goroutine, which does nothing but write. The answers are still made on the loop.
//
//	loop:      OnClose -> seeOff ...                   Feed                Feed
//	goroutine:               \-> write what gnet had -/    \-> write ... -/    \-> close

// pourBytes is how much a client that is seen off must take for each time that it may be idle.
const pourBytes = 64 << 10

// seeOff is called when gnet is about to close a connection, and tells whether a goroutine has taken it over.
func (l *gnetLoop) seeOff(g *guest) bool {
	if !l.mayLeave() {
		return false
	}
	c, rest, err := takeOutput(g)
	if err != nil {
		l.leavers.Done()
		l.cfg.Log.Warn("a half-closed client loses answers", "err", err)
		return false
	}
	in, _ := g.conn.Next(-1)
	in = bytes.Clone(in)
	more := !g.closing && (g.more || len(in) > 0)
	l.leaving++
	go func() {
		defer l.leavers.Done()
		release := context.AfterFunc(l.cut, func() { _ = c.Close() })
		defer release()
		err := pour(c, rest, l.cfg.IdleTimeout)
		_ = rest.Close()
		for more && err == nil {
			var out []byte
			if !l.ask(l.cut, func() {
				if l.stopping.Load() {
					g.session.CloseAfter()
				}
				l.answer(g, in)
				in, out, more = nil, bytes.Clone(l.out), g.more && !g.closing
			}) {
				break
			}
			err = pour(c, bytes.NewReader(out), l.cfg.IdleTimeout)
		}
		_ = c.Close()
		_ = l.do(context.Background(), func() {
			g.session.Release()
			l.open.Add(-1)
			l.leaving--
		})
	}()
	return true
}

// mayLeave counts a leaver in, unless the engine is about to end.
func (s *gnetServer) mayLeave() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut.Err() != nil {
		return false
	}
	s.leavers.Add(1)
	return true
}

// cutLeavers ends those that are still being seen off; there will be no more.
func (s *gnetServer) cutLeavers() {
	s.mu.Lock()
	s.endLeavers()
	s.mu.Unlock()
	s.leavers.Wait()
}

// takeOutput takes over a connection that gnet is about to close, and what gnet has buffered for it. A library that
// gives nobody its buffer still writes it, to whatever its descriptor means at the time: for a moment, a file.
func takeOutput(g *guest) (c *net.TCPConn, rest *os.File, err error) {
	fd := g.conn.Fd()
	mem, err := unix.MemfdCreate("rest", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("create a file in memory: %w", err)
	}
	rest = os.NewFile(uintptr(mem), "rest")
	defer func() {
		if err != nil {
			_ = rest.Close()
		}
	}()
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("copy descriptor %d: %w", fd, err)
	}
	socket := os.NewFile(uintptr(own), "connection")
	defer socket.Close()
	if err := unix.Dup3(mem, fd, unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("replace descriptor %d: %w", fd, err)
	}
	for left := -1; g.conn.OutboundBuffered() > 0 && g.conn.OutboundBuffered() != left; {
		left = g.conn.OutboundBuffered()
		_ = g.conn.Flush() // its error says that epoll can't watch a file
	}
	if err := unix.Dup3(own, fd, unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("replace descriptor %d: %w", fd, err)
	}
	if left := g.conn.OutboundBuffered(); left > 0 {
		return nil, nil, fmt.Errorf("keep %d bytes in memory: %w", left, io.ErrShortWrite)
	}
	if _, err := rest.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	conn, err := net.FileConn(socket)
	if err != nil {
		return nil, nil, fmt.Errorf("take descriptor %d over: %w", fd, err)
	}
	return conn.(*net.TCPConn), rest, nil
}

// pour writes all of r, and gives up on a client that takes too little of it for too long.
func pour(c *net.TCPConn, r io.Reader, patience time.Duration) error {
	for {
		if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := io.CopyN(c, r, pourBytes); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
