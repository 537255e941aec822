package servers

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/proc"
)

// forking is a server with spawn=fork, until the test ends, and a worker that can be told to hang.
func forking(t *testing.T) (cfg Config, addr string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hangs")
	if text, err := exec.Command("go", "build", "-o", program, "./testdata/hangs").CombinedOutput(); err != nil {
		t.Fatalf("go build ./testdata/hangs: %v\n%s", err, text)
	}
	cfg = DefaultConfig()
	cfg.Spawn, cfg.KeepAlive, cfg.Worker = Fork, false, []string{program}
	bound := make(chan string, 1)
	cfg.Ready = func(a net.Addr) { bound <- a.String() }
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	ended := make(chan error, 1)
	go func() { ended <- process(ctx, cfg, nil) }()
	select {
	case addr = <-bound:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return cfg, addr
}

// visit makes one request on a connection of its own, and returns what came of it: nothing if it was closed.
func visit(t *testing.T, addr, path string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: fork\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.ECONNRESET) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A worker that hangs is found, killed and counted; its client sees the connection close, and others are answered.
func TestWorkerThatHangs(t *testing.T) {
	cfg, addr := forking(t)
	hung := make(chan string)
	go func() { hung <- visit(t, addr, "/hang") }()
	if got := visit(t, addr, "/"); got != "answered" {
		t.Errorf("beside a worker that hangs: %q", got)
	}
	if got := <-hung; got != "" {
		t.Errorf("a worker that hangs has answered %q", got)
	}
	if n := cfg.Board.Sum(); n.Stuck != 1 || n.Forks != 2 || n.Respawns != 0 || n.Requests != 1 {
		t.Errorf("counted: %+v", n)
	}
	if got := visit(t, addr, "/"); got != "answered" {
		t.Errorf("after a worker that hung: %q", got)
	}
}

// A spawner that was killed is replaced, and counted; no client notices.
func TestSpawnerIsReplaced(t *testing.T) {
	tree, err := proc.NewTree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	cfg, addr := forking(t)
	if got := visit(t, addr, "/"); got != "answered" {
		t.Fatalf("%q", got)
	}
	var spawner int
	for ; spawner == 0; runtime.Gosched() { // until the worker is reaped
		if children := tree.Descendants(); len(children) == 1 {
			spawner = children[0]
		}
	}
	if err := unix.Kill(spawner, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for state := ""; !strings.Contains(state, ") Z"); runtime.Gosched() { // until it has ended
		text, err := os.ReadFile("/proc/" + strconv.Itoa(spawner) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		state = string(text)
	}
	for range 3 {
		if got := visit(t, addr, "/"); got != "answered" {
			t.Errorf("after the spawner's death: %q", got)
		}
	}
	for deadline := time.Now().Add(time.Minute); cfg.Board.Sum().Requests < 4 && time.Now().Before(deadline); {
		runtime.Gosched() // until the last one is reaped
	}
	if n := cfg.Board.Sum(); n.Respawns != 1 || n.Forks != 4 || n.Stuck != 0 || n.Drops != 0 {
		t.Errorf("counted: %+v", n)
	}
}
