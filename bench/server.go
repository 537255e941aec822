//go:build linux

package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
	"serverlab/internal/proc"
	"serverlab/internal/scoreboard"
)

// server is one started server, in a process group of its own, pinned to the server's CPUs.
type server struct {
	cmd     *exec.Cmd
	addr    string
	tree    *proc.Tree
	board   *scoreboard.Board // nil: it has none
	hold    io.Closer         // its standard input: when it ends, however this process dies, the server stops
	errors  *tail
	told    chan struct{} // closed when nobody is left who could write to errors
	ended   chan struct{} // closed when it has been reaped; its workers may live on
	waitErr error
}

// How long a server may take to be ready and to stop.
const (
	startPatience = 10 * time.Second
	stopPatience  = 8 * time.Second
)

// start runs a command that prints "listening HOST:PORT" when it is ready, and waits for that line.
func start(ctx context.Context, argv []string, cpus []int, stats string) (*server, error) {
	return startAs(ctx, &syscall.SysProcAttr{Setpgid: true}, argv, cpus, stats)
}

// startAs is start with attributes of the new process; it must lead a group.
func startAs(ctx context.Context, attr *syscall.SysProcAttr, argv []string, cpus []int, stats string) (
	*server, error) {
	s := &server{cmd: exec.Command(argv[0], argv[1:]...), errors: &tail{}, told: make(chan struct{}),
		ended: make(chan struct{})}
	s.cmd.SysProcAttr = attr
	hold, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	s.hold = hold
	out, told, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	defer out.Close()
	complaints, complain, err := os.Pipe() // our own pipe: Wait would wait for all who have one of exec's
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start server: %w", err), told.Close())
	}
	s.cmd.Stdout, s.cmd.Stderr = told, complain
	err = cpuset.Within(cpus, s.cmd.Start)
	told.Close()
	complain.Close()
	if err != nil {
		complaints.Close()
		return nil, fmt.Errorf("start server: %w", err)
	}
	go func() {
		_, _ = io.Copy(s.errors, complaints) // it ends with the last who writes
		complaints.Close()
		close(s.told)
	}()
	go func() {
		s.waitErr = s.cmd.Wait()
		close(s.ended)
	}()
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(out).ReadString('\n') // an error is the server's end, which is seen below
		line <- text
	}()
	select {
	case text := <-line:
		var ok bool
		if s.addr, ok = strings.CutPrefix(strings.TrimSpace(text), "listening "); !ok {
			s.kill()
			return nil, fmt.Errorf("the server did not start: %s", s.errors.last("it printed "+fmt.Sprintf("%q", text)))
		}
	case <-time.After(startPatience):
		s.kill()
		return nil, fmt.Errorf("the server was not ready after %v: %s", startPatience, s.errors.last("it said nothing"))
	case <-ctx.Done():
		s.kill()
		return nil, ctx.Err()
	}
	if s.tree, err = proc.NewTree(s.cmd.Process.Pid); err != nil {
		s.kill()
		return nil, err
	}
	if stats != "" {
		if s.board, err = scoreboard.Open(stats); err != nil {
			s.kill()
			return nil, err
		}
	}
	return s, nil
}

// stop asks the server to stop, waits, and kills what is left of its group. It returns how the server ended: its exit
// status or the signal, and an error if it did not stop when asked.
func (s *server) stop() (exit string, err error) {
	_ = s.cmd.Process.Signal(unix.SIGTERM) // fails only if it has ended already
	select {
	case <-s.ended:
	case <-time.After(stopPatience):
		err = fmt.Errorf("the server did not stop within %v and was killed", stopPatience)
	}
	s.kill()
	status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		exit = s.cmd.ProcessState.String()
	case status.Signaled():
		exit = status.Signal().String()
	default:
		exit = fmt.Sprint(status.ExitStatus())
	}
	return exit, err
}

// kill ends the whole group and reaps what falls to this process as the subreaper.
func (s *server) kill() {
	pgid := s.cmd.Process.Pid
	_ = unix.Kill(-pgid, unix.SIGKILL)
	<-s.ended
	_ = s.hold.Close()
	for {
		_, err := unix.Wait4(-pgid, nil, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil { // ECHILD: nobody is left
			<-s.told
			return
		}
	}
}

// gone tells whether the server has ended.
func (s *server) gone() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// reapOrphans makes this process the parent of whatever its children leave behind.
func reapOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the reaper of orphaned workers: %w", err)
	}
	return nil
}

// tail keeps the end of what a server writes to its standard error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - 8<<10; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// last returns the last line, or another text if there is none.
func (t *tail) last(or string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.text), []byte("\n"))
	if last := string(lines[len(lines)-1]); last != "" {
		return last
	}
	return or
}

// statsFile names a file for a scoreboard, in memory where there is a place for that.
func statsFile() (path string, remove func(), err error) {
	base := "/dev/shm"
	if unix.Access(base, unix.W_OK) != nil {
		base = ""
	}
	dir, err := os.MkdirTemp(base, "serverlab-")
	if err != nil {
		return "", nil, fmt.Errorf("make a place for the scoreboard: %w", err)
	}
	return filepath.Join(dir, "scoreboard"), func() { _ = os.RemoveAll(dir) }, nil
}
