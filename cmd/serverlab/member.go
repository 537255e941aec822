package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"serverlab/servers/app"
	"serverlab/servers/state"
)

// member is one process of a pool. Its parent, which serves, starts it with the same flags.
func member(ctx context.Context, c *call) error {
	var f serveFlags
	f.register(c)
	if err := c.parse(0); err != nil {
		return err
	}
	arch, err := f.complete(c.flags)
	if err != nil {
		return err
	}
	if arch.Member == nil {
		return usagef("%s has no pool of processes", arch.Name)
	}
	cfg := f.cfg
	if err := f.shareDescriptors(&cfg, io.Discard); err != nil { // says nothing of what is said by the parent
		return err
	}
	cfg.Log = logTo(c.stderr)
	if f.app.State == app.Stateful {
		if f.app.Store, err = inheritStore(&f.app); err != nil {
			return err
		}
		if own, ok := f.app.Store.(*state.Memory); ok {
			cfg.CountSessions = own.CountIn
		}
	}
	return arch.Member(ctx, cfg, app.New(f.app.Options))
}

// memberCommand is the command line of the processes of a pool: all that the server was told, but for what is its own,
// and where the table of the sessions is, if there is one.
func memberCommand(fs *pflag.FlagSet, table int) []string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	args := []string{self, "member"}
	fs.Visit(func(f *pflag.Flag) {
		if !slices.Contains([]string{"addr", "stats", "gomaxprocs", "until-eof", "worker"}, f.Name) {
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	if table >= 0 {
		args = append(args, fmt.Sprint("--session-table=", table))
	}
	return args
}
