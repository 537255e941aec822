//go:build linux

package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"serverlab/internal/cpuset"
	"serverlab/internal/proc"
	"serverlab/results"
)

// tracePatience is how long a traced server may take for an answer, and to come to rest.
const tracePatience = 10 * time.Second

// ErrStrace says that system calls can't be traced here.
var ErrStrace = errors.New("system calls are traced by strace, which must be installed and allowed to trace " +
	"(in a container: --cap-add SYS_PTRACE)")

// TraceOptions says what to trace.
type TraceOptions struct {
	Server    []string // a command that prints "listening HOST:PORT" and stops when its standard input ends
	CPUs      []int    // on which it runs; nil: as many as may be used
	Fresh     int      // requests, each on a fresh connection
	KeepAlive bool     // keep the last of these connections, and trace one request more on it
}

// TraceCalls starts a server under strace, asks for / once to warm up, and then for the requests that are traced. Each
// lasts from before the client connects, or sends, until the answer has arrived and the server is at rest again: all
// its threads sleep. Errors are ErrStrace, or say what failed.
func TraceCalls(ctx context.Context, o TraceOptions) ([]results.RequestTrace, error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStrace, err)
	}
	if err := exec.CommandContext(ctx, strace, "-f", "-o", os.DevNull, "true").Run(); err != nil {
		return nil, fmt.Errorf("%w: strace: %w", ErrStrace, err)
	}
	dir, err := os.MkdirTemp("", "serverlab-trace-")
	if err != nil {
		return nil, fmt.Errorf("make a place for the trace: %w", err)
	}
	defer os.RemoveAll(dir)
	if o.CPUs == nil {
		if o.CPUs, err = cpuset.Allowed(); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(dir, "strace")
	// Apache asks for random numbers thousands of times before it listens: the kernel keeps these from strace.
	traced := append([]string{strace, "-f", "--seccomp-bpf", "-e", "trace=!getrandom", "-ttt", "-T", "-yy", "-s", "64",
		"-o", file, "--"}, o.Server...)
	s, err := start(ctx, traced, o.CPUs, "")
	if err != nil {
		return nil, err
	}
	marks, err := askTraced(ctx, s, o)
	if _, stopErr := s.endInput(); err == nil {
		err = stopErr
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	defer f.Close()
	calls, err := results.ParseStrace(f)
	if err != nil {
		return nil, err
	}
	var requests []results.RequestTrace
	for _, m := range marks {
		r, err := results.OneRequest(calls, m)
		if err != nil {
			return nil, err
		}
		requests = append(requests, r)
	}
	return requests, nil
}

// endInput asks a server to stop by the end of its standard input: strace, the first of the group, keeps signals to
// itself.
func (s *server) endInput() (exit string, err error) {
	_ = s.hold.Close()
	select {
	case <-s.ended:
	case <-time.After(stopPatience):
		err = fmt.Errorf("the traced server did not stop within %v and was killed", stopPatience)
	}
	s.kill()
	return s.cmd.ProcessState.String(), err
}

// askTraced makes the requests, and says from when to when each lasted.
func askTraced(ctx context.Context, s *server, o TraceOptions) (marks []results.TraceMark, err error) {
	tree, err := proc.NewTree(s.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	if err := atRest(ctx, tree); err != nil {
		return nil, err
	}
	if err := warmUp(ctx, s.addr); err != nil {
		return nil, err
	}
	if err := atRest(ctx, tree); err != nil {
		return nil, err
	}
	for i := range o.Fresh {
		host, keep := fmt.Sprintf("traced-%d", i+1), o.KeepAlive && i == o.Fresh-1
		m := results.TraceMark{Text: "Host: " + host, Begin: time.Now().UnixNano()}
		c, err := dialTraced(ctx, s.addr)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		m.Client = c.LocalAddr().String()
		answers := bufio.NewReader(c)
		if err := askToRest(ctx, tree, c, answers, host, keep, &m); err != nil {
			return nil, err
		}
		if marks = append(marks, m); !keep {
			_ = c.Close() // the server has closed it
			continue
		}
		next := results.TraceMark{Client: m.Client, Text: "Host: traced-next", Kept: true, Begin: time.Now().UnixNano()}
		if err := askToRest(ctx, tree, c, answers, "traced-next", true, &next); err != nil {
			return nil, err
		}
		marks = append(marks, next)
	}
	return marks, nil
}

// askToRest makes one request and waits until the server is at rest again, which is when m ends.
func askToRest(ctx context.Context, tree *proc.Tree, c net.Conn, answers *bufio.Reader, host string, keep bool,
	m *results.TraceMark) error {
	if err := ask(c, answers, host, keep); err != nil {
		return err
	}
	if err := atRest(ctx, tree); err != nil {
		return err
	}
	m.End = time.Now().UnixNano()
	return nil
}

// warmUp lets the server do what it does once only.
func warmUp(ctx context.Context, addr string) error {
	c, err := dialTraced(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return ask(c, bufio.NewReader(c), "warm-up", false)
}

func dialTraced(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: tracePatience}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to the traced server: %w", err)
	}
	if err := c.SetDeadline(time.Now().Add(tracePatience)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) }) // fails only if c has been closed
	return c, nil
}

// ask sends one request in one piece, marked by its Host, and reads the answer: to the end of the connection unless it
// is kept.
func ask(c net.Conn, answers *bufio.Reader, host string, keep bool) error {
	request := "GET / HTTP/1.1\r\nHost: " + host + "\r\n"
	if !keep {
		request += "Connection: close\r\n"
	}
	if _, err := c.Write([]byte(request + "\r\n")); err != nil {
		return fmt.Errorf("send the traced request: %w", err)
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		return fmt.Errorf("read the answer to the traced request: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the traced request was answered %s", answer.Status)
	}
	if _, err := answers.Discard(int(answer.ContentLength)); err != nil {
		return fmt.Errorf("read the answer to the traced request: %w", err)
	}
	if keep {
		return nil
	}
	if _, err := answers.ReadByte(); err == nil {
		return errors.New("the traced server sent more than its answer")
	}
	return nil
}

// atRest waits until the server has nothing to do.
func atRest(ctx context.Context, tree *proc.Tree) error {
	ctx, cancel := context.WithTimeout(ctx, tracePatience)
	defer cancel()
	return tree.Rest(ctx)
}
