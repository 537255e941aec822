package redisstore

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"serverlab/servers/state"
)

// server is a Redis of a test's own, on a free port, which keeps nothing on disk.
type server struct {
	t     testing.TB
	addr  string
	flags []string
	cmd   *exec.Cmd
	ended chan struct{}
}

// startRedis starts one, or skips the test where none is installed.
func startRedis(t testing.TB, flags ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: `apt-get install redis-server` brings it")
	}
	s := &server{t: t, flags: flags}
	for range 3 { // the free port may be taken meanwhile
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.addr = ln.Addr().String()
		ln.Close()
		if s.start() {
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

// start starts it at its address, and waits until it is ready or has ended.
func (s *server) start() bool {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(s.addr)
	cmd := exec.Command("redis-server", append([]string{"--bind", host, "--port", port, "--dir", s.t.TempDir(),
		"--save", "", "--appendonly", "no"}, s.flags...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	ready := false
	for !ready && lines.Scan() {
		ready = strings.Contains(lines.Text(), "Ready to accept connections")
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
		close(ended)
	}()
	s.cmd, s.ended = cmd, ended
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return ready
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) kill() {
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// open returns a store in it.
func (s *server) open(l state.Limits) state.Store {
	s.t.Helper()
	return openAt(s.t, "redis://"+s.addr, l)
}

func openAt(t testing.TB, url string, l state.Limits) state.Store {
	t.Helper()
	st, err := Open(url, l, 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.(*store).client.Close() })
	return st
}

// do sends it a command.
func (s *server) do(args ...any) any {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr})
	defer c.Close()
	got, err := c.Do(context.Background(), args...).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// pass waits until its clock is so much later.
func (s *server) pass(d time.Duration) {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr})
	defer c.Close()
	now := func() time.Time {
		at, err := c.Time(context.Background()).Result()
		if err != nil {
			s.t.Fatal(err)
		}
		return at
	}
	for end := now().Add(d + 2*time.Millisecond); now().Before(end); {
	}
}

// awaitBack asks until the server is reachable again: go-redis asks once a second.
func awaitBack(t *testing.T, st state.Store) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); ; {
		_, err := st.Advance(state.NewID(), 1)
		if errors.Is(err, state.ErrUnknown) {
			return
		}
		if !errors.Is(err, state.ErrUnreachable) || time.Now().After(limit) {
			t.Fatalf("Redis is back, and the store says %v", err)
		}
	}
}
