package http1

import (
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// However the input is split, Feed stops before each request that is to be held, has answered all before it and none
// behind, and in the end has said the same as without Hold.
func TestHold(t *testing.T) {
	paths := []string{"/", "/held", "/held", "/big", "/", "/held", "/", "/"}
	in := "" // with bodies, so that there is input to keep
	for _, p := range paths {
		in += strings.Replace(post("abc", "Content-Length: 3"), "/echo", p, 1)
	}
	var seen []string
	handler := func(ctx *fasthttp.RequestCtx) {
		seen = append(seen, string(ctx.Path()))
		everything(ctx)
	}
	dateless := func(out []byte) string { return dates.ReplaceAllString(string(out), "") }
	plain, _, _ := NewSession(handler, Limits{Output: 1 << 20}).Feed(nil, []byte(in))
	for _, piece := range []int{1, 7, 100, len(in)} {
		for _, output := range []int{1, 1 << 20} {
			seen = nil
			s := NewSession(handler, Limits{Output: output})
			s.Hold(func(ctx *fasthttp.RequestCtx) bool { return string(ctx.Path()) == "/held" })
			var out []byte
			held := 0
			for chunk := range slices.Chunk([]byte(in), piece) {
				more := true
				for more {
					out, more, _ = s.Feed(out, chunk)
					chunk = nil
					if s.Held() {
						held++
						if !more || s.Partial() {
							t.Fatalf("held with more %v, partial %v", more, s.Partial())
						}
						if n := len(seen); !slices.Equal(seen, paths[:n]) || paths[n] != "/held" {
							t.Fatalf("held after %q", seen)
						}
					}
				}
			}
			if !slices.Equal(seen, paths) || held != 3 || dateless(out) != dateless(plain) {
				t.Errorf("pieces of %d: handled %q, held %d times, %d bytes of answers; want %q, 3 and %d", piece, seen,
					held, len(out), paths, len(plain))
			}
		}
	}
}

// A held request that is given up gives its parts back like any other.
func TestHoldThenRelease(t *testing.T) {
	s := NewSession(everything, Limits{})
	s.Hold(func(*fasthttp.RequestCtx) bool { return true })
	if out, more, closing := s.Feed(nil, []byte(get("/")+get("/"))); len(out) > 0 || !more || closing || !s.Held() {
		t.Fatalf("got %q, more %v, closing %v, held %v", out, more, closing, s.Held())
	}
	s.Release()
	if s.ctx != nil || s.kept != nil || s.block != nil {
		t.Error("the session still holds what it borrowed")
	}
}

// A refused request is answered in its turn and is not the handler's; the one behind it is. Without a request that is
// held there is nothing to refuse.
func TestRefuse(t *testing.T) {
	var seen []string
	s := NewSession(func(ctx *fasthttp.RequestCtx) {
		seen = append(seen, string(ctx.Path()))
		everything(ctx)
	}, Limits{})
	s.Hold(func(*fasthttp.RequestCtx) bool { return true })
	s.Refuse()
	if out, more, _ := s.Feed(nil, []byte(get("/")+get("/held")+get("/big"))); len(out) > 0 || !more {
		t.Fatalf("got %q, more %v", out, more)
	}
	var statuses []string
	for _, refuse := range []bool{false, true, false} {
		if refuse {
			s.Refuse()
		}
		out, more, closing := s.Feed(nil, nil)
		if closing || more != s.Held() {
			t.Fatalf("more %v, closing %v, held %v", more, closing, s.Held())
		}
		statuses = append(statuses, string(out[len("HTTP/1.1 "):len("HTTP/1.1 200")]))
	}
	if !slices.Equal(statuses, []string{"200", "503", "200"}) || !slices.Equal(seen, []string{"/", "/big"}) {
		t.Errorf("answered %q, handled %q", statuses, seen)
	}
	if s.Requests() != 2 {
		t.Errorf("%d requests are counted, want 2", s.Requests())
	}
}
