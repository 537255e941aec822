package main

import (
	"github.com/spf13/pflag"

	"serverlab/loadgen"
)

// sessionFlags make the load that of clients of the file service, who read its files to their ends.
type sessionFlags struct {
	state         string
	clients, read int
}

func (f *sessionFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.state, "session", "", "make the load that of clients who read the file service's files, each to its "+
		"end, and check every byte: `STATE` of that service, stateless, soft or stateful")
	fs.IntVar(&f.clients, "clients", 0, "of --session, who share the connections (0: one for each)")
	fs.IntVar(&f.read, "read", 0, "`bytes` that each read of --session asks for (0: 4096)")
}

// apply puts the flags into cfg.
func (f *sessionFlags) apply(c *call, all *loadFlags, cfg *loadgen.Config) error {
	if !c.flags.Changed("session") {
		for _, name := range []string{"clients", "read"} {
			if c.flags.Changed(name) {
				return usagef("--%s needs --session stateless, soft or stateful", name)
			}
		}
		return nil
	}
	for _, name := range []string{"check", "method", "body"} {
		if c.flags.Changed(name) {
			return usagef("--session: clients with sessions send their own requests, and check each byte of the answers; "+
				"leave out --%s", name)
		}
	}
	switch {
	case f.state == "":
		return usagef("--session names no state: give stateless, soft or stateful")
	case f.clients > 0 && all.search.sweep != "" && all.search.by == "connections":
		return usagef("--sweep-by connections has a client for each connection: leave out --clients")
	}
	cfg.Sessions = loadgen.Sessions{State: f.state, Clients: f.clients, Read: f.read}
	return nil
}
