package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"serverlab/loadgen"
	"serverlab/results"
	"serverlab/servers"
)

// served is `serverlab serve` in a process of its own, which ends with the test.
type served struct {
	cmd  *exec.Cmd
	addr string
}

// startServing starts it and waits until it listens.
func startServing(t *testing.T, args ...string) *served {
	t.Helper()
	s, err := tryServing(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

func tryServing(t *testing.T, args ...string) (*served, error) {
	cmd := exec.Command(program(t), append([]string{"serve"}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if !ok {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("serve %v: %s", args, said.String())
	}
	return &served{cmd, addr}, nil
}

// kill ends the server as a crash does, and waits until it is dead.
func (s *served) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// redisForTest starts a Redis of the test's own; ok is false where there is none to start.
func redisForTest(t *testing.T) (url string, ok bool) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return "", false
	}
	port := freePort(t)
	cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", t.TempDir(), "--loglevel", "notice")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() {
				for lines.Scan() { // or its pipe would fill
				}
			}()
			return "redis://127.0.0.1:" + port, true
		}
	}
	t.Fatal("redis-server ended before it was ready")
	return "", false
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// sessions is a load of 64 clients on 16 connections.
func sessions(addr, state string, d time.Duration) loadgen.Config {
	return loadgen.Config{URL: "http://" + addr + "/", Connections: 16, Duration: d, KeepAlive: true, Seed: 1,
		Timeout: 20 * time.Second, Check: loadgen.Check{Length: -1},
		Sessions: loadgen.Sessions{State: state, Clients: 64, Read: 64 << 10}}
}

// wrong are the errors that no crash excuses.
func wrong(l *results.Load) (n uint64) {
	return l.Errors[loadgen.ErrBody] + l.Errors[loadgen.ErrLength] + l.Errors[loadgen.ErrMalformed] +
		l.Errors[loadgen.ErrPosition] + l.Errors[loadgen.ErrCookie]
}

// Whatever serves, and whatever remembers: every client gets the bytes of its file, in their order.
func TestEveryRowServesEveryState(t *testing.T) {
	redis, installed := redisForTest(t)
	for _, a := range servers.Architectures {
		if a.Unfinished {
			continue
		}
		kinds := [][]string{{"stateless"}, {"soft"}, {"soft", "--forget=50ms"}, {"stateful", "--store=shm"}}
		if a.Unit != servers.Process { // in others each process would remember its own
			kinds = append(kinds, []string{"stateful", "--store=memory"})
		}
		kinds = append(kinds, []string{"stateful", "--store=" + redis})
		for _, kind := range kinds {
			t.Run(a.Name+"/"+strings.Split(strings.Join(kind, ","), ":")[0], func(t *testing.T) {
				if strings.HasSuffix(kind[len(kind)-1], "--store=") && !installed {
					t.Skip("redis-server is not installed")
				}
				t.Parallel()
				keep := a.Limit != servers.QueuesOne
				s := startServing(t, append(kind[1:], "--arch="+a.Name, "--state="+kind[0],
					fmt.Sprintf("--keepalive=%t", keep))...)
				c := sessions(s.addr, kind[0], 400*time.Millisecond)
				c.KeepAlive = keep
				l, err := loadgen.Run(context.Background(), c)
				if err != nil {
					t.Fatal(err)
				}
				if l.ErrorCount() > 0 || l.Requests == 0 || l.Sessions.Lost+l.Sessions.Ambiguous > 0 {
					t.Errorf("%d right answers, errors %q, %+v", l.Requests, l.ErrorText(), *l.Sessions)
				}
			})
		}
	}
}

// A server that is killed ten times under load never gives a wrong answer. One that remembers nothing that matters
// loses no session; one that does answers 410 for each that it lost, and its clients open anew.
func TestKilledTenTimes(t *testing.T) {
	for _, c := range []struct{ arch, state string }{
		{"epoll", "stateless"}, {"goroutine", "soft"}, {"eventloop", "stateful"}, {"prefork", "stateful"},
		{"prefork", "soft"}, {"process", "stateful"},
	} {
		t.Run(c.arch+"/"+c.state, func(t *testing.T) {
			t.Parallel()
			const kills = 10
			args := []string{"--arch=" + c.arch, "--state=" + c.state, "--stop-timeout=1s"}
			s := startServing(t, args...)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var mu sync.Mutex // of s, which the watcher replaces
			defer func() {
				mu.Lock()
				s.kill()
				mu.Unlock()
			}()
			done, last := 0, uint64(0)
			load := sessions(s.addr, c.state, time.Minute)
			load.Watch = func(p loadgen.Progress) { // it comes at any moment of what the server does
				if p.Load.Requests == last || ctx.Err() != nil {
					return // the new one has not answered yet
				}
				if done == kills {
					cancel()
					return
				}
				mu.Lock()
				defer mu.Unlock()
				s.kill()
				again, err := tryServing(t, append(args, "--addr="+load.URL[len("http://"):len(load.URL)-1])...)
				if err != nil {
					t.Error(err)
					cancel()
					return
				}
				s, last = again, p.Load.Requests
				done++
			}
			l, err := loadgen.Run(ctx, load)
			if err != nil {
				t.Fatal(err)
			}
			if wrong(l) > 0 || done < kills {
				t.Errorf("%d kills, %d wrong answers: %s", done, wrong(l), l.ErrorText())
			}
			lost := l.Sessions.Lost
			if (lost > 0) != (c.state == "stateful") || lost != l.Errors[loadgen.ErrLost] {
				t.Errorf("%d sessions lost: %s, %+v", lost, l.ErrorText(), *l.Sessions)
			}
			t.Logf("%d right answers, %s, %+v", l.Requests, l.ErrorText(), *l.Sessions)
		})
	}
}

// With the sessions elsewhere, none is lost when the server dies; when that place dies, all are.
func TestSessionsOutliveTheServer(t *testing.T) {
	redis, ok := redisForTest(t)
	if !ok {
		t.Skip("redis-server is not installed")
	}
	for _, arch := range []string{"epoll", "prefork"} {
		t.Run(arch, func(t *testing.T) {
			args := []string{"--arch=" + arch, "--state=stateful", "--store=" + redis}
			s := startServing(t, args...)
			load := sessions(s.addr, "stateful", 3*time.Second)
			load.FaultAfter = time.Second
			var again *served
			load.Fault = func() {
				s.kill()
				var err error
				if again, err = tryServing(t, append(args, "--addr="+s.addr)...); err != nil {
					t.Error(err)
				}
			}
			l, err := loadgen.Run(context.Background(), load)
			if again != nil {
				again.kill()
			}
			if err != nil {
				t.Fatal(err)
			}
			if l.Sessions.Lost > 0 || wrong(l) > 0 || l.Fault.First == nil {
				t.Errorf("%s, %+v, %+v", l.ErrorText(), *l.Sessions, *l.Fault)
			}
		})
	}
}

// No worker goes on answering when its server was killed.
func TestWorkersEndWithTheirServer(t *testing.T) {
	for _, arch := range []string{"prefork", "symped", "process"} {
		s := startServing(t, "--arch="+arch, "--state=stateful")
		_, err := loadgen.Run(context.Background(), sessions(s.addr, "stateful", 200*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		workers := childrenOf(t, s.cmd.Process.Pid)
		s.kill()
		for _, pid := range workers {
			awaitEnd(t, pid)
		}
		if c, err := net.Dial("tcp", s.addr); err == nil {
			c.Close()
			t.Errorf("%s: somebody still listens at %s", arch, s.addr)
		}
	}
}

// childrenOf lists the processes that a thread of pid has started.
func childrenOf(t *testing.T, pid int) (children []string) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		if text, err := os.ReadFile(list); err == nil { // a thread may end at any time
			children = append(children, strings.Fields(string(text))...)
		}
	}
	return children
}
