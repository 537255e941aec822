package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"serverlab/internal/cpuset"
	"serverlab/loadgen"
	"serverlab/results"
)

// loadFlags is what a load can be told.
type loadFlags struct {
	cfg    loadgen.Config
	cpus   string
	body   string
	status int
	length int64
	expect string
	server int
	json   bool
	ascii  bool
	spin   time.Duration
}

// loaded is the result of a load, what follows from its histogram, and what the server used meanwhile.
type loaded struct {
	*results.Load
	P50       float64  `json:"p50"` // response time, seconds
	P99       float64  `json:"p99"`
	ServerCPU *float64 `json:"server_cpu,omitempty"` // seconds of its process tree in the window, if it was named
}

func newLoaded(l *results.Load, cpu *float64) loaded {
	all := loaded{Load: l, ServerCPU: cpu}
	if l.Response.Count() > 0 {
		all.P50, all.P99 = float64(l.Response.ValueAtQuantile(50))/1e9, float64(l.Response.ValueAtQuantile(99))/1e9
	}
	return all
}

func (f *loadFlags) register(c *call) {
	fs := c.flags
	fs.StringVar(&f.cfg.URL, "url", "", "`URL` to ask for: http://HOST:PORT/PATH")
	fs.IntVar(&f.cfg.Connections, "connections", 64, "connections that are busy at the same time")
	fs.IntVar(&f.cfg.Threads, "threads", 0, "threads that make the load (0: one for each CPU in --cpus, else one)")
	fs.StringVar(&f.cpus, "cpus", "", "`LIST` of CPUs to pin the threads to, such as 1 or 1-2")
	fs.DurationVar(&f.cfg.Duration, "duration", 10*time.Second, "`time` that is measured")
	fs.DurationVar(&f.cfg.Warmup, "warmup", time.Second, "`time` before that, which is discarded")
	fs.Float64Var(&f.cfg.Rate, "rate", 0, "requests per second, whatever the server does (0: closed loop)")
	fs.StringVar(&f.cfg.Arrivals, "arrivals", "poisson", "at that rate: poisson or constant")
	fs.Uint64Var(&f.cfg.Seed, "seed", 1, "of Poisson arrivals: the same seed gives the same moments")
	fs.BoolVar(&f.cfg.KeepAlive, "keepalive", true, "keep connections open; false: a connection per request")
	fs.IntVar(&f.cfg.Silent, "silent", 0, "connections held open beside the busy ones that never send")
	fs.DurationVar(&f.cfg.Timeout, "timeout", 10*time.Second, "`time` after which a request counts as failed")
	fs.DurationVar(&f.spin, "spin", 50*time.Microsecond, "longest busy wait before a request that is due (0s: none)")
	fs.StringVar(&f.cfg.Method, "method", "GET", "of the request")
	fs.StringArrayVar(&f.cfg.Header, "header", nil, "`LINE` to add to the request, \"Name: value\"; may be repeated")
	fs.StringVar(&f.body, "body", "", "`text` to send with each request, or @FILE")
	fs.IntVar(&f.status, "expect-status", 0, "status of a right answer (0: any of 2xx)")
	fs.Int64Var(&f.length, "expect-length", -1, "length of a right answer's body, bytes (-1: any)")
	fs.StringVar(&f.expect, "expect-body", "", "`text` of a right answer's body, or @FILE")
	fs.IntVar(&f.server, "server-pid", 0, "charge this process and its children, if the server runs on this machine")
	fs.BoolVar(&f.json, "json", false, "print the whole result as JSON")
	fs.BoolVar(&f.ascii, "ascii", false, "draw with plain characters")
}

func load(ctx context.Context, c *call) error {
	var f loadFlags
	f.register(c)
	if err := c.parse(0); err != nil {
		return err
	}
	cfg, err := f.config(c)
	if err != nil {
		return err
	}
	bill, err := newBill(f.server)
	if err != nil {
		return usagef("--server-pid: %w", err)
	}
	cfg.Edge = bill.edge
	l, err := loadgen.Run(ctx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	used, err := bill.used()
	if err != nil {
		return err
	}
	if f.json {
		text, err := json.MarshalIndent(newLoaded(l, used), "", "  ")
		if err != nil {
			return fmt.Errorf("encode the result: %w", err)
		}
		fmt.Fprintf(c.stdout, "%s\n", text)
	} else if err := results.LoadSummary(c.stdout, l, (&screenFlags{ascii: f.ascii}).style(c.stdout)); err != nil {
		return fmt.Errorf("draw the result: %w", err)
	} else if used != nil && l.Requests > 0 {
		fmt.Fprintf(c.stdout, "\nthe server used %.3g s of CPU time in the window, %.3g µs per request\n", *used,
			*used/float64(l.Requests)*1e6)
	}
	switch {
	case l.Interrupted:
		return fmt.Errorf("%w; what was measured so far is shown", errInterrupted)
	case l.Requests == 0 && l.ErrorCount() > 0:
		return errors.New("not one right answer: see the errors above")
	case l.Requests == 0:
		return fmt.Errorf("no answer at all within %v: the server is silent, or the rate too low for that time", cfg.Duration)
	}
	wrong := l.Errors[loadgen.ErrStatus] + l.Errors[loadgen.ErrLength] + l.Errors[loadgen.ErrBody] +
		l.Errors[loadgen.ErrMalformed]
	if wrong > 0 {
		return fmt.Errorf("%d answers were wrong: see the errors above", wrong)
	}
	return nil
}

func (f *loadFlags) config(c *call) (cfg loadgen.Config, err error) {
	cfg = f.cfg
	if cfg.URL == "" {
		return cfg, usagef("--url is missing, such as --url http://127.0.0.1:8080/")
	}
	if c.flags.Changed("arrivals") && cfg.Rate == 0 {
		return cfg, usagef("--arrivals needs a --rate")
	}
	if f.cpus != "" {
		if cfg.CPUs, err = cpuset.Parse(f.cpus); err != nil {
			return cfg, usagef("--cpus: %w", err)
		}
	}
	if cfg.Rate > 0 {
		cfg.Spin = f.spin
	}
	if cfg.Body, err = textOrFile(f.body); err != nil {
		return cfg, usagef("--body: %w", err)
	}
	cfg.Check = loadgen.Check{Status: f.status, Length: f.length}
	if c.flags.Changed("expect-body") {
		if cfg.Check.Body, err = textOrFile(f.expect); err != nil {
			return cfg, usagef("--expect-body: %w", err)
		}
		if cfg.Check.Body == nil { // an empty text is expected, which is not the same as any
			cfg.Check.Body = []byte{}
		}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// textOrFile takes text as it is, and @FILE for a file's content.
func textOrFile(s string) ([]byte, error) {
	name, isFile := strings.CutPrefix(s, "@")
	if !isFile {
		if s == "" {
			return nil, nil
		}
		return []byte(s), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s is longer than %d MiB", name, maxFile>>20)
	}
	return b, err
}

// maxFile is the most that is read of a body's file, bytes.
const maxFile = 64 << 20
