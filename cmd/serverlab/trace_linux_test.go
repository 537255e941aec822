package main

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"serverlab/bench"
	"serverlab/results"
	"serverlab/servers"
)

// needsStrace skips where system calls can't be traced.
func needsStrace(t *testing.T) {
	t.Helper()
	if err := exec.Command("strace", "-f", "-o", "/dev/null", "true").Run(); err != nil {
		t.Skipf("strace: %v", err)
	}
}

func traced(t *testing.T, args ...string) results.SysTrace {
	t.Helper()
	out, err := exec.Command(program(t), append([]string{"trace", "--json"}, args...)...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("%v: %s", err, failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	var trace results.SysTrace
	if err := json.Unmarshal(out, &trace); err != nil {
		t.Fatal(err)
	}
	return trace
}

// Who accepts, who reads and who writes differs from architecture to architecture, and the trace shows it.
func TestTrace(t *testing.T) {
	needsStrace(t)
	server := func(s results.Step) bool { return s.Process == 1 }
	worker := func(s results.Step) bool { return s.Process > 1 && !s.Spawned }
	spawned := func(s results.Step) bool { return s.Spawned }
	for _, c := range []struct {
		arch            string
		accepts, writes func(results.Step) bool
	}{
		{"iterative", server, server}, {"prefork", worker, worker}, {"process", server, spawned},
	} {
		t.Run(c.arch, func(t *testing.T) {
			trace := traced(t, c.arch)
			if len(trace.Requests) != 1 {
				t.Fatalf("%d requests, want 1", len(trace.Requests))
			}
			steps := trace.Requests[0].Steps
			accept := slices.IndexFunc(steps, func(s results.Step) bool {
				return s.Name == "accept4" && strings.HasSuffix(s.Result, "client")
			})
			write := slices.IndexFunc(steps, func(s results.Step) bool { return strings.Contains(s.Args, "HTTP/1.1 200") })
			if accept < 0 || write < accept || !c.accepts(steps[accept]) || !c.writes(steps[write]) {
				t.Errorf("step %d accepts and step %d writes: %+v", accept, write, steps)
			}
			ended := slices.ContainsFunc(steps, func(s results.Step) bool { return s.Kind == results.KindExit })
			if ended != (c.arch == "process") {
				t.Errorf("a process ended: %t: %+v", ended, steps)
			}
		})
	}
}

// On a kept connection nobody accepts and nobody closes.
func TestTraceKeepAlive(t *testing.T) {
	needsStrace(t)
	trace := traced(t, "epoll", "--keepalive")
	if len(trace.Requests) != 2 || trace.Requests[0].Kept || !trace.Requests[1].Kept {
		t.Fatalf("%+v, want a request on a fresh connection and one on a kept one", trace.Requests)
	}
	first, next := trace.Requests[0].Calls(), trace.Requests[1].Calls()
	if first["accept4"] == 0 || next["accept4"] != 0 || next["close"] != 0 || next["recvfrom"] == 0 ||
		next["sendto"] == 0 {
		t.Errorf("calls %v, then %v", first, next)
	}
}

// A proactor's calls are those by which it hands over orders and waits, and nothing else.
func TestTraceOfRing(t *testing.T) {
	needsStrace(t)
	a, _, err := servers.Lookup("iouring")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Needs(); err != nil {
		t.Skip(err)
	}
	trace := traced(t, "iouring", "--keepalive")
	if len(trace.Requests) != 2 {
		t.Fatalf("%d requests, want 2", len(trace.Requests))
	}
	calls := trace.Requests[1].Calls()
	if len(calls) != 1 || calls["io_uring_enter"] == 0 {
		t.Errorf("calls %v, want io_uring_enter only", calls)
	}
}

// Without strace the error says what to do.
func TestTraceWithoutStrace(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := bench.TraceCalls(context.Background(), bench.TraceOptions{Server: []string{program(t)}, Fresh: 1})
	if !errors.Is(err, bench.ErrStrace) || !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("%v, want ErrStrace and ErrNotFound", err)
	}
}
