package http1

import (
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// A process that dates its answers itself writes one line, and has no need of fasthttp's clock: it fails where fasthttp
// has no switch for that any more, or under another name.
func TestOwnDates(t *testing.T) {
	at := time.Date(1994, time.November, 6, 9, 49, 37, 0, time.FixedZone("an hour east", 3600))
	OwnDates(func() time.Time { return at })
	defer func() { clock = nil }()
	if clock == nil {
		t.Error("fasthttp's switch is gone: its clock is begun by each process that answers once")
	}
	s := NewSession(func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("dated") }, DefaultLimits())
	for _, in := range []string{get("/"), get("/"), "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "GET /\r\n\r\n"} {
		out, _, _ := s.Feed([]byte("what was there"), []byte(in))
		head, rest, _ := strings.Cut(string(out), "\r\nServer: serverlab\r\nDate: ")
		date, rest, _ := strings.Cut(rest, "\r\nContent-Type: ")
		if date != "Sun, 06 Nov 1994 08:49:37 GMT" {
			t.Errorf("%q: the date is %q", in, date)
		}
		if !strings.HasPrefix(head, "what was thereHTTP/1.1 ") || strings.Contains(rest, "Date: ") {
			t.Errorf("%q: answered %q", in, out)
		}
	}
	s = NewSession(func(*fasthttp.RequestCtx) {}, DefaultLimits())
	clock = nil
	if out, _, _ := s.Feed(nil, []byte(get("/"))); strings.Count(string(out), "\r\nDate: ") != 1 ||
		strings.Contains(string(out), "1994") {
		t.Errorf("after that, answered %q", out)
	}
}
