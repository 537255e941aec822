package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"serverlab/bench"
	"serverlab/internal/corpus"
	"serverlab/results"
	"serverlab/servers"
)

// traceCalls draws the system calls of one request.
func traceCalls(ctx context.Context, c *call) error {
	keepAlive := c.flags.Bool("keepalive", false, "keep the connection, and draw a second request on it too")
	workers := c.flags.Int("workers", 2, "threads of a pool, or processes alive at the same time")
	asJSON := c.flags.Bool("json", false, "write one JSON object in place of the table")
	ascii := c.flags.Bool("ascii", false, "draw with plain characters")
	c.more = "\nstrace must be installed. Only one request is made: this measures nothing.\n"
	if err := c.parse(1); err != nil {
		return err
	}
	if c.flags.NArg() == 0 {
		return usagef("name an architecture: `serverlab list` shows what there is")
	}
	arch, variant, err := servers.Lookup(c.flags.Arg(0))
	if err != nil {
		return usageError{err}
	}
	if *workers < 1 || *workers > 64 {
		return usagef("--workers %d: give a number from 1 to 64", *workers)
	}
	if err := runnable(arch); err != nil {
		return err
	}
	if err := corpus.Ensure(corpus.DefaultDir()); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program to trace: %w", err)
	}
	t := results.SysTrace{Arch: servers.Row(arch, variant), KeepAlive: *keepAlive}
	argv := []string{self, "serve", "--until-eof", "--arch=" + t.Arch, fmt.Sprintf("--keepalive=%t", *keepAlive),
		fmt.Sprintf("--workers=%d", *workers)}
	t.Requests, err = bench.TraceCalls(ctx, bench.TraceOptions{Server: argv, Fresh: 1, KeepAlive: *keepAlive})
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w before the request was traced", errInterrupted)
	case err != nil:
		return fmt.Errorf("trace %s: %w", t.Arch, err)
	case *asJSON:
		if err := json.NewEncoder(c.stdout).Encode(&t); err != nil {
			return fmt.Errorf("write the trace: %w", err)
		}
		return nil
	}
	f := screenFlags{ascii: *ascii}
	return t.Print(c.stdout, f.style(c.stdout))
}
