package main

import (
	"fmt"

	"serverlab/bench"
)

// serverCommand is the command line of a server that ends with the one who started it.
func serverCommand(self string, s bench.ServerOptions) []string {
	argv := []string{self, "serve", "--until-eof", "--arch=" + s.Architecture,
		fmt.Sprintf("--keepalive=%t", s.KeepAlive)}
	if s.Chaos {
		argv = append(argv, "--allow-chaos")
	}
	if s.Stats != "" {
		argv = append(argv, "--stats="+s.Stats)
	}
	if s.MaxConns > 0 {
		argv = append(argv, fmt.Sprintf("--max-conns=%d", s.MaxConns))
	}
	if s.Workers > 0 {
		argv = append(argv, fmt.Sprintf("--workers=%d", s.Workers))
	}
	if s.Procs > 0 {
		argv = append(argv, fmt.Sprintf("--gomaxprocs=%d", s.Procs))
	}
	for flag, value := range map[string]string{"addr": s.Addr, "state": s.State, "store": s.Store} {
		if value != "" {
			argv = append(argv, "--"+flag+"="+value)
		}
	}
	if s.Lease > 0 {
		argv = append(argv, "--lease="+s.Lease.String())
	}
	return argv
}

// delayedCommand is the command line of a server whose response times are known.
func delayedCommand(self, delay string, seed uint64, spin bool) []string {
	return []string{self, "null", "--delay=" + delay, fmt.Sprintf("--seed=%d", seed), fmt.Sprintf("--spin=%t", spin)}
}
