package loadgen

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"serverlab/results"
)

// What the steps hold is what the whole holds, whoever of the threads saw it.
func TestSeriesAddsUp(t *testing.T) {
	for _, rate := range []float64{0, 2000} {
		s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
			if k%10 == 0 {
				return says("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")(c, head, k)
			}
			return hello(c, head, k)
		})
		c := s.config()
		c.Connections, c.Threads, c.Rate, c.Duration = 8, 2, rate, 450*time.Millisecond
		var calls, seen atomic.Int64
		var steps int
		c.Watch = func(p Progress) {
			calls.Add(1)
			steps += len(p.Points)
			seen.Store(int64(p.Load.Requests))
			if p.Load.Response.Count() != int64(p.Load.Requests) {
				t.Errorf("%d requests, %d response times", p.Load.Requests, p.Load.Response.Count())
			}
		}
		l := mustRun(t, c)
		if l.Series.Step != 0.1 || len(l.Series.Points) < 5 {
			t.Errorf("%d steps of %v s", len(l.Series.Points), l.Series.Step)
		}
		var requests, errors uint64
		response, service := results.NewHistogram(), results.NewHistogram()
		for _, p := range l.Series.Points {
			requests += p.Requests
			errors += p.Errors
			p.Response.AddTo(response)
			p.Service.AddTo(service)
		}
		if requests != l.Requests || errors != l.ErrorCount() || errors == 0 || l.Requests == 0 {
			t.Errorf("%d and %d requests, %d and %d errors", requests, l.Requests, errors, l.ErrorCount())
		}
		if !response.Equals(l.Response.Histogram) || !service.Equals(l.Service.Histogram) ||
			response.Count() != int64(l.Requests+l.Censored) {
			t.Errorf("%d response times in the steps, %d in all", response.Count(), l.Response.Count())
		}
		if n := l.FirstByte.Count(); n != int64(l.Requests) || l.FirstByte.Max() > l.Service.Max() {
			t.Errorf("%d first bytes, the last one after %d ns", n, l.FirstByte.Max())
		}
		if calls.Load() == 0 || seen.Load() > int64(l.Requests) || steps > len(l.Series.Points) || l.CPUWatch <= 0 {
			t.Errorf("%d calls saw %d steps and %d requests, CPU %v", calls.Load(), steps, seen.Load(), l.CPUWatch)
		}
	}
}

// Where no more room was set aside, counts go on step by step and histograms end in the last one.
func TestSeriesOutOfRoom(t *testing.T) {
	var s series
	if err := s.prepare(0, int64(time.Second), int64(time.Second), 0); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.used = len(s.arena) - 4*packedMost + 1
	for i := range len(s.points) + 3 {
		s.open.requests++
		s.response.record(int64(i))
		s.service.record(int64(i))
		s.closeStep(0, 0, false)
	}
	s.closeStep(0, 0, true)
	n := len(s.points)
	if int(s.ended.Load()) != n {
		t.Fatalf("%d steps of %d", s.ended.Load(), n)
	}
	all := results.Point{Response: results.NewPacked(), Service: results.NewPacked()}
	for i := range n {
		before := all.Response.Count()
		s.merge(i, &all, nil)
		if i < n-1 && (all.Requests != uint64(i+1) || all.Response.Count() != before) {
			t.Errorf("step %d: %d requests, %d response times", i, all.Requests, all.Response.Count())
		}
	}
	if all.Requests != uint64(n+3) || all.Response.Count() != int64(n+3) || all.Service.Count() != int64(n+3) {
		t.Errorf("%d requests, %d and %d times; want %d", all.Requests, all.Response.Count(), all.Service.Count(), n+3)
	}
}

// A connection is opened for each request: that takes its part of the service time.
func TestConnectTime(t *testing.T) {
	s := newServer(t, hello)
	c := s.config()
	c.KeepAlive = false
	l := mustRun(t, c)
	if n := uint64(l.Connect.Count()); n < l.Requests || n > l.Opened+l.Requests || l.Connect.Max() > l.Service.Max() {
		t.Errorf("%d connect times for %d requests, the longest %d ns", n, l.Requests, l.Connect.Max())
	}
	c.KeepAlive, c.Rate = true, 500
	if l := mustRun(t, c); l.Connect.Count() != 0 {
		t.Errorf("%d connections were opened for a request", l.Connect.Count())
	}
}
