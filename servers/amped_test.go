//go:build linux

package servers

import (
	"bufio"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// reactorServer serves with a reactor in this process. Its handler waits in /wait until it is told to go on.
type reactorServer struct {
	loopServer
	inHandler atomic.Int64 // requests for /wait, now
}

func startReactor(t *testing.T, serve Serve, change func(*Config)) *reactorServer {
	t.Helper()
	s := &reactorServer{loopServer: loopServer{t: t, waiting: make(chan struct{}, 100), goOn: make(chan struct{}),
		ended: make(chan error, 1)}}
	cfg := DefaultConfig()
	ready := make(chan string, 1)
	cfg.Ready = func(a net.Addr) { ready <- a.String() }
	cfg.MayBlock = func(c *fasthttp.RequestCtx) bool { return strings.HasPrefix(string(c.Path()), "/wait") }
	if change != nil {
		change(&cfg)
	}
	s.board = cfg.Board
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() {
		s.ended <- serve(ctx, cfg, func(c *fasthttp.RequestCtx) {
			switch string(c.Path()) {
			case "/wait":
				s.inHandler.Add(1)
				s.waiting <- struct{}{}
				<-s.goOn
				s.inHandler.Add(-1)
				c.SetBodyString("waited")
			case "/waitnot":
				c.SetBodyString("back")
			default:
				c.SetBodyString("hello")
			}
		})
	}()
	select {
	case s.addr = <-ready:
	case err := <-s.ended:
		t.Fatalf("it did not start: %v", err)
	}
	return s
}

func bodies(texts ...string) (all [][]byte) {
	for _, s := range texts {
		all = append(all, []byte(s))
	}
	return all
}

// Whatever keeps helpers, the loop answers what waits for nothing; one request more than there are helpers queues.
func TestAmpedAnswersWhileHelpersAreBusy(t *testing.T) {
	s := startReactor(t, amped, func(c *Config) { c.Helpers = 2 })
	defer s.end()
	var clients []*net.TCPConn
	for range 3 {
		c := s.dial()
		defer c.Close()
		s.send(c, get("/wait"))
		clients = append(clients, c)
	}
	<-s.waiting
	<-s.waiting
	other := s.dial()
	defer other.Close()
	in := bufio.NewReader(other)
	for range 10 {
		s.send(other, helloText)
		s.wants(in, bodies("hello")...)
	}
	if n := s.inHandler.Load(); n != 2 {
		t.Errorf("%d requests are in the handler, want one for each of 2 helpers", n)
	}
	s.goOn <- struct{}{}
	<-s.waiting // the third has its turn
	s.goOn <- struct{}{}
	s.goOn <- struct{}{}
	for _, c := range clients {
		s.wants(bufio.NewReader(c), bodies("waited")...)
	}
}

// Answers keep the order of their requests, whoever gives them, and one request of a connection is in flight at a time.
func TestAmpedKeepsTheOrder(t *testing.T) {
	s := startReactor(t, amped, nil)
	defer s.end()
	c := s.dial()
	defer c.Close()
	s.send(c, helloText+get("/wait")+helloText+get("/wait")+get("/waitnot")+helloText)
	in := bufio.NewReader(c)
	s.wants(in, bodies("hello")...)
	for range 2 {
		<-s.waiting
		if n := s.inHandler.Load(); n != 1 {
			t.Errorf("%d requests of one connection are in flight", n)
		}
		s.goOn <- struct{}{}
	}
	s.wants(in, bodies("waited", "hello", "waited", "back", "hello")...)
	if n := s.board.Sum().Requests; n != 6 {
		t.Errorf("%d requests are counted, want 6", n)
	}
}

// Nothing is lost on the way to the helpers and back, however often it is gone.
func TestAmpedHandsOverManyTimes(t *testing.T) {
	for name, mayBlock := range map[string]func(*fasthttp.RequestCtx) bool{
		"all": nil, "some": func(c *fasthttp.RequestCtx) bool { return string(c.Path()) == "/waitnot" },
	} {
		t.Run(name, func(t *testing.T) {
			s := startReactor(t, amped, func(c *Config) { c.Helpers, c.MayBlock = 3, mayBlock })
			defer s.end()
			const clients, requests = 4, 2000
			failed := make(chan error, clients)
			for range clients {
				c := s.dial()
				defer c.Close()
				go func() {
					in, answer := bufio.NewReader(c), new(fasthttp.Response)
					var err error
					for i := range requests {
						if _, err = io.WriteString(c, get([]string{"/waitnot", "/"}[i%2])); err == nil {
							err = answer.Read(in)
						}
						if err != nil {
							break
						}
					}
					failed <- err
				}()
			}
			for range clients {
				if err := <-failed; err != nil {
					t.Error(err)
				}
			}
			if n := s.board.Sum().Requests; n != clients*requests {
				t.Errorf("%d requests are counted, want %d", n, clients*requests)
			}
		})
	}
}

// A client that goes while a helper works for it, or sends more, disturbs nobody; its helper comes back.
func TestAmpedOutlivesWhoGoes(t *testing.T) {
	s := startReactor(t, amped, func(c *Config) { c.Helpers = 1 })
	defer s.end()
	for _, more := range []string{"", helloText} {
		c := s.dial()
		s.send(c, get("/wait"))
		<-s.waiting
		s.send(c, more)
		if err := c.SetLinger(0); err != nil { // a reset
			t.Fatal(err)
		}
		c.Close()
		other := s.dial()
		defer other.Close()
		in := bufio.NewReader(other)
		s.send(other, helloText+get("/waitnot"))
		s.wants(in, bodies("hello")...)
		s.goOn <- struct{}{}
		s.wants(in, bodies("back")...)
	}
}

// Who is stopped while helpers work answers what they have in hand. After StopTimeout nobody is waited for but the
// helpers themselves.
func TestAmpedStopsWithHelpersBusy(t *testing.T) {
	for _, grace := range []time.Duration{time.Minute, time.Millisecond} {
		s := startReactor(t, amped, func(c *Config) { c.Helpers, c.StopTimeout = 1, grace })
		clients := []*net.TCPConn{s.dial(), s.dial()}
		for i, c := range clients {
			defer c.Close()
			s.send(c, get("/wait")+helloText)
			if i == 0 {
				<-s.waiting
			}
		}
		s.stop()
		if grace == time.Minute {
			s.goOn <- struct{}{}
			s.wants(bufio.NewReader(clients[0]), bodies("waited")...)
			select {
			case <-s.waiting: // the second request had arrived, too
				s.goOn <- struct{}{}
				s.wants(bufio.NewReader(clients[1]), bodies("waited")...)
			case err := <-s.ended: // or was not read yet
				s.ended <- err
			}
		} else {
			if _, err := clients[0].Read(make([]byte, 1)); err == nil {
				t.Error("an answer came that nobody had given")
			}
			close(s.goOn)
		}
		s.end()
	}
}

// A setting that is not given is the number of workers.
func TestHelpers(t *testing.T) {
	cfg := DefaultConfig()
	given := cfg
	given.Helpers = 3
	if got := []int{cfg.helpers(), given.helpers()}; !slices.Equal(got, []int{cfg.Workers, 3}) {
		t.Errorf("%d helpers, want %d and 3", got, cfg.Workers)
	}
}
