//go:build linux

package worker

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/servers/http1"
)

// Setup adds a handler's own flags and returns what makes it when they have been read: one that copies of this process
// can share, or none where each must make its own.
type Setup = func(*flag.FlagSet) func(shared bool) (fasthttp.RequestHandler, error)

// Main is the whole of a worker's program: it reads args, makes the handler, answers one request from descriptor 0 and
// returns the exit status.
func Main(program string, args []string, setup Setup) int {
	http1.OwnDates(now)
	limits := http1.DefaultLimits()
	cfg := Config{Limits: limits}
	f := flag.NewFlagSet(program, flag.ContinueOnError)
	f.BoolVar(&cfg.KeepAlive, "keepalive", false, "leave the connection open: the parent spawns the next worker")
	f.DurationVar(&cfg.ReadTimeout, "read-timeout", 10*time.Second, "`time` for the request to arrive")
	f.DurationVar(&cfg.SendTimeout, "idle-timeout", time.Minute, "`time` without progress in taking the answer")
	f.IntVar(&cfg.Limits.Header, "max-header", limits.Header, "most `bytes` of a header")
	f.IntVar(&cfg.Limits.Body, "max-body", limits.Body, "most `bytes` of a body")
	empty := f.Bool("empty", false, "return at once: what is left is the cost of starting")
	forks := f.Bool("forks", false, "be a spawner: fork for each connection that is passed on descriptor 3")
	handler := setup(f)
	f.SetOutput(io.Discard) // by itself it would print the whole usage after an error; one line is enough
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(os.Stderr)
		f.PrintDefaults()
		return 0
	case err == nil && f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case err == nil && *forks:
		return fork(program, cfg, handler, *empty)
	case err == nil && *empty:
		return 0
	}
	var h fasthttp.RequestHandler
	if err == nil {
		h, err = handler(false)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		return NotAnswered
	}
	return Serve(0, cfg, h, make([]byte, memorySize))
}
