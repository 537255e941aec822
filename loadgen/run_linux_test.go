package loadgen

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// inTwo writes an answer in two parts.
func inTwo(c net.Conn, head []byte, k int64) bool {
	return says(helloText[:30])(c, head, k) && says(helloText[30:])(c, head, k)
}

// The server answers a known number of requests and then no more, so every count is known exactly.
func TestClosedLoopCounts(t *testing.T) {
	const n = 500
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nDigest: x\r\n\r\n"
	for name, test := range map[string]struct {
		answer handler
		closes bool
	}{
		"length":       {hello, false},
		"chunked":      {says(chunked), false},
		"interim":      {says("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + helloText), false},
		"close":        {last("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"), true},
		"until close":  {last("HTTP/1.1 200 OK\r\n\r\nhello"), true},
		"http 1.0":     {last("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"), true},
		"1.0 kept":     {says("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello"), false},
		"in two parts": {inTwo, false},
	} {
		for _, threads := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d threads", name, threads), func(t *testing.T) {
				s := newServer(t, only(n, test.answer))
				c := s.config()
				c.Connections, c.Threads = 7, threads
				c.Check = Check{Status: 200, Length: 5, Body: []byte("hello")}
				l := s.mustRunTo(t, c, n+7)
				if l.Requests != n || l.ErrorCount() != 0 || l.Status[200] != n {
					t.Errorf("%d right answers, errors %v, status %v; want %d", l.Requests, l.Errors, l.Status, n)
				}
				if got := s.requests.Load(); got != n+7 {
					t.Errorf("the server read %d requests, want %d", got, n+7)
				}
				response, service, lag := l.Response.Count(), l.Service.Count(), l.Lag.Count()
				if response != n+int64(l.Censored) || service != n || lag != n+7 {
					t.Errorf("%d response times (%d censored), %d of service, %d of lag; want %d, %d, %d",
						response, l.Censored, service, lag, n, n, n+7)
				}
				opened := uint64(7)
				if test.closes {
					opened += n
				}
				if l.Opened != opened || s.accepted.Load() != int64(opened) {
					t.Errorf("%d opened, %d accepted; want %d", l.Opened, s.accepted.Load(), opened)
				}
				if !l.Interrupted || l.Model != "closed" || l.HarmedCount != l.Unserved {
					t.Errorf("interrupted %v, %s, %d harmed, %d unserved",
						l.Interrupted, l.Model, l.HarmedCount, l.Unserved)
				}
			})
		}
	}
}

func TestConnectionPerRequest(t *testing.T) {
	const n = 300
	s := newServer(t, only(n, hello))
	c := s.config()
	c.KeepAlive, c.Connections = false, 5
	l := s.mustRunTo(t, c, n+5)
	if l.Requests != n || l.ErrorCount() != 0 || l.Opened != n+5 || s.accepted.Load() != n+5 {
		t.Errorf("%d requests, errors %v, %d opened, %d accepted", l.Requests, l.Errors, l.Opened, s.accepted.Load())
	}
	request := "GET / HTTP/1.1\r\nHost: " + s.listener.Addr().String() + "\r\nConnection: close\r\n\r\n"
	if want := uint64((n + 5) * len(request)); l.BytesOut != want {
		t.Errorf("%d bytes sent, want %d", l.BytesOut, want)
	}
	if want := uint64(n * len(helloText)); l.BytesIn != want {
		t.Errorf("%d bytes came, want %d", l.BytesIn, want)
	}
}

// A connection that was served once and then no more is in the middle of a request at the end, as in any closed loop.
func TestStarved(t *testing.T) {
	var first atomic.Pointer[net.Conn]
	s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
		first.CompareAndSwap(nil, &c)
		return *first.Load() != c || hello(c, head, k)
	})
	c := s.config()
	c.Connections = 10
	l := mustRun(t, c)
	if l.Unserved != 9 || l.Censored != 9 || l.HarmedCount != 9 || l.ErrorCount() != 0 || l.Requests == 0 {
		t.Errorf("%d unserved, %d censored, %d harmed, errors %v", l.Unserved, l.Censored, l.HarmedCount, l.Errors)
	}
	if got := atLeast(l.Response, 100*time.Millisecond); got < 9 {
		t.Errorf("%d response times as long as the starved have waited", got)
	}
}

func TestOpenLoopCounts(t *testing.T) {
	for _, keep := range []bool{true, false} {
		for _, spin := range []time.Duration{0, 100 * time.Microsecond} {
			for _, threads := range []int{1, 3} {
				s := newServer(t, hello)
				c := s.config()
				c.Rate, c.Arrivals, c.KeepAlive, c.Spin = 1000, "constant", keep, spin
				c.Connections, c.Threads = 10, threads
				c.Warmup, c.Duration = 100*time.Millisecond, 200*time.Millisecond
				l := mustRun(t, c)
				served := s.requests.Load()
				if l.Intended != 200 || l.Requests != 200 || l.ErrorCount()+l.Censored != 0 || served != 300 {
					t.Errorf("%d intended, %d right, errors %v, %d censored, %d served; want 200, 200, none, 0, 300",
						l.Intended, l.Requests, l.Errors, l.Censored, served)
				}
				response, service, lag := l.Response.Count(), l.Service.Count(), l.Lag.Count()
				if response != 200 || service != 200 || lag != 200 || l.Model != "constant" {
					t.Errorf("%s: %d response times, %d of service, %d of lag", l.Model, response, service, lag)
				}
				if !keep && s.accepted.Load() != 300 || keep && s.accepted.Load() != 10 {
					t.Errorf("keep-alive %v: %d connections", keep, s.accepted.Load())
				}
				if l.CPU <= 0 || l.CPUSpin > l.CPU || spin == 0 && l.CPUSpin != 0 {
					t.Errorf("spin %v: CPU %v, of it spin %v", spin, l.CPU, l.CPUSpin)
				}
			}
		}
	}
}

// One request is held until the window has ended; those that are due meanwhile wait in the client. All of that must
// be in the response times and none of it in the service times or in the lag.
func TestStallShowsInResponse(t *testing.T) {
	release := make(chan struct{})
	s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
		if k == 11 {
			<-release
		}
		return hello(c, head, k)
	})
	c := s.config()
	c.Connections, c.Rate, c.Arrivals, c.Duration = 1, 1000, "constant", 200*time.Millisecond
	c.Edge = func(e Edge) {
		if e == End {
			close(release)
		}
	}
	l := mustRun(t, c)
	if l.Intended != 200 || l.Requests+l.Censored != 200 || l.ErrorCount() != 0 {
		t.Errorf("%d intended, %d right, %d censored, errors %v", l.Intended, l.Requests, l.Censored, l.Errors)
	}
	// The k-th request, from 10 on, can't be answered before 200 ms and was meant for k ms.
	if got := atLeast(l.Response, 50*time.Millisecond); got < 140 {
		t.Errorf("%d response times from 50 ms up, want at least 140", got)
	}
	// One connection has room for 20 services of 50 ms in the second after the window, beside the one that was held.
	if got := atLeast(l.Service, 50*time.Millisecond); got < 1 || got > 21 {
		t.Errorf("%d service times from 50 ms up, want the one that was held", got)
	}
	if got := atLeast(l.Lag, 50*time.Millisecond); got > 30 {
		t.Errorf("%d lags from 50 ms up: waiting for a connection is none", got)
	}
	if l.Backlog < 185 || l.Backlog > 189 {
		t.Errorf("backlog %d, want 189", l.Backlog)
	}
}

func TestSilent(t *testing.T) {
	s := newServer(t, hello)
	c := s.config()
	c.Silent = 200
	var edges []Edge
	c.Edge = func(e Edge) {
		edges = append(edges, e)
		switch e {
		case Silenced:
			for range c.Silent {
				<-s.arrived
			}
			if n := s.requests.Load(); n != 0 {
				t.Errorf("%d requests before the load began", n)
			}
		case Begin:
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, silent := range s.conns[:3] {
				silent.Close()
			}
			s.conns[3].Write([]byte("HTTP/1.1 503 Service Unavailable\r\n\r\n"))
		}
	}
	l := mustRun(t, c)
	if l.Silent != 200 || l.SilentClosed != 4 || l.ErrorCount() != 0 || l.Requests == 0 || l.HarmedCount != 0 {
		t.Errorf("%d silent, %d closed, errors %v, %d requests", l.Silent, l.SilentClosed, l.Errors, l.Requests)
	}
	if got := fmt.Sprint(edges); got != "[connect silenced begin end]" {
		t.Errorf("edges %v", got)
	}
}

func TestCrashPathSentOnce(t *testing.T) {
	for _, rate := range []float64{0, 500} {
		for _, keep := range []bool{true, false} {
			var crashes atomic.Int64
			s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
				if strings.HasPrefix(string(head), "GET /die HTTP/1.1\r\n") {
					crashes.Add(1)
					return false
				}
				return hello(c, head, k)
			})
			c := s.config()
			c.Connections, c.Threads, c.Rate, c.KeepAlive = 6, 2, rate, keep
			c.Crash, c.CrashAfter = "/die", 50*time.Millisecond
			l := mustRun(t, c)
			if crashes.Load() != 1 || l.HarmedCount != 1 || l.Errors[ErrClosed] != 1 || l.ErrorCount() != 1 {
				t.Errorf("rate %v, keep-alive %v: %d crashes, %d harmed, errors %v, %d requests",
					rate, keep, crashes.Load(), l.HarmedCount, l.Errors, l.Requests)
			}
		}
	}
}

// A crash request that is answered after all harms nobody, and is none of the load's.
func TestCrashAnswered(t *testing.T) {
	s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
		if strings.HasPrefix(string(head), "GET /die ") {
			return says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")(c, head, k)
		}
		return hello(c, head, k)
	})
	c := s.config()
	c.Crash, c.CrashAfter = "/die", c.Duration/4
	l := mustRun(t, c)
	if at := l.CrashSent; at == nil || *at < c.CrashAfter.Seconds() || *at >= l.Window {
		t.Errorf("the request was due after %v and sent at %v", c.CrashAfter, at)
	}
	if l.HarmedCount != 0 || l.ErrorCount() != 0 || l.Status[404] != 1 || l.Status[200] != l.Requests {
		t.Errorf("%d harmed, errors %v, status %v, %d requests", l.HarmedCount, l.Errors, l.Status, l.Requests)
	}
}

func TestHead(t *testing.T) {
	s := newServer(t, only(10, says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")))
	c := s.config()
	c.Method, c.Check.Length = "HEAD", 0
	if l := s.mustRunTo(t, c, 12); l.Requests != 10 || l.ErrorCount() != 0 {
		t.Errorf("%d requests, errors %v", l.Requests, l.Errors)
	}
}

// A body that no socket buffer holds is sent in pieces, to a net/http server.
func TestLargeBody(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<19)
	var taken atomic.Int64
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, r.Method, " ", n)
		if err == nil && taken.Add(1) == 5 {
			cancel()
		}
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	defer func() {
		server.Close()
		<-served
	}()
	load, err := Run(ctx, Config{
		URL: "http://" + l.Addr().String(), Connections: 2, Duration: time.Hour, KeepAlive: true,
		Method: "POST", Body: body, Check: Check{Length: -1, Body: []byte("POST 8388608")},
	})
	if err != nil || load.Requests < 3 || load.ErrorCount() != 0 || load.Opened != 2 {
		t.Errorf("%+v, error %v", load, err)
	}
}

func TestNobodyThere(t *testing.T) {
	s := newServer(t, hello)
	c := s.config()
	s.stop()
	_, err := Run(context.Background(), c)
	want := "connect to " + s.listener.Addr().String() + ": connection refused; is the server running?"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestNoSuchCPU(t *testing.T) {
	c := newServer(t, hello).config()
	c.CPUs = []int{maxCPU - 1}
	_, err := Run(context.Background(), c)
	if err == nil || !strings.HasPrefix(err.Error(), "pin a thread to CPU 1023: ") {
		t.Errorf("error %v", err)
	}
}

func TestInterrupted(t *testing.T) {
	for _, at := range []Edge{Silenced, Begin} {
		for _, rate := range []float64{0, 100} {
			s := newServer(t, hello)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			c := s.config()
			c.Rate, c.Duration = rate, time.Hour
			c.Edge = func(e Edge) {
				if e == at {
					cancel()
				}
			}
			l, err := Run(ctx, c)
			if err != nil || !l.Interrupted || l.Window >= 3600 {
				t.Errorf("at %v, rate %v: %+v, error %v", at, rate, l, err)
			}
		}
	}
}

// sessionHello answers hello, and what clients with sessions look for.
var sessionHello = []byte("HTTP/1.1 200 OK\r\nX-Offset: 0\r\nSet-Cookie: session=0123456789abcdef0123456789abcdef\r\n" +
	"Content-Length: 5\r\n\r\nhello")

func allocFree(c net.Conn, head []byte, k int64) bool {
	if !bytes.HasSuffix(head[:bytes.IndexByte(head, '\r')], []byte(" / HTTP/1.1")) {
		_, err := c.Write(sessionHello)
		return err == nil
	}
	return hello(c, head, k)
}

// The way of a request allocates nothing, and so does this server's.
func TestAllocations(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"closed":   func(*Config) {},
		"open":     func(c *Config) { c.Rate = 5000 },
		"a ramp":   func(c *Config) { c.Profile = Profile{{1000, 9000}} },
		"thinking": func(c *Config) { c.Think = Think{time.Millisecond, true} },
		"sessions": func(c *Config) { c.Check, c.Sessions = Check{}, Sessions{State: Stateful, Clients: 50, Read: 5} },
		"sessions that think": func(c *Config) {
			c.Check, c.Sessions, c.Think = Check{}, Sessions{State: Soft, Clients: 50}, Think{time.Millisecond, true}
		},
	} {
		s := newServer(t, allocFree)
		c := s.config()
		c.Connections, c.Spin, c.Warmup = 8, 50*time.Microsecond, 100*time.Millisecond
		c.Check = Check{Length: -1, Body: []byte("hello")}
		change(&c)
		var before, after runtime.MemStats
		c.Edge = func(e Edge) {
			switch e {
			case Begin:
				runtime.ReadMemStats(&before)
			case End:
				runtime.ReadMemStats(&after)
			}
		}
		l := mustRun(t, c)
		if n := after.Mallocs - before.Mallocs; n > 50 || l.Requests+l.ErrorCount() < 100 {
			t.Errorf("%s: %d allocations for %d requests", name, n, l.Requests)
		}
		if after.NumGC != before.NumGC {
			t.Errorf("%s: garbage was collected in the window", name)
		}
	}
}

// Both ways of waiting report what is ready and come back where nothing is.
func TestPoller(t *testing.T) {
	for _, coarse := range []bool{false, true} {
		plan := &plan{base: time.Now()}
		p, err := newKernel(plan, 4)
		if err != nil {
			t.Fatal(err)
		}
		p.coarse = p.coarse || coarse
		if ready := p.wait(2e6); len(ready) != 0 {
			t.Errorf("coarse %v: %d events", coarse, len(ready))
		}
		r := &run{plan: plan, kernels: []*kernel{p}}
		r.interrupt()
		if ready := p.wait(int64(time.Hour)); len(ready) != 1 || ready[0].Fd != -1 {
			t.Errorf("coarse %v: %d events", coarse, len(ready))
		}
		r.close()
	}
}
