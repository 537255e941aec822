package loadgen

import (
	"encoding/binary"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// chaos is a network in virtual time that does whatever a kernel and a server may do, chosen at random: it refuses,
// resets, closes, stalls, tells of events late, twice or in vain, takes and delivers pieces of any size. What it
// delivers are parts of the text, each connection beginning anew.
type chaos struct {
	t      testing.TB
	random *rand.Rand
	now    int64
	text   []byte
	fds    int32
	socks  map[int32]*chaosSocket
	order  []int32
	ready  []unix.EpollEvent
	calls  int
}

type chaosSocket struct {
	index, tag int32
	watched    bool
	at         int // in the text
}

// chance is true once in n times.
func (c *chaos) chance(n int) bool { return c.random.IntN(n) == 0 }

func (c *chaos) clock() int64 {
	if c.calls++; c.calls > 1e6 {
		c.t.Fatalf("no end after %v of virtual time", time.Duration(c.now))
	}
	c.now += c.random.Int64N(20_000)
	return c.now
}

func (c *chaos) String() string            { return "chaos" }
func (c *chaos) cpu() (used, waited int64) { return c.now, -1 }

func (c *chaos) wait(ns int64) []unix.EpollEvent {
	c.ready = c.ready[:0]
	for _, fd := range c.order {
		if s := c.socks[fd]; s.watched && c.chance(3) && len(c.ready) < 64 {
			events := []uint32{
				unix.EPOLLIN, unix.EPOLLOUT, unix.EPOLLIN | unix.EPOLLOUT, unix.EPOLLIN | unix.EPOLLRDHUP,
				unix.EPOLLOUT | unix.EPOLLIN | unix.EPOLLRDHUP, unix.EPOLLIN | unix.EPOLLERR | unix.EPOLLHUP,
			}[c.random.IntN(6)]
			c.ready = append(c.ready, unix.EpollEvent{Events: events, Fd: s.index, Pad: s.tag})
		}
	}
	if ns > 0 && len(c.ready) == 0 {
		c.now += c.random.Int64N(min(ns, int64(time.Hour))) + 1
	}
	return c.ready
}

func (c *chaos) watch(_ uintptr, fd, index, tag int32, _ uint32) unix.Errno {
	if c.chance(500) {
		return unix.ENOSPC
	}
	s := c.socket(fd)
	s.index, s.tag, s.watched = index, tag, true
	return 0
}

// socket returns an open socket: nobody may use one that is not.
func (c *chaos) socket(fd int32) *chaosSocket {
	s := c.socks[fd]
	if s == nil {
		c.t.Fatalf("descriptor %d is used and not open", fd)
	}
	return s
}

func (c *chaos) open(*address) (int32, kind) {
	if c.chance(20) {
		return -1, []kind{ports, descriptors, connectFailed, refused}[c.random.IntN(4)]
	}
	c.fds++
	c.socks[c.fds] = &chaosSocket{}
	c.order = append(c.order, c.fds)
	return c.fds, none
}

func (c *chaos) shut(fd int32) {
	c.socket(fd)
	delete(c.socks, fd)
	c.order = slices.DeleteFunc(c.order, func(o int32) bool { return o == fd })
}

func (c *chaos) socketError(fd int32) unix.Errno {
	c.socket(fd)
	return []unix.Errno{0, 0, 0, unix.ECONNREFUSED, unix.ETIMEDOUT}[c.random.IntN(5)]
}

func (c *chaos) send(fd int32, p []byte) (int, unix.Errno) {
	c.socket(fd)
	switch {
	case c.chance(10):
		return 0, []unix.Errno{unix.EPIPE, unix.ECONNRESET, unix.ECONNREFUSED, unix.EADDRNOTAVAIL}[c.random.IntN(4)]
	case c.chance(4):
		return 0, unix.EAGAIN
	}
	return 1 + c.random.IntN(len(p)), 0
}

func (c *chaos) receive(fd int32, p []byte) (int, unix.Errno) {
	s := c.socket(fd)
	switch {
	case c.chance(3):
		return 0, unix.EAGAIN
	case c.chance(40):
		return 0, unix.ECONNRESET
	case c.chance(40):
		return 0, 0
	}
	rest := c.text[s.at%len(c.text):]
	if len(rest) > 1 && c.chance(2) {
		rest = rest[:1+c.random.IntN(len(rest)-1)]
	}
	n := copy(p, rest)
	s.at += n
	return n, 0
}

// A whole session with a server that says anything at any time, over a network that does anything: it ends, nothing is
// used that is closed or left open, and the sums are right.
func FuzzSession(f *testing.F) {
	for i, text := range []string{helloText, helloText + helloText, "HTTP/1.1 200 OK\r\n\r\nhello", "garbage",
		chunks + "5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 204 X\r\nConnection: close\r\n\r\n", string(sessionHello),
		string(sessionHello) + "HTTP/1.1 410 X\r\nContent-Length: 0\r\n\r\n" + string(sessionHello) + "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"} {
		for seed := range uint64(8) {
			f.Add([]byte(text), seed, uint8(i))
			f.Add([]byte(text), seed, uint8(i+8*int(seed)))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64, mode uint8) {
		if len(text) == 0 {
			return
		}
		c := Config{
			URL: "http://127.0.0.1:1/", Connections: 1 + int(mode>>5), Threads: 1, KeepAlive: mode&1 == 0,
			Warmup: 10 * time.Millisecond, Duration: 90 * time.Millisecond, Timeout: 5 * time.Millisecond,
			Rate: 2000 * float64(mode>>1&1), Arrivals: "poisson", Seed: seed,
			Check: mustCheck(t, "length=5", "body=hello", "sha256="+sumOf("hello"), "regexp=^hello$"),
		}
		if mode>>2&1 == 1 {
			c.Crash = "/die"
		}
		partly := c.Rate > 0 && mode>>3&1 == 1
		if partly {
			c.Arrivals, c.Visit = "partly", 3
		}
		if (partly || c.Rate == 0) && mode>>4&1 == 1 {
			c.Think = Think{time.Millisecond, true}
		}
		if state := []string{"", Stateless, Soft, Stateful}[seed%4]; state != "" && !partly {
			c.Sessions, c.Check, c.Crash = Sessions{State: state, Clients: c.Connections + int(seed%5), Read: 5}, Check{}, ""
			c = c.withDefaults()
		}
		u, err := url.Parse(c.URL)
		if err != nil {
			t.Fatal(err)
		}
		n := &chaos{t: t, text: text, now: -int64(StartLead), socks: map[int32]*chaosSocket{},
			random: rand.New(rand.NewPCG(seed, binary.BigEndian.Uint64(append(make([]byte, 8), text...)[len(text):])))}
		r := &run{Config: c, plan: newPlan(&c, u, netipLoopback), silent: &silent{}, slow: &slow{silent: &silent{}}}
		if err := r.prepare(netipLoopback.Addr()); err != nil {
			t.Fatal(err)
		}
		defer r.close()
		r.threads[0].network = n
		r.threads[0].run()
		l := r.merge()
		if len(n.socks) != 0 {
			t.Errorf("%d sockets are left open", len(n.socks))
		}
		if l.Response.Count() != int64(l.Requests+l.Censored) || l.Service.Count() != int64(l.Requests) {
			t.Errorf("%d response times, %d of service; %d requests, %d censored", l.Response.Count(),
				l.Service.Count(), l.Requests, l.Censored)
		}
		// The request that crashes is one more or one less.
		most, least := l.Requests+l.Censored+l.ErrorCount()+1, l.Requests+l.Censored
		if c.Rate > 0 && (l.Intended > most || l.Intended+1 < least) {
			t.Errorf("%d intended; %d right, %d censored, errors %v", l.Intended, l.Requests, l.Censored, l.Errors)
		}
		if end := int64(c.Warmup + c.Duration + time.Second); n.now > end {
			t.Errorf("it ended after %v", time.Duration(n.now))
		}
	})
}
