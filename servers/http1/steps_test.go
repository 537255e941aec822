package http1

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// Next consumes exactly one request: a worker that serves one takes no byte of the next from the socket.
func TestNextStopsAtTheEnd(t *testing.T) {
	for name, request := range map[string]string{
		"get":      get("/"),
		"empty":    "\r\n" + get("/"),
		"body":     post("abc", "Content-Length: 3"),
		"chunks":   post("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
		"trailer":  post("3\r\nabc\r\n0\r\nX: y\r\n\r\n", "Transfer-Encoding: chunked"),
		"expected": post("abc", "Content-Length: 3", "Expect: 100-continue"),
	} {
		in := request + get("/next")
		for first := range len(request) { // with a first piece of every length
			s := NewSession(everything, Limits{})
			n, st := s.Next([]byte(in[:first]))
			for st == Continue || n < first {
				if st == Continue {
					if out, closing := s.Answer(nil); string(out) != continueLine || closing {
						t.Fatalf("%s: got %q, closing %v", name, out, closing)
					}
				}
				var more int
				more, st = s.Next([]byte(in[n:first]))
				n += more
			}
			if st != More {
				t.Fatalf("%s: status %d after %d bytes", name, st, first)
			}
			for st != Ready {
				var more int
				more, st = s.Next([]byte(in[n:]))
				if n += more; st == Continue {
					s.Answer(nil)
				} else if st != Ready {
					t.Fatalf("%s: status %d after %d bytes of %d", name, st, n, len(request))
				}
			}
			if n != len(request) {
				t.Fatalf("%s in two pieces of %d and more: consumed %d bytes of %d", name, first, n, len(request))
			}
			if more, again := s.Next([]byte(in[n:])); more != 0 || again != Ready {
				t.Fatalf("%s: an unanswered request is %d, and %d bytes are consumed", name, again, more)
			}
			if out, closing := s.Answer(nil); !strings.HasPrefix(string(out), "HTTP/1.1 200 ") || closing {
				t.Fatalf("%s: got %q, closing %v", name, out, closing)
			}
		}
	}
}

func TestNextAndAnswerWithNothingDue(t *testing.T) {
	s := NewSession(everything, Limits{})
	if n, st := s.Next(nil); n != 0 || st != More || s.Partial() {
		t.Fatalf("got %d, %d, partial %v", n, st, s.Partial())
	}
	if out, closing := s.Answer([]byte("x")); string(out) != "x" || closing {
		t.Fatalf("got %q, closing %v", out, closing)
	}
	if n, st := s.Next([]byte("G\r\nmore")); n != 7 || st != Close {
		t.Fatalf("got %d, %d", n, st)
	}
	if out, closing := s.Answer([]byte("x")); !strings.HasPrefix(string(out), "xHTTP/1.1 400 ") || !closing {
		t.Fatalf("got %q, closing %v", out, closing)
	}
	if n, st := s.Next([]byte("more")); n != 4 || st != Close {
		t.Fatalf("got %d, %d", n, st)
	}
	if out, closing := s.Answer([]byte("x")); string(out) != "x" || !closing {
		t.Fatalf("got %q, closing %v", out, closing)
	}
}

func TestCloseAfter(t *testing.T) {
	last := answer(200, string(hello), saysClose)
	s := NewSession(everything, Limits{})
	s.CloseAfter()
	if got, closing := feed(s, get("/")+get("/")); got != last || !closing {
		t.Fatalf("before the first request: got %q, closing %v", got, closing)
	}

	s = NewSession(everything, Limits{})
	if got, closing := feed(s, get("/")+"GET / HT"); got != answer(200, string(hello)) || closing {
		t.Fatalf("got %q, closing %v", got, closing)
	}
	s.CloseAfter()
	if got, closing := feed(s, "TP/1.1\r\nHost: h\r\n\r\n"); got != last || !closing || s.Requests() != 2 {
		t.Fatalf("in a request: got %q, closing %v, %d requests", got, closing, s.Requests())
	}

	var stopping *Session // the server stops while a handler runs
	stopping = NewSession(func(ctx *fasthttp.RequestCtx) { stopping.CloseAfter(); everything(ctx) }, Limits{})
	if got, closing := feed(stopping, get("/")+get("/")); got != last || !closing {
		t.Fatalf("in a handler: got %q, closing %v", got, closing)
	}
}

func TestUnread(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want bool
	}{
		{get("/", saysClose), false},
		{get("/", saysClose) + "G", true},    // input is left over
		{"G\r\n", true},                      // the client may still be sending
		{get("/panic"), false},               // the request was complete
		{get("/big") + get("/panic"), false}, // all was used
		{get("/big") + get("/close"), false}, // likewise
		{get("/") + get("/close") + "G", true},
	} {
		s := NewSession(everything, Limits{})
		feed(s, tc.in)
		if got := s.Unread(); got != tc.want {
			t.Errorf("%q: got %v", tc.in, got)
		}
	}
}

func TestErrorAnswer(t *testing.T) {
	for status, reason := range map[int]string{503: "too many connections", 408: "no request in time"} {
		got := dates.ReplaceAllString(string(ErrorAnswer(status, reason)), "Date: -")
		if want := refusal(status, reason); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A request in the steady state allocates nothing, and a session of one request only itself: its parts come from
// the pools and go back there.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops pooled parts on purpose")
	}
	out := make([]byte, 0, 4096)
	request, two := []byte(getRoot), []byte(getRoot+getRoot)
	chunked := []byte(post("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))
	s := NewSession(sayHello, Limits{})
	for name, tc := range map[string]struct {
		want float64
		run  func()
	}{
		"whole":       {0, func() { out, _, _ = s.Feed(out[:0], request) }},
		"pipelined":   {0, func() { out, _, _ = s.Feed(out[:0], two) }},
		"in pieces":   {0, func() { s.Feed(out[:0], request[:9]); out, _, _ = s.Feed(out[:0], request[9:]) }},
		"chunked":     {0, func() { out, _, _ = s.Feed(out[:0], chunked) }},
		"new session": {1, func() { out, _, _ = NewSession(sayHello, Limits{}).Feed(out[:0], request) }},
	} {
		if got := testing.AllocsPerRun(1000, tc.run); got > tc.want {
			t.Errorf("%s: %v allocations, want %v", name, got, tc.want)
		}
		if len(out) == 0 {
			t.Errorf("%s: no answer", name)
		}
	}
}
