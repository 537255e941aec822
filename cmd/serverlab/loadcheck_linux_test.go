package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"serverlab/internal/corpus"
	"serverlab/loadgen"
	"serverlab/results"
)

// The checks of the command line, against a server of files and of a text.
func TestLoadChecks(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/read":
			content := make([]byte, 1000)
			corpus.At(r.FormValue("file"), 5, content)
			w.Write(content)
		case "/chunks":
			for _, part := range []string{"Hello, ", "World!"} {
				io.WriteString(w, part)
				w.(http.Flusher).Flush()
			}
		default:
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "hello")
		}
	}))
	defer server.Close()
	const sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of "hello", by sha256sum
	for _, c := range []struct {
		path, checks string
		code         int
		want         string // in what is said
	}{
		{"/", "status=200,4xx length=5 body=hello sha256=" + sum + " regexp=^h.*o$", 0, ""},
		{"/", "", 1, "not one right answer"},
		{"/", "status=418 regexp=hullo", 1, "not one right answer"},
		{"/chunks", "length=13 regexp=^Hello,.World!$", 0, ""},
		{"/read?file=f09&offset=5&count=1000", "file", 0, ""},
		{"/read?file=f09&offset=6&count=1000", "file", 1, "not one right answer"},
		{"/", "file", 2, "the URL must be of the file service"},
		{"/", "status=x", 2, `--check status "x"`},
		{"/", "body=@testdata/missing", 2, "--check body: open testdata/missing"},
		{"/", "length=4 body=hello", 2, "expected length 4: the expected body has 5 bytes"},
		{"/", "nonsense", 2, `--check "nonsense": give status=LIST`},
	} {
		args := []string{"load", "--url", server.URL + c.path, "--warmup=0s", "--duration=300ms", "--connections=2"}
		for check := range strings.SplitSeq(c.checks, " ") {
			if check != "" {
				args = append(args, "--check", check)
			}
		}
		if code, _, stderr := ask(args...); code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s, %s: exit code %d, %q; want %d and %q", c.path, c.checks, code, stderr, c.code, c.want)
		}
	}
}

// A stranger's server is not loaded by a typing slip: nothing is sent, and the line says how to mean it.
func TestLoadRemote(t *testing.T) {
	code, stdout, stderr := ask("load", "--url", "http://192.0.2.1/", "--duration=1h") // nobody's: RFC 5737
	want := "serverlab load: connect to 192.0.2.1:80: 192.0.2.1 is not a loopback address: loading other machines " +
		"must be allowed by --allow-remote, if it is yours to load; see `serverlab load --help`\n"
	if code != exitUsage || stdout != "" || stderr != want {
		t.Errorf("exit code %d, %q, %q; want %d and %q", code, stdout, stderr, exitUsage, want)
	}
}

func TestPortsHint(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1:80/": "serverlab load: 7 requests found no free local port: ",
		"http://[::1]:80/":     "serverlab load: ::1 is one address only; ",
	} {
		var b strings.Builder
		portsHint(&b, &results.Load{URL: url, Errors: map[string]uint64{loadgen.ErrPorts: 7}})
		got := b.String()
		if !strings.Contains(got, want) || strings.Contains(got, "::1 is") != strings.Contains(url, "::1") {
			t.Errorf("%s: %q", url, got)
		}
	}
	var b strings.Builder
	if portsHint(&b, &results.Load{}); b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
}

// Whatever a server pours out, the load generator's own process stays small: what it keeps of a body is bounded.
func TestLoadStaysSmall(t *testing.T) {
	const conns = 16
	for name, begin := range map[string]string{
		"body":   "HTTP/1.1 200 OK\r\n\r\n",
		"header": "HTTP/1.1 200 OK\r\nA: ",
		"chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
		"noise":  "",
	} {
		t.Run(name, func(t *testing.T) {
			url := flood(t, begin)
			load := exec.Command(program(t), "load", "--url", url, "--warmup=0s", "--duration=300ms", "--timeout=100ms",
				fmt.Sprint("--connections=", conns), "--check=regexp=x", "--check=sha256="+strings.Repeat("00", 32))
			used, out := peak(t, load)
			if load.ProcessState.ExitCode() != exitFailed {
				t.Fatalf("%v, %s", load.ProcessState, out)
			}
			// A text that grows leaves its smaller buffers to the collector.
			if most := int64(32<<20 + conns*3*loadgen.MatchMost); used > most {
				t.Errorf("it used %d KiB, want at most %d", used>>10, most>>10)
			}
		})
	}
}

// peak runs a command and returns the most memory that it used, bytes, and what it wrote. The kernel's own figure for a
// child that has ended would be this process's where that is larger: a child begins as a copy.
func peak(t *testing.T, c *exec.Cmd) (used int64, out string) {
	t.Helper()
	var text bytes.Buffer
	c.Stdout, c.Stderr = &text, &text
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait() // its state is judged by the caller
		close(ended)
	}()
	status := fmt.Sprintf("/proc/%d/status", c.Process.Pid)
	for look := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case <-ended:
			look.Stop()
			return used, text.String()
		case <-look.C:
		}
		b, _ := os.ReadFile(status)
		var k int64
		if _, line, ok := strings.Cut(string(b), "VmHWM:"); ok {
			if _, err := fmt.Sscan(line, &k); err == nil {
				used = max(used, k<<10)
			}
		}
	}
}

// flood serves begin and then x without an end, and returns the URL.
func flood(t *testing.T, begin string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		block := []byte(strings.Repeat("x", 256<<10))
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, err := io.WriteString(c, begin)
				for err == nil {
					_, err = c.Write(block)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/"
}
