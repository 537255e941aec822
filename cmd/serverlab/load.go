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
	checks checkFlags
	server int
	json   bool
	ascii  bool
	live   bool

	clients  clientFlags
	sessions sessionFlags
	exports  exports
	search   searchFlags
}

func (f *loadFlags) register(c *call) {
	fs := c.flags
	fs.StringVar(&f.cfg.URL, "url", "", "`URL` to ask for: http://HOST:PORT/PATH")
	fs.IntVar(&f.cfg.Connections, "connections", 64, "connections that are busy at the same time")
	fs.IntVar(&f.cfg.Threads, "threads", 0, "threads that make the load (0: one for each CPU in --cpus, else one)")
	fs.StringVar(&f.cpus, "cpus", "", "`LIST` of CPUs to pin the threads to, such as 1 or 1-2")
	fs.DurationVar(&f.cfg.Duration, "duration", 10*time.Second, "`time` that is measured")
	fs.DurationVar(&f.cfg.Warmup, "warmup", time.Second, "`time` before that, which is discarded")
	f.clients.register(fs)
	f.sessions.register(fs)
	f.search.register(fs)
	fs.BoolVar(&f.cfg.KeepAlive, "keepalive", true, "keep connections open; false: a connection per request")
	fs.IntVar(&f.cfg.Silent, "silent", 0, "connections held open beside the busy ones that never send")
	fs.DurationVar(&f.cfg.Timeout, "timeout", 10*time.Second, "`time` after which a request counts as failed")
	fs.StringVar(&f.cfg.Method, "method", "GET", "of the request")
	fs.StringArrayVar(&f.cfg.Header, "header", nil, "`LINE` to add to the request, \"Name: value\"; may be repeated")
	fs.StringVar(&f.body, "body", "", "`text` to send with each request, or @FILE")
	f.checks.register(fs)
	fs.BoolVar(&f.cfg.AllowRemote, "allow-remote", false, "allow a target that is not on this machine")
	fs.IntVar(&f.server, "server-pid", 0, "charge this process and its children, if the server runs on this machine")
	fs.BoolVar(&f.json, "json", false, "print the whole result as JSON")
	f.exports.register(fs)
	fs.BoolVar(&f.ascii, "ascii", false, "draw with plain characters")
	fs.BoolVar(&f.live, "live", true, "on a terminal, show the load while it goes on")
}

func load(ctx context.Context, c *call) error {
	var f loadFlags
	f.register(c)
	if err := c.parse(0); err != nil {
		return err
	}
	if err := f.search.prepare(c, &f); err != nil {
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
	if err := f.exports.check(c, f.json); err != nil {
		return err
	}
	if f.search.asked() {
		return f.search.run(ctx, c, &f, cfg)
	}
	cfg.Edge = f.exports.edge(bill.edge)
	view := f.view(c)
	if view != nil {
		cfg.Watch = view.watch
	}
	l, err := loadgen.Run(ctx, cfg)
	view.end()
	if err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	portsHint(c.stderr, l)
	used, err := bill.used()
	t := &results.Trial{Load: *l, Findings: l.Findings, Server: results.Server{CPU: used}}
	err = errors.Join(err, f.exports.save(c, t)) // before anything is shown: whoever reads that may leave early
	if err = errors.Join(err, f.show(c, t)); err != nil {
		return err
	}
	switch {
	case l.Interrupted:
		return fmt.Errorf("%w; what was measured so far is shown", errInterrupted)
	case l.Requests == 0 && l.ErrorCount() > 0 && l.Sessions != nil:
		return fmt.Errorf("not one right answer: see the errors above; is it the file service, with --state %s?",
			l.Sessions.State)
	case l.Requests == 0 && l.ErrorCount() > 0:
		return errors.New("not one right answer: see the errors above")
	case l.Requests == 0 && l.Shed > 0:
		return fmt.Errorf("not one right answer: the server refused each of %d requests with 503", l.Shed)
	case l.Requests == 0:
		return fmt.Errorf("no answer at all within %v: the server is silent, or the rate too low or too high for it", cfg.Duration)
	}
	if s := l.Sessions; s != nil && s.Lost > 0 && l.Requests <= s.Opened+s.Closed {
		return fmt.Errorf("not one right read: each of %d sessions was lost", s.Lost)
	}
	if wrong := loadgen.Wrong(l); wrong > 0 {
		return fmt.Errorf("%d answers were wrong: see the errors above", wrong)
	}
	return nil
}

// show prints what came of a load, unless a file of it has gone to standard output.
func (f *loadFlags) show(c *call, t *results.Trial) error {
	l, used := &t.Load, t.Server.CPU
	if f.exports.stdout() {
		return nil
	}
	if f.json {
		text, err := json.MarshalIndent(newLoaded(t), "", "  ")
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
	return nil
}

func (f *loadFlags) config(c *call) (cfg loadgen.Config, err error) {
	cfg = f.cfg
	if cfg.URL == "" {
		return cfg, usagef("--url is missing, such as --url http://127.0.0.1:8080/")
	}
	if err := f.clients.apply(c, &cfg); err != nil {
		return cfg, err
	}
	if err := f.sessions.apply(c, f, &cfg); err != nil {
		return cfg, err
	}
	if f.cpus != "" {
		if cfg.CPUs, err = cpuset.Parse(f.cpus); err != nil {
			return cfg, usagef("--cpus: %w", err)
		}
	}
	if cfg.Body, err = textOrFile(f.body); err != nil {
		return cfg, usagef("--body: %w", err)
	}
	if cfg.Check, err = f.checks.check(); err != nil {
		return cfg, err
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usagef("--%w", err)
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
