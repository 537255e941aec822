package loadgen

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"serverlab/results"
)

// testServer reads requests without a body and lets handle answer them. Connections from 127.0.0.1 are the probe of
// Run: the load comes from 127.0.0.2 and up.
type testServer struct {
	url      string
	listener net.Listener
	requests atomic.Int64
	accepted atomic.Int64
	arrived  chan struct{} // a token per accepted connection

	last   atomic.Int64       // the request at which cancel is called, or 0
	cancel context.CancelFunc // set before last

	mu      sync.Mutex
	conns   []net.Conn
	stopped bool
}

// handler answers the k-th request (from 1) and says whether the connection goes on. It runs once at a time for each
// connection.
type handler func(c net.Conn, head []byte, k int64) bool

var helloAnswer = []byte(helloText)

func hello(c net.Conn, _ []byte, _ int64) bool {
	_, err := c.Write(helloAnswer)
	return err == nil
}

// only lets h answer the first n requests and leaves the others without an answer.
func only(n int64, h handler) handler {
	return func(c net.Conn, head []byte, k int64) bool { return k > n || h(c, head, k) }
}

// says answers with text.
func says(text string) handler {
	return func(c net.Conn, _ []byte, _ int64) bool {
		_, err := c.Write([]byte(text))
		return err == nil
	}
}

// last answers with text and closes.
func last(text string) handler {
	return func(c net.Conn, _ []byte, _ int64) bool {
		c.Write([]byte(text))
		return false
	}
}

func newServer(t testing.TB, h handler) *testServer {
	t.Helper()
	return newServerOf(t, func(s *testServer, c net.Conn) { s.serve(c, h) })
}

// newServerOf lets serve have every connection.
func newServerOf(t testing.TB, serve func(s *testServer, c net.Conn)) *testServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{url: "http://" + l.Addr().String() + "/", listener: l, arrived: make(chan struct{}, 1<<16)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if strings.HasPrefix(c.RemoteAddr().String(), "127.0.0.1:") {
				c.Close()
				continue
			}
			s.accepted.Add(1)
			s.mu.Lock()
			s.conns = append(s.conns, c)
			if s.stopped {
				c.Close()
			}
			s.mu.Unlock()
			s.arrived <- struct{}{}
			all.Go(func() {
				defer c.Close()
				serve(s, c)
			})
		}
	})
	t.Cleanup(func() {
		s.stop()
		all.Wait()
	})
	return s
}

// stop closes the listener and every connection.
func (s *testServer) stop() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for _, c := range s.conns {
		c.Close()
	}
}

func (s *testServer) serve(c net.Conn, h handler) {
	buf, n := make([]byte, 4096), 0
	for {
		k, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		for n += k; ; {
			end := bytes.Index(buf[:n], []byte("\r\n\r\n"))
			if end < 0 {
				break
			}
			k := s.requests.Add(1)
			if k == s.last.Load() {
				s.cancel()
			}
			if !h(c, buf[:end], k) {
				return
			}
			n = copy(buf, buf[end+4:n])
		}
	}
}

// config is a short load of two connections that takes any answer.
func (s *testServer) config() Config {
	return Config{
		URL: s.url, Connections: 2, Duration: 200 * time.Millisecond, KeepAlive: true,
		Timeout: 20 * time.Second, Check: Check{Length: -1},
	}
}

func mustRun(t testing.TB, c Config) *results.Load {
	t.Helper()
	l, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// mustRunTo loads s until it has read its last-th request, however long that takes.
func (s *testServer) mustRunTo(t testing.TB, c Config, last int64) *results.Load {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s.cancel, c.Duration = cancel, time.Hour
	s.last.Store(last)
	l, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// atLeast counts the values of h from d up; they must be a bucket's width away from d to be told apart.
func atLeast(h results.Histogram, d time.Duration) (n int64) {
	for _, b := range h.Distribution() {
		if b.From >= int64(d) {
			n += b.Count
		}
	}
	return n
}
