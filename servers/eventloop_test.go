//go:build linux

package servers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
)

// loopVariants are those of the row, the default first.
func loopVariants(t *testing.T) map[string]Variant {
	t.Helper()
	a, _, err := Lookup("eventloop")
	if err != nil {
		t.Fatal(err)
	}
	variants := map[string]Variant{}
	for _, row := range a.Rows() {
		if _, variants[row], err = Lookup(row); err != nil {
			t.Fatal(err)
		}
	}
	return variants
}

const helloText = "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

// loopServer is an event loop in this process. Its handler answers /big with much, and /wait when it is told to.
type loopServer struct {
	t       *testing.T
	addr    string
	board   *scoreboard.Board
	waiting chan struct{} // a request for /wait is in the handler
	goOn    chan struct{}
	stop    func()
	ended   chan error
}

var bigAnswer = bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than two sockets hold

func startLoop(t *testing.T, v Variant, log slog.Handler) *loopServer {
	t.Helper()
	s := &loopServer{t: t, waiting: make(chan struct{}, 100), goOn: make(chan struct{}), ended: make(chan error, 1)}
	cfg := DefaultConfig()
	cfg.Variant = v
	if log != nil {
		cfg.Log = slog.New(log)
	}
	var err error
	if cfg.Board, err = scoreboard.Create("", 4); err != nil {
		t.Fatal(err)
	}
	s.board = cfg.Board
	ready := make(chan string, 1)
	cfg.Ready = func(a net.Addr) { ready <- a.String() }
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() {
		s.ended <- eventloop(ctx, cfg, func(c *fasthttp.RequestCtx) {
			switch string(c.Path()) {
			case "/big":
				c.Response.SetBodyRaw(bigAnswer)
			case "/wait":
				s.waiting <- struct{}{}
				<-s.goOn
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

// end stops the server and waits for its end.
func (s *loopServer) end() {
	s.t.Helper()
	s.stop()
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
}

func (s *loopServer) dial() *net.TCPConn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

func (s *loopServer) send(c net.Conn, text string) {
	s.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
}

func get(path string) string { return strings.Replace(helloText, "/", path, 1) }

// wants reads answers with these bodies.
func (s *loopServer) wants(r *bufio.Reader, bodies ...[]byte) {
	s.t.Helper()
	for i, body := range bodies {
		var answer fasthttp.Response
		if err := answer.Read(r); err != nil {
			s.t.Fatalf("answer %d of %d: %v", i+1, len(bodies), err)
		}
		if !bytes.Equal(answer.Body(), body) {
			s.t.Fatalf("answer %d of %d: %d bytes, not the %d that were wanted", i+1, len(bodies), len(answer.Body()),
				len(body))
		}
	}
}

// A client that has closed its sending side gets all its answers, however late it reads them.
func TestLoopAnswersTheHalfClosed(t *testing.T) {
	for name, v := range loopVariants(t) {
		t.Run(name, func(t *testing.T) {
			s := startLoop(t, v, nil)
			defer s.end()
			for _, asks := range []string{get("/big"), strings.Repeat(get("/big"), 3) + helloText} {
				c := s.dial()
				defer c.Close()
				s.send(c, asks)
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				other := s.dial() // served after the end of the first one's input
				s.send(other, helloText)
				s.wants(bufio.NewReader(other), []byte("hello"))
				_ = other.Close()
				bodies := bytes.Count([]byte(asks), []byte("/big"))
				want := make([][]byte, 0, bodies+1)
				for range bodies {
					want = append(want, bigAnswer)
				}
				if bodies > 1 {
					want = append(want, []byte("hello"))
				}
				r := bufio.NewReader(c)
				s.wants(r, want...)
				if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
					t.Errorf("after the last answer: %v, want the end", err)
				}
			}
		})
	}
}

// While a server that was told to stop still has something in hand, it accepts nobody.
func TestLoopStopsListeningFirst(t *testing.T) {
	for name, v := range loopVariants(t) {
		t.Run(name, func(t *testing.T) {
			s := startLoop(t, v, nil)
			c := s.dial()
			defer c.Close()
			s.send(c, get("/big"))
			r := bufio.NewReader(c)
			if _, err := r.Peek(1); err != nil { // the answer is on its way, and more than the sockets take
				t.Fatal(err)
			}
			s.stop()
			for {
				late, err := net.Dial("tcp", s.addr)
				if errors.Is(err, unix.ECONNREFUSED) {
					break
				}
				if errors.Is(err, unix.ECONNRESET) { // in the moment of closing
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				_ = late.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // it may not have heard yet
				_, _ = late.Read(make([]byte, 1))
				_ = late.Close()
			}
			select {
			case err := <-s.ended:
				t.Fatalf("it ended with an answer in hand (%v)", err)
			default:
			}
			s.wants(r, bigAnswer)
			if err := <-s.ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// A flood of connections that comes while the loop is busy takes all descriptors, and does no harm.
func TestLoopSurvivesAFloodWhileBusy(t *testing.T) {
	for name, v := range loopVariants(t) {
		t.Run(name, func(t *testing.T) {
			flood := make([]int, 200)
			for i := range flood {
				var err error
				if flood[i], err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
					t.Fatal(err)
				}
			}
			restore := fewDescriptors(t, flood[len(flood)-1]+80)
			said := make(lines, 1000)
			s := startLoop(t, v, slog.NewTextHandler(said, nil))
			before, busy := s.dial(), s.dial()
			r := bufio.NewReader(before)
			s.send(before, helloText)
			s.wants(r, []byte("hello"))
			s.send(busy, get("/wait"))
			<-s.waiting
			to := before.RemoteAddr().(*net.TCPAddr)
			for _, fd := range flood {
				if err := unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
					t.Fatal(err)
				}
			}
			if v.Accept == Shared { // gnet accepts on while the loop is busy, until it can't
				said.await("could not accept")
			}
			s.goOn <- struct{}{}
			s.wants(bufio.NewReader(busy), []byte{})
			s.send(before, helloText)
			s.wants(r, []byte("hello"))
			for _, fd := range flood {
				_ = unix.Close(fd)
			}
			restore()
			after := s.dial()
			s.send(after, helloText)
			s.wants(bufio.NewReader(after), []byte("hello"))
			for _, c := range []net.Conn{before, busy, after} {
				_ = c.Close()
			}
			s.end()
		})
	}
}

// lines gets what a server has to say.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func (l lines) await(text string) {
	for !strings.Contains(<-l, text) {
	}
}

// fewDescriptors allows this process no descriptor from limit on, until the returned function is called.
func fewDescriptors(t *testing.T, limit int) (restore func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := unix.Rlimit{Cur: uint64(limit), Max: was.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	restore = func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &was) }
	t.Cleanup(restore)
	return restore
}

// What each loop has served is seen in a slot of its own.
func TestLoopsHaveSlotsOfTheirOwn(t *testing.T) {
	for _, accept := range []string{Shared, ReusePort} {
		t.Run(accept, func(t *testing.T) {
			s := startLoop(t, Variant{Loops: 2, Accept: accept}, nil)
			defer s.end()
			const clients = 64 // that all of them come to one of two listening sockets is not to be expected
			for range clients {
				c := s.dial()
				defer c.Close()
				s.send(c, helloText+helloText)
				s.wants(bufio.NewReader(c), []byte("hello"), []byte("hello"))
			}
			var accepts, requests [4]uint64
			for i := range accepts {
				accepts[i], requests[i] = s.board.Slot(i).Accepts.Load(), s.board.Slot(i).Requests.Load()
				if requests[i] != 2*accepts[i] {
					t.Errorf("loop %d has %d connections and %d requests, of 2 each", i, accepts[i], requests[i])
				}
			}
			if accepts[0]+accepts[1] != clients || accepts[0] == 0 || accepts[1] == 0 {
				t.Errorf("connections per loop: %v, want %d in all, some for each", accepts, clients)
			}
			if accept == Shared && accepts[0] != clients/2 {
				t.Errorf("connections per loop: %v, want them dealt out in turn", accepts)
			}
		})
	}
}

// By this error eventloop knows that somebody was faster, and takes another port.
func TestGnetTellsThatItsPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := DefaultConfig()
	cfg.Ready = func(net.Addr) { t.Error("it listens on a port that is taken") }
	if err := runGnet(t.Context(), cfg, nil, taken.Addr()); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("%v, want EADDRINUSE", err)
	}
}
