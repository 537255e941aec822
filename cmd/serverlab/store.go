package main

import (
	"context"
	"fmt"

	"serverlab/servers"
	"serverlab/servers/app"
	"serverlab/servers/state"
	"serverlab/servers/state/redisstore"
)

// openStore opens the store of a stateful server, and sees to it that the scoreboard shows the sessions; what is in a
// server of its own is not counted.
func (f *serveFlags) openStore(ctx context.Context, arch servers.Architecture, cfg *servers.Config) error {
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
			cfg.Log.Warn("each process has sessions of its own: one that another has begun is unknown to it",
				"store", app.MemoryStore)
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

// inheritStore opens the store of a process that the server has started, which serves one request at a time.
func inheritStore(s *app.Settings) (state.Store, error) {
	if s.InTier() {
		return redisstore.Open(s.StoreName, s.Limits(), 1)
	}
	return s.Inherit()
}

// shareDescriptors divides what the limit of descriptors leaves room for between connections and, where files are kept
// open, those: at least a quarter is theirs if they ask for it.
func (f *serveFlags) shareDescriptors(cfg *servers.Config) error {
	most := maxConns()
	if most < 1 {
		return fmt.Errorf("too few descriptors are allowed: run `ulimit -n %d` first", reservedDescriptors+128)
	}
	if f.app.State != app.Stateless {
		if open := max(most-cfg.MaxConns, most/4); f.app.MaxOpen > open {
			cfg.Log.Warn("fewer open files than --max-open: the limit of descriptors is too low", "max-open", open)
			f.app.MaxOpen = open
		}
		most -= f.app.MaxOpen
	}
	if cfg.MaxConns > most {
		cfg.Log.Warn("fewer connections than --max-conns: the limit of descriptors is too low", "max-conns", most)
		cfg.MaxConns = most
	}
	return nil
}
