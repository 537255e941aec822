package main

import (
	"context"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"serverlab/servers/app"
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
	cfg.Log = logTo(c.stderr)
	cfg.MaxConns = min(cfg.MaxConns, max(1, maxConns()))
	return arch.Member(ctx, cfg, app.New(f.app))
}

// memberCommand is the command line of the processes of a pool: all that the server was told, but for what is its own.
func memberCommand(fs *pflag.FlagSet) []string {
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
	return args
}
