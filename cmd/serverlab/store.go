package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"serverlab/servers"
	"serverlab/servers/app"
	"serverlab/servers/state"
	"serverlab/servers/state/redisstore"
)

// openStore opens the store of a stateful server, and sees to it that the scoreboard shows the sessions; what is in a
// server of its own is not counted.
func (f *serveFlags) openStore(ctx context.Context, arch servers.Architecture, cfg *servers.Config,
	notes io.Writer) error {
	if f.app.State != app.Stateful {
		return nil
	}
	switch f.app.StoreName {
	case app.SharedStore:
		err := f.createTable(ctx, cfg.Board.Slot(0))
		cfg.Inherit = append(cfg.Inherit, uintptr(f.app.Table))
		return err
	case app.MemoryStore:
		own := state.NewMemory(f.app.Limits())
		f.app.Store = own
		if arch.Unit == servers.Process {
			cfg.CountSessions = own.CountIn // by which the parent of a pool knows that its processes count
			fmt.Fprintln(notes, "serverlab serve: --store memory: each process has sessions of its own, and knows none that "+
				"another has begun; --store shm lets them share all")
			return nil
		}
		own.CountIn(&cfg.Board.Slot(0).Sessions)
		return nil
	}
	store, err := redisstore.Open(f.app.StoreName, f.app.Limits(), max(cfg.Workers, cfg.Helpers))
	if err != nil { // it is not connected to yet: the name is wrong
		return usagef("--store: %w", err)
	}
	f.app.Store = store
	return nil
}

// tryStore warns if a store in a server of its own can't be used: nobody answers there, or not to that password or
// database. It asks for a session that is not there. That is no error: the other server may start later.
func tryStore(s state.Store, notes io.Writer) {
	if _, err := s.Advance(state.NewID(), 0); err != nil && !errors.Is(err, state.ErrUnknown) {
		fmt.Fprintf(notes, "serverlab serve: --store: requests for sessions get 503 until it works: %s\n", oneLine(err))
	}
}

// inheritStore opens the store of a process that the server has started, which serves one request at a time.
func inheritStore(s *app.Settings) (state.Store, error) {
	if s.InTier() {
		return redisstore.Open(s.StoreName, s.Limits(), 1)
	}
	return s.Inherit()
}

// shareDescriptors divides what the limit of descriptors leaves room for between connections and, where files are kept
// open, those: at least a quarter is theirs if they ask for it.
func (f *serveFlags) shareDescriptors(cfg *servers.Config, notes io.Writer) error {
	most := maxConns()
	if most < 1 {
		return fmt.Errorf("too few descriptors are allowed: run `ulimit -n %d` first", reservedDescriptors+128)
	}
	if f.app.State != app.Stateless {
		if open := max(most-cfg.MaxConns, most/4); f.app.MaxOpen > open {
			fmt.Fprintf(notes, "serverlab serve: --max-open %d: the limit of descriptors leaves room for %d; see `ulimit -n`\n",
				f.app.MaxOpen, open)
			f.app.MaxOpen = open
		}
		most -= f.app.MaxOpen
	}
	if cfg.MaxConns > most {
		fmt.Fprintf(notes, "serverlab serve: --max-conns %d: the limit of descriptors leaves room for %d; see `ulimit -n`\n",
			cfg.MaxConns, most)
		cfg.MaxConns = most
	}
	return nil
}
