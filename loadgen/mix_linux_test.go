package loadgen

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// The seldom requests are the same ones for any number of threads, and each is counted once, apart from the others.
func TestMixCounts(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"constant": func(c *Config) { c.Arrivals = "constant" },
		"poisson":  func(c *Config) { c.Arrivals = "poisson" },
		"visits":   func(c *Config) { c.Arrivals, c.Visit = "partly", 3 },
	} {
		var of []uint64
		for _, threads := range []int{1, 3} {
			var slow, all atomic.Int64
			s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
				all.Add(1)
				if bytes.HasPrefix(head, []byte("GET /slow?x=1 ")) {
					slow.Add(1)
				}
				return hello(c, head, k)
			})
			c := s.config()
			c.Connections, c.Threads, c.Rate, c.Seed = 40, threads, 1000, 3
			c.Duration, c.Mix = 400*time.Millisecond, Mix{"/slow?x=1", 0.1}
			set(&c)
			l := mustRun(t, c)
			m := l.Mixed
			if m == nil || l.ErrorCount()+l.Censored+m.Censored != 0 {
				t.Fatalf("%s: errors %v, %d censored, %+v", name, l.Errors, l.Censored, m)
			}
			if m.Requests != uint64(slow.Load()) || l.Requests+m.Requests != uint64(all.Load()) ||
				m.Intended != m.Requests || l.Intended != l.Requests {
				t.Errorf("%s: %d and %d of %d and %d; the server saw %d slow ones of %d", name, l.Requests, m.Requests,
					l.Intended, m.Intended, slow.Load(), all.Load())
			}
			if l.Response.Count() != int64(l.Requests) || m.Response.Count() != int64(m.Requests) ||
				m.Service.Count() != int64(m.Requests) {
				t.Errorf("%s: %d and %d response times", name, l.Response.Count(), m.Response.Count())
			}
			if share := float64(m.Requests) / float64(l.Requests+m.Requests); share < 0.05 || share > 0.15 {
				t.Errorf("%s: a share of %.3f was slow", name, share)
			}
			of = append(of, m.Requests)
		}
		if of[0] != of[1] && name != "visits" { // how many requests of a visit fall into the window depends on the answers
			t.Errorf("%s: %v slow requests of 1 and 3 threads", name, of)
		}
	}
}

// A slow request that is never answered is no part of what the others met.
func TestMixKeepsTimesApart(t *testing.T) {
	s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
		return bytes.HasPrefix(head, []byte("GET /slow ")) || hello(c, head, k)
	})
	c := s.config()
	c.Connections, c.Rate, c.Arrivals, c.Seed = 64, 1000, "constant", 1
	c.Mix = Mix{"/slow", 0.05}
	l := mustRun(t, c)
	m := l.Mixed
	if m.Requests != 0 || m.Censored == 0 || m.Censored != m.Intended || m.Response.Count() != int64(m.Censored) {
		t.Errorf("slow ones: %+v", m)
	}
	if l.Censored != 0 || l.Requests != l.Intended || l.Requests+m.Intended != 200 {
		t.Errorf("%d of %d answered, %d censored, and %d slow ones", l.Requests, l.Intended, l.Censored, m.Intended)
	}
}

// In a closed loop each client draws for itself.
func TestMixInAClosedLoop(t *testing.T) {
	var slow atomic.Int64
	s := newServer(t, only(400, func(c net.Conn, head []byte, k int64) bool {
		if bytes.HasPrefix(head, []byte("GET /slow ")) {
			slow.Add(1)
		}
		return hello(c, head, k)
	}))
	c := s.config()
	c.Mix = Mix{"/slow", 0.5}
	l := s.mustRunTo(t, c, 402)
	if l.Requests+l.Mixed.Requests != 400 || l.Mixed.Requests != uint64(slow.Load()) || l.Requests < 100 ||
		l.Mixed.Requests < 100 {
		t.Errorf("%d and %d requests; the server saw %d slow ones of 400", l.Requests, l.Mixed.Requests, slow.Load())
	}
}
