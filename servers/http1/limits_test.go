package http1

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"
)

func TestLimits(t *testing.T) {
	chunked := "Transfer-Encoding: chunked"
	lead := "GET / HTTP/1.1\r\nHost: h\r\nX: "
	header := func(size int) string { return lead + strings.Repeat("x", size-len(lead)-4) + "\r\n\r\n" }
	limits := Limits{Header: 100, Body: 10}
	body10 := answer(200, `POST /echo "0123456789"`)
	tooLarge := refusal(413, "request body too large")
	for _, tc := range []struct {
		name, in, want string
	}{
		{"header at the limit", header(100) + header(100), strings.Repeat(answer(200, string(hello)), 2)},
		{"header above the limit", header(101), refusal(431, "request header too large")},
		{"header without an end", lead + strings.Repeat("x", 1000), refusal(431, "request header too large")},
		{"request line without an end", strings.Repeat("x", 101), refusal(431, "request header too large")},
		{"many header lines", lead + strings.Repeat("\r\nX: y", 50), refusal(431, "request header too large")},
		{"body at the limit", post("0123456789", "Content-Length: 10"), body10},
		{"body above the limit", post("", "Content-Length: 11"), tooLarge},
		{"chunks at the limit", post("4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n", chunked), body10},
		{"chunks above the limit", post("4\r\n0123\r\n7\r\n", chunked), tooLarge},
		{"chunk above the limit", post("b\r\n", chunked), tooLarge},
		{"chunk of a huge size", post("ffffffffffffffffffffffffffffffff1\r\n", chunked), tooLarge},
		{"chunk size of zeros", post(strings.Repeat("0", 101), chunked), refusal(400, "chunk size line too long")},
		{"chunk extensions", post("1;"+strings.Repeat("x", 60)+"\r\na\r\n1;"+strings.Repeat("x", 60)+"\r\n", chunked),
			refusal(400, "chunk extensions too long")},
		{"trailer at the limit", post("0\r\nX: "+strings.Repeat("x", 93)+"\r\n\r\n", chunked),
			answer(200, `POST /echo ""`)},
		{"trailer above the limit", post("0\r\nX: "+strings.Repeat("x", 94)+"\r\n\r\n", chunked),
			refusal(431, "request trailer too large")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, pieces := range [][]string{{tc.in}, bytewise(tc.in)} {
				if got, _ := feed(NewSession(everything, limits), pieces...); got != tc.want {
					t.Fatalf("in %d pieces:\ngot  %q\nwant %q", len(pieces), got, tc.want)
				}
			}
		})
	}
}

// A limit above the default needs a larger reader than the pooled ones.
func TestLargeHeader(t *testing.T) {
	in := get("/", "X: "+strings.Repeat("x", 100_000))
	want := strings.Repeat(answer(200, string(hello)), 2)
	if got, _ := feed(NewSession(everything, Limits{Header: 200_000}), in, in); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestDefaultLimits(t *testing.T) {
	if got := NewSession(everything, Limits{Body: 5, Header: -1}).limits; got != (limits{8192, 5, 65536}) {
		t.Fatalf("got %+v", got)
	}
}

// However many requests come in one piece, each Feed appends little more than the limit, and the input that it keeps
// is neither copied nor scanned again and again.
func TestOutputIsBounded(t *testing.T) {
	const requests = 100_000
	in := []byte(strings.Repeat(getRoot, requests))
	one, _, _ := NewSession(sayHello, Limits{}).Feed(nil, in[:len(getRoot)])
	s := NewSession(sayHello, Limits{})
	limit := DefaultLimits().Output
	total, longest := 0, 0
	out, more, closing := s.Feed(nil, in)
	for {
		total, longest = total+len(out), max(longest, len(out))
		if !more {
			break
		}
		out, more, closing = s.Feed(out[:0], nil)
	}
	switch {
	case closing:
		t.Fatal("the session ended")
	case total != requests*len(one) || s.Requests() != requests:
		t.Fatalf("%d bytes of output for %d requests, want %d for %d", total, s.Requests(), requests*len(one), requests)
	case longest >= limit+len(one):
		t.Fatalf("%d bytes of output in one call, the limit is %d", longest, limit)
	case int(s.work) > 3*len(in):
		t.Fatalf("%d bytes scanned and copied for %d of input", s.work, len(in))
	case s.kept != nil:
		t.Fatal("used input is kept")
	}
}

// Input that comes while there is more keeps its place behind what was kept.
func TestFeedWhileThereIsMore(t *testing.T) {
	s := NewSession(everything, Limits{Output: 1})
	var all []byte
	const rounds = 200
	for range rounds {
		out, more, _ := s.Feed(nil, []byte(get("/echo?first")+get("/echo?second")))
		if all = append(all, out...); !more {
			t.Fatal("no more after an answer that passes the limit")
		}
	}
	rest, _ := feed(s, "")
	got := dates.ReplaceAllString(string(all), "Date: -") + rest
	want := strings.Repeat(answer(200, `GET /echo?first ""`)+answer(200, `GET /echo?second ""`), rounds)
	if got != want {
		t.Fatalf("%d bytes in another order than the requests, want %d", len(got), len(want))
	}
	if fed := rounds * 2 * len(get("/echo?second")); int(s.work) > 5*fed {
		t.Fatalf("%d bytes scanned and copied for %d of input", s.work, fed)
	}
}

// Work grows with the input and not with its square, in whatever pieces it comes.
func TestWorkIsLinear(t *testing.T) {
	chunk := "1\r\nx\r\n"
	for name, in := range map[string]string{
		"header":  get("/", "X: "+strings.Repeat("x", 8000)),
		"lines":   get("/", strings.Repeat("X: y\r\n", 1200)+"X: y"),
		"body":    post(strings.Repeat("x", 1<<20), "Content-Length: 1048576"),
		"chunks":  post(strings.Repeat(chunk, 100_000)+"0\r\n\r\n", "Transfer-Encoding: chunked"),
		"trailer": post("0\r\nX: "+strings.Repeat("x", 8000)+"\r\n\r\n", "Transfer-Encoding: chunked"),
	} {
		for _, size := range []int{1, 7, len(in)} {
			s := NewSession(sayHello, Limits{})
			var out []byte
			for rest := []byte(in); len(rest) > 0; {
				n := min(size, len(rest))
				out, _, _ = s.Feed(out, rest[:n])
				rest = rest[n:]
			}
			if !bytes.HasPrefix(out, []byte("HTTP/1.1 200 ")) {
				t.Fatalf("%s: got %q", name, out)
			}
			if int(s.work) > 3*len(in) {
				t.Errorf("%s in pieces of %d: %d bytes scanned and copied for %d of input", name, size, s.work, len(in))
			}
		}
	}
}

func TestSessionIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 96 {
		t.Fatalf("a session takes %d bytes", size)
	}
}

// Between requests a session holds nothing but itself; while one is incomplete it holds what it needs.
func TestPartsAreGivenBack(t *testing.T) {
	for _, tc := range []struct {
		name, in         string
		ctx, block, kept bool
		partial          bool
	}{
		{"new", "", false, false, false, false},
		{"answered", get("/"), false, false, false, false},
		{"empty line", "\r\n", false, false, false, false},
		{"body answered", post("abc", "Content-Length: 3"), false, false, false, false},
		{"chunks answered", post("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), false, false, false, false},
		{"in the header", "G", false, true, false, true},
		{"in the body", post("a", "Content-Length: 3"), true, false, false, true},
		{"in a chunk size", post("3", "Transfer-Encoding: chunked"), true, true, false, true},
		{"between chunks", post("3\r\nabc\r\n", "Transfer-Encoding: chunked"), true, false, false, true},
		{"output due", get("/big") + get("/"), false, false, true, false},
		{"refused", "G\r\n", false, false, false, false},
		{"refused in the body", post("X\r\n", "Transfer-Encoding: chunked"), false, false, false, false},
		{"handler failed", get("/panic") + get("/"), false, false, false, false},
		{"closed with input left", get("/", saysClose) + get("/"), false, false, false, false},
	} {
		s := NewSession(everything, Limits{})
		for i := range tc.in {
			s.Feed(nil, []byte(tc.in[i:i+1]))
		}
		if tc.kept { // only input in one piece can be more than the output has room for
			s.Feed(nil, []byte(tc.in))
		}
		if s.ctx != nil != tc.ctx || s.block != nil != tc.block || s.kept != nil != tc.kept {
			t.Errorf("%s: ctx %v, block %v, kept %v", tc.name, s.ctx != nil, s.block != nil, s.kept != nil)
		}
		if s.Partial() != tc.partial {
			t.Errorf("%s: partial %v", tc.name, s.Partial())
		}
		s.Release()
		if s.ctx != nil || s.block != nil || s.kept != nil || s.Partial() {
			t.Errorf("%s: the session holds something after Release", tc.name)
		}
		if out, _, closing := s.Feed(nil, []byte(get("/"))); len(out) > 0 || !closing {
			t.Errorf("%s: the session answers after Release", tc.name)
		}
	}
}
