//go:build linux

package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"serverlab/servers"
	"serverlab/servers/app"
)

// Child returns a Start that runs `program serve --arch ROW` as a process of its own. A row is a name with its
// settings.
func Child(program, row, files string) Start {
	return func(ctx context.Context, s Settings) (*Server, error) {
		args := append([]string{program, "serve", "--until-eof", "--arch=" + row, "--files=" + files}, s.serveFlags()...)
		if s.Descriptors > 0 {
			args = append([]string{"/bin/sh", "-c", `ulimit -n "$0" && exec "$@"`, fmt.Sprint(s.Descriptors)}, args...)
		}
		cmd := exec.Command(args[0], args[1:]...)
		var said bytes.Buffer
		cmd.Stderr = &said
		cmd.WaitDelay = patience // a worker that outlives the server would hold standard error open
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if _, err = cmd.StdinPipe(); err != nil { // it ends when this process does, by whatever way: so does the server
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		server := &Server{Pid: cmd.Process.Pid, done: make(chan struct{})}
		server.stop = func(sig os.Signal) { _ = cmd.Process.Signal(sig) } // it may have ended already
		server.kill = func() { _ = syscall.Kill(-server.Pid, syscall.SIGKILL) }
		release := context.AfterFunc(ctx, server.kill)
		first := make(chan string, 1)
		go func() {
			defer close(server.done)
			defer release()
			lines := bufio.NewScanner(out)
			lines.Scan()
			first <- lines.Text()
			for lines.Scan() {
				server.err = fmt.Errorf("standard output says %q after the address", lines.Text())
			}
			server.err = errors.Join(server.err, ending(cmd.Wait(), server.Pid, said.String()))
		}()
		line := <-first
		addr, found := strings.CutPrefix(line, "listening ")
		if !found {
			server.Kill()
			return nil, fmt.Errorf("no address on its standard output: %w", server.err)
		}
		server.Addr = addr
		return server, nil
	}
}

// serveFlags are the flags of `serverlab serve` that s stands for.
func (s Settings) serveFlags() []string {
	args := []string{fmt.Sprintf("--keepalive=%t", !s.OneRequest), fmt.Sprintf("--workers=%d", s.Workers)}
	if s.MaxConns > 0 {
		args = append(args, fmt.Sprintf("--max-conns=%d", s.MaxConns))
	}
	if s.StopTimeout > 0 {
		args = append(args, "--stop-timeout="+s.StopTimeout.String())
	}
	return append(args, s.workerFlags()...)
}

// workerFlags are those that serve and its worker processes share.
func (s Settings) workerFlags() (args []string) {
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"idle-timeout", s.IdleTimeout}, {"read-timeout", s.ReadTimeout}} {
		if d.value > 0 {
			args = append(args, "--"+d.flag+"="+d.value.String())
		}
	}
	if s.MaxHeader > 0 {
		args = append(args, fmt.Sprintf("--max-header=%d", s.MaxHeader))
	}
	if s.MaxBody > 0 {
		args = append(args, fmt.Sprintf("--max-body=%d", s.MaxBody))
	}
	if s.AllowChaos {
		args = append(args, "--allow-chaos")
	}
	return args
}

// ending judges how a process ended: by its exit code, by what it said, and by what it left behind.
func ending(err error, pid int, said string) error {
	var errs []error
	if err != nil {
		errs = append(errs, fmt.Errorf("it ended with %w, saying %q", err, lastLine(said)))
	}
	for _, bad := range []string{"panic:", "DATA RACE", "fatal error:"} {
		if i := strings.Index(said, bad); i >= 0 {
			errs = append(errs, fmt.Errorf("it said %q", said[i:min(len(said), i+2000)]))
		}
	}
	if left := group(pid); len(left) > 0 {
		errs = append(errs, fmt.Errorf("it left processes behind: %v", left))
		_ = syscall.Kill(-pid, syscall.SIGKILL) // some may have ended meanwhile
	}
	return errors.Join(errs...)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// InProcess returns a Start that serves in this process, so that the race detector and the coverage see the server.
// Worker is the program of a worker process, program that of a pool's.
func InProcess(arch servers.Architecture, v servers.Variant, files, program, worker string) Start {
	return func(ctx context.Context, s Settings) (*Server, error) {
		cfg := servers.DefaultConfig()
		cfg.Variant = v
		cfg.KeepAlive, cfg.Workers = !s.OneRequest, s.Workers
		set(&cfg.MaxConns, s.MaxConns)
		set(&cfg.IdleTimeout, s.IdleTimeout)
		set(&cfg.ReadTimeout, s.ReadTimeout)
		set(&cfg.StopTimeout, s.StopTimeout)
		set(&cfg.Limits.Header, s.MaxHeader)
		set(&cfg.Limits.Body, s.MaxBody)
		cfg.Worker = append([]string{worker, "--files=" + files}, s.workerFlags()...)
		cfg.Member = append([]string{program, "member", "--arch=" + servers.Row(arch, v), "--files=" + files},
			s.serveFlags()...)
		cfg.MayBlock = app.MayBlock
		addr := make(chan net.Addr, 1)
		cfg.Ready = func(a net.Addr) { addr <- a }
		serving, stop := context.WithCancel(ctx)
		server := &Server{done: make(chan struct{}), stop: func(os.Signal) { stop() }, kill: stop}
		go func() {
			defer close(server.done)
			defer stop()
			server.err = arch.Serve(serving, cfg, app.New(app.Options{Files: files, AllowChaos: s.AllowChaos}))
		}()
		select {
		case a := <-addr:
			server.Addr = a.String()
			return server, nil
		case <-server.done:
			return nil, server.err
		}
	}
}

func set[T int | time.Duration](field *T, value T) {
	if value > 0 {
		*field = value
	}
}
