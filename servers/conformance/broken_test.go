//go:build linux

package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/servers"
	"serverlab/servers/http1"
)

// A suite is worth what it finds. Here is a plain server that has a property, until it has a fault.
func TestBrokenServersAreFound(t *testing.T) {
	for _, c := range []struct {
		property string
		fault    *fault // nil: the plain server lacks the property anyway
	}{
		{"protocol", &fault{edit: func(b []byte) []byte { return bytes.Replace(b, []byte("Server"), []byte("server"), 1) }}},
		{"protocol-pieces", &fault{pieces: true}},
		{"pipelined", &fault{buffer: 1000, forget: true}},
		{"continue", &fault{edit: func(b []byte) []byte { return bytes.Replace(b, []byte(" 100 "), []byte(" 102 "), 1) }}},
		{"one-request", &fault{alwaysKeep: true}},
		{"limits", &fault{noLimits: true}},
		{"file-service", &fault{edit: func(b []byte) []byte {
			if len(b) > 64<<10 {
				b[64<<10] ^= 1
			}
			return b
		}}},
		{"malformed", &fault{edit: func(b []byte) []byte { return bytes.Replace(b, []byte(" 400 "), []byte(" 200 "), 1) }}},
		{"half-closed", &fault{half: true}},
		{"still-sending", &fault{abrupt: true}},
		{"slow-client", &fault{oneByOne: true}},
		{"slow-clients", &fault{oneByOne: true}},
		{"slow-reader", &fault{oneByOne: true}},
		{"never-reads", &fault{patient: true, oneByOne: true}},
		{"read-timeout", nil},
		{"idle-timeout", &fault{patient: true}},
		{"max-conns", nil},
		{"crowd", &fault{oneByOne: true}},
		{"stop-sigterm", &fault{drop: true}},
		{"stop-stuck", nil},
	} {
		t.Run(c.property, func(t *testing.T) {
			p := property(t, c.property)
			if c.fault == nil {
				c.fault = new(fault)
			} else if r := Check(t.Context(), plain(fault{}), p); r.Outcome != OK {
				t.Errorf("without a fault: %s %s", r.Outcome, r.Reason)
			}
			s := plain(*c.fault)
			s.Patience = time.Second
			r := Check(t.Context(), s, p)
			if r.Outcome != Failed {
				t.Errorf("the fault was not found: %s", r.Outcome)
			}
			t.Log(r.Reason)
		})
	}
}

// Whatever else the table said of slow clients than what they do to the plain server would be found to be wrong.
func TestWrongClaimsAreFound(t *testing.T) {
	for _, claim := range []servers.Slow{servers.StopsAll, servers.KeepsOne, servers.KeepsQueue, "may be"} {
		s := plain(fault{})
		s.Arch.Slow, s.Patience = claim, time.Second
		if r := Check(t.Context(), s, property(t, "slow-clients")); r.Outcome != Failed {
			t.Errorf("it is said that a slow client %s: %+v", claim, r)
		}
	}
}

// What a server holds may grow by what its processes may need, and by no more.
func TestGrown(t *testing.T) {
	one := holding{processes: 1, threads: 6, descriptors: make([]string, 9), memory: 10 << 20}
	pool := holding{processes: 9, threads: 60, descriptors: make([]string, 20), workers: make([]string, 9),
		memory: 50 << 20}
	larger := holding{processes: 11, threads: 90, descriptors: make([]string, 28), workers: make([]string, 11),
		memory: 70 << 20}
	for _, c := range []struct {
		was  holding
		now  func(*holding)
		want string
	}{
		{one, func(h *holding) { h.threads += 8 }, ""},
		{one, func(h *holding) { h.descriptors = make([]string, 10) }, "descriptors:"},
		{one, func(h *holding) { h.threads += 140 }, "146 threads"},
		{one, func(h *holding) { h.memory += 100 << 20 }, "110 MB"},
		{pool, func(h *holding) { *h = larger }, ""},
		{pool, func(h *holding) { h.descriptors = make([]string, 21) }, "descriptors:"},
		{pool, func(h *holding) { h.workers = make([]string, 29) }, "descriptors of a worker"},
		{pool, func(h *holding) { h.threads += 1000 }, "1060 threads"},
	} {
		now := c.was
		c.now(&now)
		if got := c.was.grown(now); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%d processes, then %d: %q, want %q", c.was.processes, now.processes, got, c.want)
		}
	}
}

// plain is the plain server with a fault.
func plain(f fault) Subject {
	arch := servers.Architecture{Name: "plain", Lecture: "thread-based", Limit: servers.Refuses,
		Slow: servers.CostsState, Serve: f.serve}
	return Subject{Arch: arch, Start: InProcess(arch, servers.Variant{}, files, "", ""), Files: files}
}

func property(t *testing.T, name string) Property {
	t.Helper()
	for _, p := range Properties() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no property %s", name)
	return Property{}
}

// fault is what is wrong with a server.
type fault struct {
	edit       func([]byte) []byte // changes answers
	buffer     int                 // bytes of one read; 0: plenty
	forget     bool                // what does not fit into the buffer
	pieces     bool                // takes each read for a whole request
	alwaysKeep bool                // knows no --keepalive=false
	noLimits   bool
	half       bool // does not answer a client that has closed its side
	abrupt     bool // closes with input unread
	oneByOne   bool // serves one connection at a time
	patient    bool // knows no time-out
	drop       bool // closes at once when it is stopped
}

// serve is the plainest server: a goroutine per connection.
func (f fault) serve(ctx context.Context, cfg servers.Config, h fasthttp.RequestHandler) error {
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return err
	}
	var conns sync.WaitGroup
	defer conns.Wait()
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	cfg.Ready(ln.Addr())
	var turn sync.Mutex
	for {
		c, err := ln.Accept()
		if err != nil {
			return nil
		}
		conns.Go(func() {
			defer c.Close()
			if f.oneByOne {
				turn.Lock()
				defer turn.Unlock()
			}
			if f.drop {
				defer context.AfterFunc(ctx, func() { c.Close() })()
			} else {
				defer context.AfterFunc(ctx, func() { c.(*net.TCPConn).CloseRead() })()
			}
			f.pump(ctx, c, cfg, h)
		})
	}
}

func (f fault) pump(ctx context.Context, c net.Conn, cfg servers.Config, h fasthttp.RequestHandler) {
	limits := cfg.Limits
	if f.noLimits {
		limits = http1.DefaultLimits()
	}
	fresh := func() *http1.Session {
		s := http1.NewSession(h, limits)
		if !cfg.KeepAlive && !f.alwaysKeep {
			s.CloseAfter()
		}
		return s
	}
	s := fresh()
	if f.buffer == 0 {
		f.buffer = 64 << 10
	}
	in := make([]byte, f.buffer)
	for {
		if !f.patient {
			_ = c.SetDeadline(time.Now().Add(cfg.IdleTimeout))
		}
		n, err := c.Read(in)
		if err != nil {
			return
		}
		if f.forget && n == len(in) {
			n /= 2
		}
		if f.pieces {
			s = fresh()
		}
		if f.half {
			_ = c.SetReadDeadline(time.Now().Add(silence))
			if _, err := c.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
				return
			}
		}
		out, more, closing := s.Feed(nil, in[:n])
		for more {
			out, more, closing = s.Feed(out, nil)
		}
		if f.edit != nil {
			out = f.edit(out)
		}
		if _, err := c.Write(out); err != nil {
			return
		}
		if closing && !f.abrupt {
			_ = c.(*net.TCPConn).CloseWrite()
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			for err == nil {
				_, err = c.Read(in)
			}
		}
		if closing || ctx.Err() != nil {
			return
		}
	}
}
