//go:build linux

// The worker of a server that spawns a process for each request. Its descriptor 0 is the connection, so a super server
// can start it as well as serverlab: `http stream tcp nowait nobody /path/to/serverlab-worker serverlab-worker`.
//
// Its start is its cost, so it links little and parses its flags with the plainest package there is.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"serverlab/servers/app"
	"serverlab/servers/http1"
	"serverlab/servers/worker"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	limits := http1.DefaultLimits()
	cfg := worker.Config{Limits: limits}
	var o app.Options
	f := flag.NewFlagSet("serverlab-worker", flag.ContinueOnError)
	f.BoolVar(&cfg.KeepAlive, "keepalive", false, "leave the connection open: the parent spawns the next worker")
	f.DurationVar(&cfg.ReadTimeout, "read-timeout", 10*time.Second, "`time` for the request to arrive")
	f.DurationVar(&cfg.SendTimeout, "idle-timeout", time.Minute, "`time` without progress in taking the answer")
	f.IntVar(&cfg.Limits.Header, "max-header", limits.Header, "most `bytes` of a header")
	f.IntVar(&cfg.Limits.Body, "max-body", limits.Body, "most `bytes` of a body")
	f.StringVar(&o.Files, "files", "", "`directory` of the served files")
	f.BoolVar(&o.AllowChaos, "allow-chaos", false, "GET /chaos/exit ends the process")
	empty := f.Bool("empty", false, "return at once: what is left is the cost of starting")
	f.SetOutput(io.Discard) // by itself it would print the whole usage after an error; one line is enough
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		f.SetOutput(os.Stderr)
		f.PrintDefaults()
		return 0
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "serverlab-worker: %v\n", err)
		return 2
	}
	if f.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "serverlab-worker: unexpected argument %q\n", f.Arg(0))
		return 2
	}
	if *empty {
		return 0
	}
	return worker.Serve(0, cfg, app.New(o))
}
