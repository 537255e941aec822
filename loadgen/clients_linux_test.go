package loadgen

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// takes is a server whose answer takes a time that depends on nothing but the moment at which it was asked.
func takes(sent int64) int64 { return 1e6 + sent%7919*100 }

// watched is a simulated server which takes that time, and the moments at which it was asked.
func watched(sends *[]int64) *simulated {
	return &simulated{answer: func(_ int, sent int64) int64 {
		*sends = append(*sends, sent)
		return sent + takes(sent)
	}}
}

// expectation is what a load must have seen, computed by another way: one client after the other.
type expectation struct {
	sends             []int64 // of all requests, warm-up included
	response, service results.Histogram
	intended          uint64
}

func (e *expectation) sees(c *Config, intended, sent int64) (answered int64) {
	e.sends = append(e.sends, sent)
	answered = sent + takes(sent)
	belongs := intended // to the window, or not
	if c.Rate == 0 {
		belongs = answered
	}
	if belongs >= int64(c.Warmup) && belongs < int64(c.Warmup+c.Duration) {
		e.intended++
		e.response.RecordValue(answered - intended)
		e.service.RecordValue(answered - sent)
	}
	return answered
}

// thinking is a closed loop of clients that think.
func thinking(c Config) expectation {
	e := expectation{response: results.NewHistogram(), service: results.NewHistogram()}
	for i := range c.Connections {
		r := thoughts(c.Seed, uint64(i))
		for at := c.Think.rest(i, c.Connections, &r); at < int64(c.Warmup+c.Duration); {
			at = e.sees(&c, at, at) + c.Think.draw(&r)
		}
	}
	slices.Sort(e.sends)
	return e
}

// visiting is a partly open load: whoever comes takes the slot that is free first, or waits for one.
func visiting(c Config) expectation {
	e := expectation{response: results.NewHistogram(), service: results.NewHistogram()}
	slots := make([]int64, c.Connections)
	a := c.schedule(0, 1)
	for at := a.next(); at != never; at = a.next() {
		r := thoughts(c.Seed, a.client)
		slot := slices.Index(slots, slices.Min(slots))
		answered := e.sees(&c, at, max(at, slots[slot]))
		for range a.requests - 1 {
			next := answered + c.Think.draw(&r)
			if next >= int64(c.Warmup+c.Duration) {
				break
			}
			answered = e.sees(&c, next, next)
		}
		slots[slot] = answered
	}
	slices.Sort(e.sends)
	return e
}

func (e *expectation) check(t *testing.T, l *results.Load, sends []int64) {
	t.Helper()
	slices.Sort(sends)
	if !slices.Equal(sends, e.sends) {
		t.Errorf("%d requests were sent, want %d: %v", len(sends), len(e.sends), firstDifference(sends, e.sends))
	}
	if !l.Response.Equals(e.response.Histogram) || !l.Service.Equals(e.service.Histogram) {
		t.Errorf("response p50 %d, max %d of %d, service max %d; want %d, %d of %d, %d",
			l.Response.ValueAtPercentile(50), l.Response.Max(), l.Response.Count(), l.Service.Max(),
			e.response.ValueAtPercentile(50), e.response.Max(), e.response.Count(), e.service.Max())
	}
	if l.Lag.Max() != 0 || l.ErrorCount()+l.Censored+l.Clamped != 0 || l.Unserved+l.HarmedCount != 0 {
		t.Errorf("lag %d, errors %v, %d censored, %d unserved", l.Lag.Max(), l.Errors, l.Censored, l.Unserved)
	}
}

func firstDifference(got, want []int64) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("the %d-th at %d, want %d", i, got[i], want[i])
		}
	}
	return "one ends early"
}

// A closed loop with think time, to the nanosecond, for any number of threads.
func TestThinkingInVirtualTime(t *testing.T) {
	for _, think := range []string{"5ms", "exponential:5ms", "exponential:200us"} {
		for _, threads := range []int{1, 3} {
			for _, keep := range []bool{true, false} {
				c := Config{Connections: 40, Threads: threads, KeepAlive: keep, Seed: 7,
					Warmup: 300 * time.Millisecond, Duration: 2 * time.Second}
				var err error
				if c.Think, err = ParseThink(think); err != nil {
					t.Fatal(err)
				}
				var sends []int64
				var networks []virtual
				for range threads {
					networks = append(networks, watched(&sends))
				}
				l := simulate(t, c, networks...)
				want := thinking(c)
				want.check(t, l, sends)
				if l.Model != "closed" || l.Think != c.Think.String() || (l.Seed == 7) != c.Think.Exponential {
					t.Errorf("%s %s, seed %d", l.Model, l.Think, l.Seed)
				}
				// The interactive response time law: each client is either thinking or waiting for an answer.
				rate, service := float64(l.Requests)/l.Window, l.Service.Mean()/1e9
				if n := rate * (service + c.Think.Mean.Seconds()); math.Abs(n/40-1) > 0.05 {
					t.Errorf("%s: %.2f clients by Little's law, want 40", think, n)
				}
				if n := rate * service; math.Abs(l.Audit.InFlight/n-1) > 0.02 {
					t.Errorf("%s: %.2f in flight, want %.2f", think, l.Audit.InFlight, n)
				}
			}
		}
	}
}

// A partly open load, to the nanosecond: with slots for all for any number of threads, with few slots that are waited
// for, at a rate that changes, and with a connection for each request.
func TestVisitsInVirtualTime(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"slots for all":            func(*Config) {},
		"three threads":            func(c *Config) { c.Threads = 3 },
		"few slots":                func(c *Config) { c.Connections = 18 },
		"no thinking":              func(c *Config) { c.Think = Think{} },
		"random thinking":          func(c *Config) { c.Think.Exponential = true },
		"random, few slots":        func(c *Config) { c.Think.Exponential, c.Connections = true, 18 },
		"one request each":         func(c *Config) { c.Visit = 1 },
		"a connection per request": func(c *Config) { c.KeepAlive = false },
		"a ramp":                   func(c *Config) { c.Profile, c.Rate = Profile{{0, 4000}}, 2000 },
	} {
		t.Run(name, func(t *testing.T) {
			c := Config{Connections: 500, Threads: 1, KeepAlive: true, Rate: 2000, Arrivals: "partly", Visit: 4,
				Seed: 5, Think: Think{Mean: 5 * time.Millisecond}, Warmup: 300 * time.Millisecond, Duration: 2 * time.Second}
			change(&c)
			var sends []int64
			var networks []virtual
			for range c.Threads {
				networks = append(networks, watched(&sends))
			}
			l := simulate(t, c, networks...)
			want := visiting(c)
			want.check(t, l, sends)
			if l.Model != "partly" || l.Visit != c.Visit || l.Intended != want.intended || l.Requests != want.intended {
				t.Errorf("%s, visit %v: %d intended, %d right, want %d", l.Model, l.Visit, l.Intended, l.Requests,
					want.intended)
			}
			if waits := c.Connections == 18; l.Response.Max() > 2*l.Service.Max() != waits {
				t.Errorf("response %d, service %d at most", l.Response.Max(), l.Service.Max())
			}
			if n := float64(l.Requests) / l.Window * l.Service.Mean() / 1e9; math.Abs(l.Audit.InFlight/n-1) > 0.02 {
				t.Errorf("%.2f in flight, want %.2f by Little's law", l.Audit.InFlight, n)
			}
			var opened int32
			for _, v := range networks {
				n := v.(*simulated)
				opened += n.fds
				if len(n.socks) != 0 {
					t.Errorf("%d connections were left open", len(n.socks))
				}
			}
			clients := int32(len(c.clients()))
			if c.KeepAlive && opened != clients || !c.KeepAlive && opened != int32(len(sends)) {
				t.Errorf("%d connections for %d clients and %d requests", opened, clients, len(sends))
			}
		})
	}
}

// clients are the moments at which the clients come.
func (c Config) clients() []time.Duration { return slices.Collect(c.Trace()) }

// A server with one place falls behind clients without end: what waits for a slot, and what is on its way, is counted
// as backlog and censored, and nothing is lost.
func TestVisitsInOverload(t *testing.T) {
	c := Config{Connections: 1, KeepAlive: true, Rate: 1000, Arrivals: "partly", Visit: 5, Seed: 5,
		Think: Think{Mean: 10 * time.Millisecond}, Warmup: 500 * time.Millisecond, Duration: time.Second}
	var sends []int64
	l := simulate(t, c, watched(&sends))
	if l.Intended != l.Requests+l.Censored || l.ErrorCount() != 0 || l.Response.Count() != int64(l.Intended) {
		t.Errorf("%d intended, %d right, %d censored, errors %v", l.Intended, l.Requests, l.Censored, l.Errors)
	}
	clients := c.clients()
	began, free := 0, int64(0) // the slot, until the window ends
	for a := c.schedule(0, 1); ; began++ {
		if free = max(free, a.next()); free >= int64(c.Warmup+c.Duration) {
			break
		}
		for range a.requests {
			if free >= int64(c.Warmup+c.Duration) {
				break
			}
			free += takes(free) + int64(c.Think.Mean)
		}
		free -= int64(c.Think.Mean)
	}
	if want := uint64(len(clients) - began); l.Backlog != want && l.Backlog != want+1 {
		t.Errorf("backlog %d, want %d: of %d clients %d began", l.Backlog, want, len(clients), began)
	}
}

// An error ends the visit, and the next client begins one of its own.
func TestErrorEndsVisit(t *testing.T) {
	c := Config{Connections: 50, KeepAlive: true, Rate: 1000, Arrivals: "partly", Visit: 5, Seed: 5,
		Think: Think{Mean: time.Millisecond}, Duration: time.Second}
	clients := len(c.clients())
	for name, test := range map[string]struct {
		network simulated
		kind    string
	}{
		"wrong":  {simulated{text: "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"}, ErrStatus},
		"silent": {simulated{}, ErrTimeout},
	} {
		var sends []int64
		n := &test.network
		n.answer = watched(&sends).answer
		if name == "silent" {
			n.answer = func(int, int64) int64 {
				sends = append(sends, 0)
				return never
			}
			c.Timeout = 5 * time.Millisecond
		}
		l := simulate(t, c, n)
		n64 := uint64(clients)
		if len(sends) != clients || l.Errors[test.kind] != n64 || l.Intended != n64 || l.Requests != 0 {
			t.Errorf("%s: %d requests of %d clients, %d intended, errors %v", name, len(sends), clients, l.Intended,
				l.Errors)
		}
		if n.fds != int32(clients) || len(n.socks) != 0 {
			t.Errorf("%s: %d connections for %d clients, %d still open", name, n.fds, clients, len(n.socks))
		}
	}
}

// impatient is a simulated server that closes each connection a millisecond after its answer.
type impatient struct{ *simulated }

func (n *impatient) send(fd int32, p []byte) (int, unix.Errno) {
	sent := n.now
	k, errno := n.simulated.send(fd, p)
	n.coming.Push(simEvent{sent + takes(sent) + 1e6, math.MaxInt, fd, unix.EPOLLIN | unix.EPOLLRDHUP, ""})
	return k, errno
}

func (n *impatient) receive(fd int32, p []byte) (int, unix.Errno) {
	k, errno := n.simulated.receive(fd, p)
	if errno == unix.EAGAIN {
		return 0, 0 // nothing but the end brings a reader to an empty socket
	}
	return k, errno
}

// Who thinks for longer than the server keeps a connection opens another one, without an error and without delay.
func TestConnectionLostInThought(t *testing.T) {
	c := Config{Connections: 40, KeepAlive: true, Seed: 7, Duration: time.Second,
		Think: Think{Mean: 5 * time.Millisecond}}
	open := c
	open.Connections, open.Rate, open.Arrivals, open.Visit = 500, 2000, "partly", 4
	for _, c := range []Config{c, open} {
		var sends []int64
		n := &impatient{watched(&sends)}
		l := simulate(t, c, n)
		want := thinking(c)
		if c.Rate > 0 {
			want = visiting(c)
		}
		want.check(t, l, sends)
		if int(n.fds) != len(sends) || len(n.socks) != 0 {
			t.Errorf("%d connections for %d requests, %d left open", n.fds, len(sends), len(n.socks))
		}
	}
}

// The same seed brings the very same clients to every server, fast or slow, over real sockets: each opens a connection.
func TestSameClientsForEveryServer(t *testing.T) {
	for _, threads := range []int{1, 3} {
		closing := last(strings.Replace(helloText, "\r\n", "\r\nConnection: close\r\n", 1))
		for _, answer := range []handler{hello, inTwo, closing} {
			s := newServer(t, answer)
			c := s.config()
			c.Connections, c.Threads, c.Rate, c.Arrivals, c.Visit, c.Seed = 600, threads, 1000, "partly", 1, 3
			l := mustRun(t, c)
			clients := len(c.clients())
			accepted, asked := int(s.accepted.Load()), int(s.requests.Load())
			if accepted != clients || asked != clients || int(l.Requests) != clients {
				t.Errorf("%d threads: %d accepted, %d asked, %d right; want %d", threads, accepted, asked, l.Requests,
					clients)
			}
		}
	}
}

// A load that is stopped in the middle accounts for everything that was intended until then.
func TestVisitsInterrupted(t *testing.T) {
	s := newServer(t, only(300, hello))
	c := s.config()
	c.Connections, c.Rate, c.Arrivals, c.Visit, c.Think = 4, 20000, "partly", 10, Think{100 * time.Microsecond, true}
	l := s.mustRunTo(t, c, 304)
	if !l.Interrupted || l.Requests != 300 || l.Intended != l.Requests+l.Censored || l.ErrorCount() != 0 {
		t.Errorf("interrupted %v: %d intended, %d right, %d censored, errors %v", l.Interrupted, l.Intended, l.Requests,
			l.Censored, l.Errors)
	}
	if l.Backlog > l.Censored || l.Censored < 4 {
		t.Errorf("backlog %d of %d censored", l.Backlog, l.Censored)
	}
}
