//go:build linux

package servers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"serverlab/internal/uring"
)

// In these nothing has room: orders are handed over in between, completions overflow, and input finds no buffer; in the
// second all input finds one, so that more completes at a time.
var (
	smallest   = rings{orders: 2, completions: 4, buffers: 2, bufferSize: 64}
	overflowed = rings{orders: 2, completions: 4, buffers: 256, bufferSize: 4096}
)

// startProactor starts a proactor in this process whose handler answers with a pattern: see patternOf. In /wait it waits
// until it is told to go on.
func startProactor(t *testing.T, sizes rings, change func(*Config)) *loopServer {
	t.Helper()
	if err := uring.Available(); err != nil {
		t.Skip(err)
	}
	s := &loopServer{t: t, waiting: make(chan struct{}, 1), goOn: make(chan struct{}), ended: make(chan error, 1)}
	cfg := DefaultConfig()
	ready := make(chan string, 1)
	cfg.Ready = func(a net.Addr) { ready <- a.String() }
	if change != nil {
		change(&cfg)
	}
	s.board = cfg.Board
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		p, err := newProactor(cfg, func(c *fasthttp.RequestCtx) {
			if string(c.Path()) == "/wait" {
				s.waiting <- struct{}{}
				<-s.goOn
			}
			c.SetBody(patternOf(string(c.Path())))
		}, sizes)
		if err == nil {
			err = p.run(ctx)
		}
		s.ended <- err
	}()
	select {
	case s.addr = <-ready:
	case err := <-s.ended:
		t.Fatalf("it did not start: %v", err)
	}
	return s
}

// patternOf is the body for a path such as /7/1000: so many bytes, which are those of no other path.
func patternOf(path string) []byte {
	var seed, n int
	if _, err := fmt.Sscanf(path, "/%d/%d", &seed, &n); err != nil {
		return nil
	}
	return bytes.Repeat([]byte(path), n/len(path)+1)[:n]
}

// stingy dials with a receive buffer so small that a server's socket is full soon.
func stingy(addr string) (*net.TCPConn, error) {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096) })
		return errors.Join(e, err)
	}}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), c.SetDeadline(time.Now().Add(time.Minute))
}

// reads wants the answers for paths, in this order.
func reads(from *bufio.Reader, paths []string) error {
	for i, path := range paths {
		var answer fasthttp.Response
		if err := answer.Read(from); err != nil {
			return fmt.Errorf("answer %d, for %s: %w", i, path, err)
		}
		if want := patternOf(path); !bytes.Equal(answer.Body(), want) {
			return fmt.Errorf("answer %d, for %s: %d other bytes, beginning with %.20q", i, path, len(answer.Body()),
				answer.Body())
		}
	}
	return nil
}

// pathsOf are n requests of client number i.
func pathsOf(i, n, size int) (paths []string, text string) {
	for k := range n {
		path := fmt.Sprintf("/%d/%d", i*10_000+k, size)
		paths = append(paths, path)
		text += get(path)
	}
	return paths, text
}

// someManner is a client in one of many ways, by its number i. It calls come when it has come; all is closed when all
// have.
func someManner(addr string, i int, all <-chan struct{}, come func()) error {
	c, err := stingy(addr)
	come()
	if err != nil {
		return err
	}
	defer c.Close()
	if i%2 == 0 {
		return staying(c, i, all)
	}
	return vanishing(c, i)
}

// staying is a client that wants all of its answers.
func staying(c *net.TCPConn, i int, all <-chan struct{}) error {
	in := bufio.NewReader(c)
	switch i / 2 % 5 {
	case 0: // a thousand at a time, and nothing is read before all have come
		paths, text := pathsOf(i, 1000, 100)
		go io.WriteString(c, text) // where this fails, reading does too
		<-all
		return reads(in, paths)
	case 1: // much more than the sockets take
		paths, text := pathsOf(i, 16, 100_000)
		go io.WriteString(c, text)
		<-all
		return reads(in, paths)
	case 2: // half-closed with requests under way
		paths, text := pathsOf(i, 16, 20_000)
		if _, err := io.WriteString(c, text); err != nil {
			return err
		}
		if err := c.CloseWrite(); err != nil {
			return err
		}
		<-all
		if err := reads(in, paths); err != nil {
			return err
		}
		if _, err := in.ReadByte(); err != io.EOF {
			return fmt.Errorf("after the answers: %w, want the end", err)
		}
	case 3: // one request after the other, each in two pieces
		for k := range 20 {
			paths, text := pathsOf(i, k+1, 10)
			for _, part := range []string{text[:len(text)/2], text[len(text)/2:]} {
				if _, err := io.WriteString(c, part); err != nil {
					return err
				}
			}
			if err := reads(in, paths); err != nil {
				return err
			}
		}
	case 4: // the first request says that it is the last
		paths, text := pathsOf(i, 2, 5000)
		if _, err := io.WriteString(c, strings.Replace(text, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)); err != nil {
			return err
		}
		return reads(in, paths[:1])
	}
	return nil
}

// vanishing is a client that is gone before it has its answers, mostly by a reset.
func vanishing(c *net.TCPConn, i int) (err error) {
	switch i / 2 % 4 {
	case 0: // in the middle of a request
		_, err = io.WriteString(c, "GET /1/1 HTT")
	case 1: // in the middle of the answers
		_, text := pathsOf(i, 4, 100_000)
		if _, err = io.WriteString(c, text); err == nil {
			_, err = io.CopyN(io.Discard, c, 1000)
		}
	case 2: // as soon as it has asked, in order
		_, text := pathsOf(i, 3, 1000)
		_, err = io.WriteString(c, text)
		return err
	case 3: // at once
	}
	return errors.Join(err, c.SetLinger(0)) // a reset, when it is closed
}

// sockets counts those of this process.
func sockets(t *testing.T) (n int) {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range all {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// However small the rings, each client gets its own answers, whole and in order, beside others that do not read, that
// vanish, or that come in the place of those; and in the end nothing is left.
func TestProactorBesideAllManners(t *testing.T) {
	for name, sizes := range map[string]rings{"smallest": smallest, "overflowed": overflowed, "usual": usualRings} {
		t.Run(name, func(t *testing.T) {
			const rounds, many = 2, 90
			before := sockets(t)
			s := startProactor(t, sizes, nil)
			for round := range rounds {
				var clients errgroup.Group
				all, came := make(chan struct{}), make(chan struct{}, many)
				for i := range many {
					clients.Go(func() error {
						if err := someManner(s.addr, i, all, func() { came <- struct{}{} }); err != nil {
							return fmt.Errorf("round %d, client %d: %w", round, i, err)
						}
						return nil
					})
				}
				for range many {
					<-came
				}
				close(all)
				if err := clients.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			s.stop()
			if err := <-s.ended; err != nil {
				t.Error(err)
			}
			if open, n := s.board.Slot(0).Open.Load(), s.board.Sum(); open != 0 || n.Accepts != rounds*many {
				t.Errorf("%d are open of %d accepted, want none of %d", open, n.Accepts, rounds*many)
			}
			if after := sockets(t); after != before {
				t.Errorf("%d sockets are left, there were %d", after, before)
			}
		})
	}
}

// Where one turn has more answers that no socket takes whole than the ring has completions, none is cut.
func TestProactorWithManySendsThatFallShort(t *testing.T) {
	s := startProactor(t, overflowed, nil)
	defer s.end()
	const many, size = 20, 3_000_000 // more than a socket takes
	clients := make([]*net.TCPConn, many)
	for i := range clients {
		c, err := stingy(s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients[i] = c
		s.send(c, get("/0/1"))
		if err := reads(bufio.NewReader(c), []string{"/0/1"}); err != nil { // it is there
			t.Fatal(err)
		}
	}
	busy := s.dial()
	defer busy.Close()
	s.send(busy, get("/wait"))
	<-s.waiting
	for i, c := range clients {
		s.send(c, get(fmt.Sprintf("/%d/%d", i, size)))
	}
	s.goOn <- struct{}{}
	s.wants(bufio.NewReader(busy), nil)
	var all errgroup.Group
	for i, c := range clients {
		all.Go(func() error { return reads(bufio.NewReader(c), []string{fmt.Sprintf("/%d/%d", i, size)}) })
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
}

// Who comes in the moment in which the server stops is answered, or sees the end; the server ends, and holds nothing.
func TestProactorStopsWhileTheyCome(t *testing.T) {
	before := sockets(t)
	for i := range 40 {
		s := startProactor(t, []rings{smallest, usualRings}[i%2], nil)
		answered := make(chan struct{}, 1000)
		var clients errgroup.Group
		for k := range 4 {
			clients.Go(func() error {
				for {
					c, err := stingy(s.addr)
					if err != nil {
						return nil // it listens no more
					}
					paths, text := pathsOf(k, 1+i%3, 10_000*(i%4))
					_, err = io.WriteString(c, text)
					if err == nil {
						err = reads(bufio.NewReader(c), paths)
					}
					_ = c.Close()
					if errors.Is(err, os.ErrDeadlineExceeded) {
						return err
					}
					if err == nil {
						select {
						case answered <- struct{}{}:
						default:
						}
					}
				}
			})
		}
		for range 1 + i {
			<-answered
		}
		s.end()
		if err := clients.Wait(); err != nil {
			t.Fatal(err)
		}
		if after := sockets(t); after != before {
			t.Fatalf("%d sockets are left, there were %d", after, before)
		}
	}
}
