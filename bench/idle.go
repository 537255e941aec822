//go:build linux

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/proc"
	"serverlab/results"
)

// The bounds of measuring what idle connections cost.
const (
	idleConnections = 5000
	idleAtOnce      = 32 // requests in flight: a crowd that speaks at once would show what a busy server takes
	idlePatience    = time.Second
	idleSpeaking    = 700 * time.Millisecond // for the requests of all
	idleFew         = 10                     // of so many, one at least must be answered, or chance is all that shows
)

// idleTarget is how many connections the limit of descriptors leaves room for, here and in the server.
func idleTarget(descriptors uint64) int {
	return int(min(idleConnections, max(descriptors, needDescriptors)-needDescriptors+silentClients))
}

// idle measures what a connection costs a row while it is silent: it opens many, looks at the memory of the process
// tree, sends one request on each, and looks again. A fault of the server is a reason to have no figure, and no error.
func (b *bench) idle(ctx context.Context, row results.Architecture) (results.Idle, error) {
	if row.AtOnce > 0 {
		return results.Idle{Why: atOnce(row.AtOnce)}, nil
	}
	n := idleTarget(b.machine.Descriptors)
	// A quarter more than are opened: nginx closes idle connections before it has reached its limit.
	argv := b.Server(ServerOptions{Architecture: row.Name, KeepAlive: true, MaxConns: n + n/4})
	srv, err := start(ctx, argv, b.ServerCPUs, "")
	if err != nil {
		return results.Idle{Why: err.Error()}, ctx.Err()
	}
	to, err := netip.ParseAddrPort(srv.addr)
	if err != nil {
		srv.kill()
		return results.Idle{}, fmt.Errorf("measure idle connections of %s: %w", row.Name, err)
	}
	c := crowd{to: &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}}
	idle, err := c.measure(n, srv.tree)
	died, held := srv.gone(), len(c.fds)
	c.close()
	_, stopErr := srv.stop()
	switch {
	case ctx.Err() != nil:
		return idle, ctx.Err()
	case died:
		return results.Idle{Why: fmt.Sprintf("the server ended when it had %d connections", held)}, nil
	case err != nil:
		return results.Idle{Why: err.Error()}, nil
	case stopErr != nil:
		return results.Idle{Why: stopErr.Error()}, nil
	}
	return idle, nil
}

// atOnce is why a row has no figure that serves only some of the connections.
func atOnce(n int) string {
	if n == 0 {
		return fmt.Sprintf("gave no answer within %v", idlePatience)
	}
	return fmt.Sprintf("serves %d at a time", n)
}

// crowd is a number of connections that are mostly silent.
type crowd struct {
	to  unix.Sockaddr
	fds []int
}

// errSlow says that time was up before all had spoken.
var errSlow = errors.New("not all were answered in time")

func (c *crowd) measure(n int, tree *proc.Tree) (idle results.Idle, err error) {
	var memory [3]float64 // before, with silent ones, after they have spoken
	look := func(i int) error {
		rest(tree)
		s, err := tree.Size()
		if err == nil && s.PSS == 0 {
			err = errors.New("the kernel does not tell the memory of the server")
		}
		memory[i] = float64(s.PSS)
		return err
	}
	if idle.Answered, err = c.warmUp(); errors.Is(err, unix.EAGAIN) {
		idle.Why = atOnce(idle.Answered)
		return idle, nil
	} else if err != nil {
		return idle, err
	}
	if err := look(0); err != nil {
		return idle, err
	}
	if err := c.open(n); err != nil {
		return idle, err
	}
	if err := look(1); err != nil {
		return idle, err
	}
	idle.Connections = len(c.fds)
	idle.Answered, err = c.speak()
	switch {
	case errors.Is(err, unix.EAGAIN):
		idle.Why = atOnce(idle.Answered)
		return idle, nil
	case err != nil && !errors.Is(err, errSlow):
		return idle, err
	}
	if err := look(2); err != nil {
		return idle, err
	}
	silent := (memory[1] - memory[0]) / float64(len(c.fds))
	used := silent + (memory[2]-memory[1])/float64(idle.Answered)
	if idle.Silent = &silent; idle.Answered < len(c.fds)/idleFew {
		idle.Why = fmt.Sprintf("too slow: only %d were answered in time", idle.Answered)
		return idle, nil
	}
	idle.Used = &used
	return idle, nil
}

// warmUp has a few connections served and closes them, so that what a server sets up once is not charged to those that
// are counted. It returns how many were served.
func (c *crowd) warmUp() (int, error) {
	some := crowd{to: c.to}
	defer some.close()
	if err := some.open(idleAtOnce); err != nil {
		return 0, err
	}
	return some.speak()
}

// open opens n connections, a few at a time, so that they don't overrun the backlog; fewer when the server takes no
// more of them.
func (c *crowd) open(n int) error {
	for len(c.fds) < n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open connection %d of %d: %w", len(c.fds)+1, n, err)
		}
		patience := unix.NsecToTimeval(idlePatience.Nanoseconds())
		err = errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience), // of connect, too
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
			// Closing sends a reset: thousands of connections in TIME_WAIT would burden what comes next.
			unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
		if err == nil {
			err = unix.Connect(fd, c.to)
		}
		for errors.Is(err, unix.EINTR) { // it goes on, and another call waits for its end: connect(2)
			err = unix.Connect(fd, c.to)
		}
		if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EALREADY) { // the backlog is full, and stays so
			return unix.Close(fd)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("open connection %d of %d: %w", len(c.fds)+1, n, err), unix.Close(fd))
		}
		if c.fds = append(c.fds, fd); len(c.fds)%64 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// speak sends one request on each connection, a few at the same time, and counts the answers.
func (c *crowd) speak() (answered int, err error) {
	request := []byte("GET / HTTP/1.1\r\nHost: idle\r\n\r\n")
	until := time.Now().Add(idleSpeaking)
	for from := 0; from < len(c.fds); from += idleAtOnce {
		if time.Now().After(until) {
			return answered, errSlow
		}
		some := c.fds[from:min(from+idleAtOnce, len(c.fds))]
		for _, fd := range some {
			if _, err := unix.Write(fd, request); err != nil {
				return answered, fmt.Errorf("send a request: %w", err)
			}
		}
		for _, fd := range some {
			if err := answer(fd); err != nil {
				return answered, err
			}
			answered++
		}
	}
	return answered, nil
}

// answer waits for the end of an answer.
func answer(fd int) error {
	var b [4096]byte
	for n := 0; n < len(b); {
		m, err := unix.Read(fd, b[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for an answer: %w", err)
		}
		if m == 0 {
			return errors.New("the server closed an idle connection without an answer")
		}
		if n += m; bytes.HasSuffix(b[:n], []byte(greeting)) {
			return nil
		}
	}
	return errors.New("the server gave another answer than was asked for")
}

func (c *crowd) close() {
	for _, fd := range c.fds {
		_ = unix.Close(fd) // a descriptor of ours: fails only if it is none
	}
}

// rest waits until the server has nothing more to do: its CPU clocks stand still, several times in a row, since one that
// waits for a CPU stands still too.
func rest(tree *proc.Tree) {
	const pause, nothing, enough, most = 10 * time.Millisecond, 100e-6, 3, 50
	last := -1.0
	for looks, still := 0, 0; looks < most && still < enough; looks++ {
		u, err := tree.Usage()
		if err != nil {
			return
		}
		if still++; last < 0 || u.CPU-last > nothing {
			still = 0
		}
		last = u.CPU
		time.Sleep(pause)
	}
}
