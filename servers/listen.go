//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenMany opens n listening sockets on one address; the kernel spreads connections over them, by a hash of their
// addresses.
func listenMany(cfg *Config, n int) (lfds []int, addr net.Addr, err error) {
	if n == 1 {
		lfd, addr, err := listen(cfg)
		return []int{lfd}, addr, err
	}
	on := cfg.Addr // with port 0 the first socket finds one that nobody has
	if _, port, err := net.SplitHostPort(on); err != nil || port != "0" {
		free, err := freeAddr(cfg)
		if err != nil {
			return nil, nil, err
		}
		on = free.String()
	}
	reuse := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) (err error) {
		e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(e, err)
	}}
	reuse.SetMultipathTCP(false) // as in listenNet
	for range n {
		ln, err := reuse.Listen(context.Background(), "tcp", on)
		lfd := -1
		if err == nil {
			addr, on = ln.Addr(), ln.Addr().String()
			lfd, err = bareSocket(ln.(*net.TCPListener), cfg.IdleTimeout)
			_ = ln.Close() // lfd is open on it as well
		}
		if err != nil {
			closeSockets(lfds)
			return nil, nil, fmt.Errorf("listen on %s: %w", on, err)
		}
		lfds = append(lfds, lfd)
	}
	return lfds, addr, nil
}

// freeAddr finds the address to listen on, for whoever can't say that its port is in use (with SO_REUSEPORT the kernel
// shares it) or which one it was given: an ordinary listening socket tries first.
func freeAddr(cfg *Config) (net.Addr, error) {
	probe, err := listenNet(cfg)
	if err != nil {
		return nil, err
	}
	if err := probe.Close(); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", probe.Addr(), err)
	}
	return probe.Addr(), nil
}

func closeSockets(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
