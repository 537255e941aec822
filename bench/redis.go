//go:build linux

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"syscall"
	"time"

	"serverlab/internal/cpuset"
)

// The stores that a situation can name; redis is one that the benchmark starts.
const (
	storeMemory = "memory"
	storeShared = "shm"
	storeRedis  = "redis"
)

// redisProgram finds the Redis of this machine.
func redisProgram() (string, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "", errors.New("redis-server is not installed: `apt-get install redis-server` brings it")
	}
	return path, nil
}

// redis is a Redis of our own, which keeps nothing on disk and ends with whoever started it.
type redis struct {
	addr  string
	cpus  []int
	cmd   *exec.Cmd
	said  *tail
	ended chan struct{}
}

// How often a free port may turn out to be taken meanwhile, and how often a Redis that starts is asked.
const (
	redisTries = 3
	redisAsk   = 2 * time.Millisecond
)

// startRedis starts one on a free port.
func startRedis(ctx context.Context, cpus []int) (r *redis, err error) {
	for range redisTries {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a port for Redis: %w", err)
		}
		r = &redis{addr: ln.Addr().String(), cpus: cpus}
		if err := ln.Close(); err != nil {
			return nil, fmt.Errorf("find a port for Redis: %w", err)
		}
		if err = r.start(ctx); err == nil || ctx.Err() != nil {
			return r, err
		}
	}
	return nil, err
}

func (r *redis) url() string { return "redis://" + r.addr }

// start starts it at its address and waits until it answers.
func (r *redis) start(ctx context.Context) error {
	program, err := redisProgram()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		return fmt.Errorf("start Redis: %w", err)
	}
	cmd, said, ended := exec.Command(program, "--bind", host, "--port", port, "--save", "", "--appendonly", "no",
		"--daemonize", "no"), &tail{}, make(chan struct{})
	cmd.Stdout, cmd.Stderr = said, said
	// It has no way to notice that its holder is gone: the kernel must end it then.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cpuset.Within(r.cpus, cmd.Start); err != nil {
		return fmt.Errorf("start Redis: %w", err)
	}
	r.cmd, r.said, r.ended = cmd, said, ended // now there is something to stop
	go func() {
		_ = cmd.Wait() // how it ends is told by who ends it
		close(ended)
	}()
	return r.await(ctx)
}

// await asks until it answers.
func (r *redis) await(ctx context.Context) error {
	limit := time.After(startPatience)
	again := time.NewTicker(redisAsk)
	defer again.Stop()
	for !r.answers() {
		select {
		case <-again.C:
		case <-r.ended:
			return fmt.Errorf("redis-server did not start: %s", r.said.last("it said nothing"))
		case <-limit:
			r.stop()
			return fmt.Errorf("redis-server was not ready after %v: %s", startPatience, r.said.last("it said nothing"))
		case <-ctx.Done():
			r.stop()
			return ctx.Err()
		}
	}
	return nil
}

// answers tells whether it takes commands, and is ours: its port was free a moment ago, and is perhaps another's now.
func (r *redis) answers() bool {
	c, err := net.DialTimeout("tcp", r.addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	if c.SetDeadline(time.Now().Add(time.Second)) != nil {
		return false
	}
	if _, err := c.Write([]byte("INFO server\r\nQUIT\r\n")); err != nil {
		return false
	}
	answer, err := io.ReadAll(io.LimitReader(c, 64<<10))
	return err == nil && bytes.Contains(answer, fmt.Appendf(nil, "\r\nprocess_id:%d\r\n", r.cmd.Process.Pid))
}

// stop ends it; it has nothing to save.
func (r *redis) stop() {
	_ = r.cmd.Process.Kill() // fails only if it has ended already
	<-r.ended
}
