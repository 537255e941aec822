//go:build linux

package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
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
		{"malformed", &fault{edit: func(b []byte) []byte { return bytes.Replace(b, []byte(" 400 "), []byte(" 200 "), 1) }}},
		{"half-closed", &fault{half: true}},
		{"still-sending", &fault{abrupt: true}},
		{"slow-client", &fault{oneByOne: true}},
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

// plain is the plain server with a fault.
func plain(f fault) Subject {
	arch := servers.Architecture{Name: "plain", Lecture: "thread-based", Limit: servers.Refuses, Serve: f.serve}
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
