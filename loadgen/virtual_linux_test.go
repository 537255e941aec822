package loadgen

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// simulated is a network in virtual time: nothing takes time but what answers takes. It connects at once, and the
// answer to a request that is sent at one moment comes at the moment that answer names.
type simulated struct {
	now    int64
	answer func(k int, sent int64) (at int64) // of the k-th request, from 0; never: it does not come
	text   string                             // of each answer
	late   func(from, to int64) int64         // when a wait that should end at to ends; nil: then
	sent   int
	fds    int32
	socks  map[int32]*simSocket
	coming simEvents
	ready  []unix.EpollEvent
}

type simSocket struct {
	index, tag int32
	in         []byte
}

type simEvent struct {
	at     int64
	order  int
	fd     int32
	events uint32
	text   string
}

type simEvents []simEvent

func (e simEvents) Len() int { return len(e) }
func (e simEvents) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e simEvents) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *simEvents) Push(x any)   { *e = append(*e, x.(simEvent)) }
func (e *simEvents) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (s *simulated) String() string            { return "virtual time" }
func (s *simulated) clock() int64              { return s.now }
func (s *simulated) cpu() (used, waited int64) { return s.now, -1 }

func (s *simulated) wait(ns int64) []unix.EpollEvent {
	s.ready = s.ready[:0]
	until := s.now + max(0, ns)
	if len(s.coming) > 0 {
		until = min(until, max(s.now, s.coming[0].at))
	}
	if s.late != nil && until > s.now {
		until = s.late(s.now, until)
	}
	s.now = until
	for len(s.coming) > 0 && s.coming[0].at <= s.now {
		e := heap.Pop(&s.coming).(simEvent)
		if c := s.socks[e.fd]; c != nil {
			c.in = append(c.in, e.text...)
			s.ready = append(s.ready, unix.EpollEvent{Events: e.events, Fd: c.index, Pad: c.tag})
		}
	}
	return s.ready
}

func (s *simulated) watch(op uintptr, fd, index, tag int32, events uint32) unix.Errno {
	s.socks[fd].index, s.socks[fd].tag = index, tag
	if events&writable != 0 {
		heap.Push(&s.coming, simEvent{s.now, 0, fd, unix.EPOLLOUT, ""})
	}
	return 0
}

func (s *simulated) open(*address) (int32, kind) {
	s.fds++
	s.socks[s.fds] = &simSocket{}
	return s.fds, none
}

func (s *simulated) socketError(int32) unix.Errno { return 0 }

func (s *simulated) send(fd int32, p []byte) (int, unix.Errno) {
	if at := s.answer(s.sent, s.now); at != never {
		heap.Push(&s.coming, simEvent{at, s.sent + 1, fd, unix.EPOLLIN, s.text})
	}
	s.sent++
	return len(p), 0
}

func (s *simulated) receive(fd int32, p []byte) (int, unix.Errno) {
	c := s.socks[fd]
	if len(c.in) == 0 {
		return 0, unix.EAGAIN
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, 0
}

func (s *simulated) shut(fd int32) { delete(s.socks, fd) }

// costly is a network on which the load generator's own calls take time.
type costly struct {
	simulated
	sending, receiving int64 // nanoseconds
}

func (s *costly) send(fd int32, p []byte) (int, unix.Errno) {
	n, errno := s.simulated.send(fd, p)
	s.now += s.sending
	return n, errno
}

func (s *costly) receive(fd int32, p []byte) (int, unix.Errno) {
	s.now += s.receiving
	return s.simulated.receive(fd, p)
}

// virtual is a network that simulate can start.
type virtual interface {
	network
	begin()
}

func (s *simulated) begin() {
	s.socks, s.now = map[int32]*simSocket{}, -int64(StartLead)
	if s.text == "" {
		s.text = helloText
	}
}

// simulate is Run in virtual time, each thread on a network of its own.
func simulate(t testing.TB, c Config, networks ...virtual) *results.Load {
	t.Helper()
	return simulateWith(t, c, func(*run) {}, networks...)
}

// simulateWith lets prepared see the run before it begins.
func simulateWith(t testing.TB, c Config, prepared func(r *run), networks ...virtual) *results.Load {
	t.Helper()
	c.URL, c.Check.Length = "http://127.0.0.1:1/", -1
	c = c.withDefaults()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	u, err := c.target()
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Config: c, plan: newPlan(&c, u, netipLoopback), silent: &silent{}, slow: &slow{silent: &silent{}}}
	if err := r.prepare(netipLoopback.Addr()); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	prepared(r)
	for i, n := range networks {
		n.begin()
		r.threads[i].network = n
		r.threads[i].run()
	}
	return r.merge()
}

// computed is what simulate must find, by another way: each request, in the order of the arrivals, takes the connection
// that is free first.
func computed(c Config, answer func(k int, sent int64) int64) (response, service results.Histogram) {
	c = c.withDefaults()
	response, service = results.NewHistogram(), results.NewHistogram()
	a := c.schedule(0, 1)
	free := make([]int64, c.Connections)
	for k := 0; ; k++ {
		at := a.next()
		if at >= int64(c.Warmup+c.Duration) {
			return response, service
		}
		first := 0
		for i, f := range free {
			if f < free[first] {
				first = i
			}
		}
		sent := max(at, free[first])
		free[first] = answer(k, sent)
		if at >= int64(c.Warmup) {
			response.RecordValue(free[first] - at)
			service.RecordValue(free[first] - sent)
		}
	}
}

// delays is an infinite server: every answer takes its own time, drawn beforehand.
func delays(draw func(r *rand.Rand) float64) func(k int, sent int64) int64 {
	r := rand.New(rand.NewPCG(1, 2))
	var drawn []int64
	return func(k int, sent int64) int64 {
		for len(drawn) <= k {
			drawn = append(drawn, int64(1e9*draw(r)))
		}
		return sent + drawn[k]
	}
}

// stalls answers after 1 ms, but nothing from one moment to another; then everything that has waited.
func stalls(from, to time.Duration) func(k int, sent int64) int64 {
	return func(_ int, sent int64) int64 {
		at := sent + 1e6
		if at >= int64(from) && sent < int64(to) {
			at = int64(to) + 1e6
		}
		return at
	}
}

// one is a single server: answers queue for it.
func one(delay func(k int, sent int64) int64) func(k int, sent int64) int64 {
	free := map[int]int64{-1: math.MinInt64}
	return func(k int, sent int64) int64 {
		if _, known := free[k]; !known {
			start := max(sent, free[k-1])
			free[k] = delay(k, start)
		}
		return free[k]
	}
}

// The truth, to the nanosecond of a bucket: servers with known delays at known rates.
func TestTruthInVirtualTime(t *testing.T) {
	constant := func(*rand.Rand) float64 { return 0.002 }
	short := func(*rand.Rand) float64 { return 0.0007 }
	exponential := func(r *rand.Rand) float64 { return 0.002 * r.ExpFloat64() }
	bimodal := func(r *rand.Rand) float64 {
		if r.Float64() < 0.01 {
			return 0.05
		}
		return 0.001
	}
	for name, test := range map[string]struct {
		server      func() func(k int, sent int64) int64
		connections int
	}{
		"constant":               {func() func(int, int64) int64 { return delays(constant) }, 100},
		"exponential":            {func() func(int, int64) int64 { return delays(exponential) }, 100},
		"exponential, queueing":  {func() func(int, int64) int64 { return delays(exponential) }, 3},
		"bimodal":                {func() func(int, int64) int64 { return delays(bimodal) }, 100},
		"stall":                  {func() func(int, int64) int64 { return stalls(3*time.Second, 4*time.Second) }, 2000},
		"stall, few connections": {func() func(int, int64) int64 { return stalls(3*time.Second, 4*time.Second) }, 10},
		"a queue in the server":  {func() func(int, int64) int64 { return one(delays(short)) }, 5000},
	} {
		for _, arrivals := range []string{"constant", "poisson"} {
			t.Run(name+", "+arrivals, func(t *testing.T) {
				c := Config{Connections: test.connections, Rate: 1000, Arrivals: arrivals, Seed: 7, KeepAlive: true,
					Warmup: time.Second, Duration: 10 * time.Second}
				l := simulate(t, c, &simulated{answer: test.server()})
				response, service := computed(c, test.server())
				if !l.Response.Equals(response.Histogram) {
					t.Errorf("response time: p50 %d, p99 %d, max %d of %d; want %d, %d, %d of %d",
						l.Response.ValueAtPercentile(50), l.Response.ValueAtPercentile(99), l.Response.Max(), l.Response.Count(),
						response.ValueAtPercentile(50), response.ValueAtPercentile(99), response.Max(), response.Count())
				}
				if !l.Service.Equals(service.Histogram) {
					t.Errorf("service time: p50 %d, max %d of %d; want %d, %d of %d",
						l.Service.ValueAtPercentile(50), l.Service.Max(), l.Service.Count(),
						service.ValueAtPercentile(50), service.Max(), service.Count())
				}
				if l.Lag.Max() != 0 || l.ErrorCount()+l.Censored+l.Clamped != 0 {
					t.Errorf("lag %d, errors %v, %d censored", l.Lag.Max(), l.Errors, l.Censored)
				}
			})
		}
	}
}

var netipLoopback = netip.MustParseAddrPort("127.0.0.1:1")
