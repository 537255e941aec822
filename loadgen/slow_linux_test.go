package loadgen

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// slowServer serves busy clients, and tells of slow ones: those who send a byte at a time, and those who ask for /long.
type slowServer struct {
	wrote   atomic.Int64 // bytes of writers after their first one
	came    func(c net.Conn, n int64)
	reading atomic.Int64 // clients whose long answer is not gone
}

func (x *slowServer) serve(s *testServer, c net.Conn) {
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil {
		return
	}
	switch {
	case n == 1:
		for err == nil {
			if n, err = c.Read(buf); err == nil {
				if bytes.Contains(buf[:n], []byte("\r\n\r\n")) {
					x.wrote.Add(1 << 30) // its request has an end
				}
				x.came(c, x.wrote.Add(int64(n)))
			}
		}
	case bytes.HasPrefix(buf, []byte("GET /long ")):
		x.reading.Add(1)
		if _, err := io.WriteString(c, strings.Repeat("x", 1<<18)); err == nil {
			x.reading.Add(-1)
		}
	default:
		for err == nil && hello(c, nil, 0) {
			_, err = c.Read(buf) // requests are small and come one by one
		}
	}
}

func TestSlowClients(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	x := &slowServer{}
	var begun atomic.Bool
	x.came = func(_ net.Conn, n int64) {
		if begun.Load() && n > 20 {
			cancel()
		}
	}
	s := newServerOf(t, x.serve)
	c := s.config()
	c.Duration, c.Slow = time.Hour, Slow{Clients: 7, Path: "/long", Every: 10 * time.Millisecond}
	c.Edge = func(e Edge) { begun.Store(begun.Load() || e == Begin) }
	l, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if l.Slow == nil || l.Slow.Clients != 7 || l.Slow.Closed != 0 || l.ErrorCount() != 0 || l.Requests == 0 {
		t.Fatalf("%+v, errors %v, %d requests", l.Slow, l.Errors, l.Requests)
	}
	if wrote := uint64(x.wrote.Load()); l.Slow.Written < wrote || wrote >= 1<<30 || l.Slow.Read == 0 {
		t.Errorf("%+v; the server saw %d bytes", l.Slow, wrote)
	}
	if x.reading.Load() != 3 {
		t.Errorf("%d of 3 long answers are on their way: the sockets have taken the others", x.reading.Load())
	}
}

// A server that closes slow clients is counted.
func TestSlowClientsThatAreClosed(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var begun atomic.Bool
	s := newServerOf(t, func(s *testServer, c net.Conn) {
		x := &slowServer{came: func(c net.Conn, _ int64) {
			if begun.Load() {
				_ = c.(*net.TCPConn).CloseWrite() // a second time it fails
			}
		}}
		x.serve(s, c)
		if x.wrote.Load() > 0 { // the client has left
			cancel()
		}
	})
	c := s.config()
	c.Duration, c.Slow = time.Hour, Slow{Clients: 1, Every: 10 * time.Millisecond}
	c.Edge = func(e Edge) { begun.Store(begun.Load() || e == Begin) }
	l, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if l.Slow.Clients != 1 || l.Slow.Closed != 1 || l.Slow.Written == 0 {
		t.Errorf("%+v", l.Slow)
	}
}

func TestMixAndSlowValidate(t *testing.T) {
	good := Config{URL: "http://127.0.0.1:1/", Connections: 1, Duration: time.Second}
	for want, set := range map[string]func(*Config){
		"mix share 1.5":     func(c *Config) { c.Mix = Mix{"/x", 1.5} },
		"mix path \"x\"":    func(c *Config) { c.Mix = Mix{"x", 0.5} },
		"mix path \"/x\"":   func(c *Config) { c.Mix = Mix{"/x", 0} },
		"slow clients -1":   func(c *Config) { c.Slow.Clients = -1 },
		"slow clients 2000": func(c *Config) { c.Slow.Clients = 20_000 },
		"slow path":         func(c *Config) { c.Slow = Slow{Clients: 1, Path: "x y"} },
		"slow every":        func(c *Config) { c.Slow = Slow{Clients: 1, Every: time.Millisecond} },
	} {
		c := good
		set(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
