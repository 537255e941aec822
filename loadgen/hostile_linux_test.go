package loadgen

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestErrorKinds(t *testing.T) {
	const n = 20
	reset := func(c net.Conn, _ []byte, _ int64) bool {
		c.(*net.TCPConn).SetLinger(0)
		return false
	}
	endless := "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", maxHeader/6)
	for name, test := range map[string]struct {
		answer handler
		check  Check
		want   string
	}{
		"status":           {says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), Check{Length: -1}, ErrStatus},
		"another status":   {hello, Check{Status: 204, Length: -1}, ErrStatus},
		"length":           {hello, Check{Length: 6}, ErrLength},
		"longer":           {hello, Check{Length: -1, Body: []byte("hell")}, ErrLength},
		"shorter":          {hello, Check{Length: -1, Body: []byte("hello!")}, ErrLength},
		"body":             {hello, Check{Length: -1, Body: []byte("hullo")}, ErrBody},
		"reset":            {reset, Check{Length: -1}, ErrReset},
		"closed before":    {last(""), Check{Length: -1}, ErrClosed},
		"closed in header": {last(helloText[:20]), Check{Length: -1}, ErrClosed},
		"closed in body":   {last(helloText[:len(helloText)-1]), Check{Length: -1}, ErrClosed},
		"garbage":          {last("220 mail.example.org ESMTP\r\n"), Check{Length: -1}, ErrMalformed},
		"too much":         {last(helloText + "hello"), Check{Length: -1}, ErrMalformed},
		"endless header":   {last(endless), Check{Length: -1}, ErrMalformed},
	} {
		for _, rate := range []float64{0, 400} {
			t.Run(fmt.Sprintf("%s, rate %v", name, rate), func(t *testing.T) {
				s := newServer(t, only(n, test.answer))
				c := s.config()
				c.Check, c.Rate, c.Arrivals, c.Timeout = test.check, rate, "constant", time.Minute
				l := s.mustRunTo(t, c, n+2)
				if l.Errors[test.want] != n || l.ErrorCount() != n || l.Requests != 0 || l.Service.Count() != 0 {
					t.Errorf("errors %v, %d requests, want %d %s", l.Errors, l.Requests, n, test.want)
				}
				if l.HarmedCount != 2 || l.Unserved != 2 {
					t.Errorf("%d harmed, %d unserved of 2", l.HarmedCount, l.Unserved)
				}
				if l.Response.Count() != int64(l.Censored) {
					t.Errorf("%d response times, %d censored", l.Response.Count(), l.Censored)
				}
				if rate > 0 && l.Intended != n+l.Censored {
					t.Errorf("%d intended, %d censored, %d errors", l.Intended, l.Censored, n)
				}
			})
		}
	}
}

func TestNeverAnswered(t *testing.T) {
	for _, rate := range []float64{0, 100} {
		s := newServer(t, only(0, nil))
		c := s.config()
		c.Timeout, c.Rate = 50*time.Millisecond, rate
		l := mustRun(t, c)
		timeouts := l.Errors[ErrTimeout]
		if timeouts == 0 || l.ErrorCount() != timeouts || l.Requests != 0 || l.Unserved != 2 {
			t.Errorf("rate %v: errors %v, %d requests, %d unserved", rate, l.Errors, l.Requests, l.Unserved)
		}
		want := timeouts + 2 // each slot waits at the end of a closed loop
		if rate > 0 {
			want = l.Intended
		}
		if l.Censored != want || l.Response.Count() != int64(want) {
			t.Errorf("rate %v: %d censored, %d response times, want %d", rate, l.Censored, l.Response.Count(), want)
		}
	}
}

// A server that goes away in mid-run: every slot tries again, but not faster than it may.
func TestServerGoesAway(t *testing.T) {
	s := newServer(t, hello)
	c := s.config()
	c.Edge = func(e Edge) {
		if e == Begin {
			s.stop()
		}
	}
	l := mustRun(t, c)
	most := uint64(2 * (1 + c.Duration/restTime))
	if n := l.Errors[ErrRefused]; n == 0 || n > most {
		t.Errorf("%d refused, want 1 to %d: errors %v", n, most, l.Errors)
	}
	if l.HarmedCount != 2 {
		t.Errorf("%d harmed of 2", l.HarmedCount)
	}
}

// A server may close a connection on which nothing is asked: an open loop opens it again and calls it no error.
func TestIdleClose(t *testing.T) {
	s := newServer(t, func(c net.Conn, _ []byte, k int64) bool {
		c.Write(helloAnswer)
		return k%10 != 0 // without announcing it
	})
	c := s.config()
	c.Rate, c.Arrivals, c.Connections = 200, "constant", 1
	l := mustRun(t, c)
	// A request that meets the close on its way is an error, and not sent again.
	if l.Requests+l.ErrorCount() != 40 || l.Requests < 36 || s.accepted.Load() < 4 {
		t.Errorf("%d requests, errors %v, %d connections", l.Requests, l.Errors, s.accepted.Load())
	}
}

// A connection whose answer never ends must not keep the others from being served.
func TestFlood(t *testing.T) {
	var first atomic.Bool
	s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
		if first.Swap(true) {
			return hello(c, head, k)
		}
		_, err := c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		for flood := make([]byte, 1<<20); err == nil; {
			_, err = c.Write(flood)
		}
		return false
	})
	c := s.config()
	c.Timeout = 100 * time.Millisecond
	l := mustRun(t, c)
	if l.Errors[ErrTimeout] != 1 || l.ErrorCount() != 1 || l.Censored != 1 || l.Requests == 0 || l.HarmedCount != 1 {
		t.Errorf("errors %v, %d censored, %d requests, %d harmed", l.Errors, l.Censored, l.Requests, l.HarmedCount)
	}
}
