//go:build linux

package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

func TestReferenceTable(t *testing.T) {
	for _, a := range References {
		if slices.Contains(Names(), a.Name) {
			t.Errorf("%s is listed among the architectures", a.Name)
		}
		found, _, err := Lookup(a.Name)
		if err != nil || found.Name != a.Name || !IsReference(found.Name) {
			t.Errorf("%s is found as %q (%v)", a.Name, found.Name, err)
		}
		if a.StaticOnly != (a.Needs != nil) {
			t.Errorf("%s: is it a program that serves files only? StaticOnly %t", a.Name, a.StaticOnly)
		}
	}
	for _, a := range Architectures {
		if IsReference(a.Name) || a.StaticOnly {
			t.Errorf("%s is no reference", a.Name)
		}
	}
}

func greet(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString(page)
}

// temporary makes a directory the one for temporary files that others may enter too, as /tmp is.
func temporary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "serverlab-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	return dir
}

// inDirectory lists the processes whose working directory is beneath dir: an external server's, whatever they call
// themselves.
func inDirectory(t *testing.T, dir string) (pids []int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir+"/") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestReferences(t *testing.T) {
	for _, a := range References {
		for _, keep := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/keepalive=%t", a.Name, keep), func(t *testing.T) { testReference(t, a, keep) })
		}
	}
}

func testReference(t *testing.T, a Architecture, keep bool) {
	if a.Needs != nil {
		if err := a.Needs(); err != nil {
			t.Skip(err)
		}
	}
	dir := temporary(t)
	cfg := DefaultConfig()
	cfg.Workers, cfg.KeepAlive = 4, keep
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	cfg.Ready = func(addr net.Addr) { ready <- addr }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { ended <- a.Serve(ctx, cfg, greet) }()
	var addr string
	select {
	case bound := <-ready:
		addr = bound.String()
	case err := <-ended:
		t.Fatal(err)
	}
	for range 3 {
		askTwice(t, addr, keep)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("it listens after its end")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left files: %v (%v)", left, err)
	}
	if left := inDirectory(t, dir); len(left) > 0 {
		t.Errorf("it left processes: %v", left)
	}
	if n := cfg.Board.Sum(); !a.StaticOnly && n.Requests < 3 {
		t.Errorf("it counted %d requests", n.Requests)
	}
}

// askTwice sends a request, and another on the same connection if that is to be kept.
func askTwice(t *testing.T, addr string, keep bool) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	for range 2 {
		if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", addr); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || string(body) != page || answer.StatusCode != 200 || answer.ContentLength != int64(len(page)) ||
			answer.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("answer %v, body %q (%v)", answer, body, err)
		}
		if answer.Close == keep {
			t.Errorf("keep-alive %t, and the answer says close: %t", keep, answer.Close)
		}
		if !keep {
			if _, err := in.ReadByte(); err != io.EOF {
				t.Errorf("the connection was not closed: %v", err)
			}
			return
		}
	}
}

// beReference, in the environment, makes the test a server that waits to be killed.
const beReference = "SERVERLAB_TEST_BE_REFERENCE"

// An external server ends with the process that started it, even if that is killed.
func TestReferenceEndsWithItsParent(t *testing.T) {
	if name := os.Getenv(beReference); name != "" {
		a, _, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		cfg := DefaultConfig()
		cfg.Workers = 4
		cfg.Ready = func(net.Addr) { fmt.Println("ready") }
		t.Fatal(a.Serve(t.Context(), cfg, greet))
	}
	for _, a := range References {
		if a.Needs == nil {
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			if err := a.Needs(); err != nil {
				t.Skip(err)
			}
			dir := temporary(t)
			parent := exec.Command(os.Args[0], "-test.run=^TestReferenceEndsWithItsParent$")
			parent.Env = append(os.Environ(), beReference+"="+a.Name)
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			pids := inDirectory(t, dir)
			var left []unix.PollFd
			for _, pid := range pids {
				fd, err := unix.PidfdOpen(pid, 0)
				if err == nil {
					left = append(left, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
				}
			}
			if kill := parent.Process.Kill(); kill != nil {
				t.Fatal(kill)
			}
			_ = parent.Wait() // it was killed
			if err != nil || line != "ready\n" || len(left) < 2 {
				t.Fatalf("it did not start: %q, %v, processes %v", line, err, pids)
			}
			for _, p := range left {
				for {
					n, err := unix.Poll([]unix.PollFd{p}, 20_000)
					if errors.Is(err, syscall.EINTR) {
						continue
					}
					if n != 1 {
						t.Errorf("one of the processes %v lives on (%v)", pids, err)
					}
					break
				}
				unix.Close(int(p.Fd))
			}
		})
	}
}

// A program that ends instead of serving, or is not there, is told of in one line.
func TestExternalThatDoesNotStart(t *testing.T) {
	dir := temporary(t)
	cfg := DefaultConfig()
	cfg.Ready = func(net.Addr) { t.Error("it is said to be ready") }
	ends := external{"/bin/sh", syscall.SIGTERM, func(_, _ string, _ Config) ([]string, error) {
		return []string{"-c", "echo first; echo no such directive >&2; exit 3"}, nil
	}}
	err := ends.serve(t.Context(), cfg)
	if !errors.Is(err, errNoStart) || !strings.Contains(err.Error(), "exit status 3: no such directive") {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left files: %v (%v)", left, err)
	}
	if _, err := installed("serverlab-nobody-has-this"); err == nil || !strings.Contains(err.Error(), "scripts/setup.sh") {
		t.Errorf("a program that is not there: %v", err)
	}
}

// The adapter loses nothing of a request or of an answer.
func TestAdapter(t *testing.T) {
	echo := func(ctx *fasthttp.RequestCtx) {
		ctx.SetStatusCode(203)
		ctx.Response.Header.Set("X-Twice", "a")
		ctx.Response.Header.Add("X-Twice", "b")
		fmt.Fprintf(ctx, "%s %s %s %s %s", ctx.Method(), ctx.URI().FullURI(), ctx.QueryArgs().Peek("a"),
			ctx.Request.Header.Peek("X-Test"), ctx.Request.Body())
	}
	for _, c := range []struct {
		body, want string
		status     int
	}{
		{"", "POST http://host/path?a=1 1 yes ", 203},
		{"12345678", "POST http://host/path?a=1 1 yes 12345678", 203},
		{"123456789", "the body is too large\n", 413},
	} {
		r := httptest.NewRequest("POST", "/path?a=1", strings.NewReader(c.body))
		r.Host = "host"
		r.Header.Set("X-Test", "yes")
		w := httptest.NewRecorder()
		adapter{echo, 8}.ServeHTTP(w, r)
		if w.Code != c.status || w.Body.String() != c.want {
			t.Errorf("body %q: %d %q, want %d %q", c.body, w.Code, w.Body, c.status, c.want)
		}
		if twice := w.Header().Values("X-Twice"); c.status == 203 && !slices.Equal(twice, []string{"a", "b"}) {
			t.Errorf("header %v", w.Header())
		}
	}
}

// Above the limit a connection is told so, and one that has ended makes room.
func TestReception(t *testing.T) {
	for _, serve := range []Serve{netHTTP, fastHTTP} {
		cfg := DefaultConfig()
		cfg.MaxConns = 1
		ready, ended := make(chan net.Addr, 1), make(chan error, 1)
		cfg.Ready = func(addr net.Addr) { ready <- addr }
		ctx, stop := context.WithCancel(t.Context())
		go func() { ended <- serve(ctx, cfg, greet) }()
		addr := (<-ready).String()
		first, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(c net.Conn) int {
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", addr)
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				return 0 // refused before the request was sent: a reset
			}
			return answer.StatusCode
		}
		if status := ask(first); status != 200 {
			t.Errorf("the first: %d", status)
		}
		second, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(second), nil)
		if err != nil || answer.StatusCode != 503 {
			t.Errorf("one too many: %v (%v)", answer, err)
		}
		second.Close()
		first.Close()
		for status := 0; status != 200; { // when the server has noticed
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			status = ask(c)
			c.Close()
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := cfg.Board.Sum(); n.Refusals == 0 || n.Requests != 2 || n.Accepts != n.Refusals+2 {
			t.Errorf("counted %+v", n)
		}
	}
}
