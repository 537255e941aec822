//go:build linux

package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// external is a server that others have written, run as a program. It gets a directory of its own for its
// configuration and what it serves, and a process group of its own, and ends with the process that started it,
// however that ends.
type external struct {
	program string         // path
	stop    syscall.Signal // ends it when it has answered what is in hand
	// write puts its configuration into dir and returns its arguments.
	write func(dir, addr string, cfg Config) (args []string, err error)
}

// page is what it serves at /: the answer of the handler to the same request.
const page = "Hello, World!"

// serve runs the program until ctx ends.
func (e external) serve(ctx context.Context, cfg Config) error {
	dir, err := os.MkdirTemp("", "serverlab-")
	if err != nil {
		return fmt.Errorf("configure %s: %w", e.program, err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // started by root, it may serve as somebody else
		return fmt.Errorf("configure %s: %w", e.program, err)
	}
	// Who is told twice to stop must not leave the other program behind.
	again := make(chan os.Signal, 2)
	defer signal.Stop(again)
	for attempt := 1; ; attempt++ {
		addr, err := freeAddr(&cfg)
		if err != nil {
			return err
		}
		p, err := e.start(dir, addr.String(), cfg)
		if err != nil {
			return err
		}
		err = p.wait(ctx, addr.String())
		if err == nil {
			cfg.Ready(addr)
			select {
			case <-p.ended:
				err = fmt.Errorf("%s ended by itself: %w", e.program, p.failure())
			case <-ctx.Done():
				signal.Notify(again, os.Interrupt, syscall.SIGTERM)
			}
		}
		p.end(e.stop, cfg.StopTimeout, again)
		_, port, _ := net.SplitHostPort(cfg.Addr)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errNoStart) && port == "0" && attempt < 5: // somebody else has taken the port meanwhile
			continue
		}
		return err
	}
}

// running is the program while it runs.
type running struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has been reaped
	err   error         // of its end
	said  bytes.Buffer  // read it only when it has ended
}

func (e external) start(dir, addr string, cfg Config) (*running, error) {
	if err := writeFiles(dir, map[string]string{"index.txt": page, "token": watchword(addr)}); err != nil {
		return nil, err
	}
	args, err := e.write(dir, addr, cfg)
	if err != nil {
		return nil, err
	}
	p := &running{cmd: exec.Command(e.program, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.cmd.Dir = dir
	p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	p.cmd.WaitDelay = time.Second // a process that it left behind may hold its output open
	// The signal lets it end its workers, which SIGKILL would leave behind.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the signal follows the thread that started it, so that one must stay
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", e.program, err)
	}
	return p, nil
}

// watchword is the content of a file that only the program that was started for addr serves.
func watchword(addr string) string { return fmt.Sprintf("%d %s", os.Getpid(), addr) }

func writeFiles(dir string, files map[string]string) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return fmt.Errorf("configure: %w", err)
		}
	}
	return nil
}

// errNoStart means that the program ended before it served.
var errNoStart = errors.New("does not start")

// startTime bounds the start of a program.
const startTime = 10 * time.Second

// wait returns when the program answers: not somebody else who has taken its port.
func (p *running) wait(ctx context.Context, addr string) error {
	deadline := time.NewTimer(startTime)
	defer deadline.Stop()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for {
		if serves(addr, "/token", watchword(addr)) {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s %w: %w", p.cmd.Path, errNoStart, p.failure())
		case <-deadline.C:
			return fmt.Errorf("%s does not serve %s within %v", p.cmd.Path, addr, startTime)
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
}

// serves asks for a path and tells whether want came.
func serves(addr, path, want string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, addr); err != nil {
		return false
	}
	answer, err := io.ReadAll(io.LimitReader(c, 64<<10))
	head, body, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	return err == nil && bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) && string(body) == want
}

// failure says how it ended. Its last line tells most.
func (p *running) failure() error {
	lines := strings.Split(strings.TrimSpace(p.said.String()), "\n")
	if p.err == nil {
		return errors.New("exit status 0: " + lines[len(lines)-1])
	}
	return fmt.Errorf("%w: %s", p.err, lines[len(lines)-1])
}

// end tells it to stop, then tells it to stop at once, and leaves no process of its group.
func (p *running) end(stop syscall.Signal, grace time.Duration, again <-chan os.Signal) {
	group := -p.cmd.Process.Pid
	for _, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{{stop, grace}, {syscall.SIGTERM, time.Second}} {
		select {
		case <-p.ended: // its number may be another's by now, but not that of its group while it has members
		default:
			_ = p.cmd.Process.Signal(step.signal)
		}
		select {
		case <-p.ended:
		case <-time.After(step.patience):
		case <-again:
		}
	}
	_ = unix.Kill(group, unix.SIGKILL)
	<-p.ended
}

// seconds is a time-out as such programs take it.
func seconds(d time.Duration) string { return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second))) }

// installed finds a program, also where an ordinary user's PATH does not lead.
func installed(name string) (string, error) {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/local/sbin", "/usr/sbin", "/sbin") {
		path := filepath.Join(dir, name)
		if unix.Access(path, unix.X_OK) == nil && filepath.IsAbs(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: run scripts/setup.sh", name)
}
