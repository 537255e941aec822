package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"serverlab/internal/corpus"
)

// ask runs the handler on one request without any server.
func ask(h fasthttp.RequestHandler, method, uri string) *fasthttp.Response {
	var ctx fasthttp.RequestCtx
	var req fasthttp.Request
	req.Header.SetMethod(method)
	req.SetRequestURI(uri)
	ctx.Init(&req, nil, nil)
	h(&ctx)
	return &ctx.Response
}

func served(t *testing.T) (fasthttp.RequestHandler, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "files")
	if err := corpus.Ensure(dir); err != nil {
		t.Fatal(err)
	}
	return New(Options{Files: dir}), dir
}

func TestGreeting(t *testing.T) {
	r := ask(New(Options{}), "GET", "/")
	if r.StatusCode() != 200 || string(r.Body()) != Greeting || len(Greeting) != 13 {
		t.Errorf("got %d %q", r.StatusCode(), r.Body())
	}
}

func TestRead(t *testing.T) {
	h, _ := served(t)
	for _, c := range []struct{ offset, count, want int }{
		{0, 0, 0}, {0, 1, 1}, {0, 100, 100}, {4095, 4096, 4096}, {0, MaxCount, corpus.Size},
		{corpus.Size - 10, 100, 10}, {corpus.Size, 100, 0}, {10 * corpus.Size, 5, 0},
	} {
		r := ask(h, "GET", fmt.Sprintf("/read?file=f07&offset=%d&count=%d", c.offset, c.count))
		want := make([]byte, c.want)
		corpus.At("f07", int64(c.offset), want)
		if r.StatusCode() != 200 || string(r.Body()) != string(want) {
			t.Errorf("offset %d count %d: status %d, %d bytes; want the file's %d bytes",
				c.offset, c.count, r.StatusCode(), len(r.Body()), c.want)
		}
	}
}

// No path leaves the served directory, by whatever way it tries.
func TestNoWayOut(t *testing.T) {
	h, dir := served(t)
	secret := filepath.Join(filepath.Dir(dir), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"link": secret, "up": "..", "inner": corpus.Name(0)} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"../secret", "..%2Fsecret", "/etc/passwd", secret, "link", "up/secret", "inner",
		"f00/../../secret", "./../secret", ".", "..", "/", "f00%00", "nothing", "up", strings.Repeat("x", 255)} {
		r := ask(h, "GET", "/read?file="+name+"&offset=0&count=6")
		if r.StatusCode() != 404 || strings.Contains(string(r.Body()), "secret") {
			t.Errorf("file=%s: %d %q", name, r.StatusCode(), r.Body())
		}
	}
}

// Where openat2 is not to be had, os.Root keeps the same promise.
func TestRootWhereOpenat2IsMissing(t *testing.T) {
	_, dir := served(t)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &directory{root: root}
	f, err := d.open("f00")
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]byte, 10), make([]byte, 10)
	corpus.At("f00", 5, want)
	if _, err := f.ReadAt(got, 5); err != nil || string(got) != string(want) {
		t.Errorf("read %x, %v; want %x", got, err, want)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if f, err := d.open("../files/f00"); err == nil {
		t.Errorf("a path that leaves the directory was opened as %v", f)
	}
}

func TestRefusals(t *testing.T) {
	h, _ := served(t)
	for _, c := range []struct {
		method, uri string
		status      int
		reason      string
	}{
		{"GET", "/nothing", 404, "no such path"},
		{"GET", "/chaos/exit", 404, "no such path"},
		{"POST", "/", 405, "only GET and HEAD"},
		{"DELETE", "/read?file=f00&offset=0&count=1", 405, "only GET and HEAD"},
		{"GET", "/read", 400, "file is missing"},
		{"GET", "/read?offset=0&count=1", 400, "file is missing: /read"},
		{"GET", "/read?file=f00&count=1", 400, "offset is missing"},
		{"GET", "/read?file=f00&offset=-1&count=1", 400, "offset="},
		{"GET", "/read?file=f00&offset=x&count=1", 400, "offset="},
		{"GET", "/read?file=f00&offset=9223372036854775807&count=1", 400, "offset="},
		{"GET", "/read?file=f00&offset=0&count=1048577", 400, "count="},
		{"GET", "/?wait=5", 400, "wait="},
		{"GET", "/?wait=-1s", 400, "wait="},
		{"GET", "/?block=11s", 400, "block="},
		{"GET", "/?spin=-1", 400, "spin="},
		{"GET", "/?spin=100001", 400, "spin="},
		{"GET", "/read?file=" + strings.Repeat("x", 256) + "&offset=0&count=1", 400, "file is longer than 255"},
		{"GET", "/read?file=f16&offset=0&count=1", 404,
			fmt.Sprintf("there are %s to %s\n", corpus.Name(0), corpus.Name(corpus.Files-1))},
		{"GET", "/?wiat=5ms", 400, "this path takes wait, block, spin\n"},
		{"GET", "/?file=f00", 400, "unknown parameter"},
		{"GET", "/read?file=f00&offset=0&count=1048576&spin=100", 400, "too much work"},
	} {
		r := ask(h, c.method, c.uri)
		if r.StatusCode() != c.status || !strings.Contains(string(r.Body()), c.reason) {
			t.Errorf("%s %s: %d %q; want %d %q", c.method, c.uri, r.StatusCode(), r.Body(), c.status, c.reason)
		}
		if allow := string(r.Header.Peek("Allow")); (c.status == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s %s: Allow %q", c.method, c.uri, allow)
		}
	}
}

// The digest is computed here by the definition, apart from the handler's own code.
func TestSpin(t *testing.T) {
	h := New(Options{})
	var digest []byte
	for range 3 {
		sum := sha256.Sum256(append(digest, Greeting...))
		digest = sum[:]
	}
	r := ask(h, "GET", "/?spin=3&wait=0s&block=1us")
	if got, want := string(r.Header.Peek(SpinHeader)), hex.EncodeToString(digest); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	if r := ask(h, "GET", "/?spin=0"); len(r.Header.Peek(SpinHeader)) != 0 {
		t.Error("a request without rounds carries a digest")
	}
}

func BenchmarkRead4K(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "files")
	if err := corpus.Ensure(dir); err != nil {
		b.Fatal(err)
	}
	h := New(Options{Files: dir})
	var ctx fasthttp.RequestCtx
	var req fasthttp.Request
	req.SetRequestURI("/read?file=f00&offset=8192&count=4096")
	ctx.Init(&req, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		h(&ctx)
	}
}
