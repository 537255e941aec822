//go:build linux

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"serverlab/internal/corpus"
	"serverlab/servers/worker"
)

// In the environment, it makes the test's own program the worker.
const beWorker = "SERVERLAB_TEST_BE_WORKER=1"

func TestMain(m *testing.M) {
	if os.Getenv("SERVERLAB_TEST_BE_WORKER") != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

const (
	hello = "GET / HTTP/1.1\r\nHost: worker\r\n\r\n"
	reply = "Hello, World!"
)

// serveOne has a worker serve a connection on which sent was sent already, and which then ends if half is set. It
// returns the worker's exit status, what it answered, and what it left in the socket.
func serveOne(t *testing.T, sent string, half bool, flags ...string) (status int, answer, left string) {
	t.Helper()
	client, server := pair(t)
	if _, err := io.WriteString(client, sent); err != nil {
		t.Fatal(err)
	}
	if half {
		if err := client.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	connection, err := server.File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], flags...)
	cmd.Env = append(os.Environ(), beWorker, "GORACE=atexit_sleep_ms=0")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = connection, connection, os.Stderr // as inetd would, but for the third
	err = cmd.Run()
	connection.Close()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status = cmd.ProcessState.ExitCode()
	// The worker is gone: what it has not taken is still in the socket, and what it has written can be read.
	if err := client.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(server)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	got, err := io.ReadAll(client)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	return status, string(got), string(rest)
}

// pair returns both ends of a connection, neither of which waits for ever.
func pair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, end := range []net.Conn{c, s} {
		if err := end.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// Started as inetd starts a program, with the connection on descriptor 0 and no flags, it answers one request.
func TestSuperServer(t *testing.T) {
	status, answer, _ := serveOne(t, hello, false)
	if status != worker.AnsweredAndClosed || !strings.HasPrefix(answer, "HTTP/1.1 200 ") ||
		!strings.Contains(answer, "\r\nConnection: close\r\n") || !strings.HasSuffix(answer, "\r\n\r\n"+reply) {
		t.Errorf("status %d, answer %q", status, answer)
	}
}

// With --keepalive it takes exactly one request: what was pipelined behind it is the next worker's.
func TestTakesOneRequest(t *testing.T) {
	large := "POST / HTTP/1.1\r\nHost: worker\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000)
	chunked := "PUT / HTTP/1.1\r\nHost: worker\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	for _, request := range []string{hello, large, chunked} {
		for _, behind := range []string{"", "G", hello, strings.Repeat(hello, 500)} {
			status, answer, left := serveOne(t, request+behind, false, "--keepalive")
			if status != worker.Answered || strings.Count(answer, "HTTP/1.1 ") != 1 || left != behind {
				t.Errorf("%.20q and %d bytes: status %d, answer %q, %d bytes left", request, len(behind), status, answer,
					len(left))
			}
		}
	}
}

func TestExitStatus(t *testing.T) {
	files := filepath.Join(t.TempDir(), "files")
	if err := corpus.Ensure(files); err != nil {
		t.Fatal(err)
	}
	read := "GET /read?file=f00&offset=0&count=70000 HTTP/1.1\r\nHost: worker\r\n\r\n"
	open := "POST /open?file=f00 HTTP/1.1\r\nHost: worker\r\n\r\n"
	next := "GET /read?count=9 HTTP/1.1\r\nHost: worker\r\nCookie: session=" + strings.Repeat("0f", 16) + "\r\n\r\n"
	closing := "GET / HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, sent string
		half       bool // the client has closed its side
		flags      string
		want       int
		answer     string
	}{
		{"the client wants to go", closing, false, "--keepalive", worker.AnsweredAndClosed, "HTTP/1.1 200 "},
		{"nothing", "", true, "--keepalive", worker.NotAnswered, ""},
		{"half a request", "GET / HT", true, "--keepalive", worker.NotAnswered, ""},
		{"no request", "nonsense\r\n\r\n", true, "--keepalive", worker.NotAnswered, "HTTP/1.1 400 "},
		{"too slow", "GET / HT", false, "--read-timeout=50ms", worker.NotAnswered, "HTTP/1.1 408 "},
		{"a header too large", hello, true, "--max-header=20", worker.NotAnswered, "HTTP/1.1 431 "},
		{"a crash that is not allowed", strings.Replace(hello, "/", "/chaos/exit", 1), false, "",
			worker.AnsweredAndClosed, "HTTP/1.1 404 "},
		{"a crash", strings.Replace(hello, "/", "/chaos/exit", 1), false, "--allow-chaos", -1, ""},
		{"soft state", read, false, "--state=soft --files=" + files, worker.AnsweredAndClosed, "HTTP/1.1 200 "},
		{"a session", open, false, "--state=stateful --store=memory --files=" + files, worker.AnsweredAndClosed,
			"HTTP/1.1 200 "},
		{"a session of another", next, false, "--state=stateful --store=memory --files=" + files,
			worker.AnsweredAndClosed, "HTTP/1.1 410 "},
		{"a wrong state", hello, false, "--state=wrong", 2, ""},
		{"no store", hello, false, "--state=stateful", 2, ""},
		{"no table", hello, false, "--state=stateful --store=shm", 2, ""},
		{"a table that is none", hello, false, "--state=stateful --store=shm --session-table=2", 2, ""},
		{"a store that it does not link", hello, false, "--state=stateful --store=redis://127.0.0.1", 2, ""},
		{"a wrong flag", hello, false, "--wrong", 2, ""},
		{"an argument", hello, false, "argument", 2, ""},
		{"--empty", hello, false, "--empty", 0, ""},
	} {
		status, answer, _ := serveOne(t, c.sent, c.half, strings.Fields(c.flags)...)
		if status != c.want || !strings.HasPrefix(answer, c.answer) || c.answer == "" && answer != "" {
			t.Errorf("%s: status %d, answer %.40q; want %d, %q", c.name, status, answer, c.want, c.answer)
		}
	}
}

// linked is what the worker links beside the standard library and the house: a process pays for every package at each
// start. fasthttp brings its compressors along.
var linked = []string{
	"github.com/klauspost/compress",
	"github.com/molecule-man/go-brrr",
	"github.com/valyala/bytebufferpool",
	"github.com/valyala/fasthttp",
	"golang.org/x/sys/unix",
	"serverlab/cmd/worker",
	"serverlab/internal/spawner",
	"serverlab/servers/app",
	"serverlab/servers/http1",
	"serverlab/servers/state",
	"serverlab/servers/worker",
}

func TestLinksLittle(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for _, name := range bytes.Fields(out) {
		if seen++; !allowed(string(name)) {
			t.Errorf("the worker links %s: every start of it pays for that", name)
		}
	}
	if seen < len(linked) {
		t.Errorf("go list names %d packages only: %s", seen, out)
	}
	for _, name := range []string{"github.com/panjf2000/gnet/v2", "github.com/spf13/pflag", "serverlab/servers",
		"serverlab/servers/state/redisstore", "github.com/redis/go-redis/v9"} {
		if allowed(name) {
			t.Errorf("%s would be allowed", name)
		}
	}
}

func allowed(name string) bool {
	for _, l := range linked {
		if name == l || strings.HasPrefix(name, l+"/") && strings.HasPrefix(l, "github.com/") {
			return true
		}
	}
	return false
}
