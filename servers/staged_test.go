//go:build linux

package servers

import (
	"bufio"
	"bytes"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// startStaged starts a server with one thread that handles and a queue for one, fills both, and returns who is in them.
func startStaged(t *testing.T, change func(*Config)) (s *reactorServer, inside []*net.TCPConn) {
	t.Helper()
	s = startReactor(t, staged, func(c *Config) {
		c.Workers, c.Queue = 1, 1
		if change != nil {
			change(c)
		}
	})
	for range 2 { // each is served once first, so that the loop hears of what they send in this order
		c := s.dial()
		t.Cleanup(func() { c.Close() })
		s.send(c, helloText)
		s.wants(bufio.NewReader(c), bodies("hello")...)
		inside = append(inside, c)
	}
	s.send(inside[0], get("/wait"))
	<-s.waiting
	s.send(inside[1], get("/wait"))
	return s, inside
}

// wantsRefused reads one 503, after which the connection goes on.
func (s *reactorServer) wantsRefused(r *bufio.Reader) {
	s.t.Helper()
	var answer fasthttp.Response
	if err := answer.Read(r); err != nil || answer.StatusCode() != 503 || answer.ConnectionClose() ||
		!bytes.Contains(answer.Body(), []byte("requests")) {
		s.t.Fatalf("status %d, %q (%v), want 503 on a connection that goes on", answer.StatusCode(), answer.Body(), err)
	}
}

// What the first queue has no place for is refused: each request of a pipeline in its turn, and the connection goes on.
func TestStagedRefuses(t *testing.T) {
	s, inside := startStaged(t, nil)
	defer s.end()
	c := s.dial()
	defer c.Close()
	in := bufio.NewReader(c)
	s.send(c, helloText+get("/waitnot")+helloText)
	for range 3 {
		s.wantsRefused(in)
	}
	if n := s.board.Sum(); n.Drops != 3 || n.Requests != 2 || n.Refusals != 0 {
		t.Errorf("counted %+v, want 3 drops and 2 requests", n)
	}
	s.goOn <- struct{}{}
	<-s.waiting // who was in the queue has its turn
	s.goOn <- struct{}{}
	for _, c := range inside {
		s.wants(bufio.NewReader(c), bodies("waited")...)
	}
	s.send(c, helloText+get("/waitnot"))
	s.wants(in, bodies("hello", "back")...)
}

// Answers keep the order of their requests, and one request of a connection is in flight at a time.
func TestStagedKeepsTheOrder(t *testing.T) {
	s := startReactor(t, staged, nil)
	defer s.end()
	c := s.dial()
	defer c.Close()
	s.send(c, helloText+get("/wait")+helloText+get("/wait")+get("/waitnot"))
	in := bufio.NewReader(c)
	s.wants(in, bodies("hello")...)
	for range 2 {
		<-s.waiting
		if n := s.inHandler.Load(); n != 1 {
			t.Errorf("%d requests of one connection are in flight", n)
		}
		s.goOn <- struct{}{}
	}
	s.wants(in, bodies("waited", "hello", "waited", "back")...)
	if n := s.board.Sum().Requests; n != 5 {
		t.Errorf("%d requests are counted, want 5", n)
	}
}

// A client that goes while a stage works for it disturbs nobody, and its place becomes free.
func TestStagedOutlivesWhoGoes(t *testing.T) {
	s, inside := startStaged(t, nil)
	defer s.end()
	for _, c := range inside {
		if err := c.SetLinger(0); err != nil { // a reset
			t.Fatal(err)
		}
		c.Close()
	}
	s.goOn <- struct{}{}
	<-s.waiting
	s.goOn <- struct{}{}
	other := s.dial()
	defer other.Close()
	in := bufio.NewReader(other)
	for status := 0; status != 200; { // until the connection's deadline
		s.send(other, get("/waitnot"))
		var answer fasthttp.Response
		if err := answer.Read(in); err != nil {
			t.Fatalf("the places of those who have gone are still taken: %v", err)
		}
		status = answer.StatusCode()
	}
}

// Who is stopped answers what is in the stages. After StopTimeout nobody is waited for but the threads themselves.
func TestStagedStopsWithStagesBusy(t *testing.T) {
	for _, grace := range []time.Duration{time.Minute, time.Millisecond} {
		s, inside := startStaged(t, func(c *Config) { c.StopTimeout = grace })
		other := s.dial()
		defer other.Close()
		s.send(other, helloText)
		s.wantsRefused(bufio.NewReader(other)) // so both are inside
		s.stop()
		if grace == time.Minute {
			s.goOn <- struct{}{}
			<-s.waiting
			s.goOn <- struct{}{}
			for _, c := range inside {
				s.wants(bufio.NewReader(c), bodies("waited")...)
			}
		} else {
			if _, err := inside[0].Read(make([]byte, 1)); err == nil {
				t.Error("an answer came that nobody had given")
			}
			close(s.goOn)
		}
		s.end()
	}
}

// A stage takes as many as it has threads and places in its queue, first come, first served; put waits for a place.
func TestStage(t *testing.T) {
	begun, gone, goOn := make(chan int, 4), make(chan int, 4), make(chan struct{})
	s, err := openStage(1, 0, 2, func(i int) int { begun <- i; <-goOn; return i }, func(i int) { gone <- i })
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if !s.offer(i) {
			t.Fatalf("%d has no place", i)
		}
	}
	if s.offer(3) {
		t.Fatal("a full stage took one more")
	}
	put := make(chan struct{})
	go func() { s.put(3); close(put) }()
	for i := range 4 {
		if got := <-begun; got != i {
			t.Errorf("%d has its turn, want %d", got, i)
		}
		select {
		case <-put:
			if i == 0 {
				t.Error("put did not wait for a place")
			}
		default:
		}
		goOn <- struct{}{}
		if got := <-gone; got != i {
			t.Errorf("%d goes on, want %d", got, i)
		}
		if i == 0 {
			<-put
		}
	}
	s.close()
}

// A queue that is not given is as long as there are workers.
func TestQueue(t *testing.T) {
	cfg := DefaultConfig()
	given := cfg
	given.Queue = 3
	if a, b := cfg.queue(), given.queue(); a != cfg.Workers || b != 3 {
		t.Errorf("queues of %d and %d, want %d and 3", a, b, cfg.Workers)
	}
}

// Where the second stage is full the first one waits, and nothing is lost: soon that is full too, and refuses.
func TestStagesPushBack(t *testing.T) {
	const writers, places, handlers, queue = 1, 2, 1, 3
	goOn, out := make(chan struct{}), make(chan int)
	second, err := openStage(writers, 0, places, func(i int) int { <-goOn; return i }, func(i int) { out <- i })
	if err != nil {
		t.Fatal(err)
	}
	handled := make(chan int, 100)
	first, err := openStage(handlers, 0, queue, func(i int) int { handled <- i; return i }, second.put)
	if err != nil {
		t.Fatal(err)
	}
	// One is written, two wait for that, one waits in the thread that has handled it, and that is in no stage then.
	const ahead = writers + places + handlers
	for i := range ahead {
		if !first.offer(i) {
			t.Fatalf("%d has no place", i)
		}
		if got := <-handled; got != i {
			t.Fatalf("%d is handled, want %d", got, i)
		}
	}
	const admitted = ahead + handlers + queue
	for i := ahead; i < admitted; i++ {
		first.put(i) // the last one that was handled may have to leave yet
	}
	if first.offer(admitted) {
		t.Error("a stage that can't get rid of what it has handled takes one more")
	}
	if n := len(handled); n != 0 {
		t.Errorf("%d more were handled though there was nowhere to put them", n)
	}
	close(goOn)
	for i := range admitted {
		if got := <-out; got != i {
			t.Errorf("%d comes out, want %d", got, i)
		}
	}
	first.close()
	second.close()
}

// Threads that are to give way are nicer than the process, each for itself.
func TestStageGivesWay(t *testing.T) {
	nice := func(struct{}) int {
		raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
		if err != nil {
			t.Error(err)
		}
		return 20 - raw
	}
	for _, more := range []int{0, 3, 100} {
		said := make(chan int, 1)
		s, err := openStage(1, more, 1, nice, func(n int) { said <- n })
		if err != nil {
			t.Fatal(err)
		}
		own := nice(struct{}{})
		s.put(struct{}{})
		if got, want := <-said, min(own+more, 19); got != want {
			t.Errorf("nice %d of a thread that gives way by %d, want %d", got, more, want)
		}
		s.close()
	}
}

// However many requests a client sends at once, its connection has one place, and leaves the others to others.
func TestStagedClientHasOnePlace(t *testing.T) {
	s := startReactor(t, staged, func(c *Config) { c.Workers, c.Queue = 1, 1 })
	defer s.end()
	greedy, modest := s.dial(), s.dial()
	defer greedy.Close()
	defer modest.Close()
	const many = 20
	s.send(greedy, strings.Repeat(get("/wait"), many))
	answers := bufio.NewReader(modest)
	for range many {
		<-s.waiting
		s.send(modest, helloText)
		s.goOn <- struct{}{}
		s.wants(answers, bodies("hello")...)
	}
	s.wants(bufio.NewReader(greedy), bodies(slices.Repeat([]string{"waited"}, many)...)...)
}
