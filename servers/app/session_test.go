package app

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/internal/corpus"
	"serverlab/servers/state"
)

// askWith is ask with cookies.
func askWith(h fasthttp.RequestHandler, method, uri, cookies string) *fasthttp.Response {
	var ctx fasthttp.RequestCtx
	var req fasthttp.Request
	req.Header.SetMethod(method)
	req.SetRequestURI(uri)
	if cookies != "" {
		req.Header.Set("Cookie", cookies)
	}
	ctx.Init(&req, nil, nil)
	h(&ctx)
	return &ctx.Response
}

// service returns a handler of the file service in one of its variants.
func service(t testing.TB, change func(*Options)) (fasthttp.RequestHandler, *Options) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "files")
	if err := corpus.Ensure(dir); err != nil {
		t.Fatal(err)
	}
	limits := state.Limits{Sessions: 1000, Idle: time.Hour}
	o := &Options{Files: dir, State: Stateful, Store: state.NewMemory(limits), MaxOpen: 64, Idle: limits.Idle,
		Lease: time.Hour}
	if change != nil {
		change(o)
	}
	return New(*o), o
}

var oneCookie = regexp.MustCompile(`^session=([0-9a-f]{32}); Path=/; HttpOnly$`)

// given returns the cookie that an answer sets, as it is sent back; "": none.
func given(t testing.TB, r *fasthttp.Response) string {
	t.Helper()
	set := string(r.Header.Peek("Set-Cookie"))
	if set == "" {
		return ""
	}
	m := oneCookie.FindStringSubmatch(set)
	if m == nil {
		t.Fatalf("Set-Cookie: %s", set)
	}
	return "session=" + m[1]
}

func begun(t testing.TB, h fasthttp.RequestHandler, file string) (cookie string) {
	t.Helper()
	r := askWith(h, "POST", "/open?file="+file, "")
	want := fmt.Sprintf("opened %s, %d bytes\n", file, corpus.Size)
	cookie = given(t, r)
	if r.StatusCode() != 200 || string(r.Body()) != want || cookie == "" {
		t.Fatalf("open: %d %q, cookie %q; want 200 %q", r.StatusCode(), r.Body(), cookie, want)
	}
	return cookie
}

// holds checks that an answer has the bytes of a file from offset on.
func holds(t testing.TB, r *fasthttp.Response, file string, offset int64, n int) {
	t.Helper()
	want := make([]byte, n)
	corpus.At(file, offset, want)
	if got := string(r.Header.Peek(OffsetHeader)); r.StatusCode() != 200 || got != fmt.Sprint(offset) ||
		!bytes.Equal(r.Body(), want) {
		t.Fatalf("status %d, X-Offset %q, %d bytes %.20q; want the %d bytes from %d on", r.StatusCode(), got,
			len(r.Body()), r.Body(), n, offset)
	}
}

// A session is read from its beginning to its end, and stays there.
func TestStateful(t *testing.T) {
	h, _ := service(t, nil)
	one, other := begun(t, h, "f03"), begun(t, h, "f04")
	if one == other {
		t.Fatal("two sessions have one name")
	}
	const step = 100_000
	for offset := int64(0); offset < corpus.Size; offset += step {
		n := int(min(step, corpus.Size-offset))
		holds(t, askWith(h, "GET", fmt.Sprint("/read?count=", step), one), "f03", offset, n)
		holds(t, askWith(h, "GET", fmt.Sprint("/read?wait=0s&count=", step), "a=b; "+other+";c=d"), "f04", offset, n)
	}
	for range 2 {
		holds(t, askWith(h, "GET", "/read?count=1", one), "f03", corpus.Size, 0)
	}
	holds(t, askWith(h, "GET", "/read?count=0", one), "f03", corpus.Size, 0)
	r := askWith(h, "POST", "/close", one)
	if r.StatusCode() != 200 || string(r.Body()) != "closed\n" {
		t.Errorf("close: %d %q", r.StatusCode(), r.Body())
	}
	if r := askWith(h, "POST", "/close", one); r.StatusCode() != 410 {
		t.Errorf("close again: %d %q", r.StatusCode(), r.Body())
	}
}

func TestStatefulRefusals(t *testing.T) {
	h, o := service(t, nil)
	cookie, unknown := begun(t, h, "f00"), "session=0123456789abcdef0123456789abcdef"
	long := strings.Repeat("x", state.MaxName+1)
	for _, c := range []struct {
		method, uri, cookies string
		status               int
		reason, allow        string
	}{
		{"GET", "/read?count=1", "", 400, "no session", ""},
		{"GET", "/read?count=1", "session=0123", 400, "no session", ""},
		{"GET", "/read?count=1", strings.ToUpper(unknown), 400, "no session", ""},
		{"GET", "/read?count=1", unknown, 410, "no such session", ""},
		{"GET", "/read", cookie, 400, "count is missing", ""},
		{"GET", "/read?wait=0s", cookie, 400, "count is missing", ""},
		{"GET", "/read?count=-1", cookie, 400, "count=", ""},
		{"GET", "/read?count=1048577", cookie, 400, "count=", ""},
		{"GET", "/read?count=1&file=f00", cookie, 400, "takes count, wait, block, spin; this server is stateful", ""},
		{"GET", "/read?count=1&offset=0", cookie, 400, "unknown parameter \"offset\"", ""},
		{"HEAD", "/read?count=1", cookie, 405, "only GET is", "GET"},
		{"POST", "/read?count=1", cookie, 405, "only GET is", "GET"},
		{"GET", "/open?file=f00", "", 405, "only POST is", "POST"},
		{"POST", "/open", "", 400, "file is missing: POST /open?file=F", ""},
		{"POST", "/open?file=", "", 400, "file is missing", ""},
		{"POST", "/open?file=f00&count=1", "", 400, "unknown parameter", ""},
		{"POST", "/open?file=" + long, "", 400, "longer than 63", ""},
		{"POST", "/open?file=nothing", "", 404, "no such file", ""},
		{"POST", "/open?file=..%2Fsecret", "", 404, "no such file", ""},
		{"POST", "/open?file=.", "", 404, "no such file", ""},
		{"GET", "/close", cookie, 405, "only POST is", "POST"},
		{"POST", "/close", "", 400, "no session", ""},
		{"POST", "/close", unknown, 410, "no such session", ""},
		{"POST", "/close?file=f00", cookie, 400, "unknown parameter", ""},
		{"GET", "/nothing", "", 404, "/, /open, /read and /close", ""},
	} {
		r := askWith(h, c.method, c.uri, c.cookies)
		if r.StatusCode() != c.status || !strings.Contains(string(r.Body()), c.reason) ||
			string(r.Header.Peek("Allow")) != c.allow || given(t, r) != "" || len(r.Header.Peek(OffsetHeader)) > 0 {
			t.Errorf("%s %s with %q: %d %q, Allow %q; want %d %q, %q", c.method, c.uri, c.cookies, r.StatusCode(), r.Body(),
				r.Header.Peek("Allow"), c.status, c.reason, c.allow)
		}
	}
	holds(t, askWith(h, "GET", "/read?count=1", cookie), "f00", 0, 1) // nothing of that has moved it
	if n := o.Store.(*state.Memory).Len(); n != 1 {
		t.Errorf("%d sessions are open, want 1", n)
	}
}

// The others know no sessions.
func TestNoSessions(t *testing.T) {
	for _, variant := range []string{Stateless, Soft} {
		h, _ := service(t, func(o *Options) { o.State = variant })
		for _, c := range []struct{ method, uri string }{{"POST", "/open?file=f00"}, {"POST", "/close"}, {"GET", "/open"}} {
			if r := askWith(h, c.method, c.uri, ""); r.StatusCode() != 404 ||
				!strings.Contains(string(r.Body()), "with --state "+variant+" there are no sessions to open: GET /read?file=") {
				t.Errorf("%s: %s %s: %d %q", variant, c.method, c.uri, r.StatusCode(), r.Body())
			}
		}
	}
}

// broken is a store that fails.
type broken struct{ err error }

func (b broken) Open(state.ID, string, int64) error                   { return b.err }
func (b broken) Advance(state.ID, int64) (s state.Session, err error) { return s, b.err }
func (b broken) Close(state.ID) error                                 { return b.err }

func TestStoreFails(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		reason string
	}{
		{state.ErrFull, 503, "too many sessions"},
		{fmt.Errorf("dial: %w", state.ErrUnreachable), 503, "the session store can't be reached"},
		{errors.New("something"), 500, "the session store has failed"},
	} {
		h, _ := service(t, func(o *Options) { o.Store = broken{c.err} })
		for _, request := range []string{"POST /open?file=f00", "GET /read?count=1", "POST /close"} {
			method, uri, _ := strings.Cut(request, " ")
			r := askWith(h, method, uri, "session=0123456789abcdef0123456789abcdef")
			if r.StatusCode() != c.status || !strings.Contains(string(r.Body()), c.reason) || given(t, r) != "" {
				t.Errorf("%v: %s: %d %q, want %d %q", c.err, request, r.StatusCode(), r.Body(), c.status, c.reason)
			}
		}
	}
}

// Two readers of one session get different bytes, which together are the file.
func TestTwoReaders(t *testing.T) {
	h, _ := service(t, nil)
	cookie := begun(t, h, "f09")
	var all [2][]int64
	var readers sync.WaitGroup
	for i := range all {
		readers.Go(func() {
			for {
				r := askWith(h, "GET", "/read?count=1000", cookie)
				offset, err := strconv.ParseInt(string(r.Header.Peek(OffsetHeader)), 10, 64)
				want := make([]byte, min(1000, max(corpus.Size-offset, 0)))
				corpus.At("f09", offset, want)
				if err != nil || r.StatusCode() != 200 || !bytes.Equal(r.Body(), want) {
					t.Errorf("%d at %d, %v: %d bytes, want %d", r.StatusCode(), offset, err, len(r.Body()), len(want))
					return
				}
				if len(want) == 0 {
					return
				}
				all[i] = append(all[i], offset)
			}
		})
	}
	readers.Wait()
	both := slices.Sorted(slices.Values(slices.Concat(all[0], all[1])))
	for i, offset := range both {
		if offset != int64(1000*i) {
			t.Fatalf("read %d is at %d", i, offset)
		}
	}
	if len(both) != (corpus.Size+999)/1000 {
		t.Errorf("%d reads", len(both))
	}
}

// A soft server answers as a stateless one, whatever the cookie, and gives one to who has none.
func TestSoft(t *testing.T) {
	stateless, _ := service(t, func(o *Options) { o.State = Stateless })
	soft, _ := service(t, func(o *Options) { o.State = Soft })
	known := given(t, askWith(soft, "GET", "/read?file=f00&offset=0&count=1", ""))
	if known == "" {
		t.Fatal("no cookie was set")
	}
	for _, cookies := range []string{"", known, "a=b", "session=; x", "session=0123456789abcdef0123456789abcdef",
		"session=0123456789ABCDEF0123456789ABCDEF", "session=xyz; " + known} {
		for _, request := range []string{
			"GET /read?file=f01&offset=7&count=100", "GET /read?file=f01&offset=1048570&count=100",
			"GET /read?file=f02&offset=7&count=100", "GET /read?file=f02&offset=9999999&count=1",
			"HEAD /read?file=f02&offset=0&count=70000", "GET /read?file=nothing&offset=0&count=1",
			"GET /read?file=.&offset=0&count=1", "GET /read?file=f01&count=1", "GET /read", "POST /read",
		} {
			method, uri, _ := strings.Cut(request, " ")
			got, want := askWith(soft, method, uri, cookies), askWith(stateless, method, uri, cookies)
			if set := given(t, want); set != "" {
				t.Fatalf("a stateless server sets the cookie %s", set)
			}
			wellFormed := strings.Contains(cookies, known) || strings.Contains(cookies, "abcdef")
			read := strings.Contains(uri, "offset")
			if set := given(t, got); (set != "") != (read && !wellFormed) {
				t.Errorf("%s with %q: it sets the cookie %q", request, cookies, set)
			}
			got.Header.Del("Set-Cookie")
			if got.String() != want.String() {
				t.Errorf("%s with %q: got\n%.300s\nwant\n%.300s", request, cookies, got, want)
			}
		}
	}
}

func TestSessionOf(t *testing.T) {
	const id, other = "0123456789abcdef0123456789abcdef", "f123456789abcdef0123456789abcdef"
	for cookies, want := range map[string]string{
		"":                                     "",
		"session=" + id:                        id,
		" session=" + id:                       id,
		"session=" + id + " ":                  id,
		"a=b; session=" + id + "; c":           id,
		";; ;session=" + id + ";":              id,
		"session=x; session=" + id:             id,
		"session=" + id + ";session=" + other:  id,
		"xsession=" + other + ";session=" + id: id,
		"Session=" + id:                        "",
		"session =" + id:                       "",
		"session=\"" + id + "\"":               "",
		"session=" + id + "0":                  "",
		"session=" + id[1:]:                    "",
		"session=" + strings.ToUpper(id):       "",
		"session=" + id[1:] + "g":              "",
		"session":                              "", "session=": "", "=": "", ";": "", "a=session=" + id: "",
	} {
		var ctx fasthttp.RequestCtx
		raw := "GET / HTTP/1.1\r\nHost: b\r\nCookie: " + cookies + "\r\n\r\n"
		if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
			t.Fatal(err)
		}
		got, ok := sessionOf(&ctx)
		if ok != (want != "") || ok && string(got.AppendTo(nil)) != want {
			t.Errorf("%q: %x, %t; want %q", cookies, got, ok, want)
		}
	}
}

func BenchmarkVariants(b *testing.B) {
	for _, variant := range []string{Stateless, Soft, Stateful} {
		b.Run(variant, func(b *testing.B) {
			h, _ := service(b, func(o *Options) { o.State = variant })
			var ctx fasthttp.RequestCtx
			target, cookie := "/read?file=f00&offset=8192&count=4096", "session=0123456789abcdef0123456789abcdef"
			opened := func() {
				if variant == Stateful {
					askWith(h, "POST", "/close", cookie)
					target, cookie = "/read?count=4096", begun(b, h, "f00")
				}
				raw := "GET " + target + " HTTP/1.1\r\nHost: b\r\nCookie: " + cookie + "\r\n\r\n"
				if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
					b.Fatal(err)
				}
			}
			opened()
			b.ReportAllocs()
			for reads := 0; b.Loop(); reads++ {
				if variant == Stateful && reads > 0 && reads%(corpus.Size/4096) == 0 {
					b.StopTimer() // at the end of the file there is nothing to read
					opened()
					b.StartTimer()
				}
				ctx.Response.Reset()
				h(&ctx)
			}
			if len(ctx.Response.Body()) != 4096 {
				b.Fatalf("the last answer has %d bytes", len(ctx.Response.Body()))
			}
		})
	}
}
