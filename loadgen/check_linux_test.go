package loadgen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"serverlab/internal/corpus"
)

// mustCheck makes a check of what the command line would say.
func mustCheck(t testing.TB, list ...string) Check {
	t.Helper()
	c := Check{Length: -1}
	for _, text := range list {
		name, value, _ := strings.Cut(text, "=")
		if err := c.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestSetCheck(t *testing.T) {
	for want, list := range map[string][]string{
		`check "state": give status=LIST`:                  {"state=200"},
		`check status "": "" is neither`:                   {"status="},
		`check status "200,": "" is neither`:               {"status=200,"},
		`check status "199": "199" is neither`:             {"status=199"},
		`check status "1xx": "1xx" is neither`:             {"status=1xx"},
		`check status "20xx": "20xx" is neither`:           {"status=20xx"},
		`check status "3": "3" is neither`:                 {"status=3"},
		`check status "200": it is given twice`:            {"status=200", "status=200"},
		`check length "-1": give a number`:                 {"length=-1"},
		`check length "0": it is given twice`:              {"length=1", "length=0"},
		`check body "": it is given twice`:                 {"body=", "body="},
		`check sha256 "abcd": give 64 hexadecimal`:         {"sha256=abcd"},
		`check regexp "(": error parsing regexp`:           {"regexp=("},
		`check file "f00": it takes no value`:              {"file=f00"},
		`check sha256 "` + sumOf("")[:40]:                  {"sha256=" + sumOf(""), "sha256=" + sumOf("")},
		`check regexp "b": it is given twice`:              {"regexp=a", "regexp=b"},
		`check file "": it is given twice`:                 {"file", "file"},
		`check body "` + strings.Repeat("x", 60) + `": it`: {"body=", "body=" + strings.Repeat("x", 99)},
	} {
		c := Check{Length: -1}
		var err error
		for _, text := range list {
			name, value, _ := strings.Cut(text, "=")
			err = c.Set(name, value)
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want %s", list, err, want)
		}
	}
}

func TestValidateCheck(t *testing.T) {
	const read = "http://h/read?file=f03&offset=1048570&count=10"
	for _, test := range []struct {
		url   string
		check Check
		want  string // "": right
	}{
		{read, Check{Length: 6, File: true}, ""},
		{read, Check{Length: 10, File: true}, "expected length 10: that part of the file has 6 bytes"},
		{read, Check{Length: -1, File: true, Body: []byte("x")}, "expected body: the file's content"},
		{read, Check{Length: -1, SHA256: []byte("x")}, "expected SHA-256 of 1 bytes: it has 32"},
		{read, Check{Length: -1, Statuses: []int{1}}, "expected status 1: "},
		{"http://h/", Check{Length: -1, File: true}, "file: the URL must be of the file service"},
		{"http://h/read?file=f16&offset=0&count=1", Check{Length: -1, File: true}, "file: the URL must be"},
		{"http://h/read?file=f01&count=1", Check{Length: -1, File: true}, `file: the URL's offset=""`},
		{"http://h/read?file=f01&offset=-1&count=1", Check{Length: -1, File: true},
			`file: the URL's offset="-1"`},
		{"http://h/read?file=f01&offset=0&count=x", Check{Length: -1, File: true},
			`file: the URL's offset="0" and count="x"`},
	} {
		c := Config{URL: test.url, Connections: 1, Duration: time.Second, Check: test.check}
		switch err := c.Validate(); {
		case test.want == "" && err != nil, test.want != "" && err == nil:
			t.Errorf("%s, %+v: error %v", test.url, test.check, err)
		case err != nil && !strings.HasPrefix(err.Error(), "check: "+test.want):
			t.Errorf("error %v, want check: %s", err, test.want)
		}
	}
}

// judged is the verdict on one answer that comes in pieces.
func judged(t *testing.T, r *response, e *expected, head bool, pieces ...[]byte) kind {
	t.Helper()
	r.head = head
	r.reset()
	what := more
	for _, p := range pieces {
		if _, what = r.feed(p, e); what == bad {
			t.Fatalf("malformed: %q", pieces)
		}
	}
	if what == more && r.eof(e) != done {
		t.Fatalf("incomplete: %q", pieces)
	}
	return e.judge(r)
}

// Each check finds each fault, whether an answer comes whole or byte by byte, and on a connection that has seen others.
func TestJudge(t *testing.T) {
	sized := func(status int, body string) string {
		return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
	until := "HTTP/1.1 200 OK\r\n\r\nhello"
	content := make([]byte, 100)
	corpus.At("f07", 77, content)
	hello := []string{"sha256=" + sumOf("hello"), "regexp=^h.*o$"}
	r := &response{} // one connection for all
	for _, test := range []struct {
		answer string
		checks []string
		want   kind
	}{
		{sized(200, "x"), nil, none},
		{sized(301, "x"), nil, wrongStatus},
		{sized(299, "x"), []string{"status=200,3xx"}, wrongStatus},
		{sized(200, "x"), []string{"status=200,3xx"}, none},
		{sized(307, "x"), []string{"status=200,3xx"}, none},
		{sized(404, "x"), []string{"status=404"}, none},
		{sized(204, ""), []string{"length=0", "body="}, none},
		{sized(200, "x"), []string{"body="}, wrongLength},
		{sized(500, "hullo"), append(hello, "length=4"), wrongStatus}, // the first fault counts
		{sized(200, "hullo"), append(hello, "length=4"), wrongLength},
		{sized(200, "hullo"), hello[:1], wrongBody},
		{sized(200, "hullo"), []string{"regexp=^hello$"}, wrongBody},
		{sized(200, "hullo"), []string{"regexp=h[aeu]l"}, none},
		{sized(200, ""), hello[:1], wrongBody},
		{sized(200, ""), []string{"sha256=" + sumOf(""), "regexp=^$"}, none},
		{sized(200, ""), []string{"regexp=."}, wrongBody},
		{sized(200, "hello"), append(hello, "body=hello", "length=5"), none},
		{chunked, append(hello, "body=hello", "length=5"), none},
		{until, append(hello, "body=hello", "length=5"), none},
		{until + "!", hello[:1], wrongBody},
		{until + "!", hello[1:], wrongBody},
		{until + "!", []string{"body=hello"}, wrongLength},
		{sized(200, strings.Repeat("x", MatchMost)), []string{"regexp=x$"}, none},
		{sized(200, strings.Repeat("x", MatchMost+1)), []string{"regexp=x"}, wrongBody},
		{until + strings.Repeat("x", MatchMost), []string{"regexp=x"}, wrongBody},
		{sized(200, string(content)), []string{"file"}, none},
		{sized(200, string(content[:99])+"\x00"), []string{"file"}, wrongBody},
		{sized(200, string(content[:99])), []string{"file"}, wrongLength},
	} {
		u := &url.URL{Path: "/read", RawQuery: "file=f07&offset=77&count=100"}
		check := mustCheck(t, test.checks...)
		if err := check.validate(u); err != nil {
			t.Fatal(err)
		}
		e, answer := check.expect(u), []byte(test.answer)
		half := len(answer) - len(answer)/3
		for cut, pieces := range map[string][][]byte{
			"whole":        {answer},
			"in two":       {answer[:half], answer[half:]},
			"byte by byte": bytes.SplitAfter(answer, nil),
		} {
			if got := judged(t, r, e, false, pieces...); got != test.want {
				t.Errorf("%.60q %s, checks %.60q: %v, want %v", answer, cut, test.checks, got, test.want)
			}
		}
	}
	if cap(r.kept.text) > 2*MatchMost {
		t.Errorf("%d bytes are kept of a body", cap(r.kept.text))
	}
}

// No check allocates per answer: neither where an answer lies in one read nor where it comes in pieces.
func TestChecksAllocateNothing(t *testing.T) {
	check := mustCheck(t, "status=2xx", "length=5", "body=hello", "sha256="+sumOf("hello"), "regexp=^h.*o$")
	for name, pieces := range map[string][][]byte{
		"whole":     {helloAnswer},
		"in pieces": {helloAnswer[:3], helloAnswer[3:20], helloAnswer[20 : len(helloText)-2], []byte("lo")},
	} {
		r, e := &response{}, check.expect(&url.URL{})
		if n := testing.AllocsPerRun(1000, func() {
			r.reset()
			for _, p := range pieces {
				r.feed(p, e)
			}
			if k := e.judge(r); k != none {
				t.Errorf("%v", k)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations per answer", name, n)
		}
	}
}

// The same on the whole way: an answer in pieces, a load of them, all checks on.
func TestCheckedLoad(t *testing.T) {
	s := newServer(t, func(c net.Conn, _ []byte, _ int64) bool {
		for _, p := range [][]byte{helloAnswer[:30], helloAnswer[30:]} {
			if _, err := c.Write(p); err != nil {
				return false
			}
		}
		return true
	})
	c := s.config()
	c.Connections, c.Warmup = 8, 100*time.Millisecond
	c.Check = mustCheck(t, "status=200", "length=5", "body=hello", "sha256="+sumOf("hello"), "regexp=^h.*o$")
	var before, after runtime.MemStats
	c.Edge = func(e Edge) {
		switch e {
		case Begin:
			runtime.ReadMemStats(&before)
		case End:
			runtime.ReadMemStats(&after)
		}
	}
	l := mustRun(t, c)
	// The race detector makes the pools of package regexp forget some of their machines.
	if n := after.Mallocs - before.Mallocs; n > l.Requests/2 || l.Requests < 100 || l.ErrorCount() > 0 {
		t.Errorf("%d allocations for %d requests, errors %v", n, l.Requests, l.Errors)
	}
}
