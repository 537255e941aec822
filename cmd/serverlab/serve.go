package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/spf13/pflag"

	"serverlab/internal/corpus"
	"serverlab/internal/scoreboard"
	"serverlab/servers"
	"serverlab/servers/app"
)

// serveFlags is what a server can be told.
type serveFlags struct {
	arch   string
	cfg    servers.Config
	app    app.Settings
	worker string
	stats  string
	procs  int
	eof    bool
}

func (f *serveFlags) register(c *call) {
	f.cfg = servers.DefaultConfig()
	fs := c.flags
	fs.StringVar(&f.arch, "arch", "", "`NAME` of the architecture, or the lecture's word for it: see serverlab list")
	fs.StringVar(&f.cfg.Addr, "addr", f.cfg.Addr, "`HOST:PORT` to listen on; port 0 takes a free one")
	fs.IntVar(&f.cfg.Workers, "workers", f.cfg.Workers, "threads of a pool, or processes alive at the same time")
	fs.BoolVar(&f.cfg.KeepAlive, "keepalive", f.cfg.KeepAlive, "keep connections open; false: one request per connection")
	fs.IntVar(&f.cfg.MaxConns, "max-conns", f.cfg.MaxConns, "most connections; one more is refused with 503")
	fs.DurationVar(&f.cfg.IdleTimeout, "idle-timeout", f.cfg.IdleTimeout, "`time` that a client may be silent")
	fs.DurationVar(&f.cfg.ReadTimeout, "read-timeout", f.cfg.ReadTimeout, "`time` that one request may take to arrive")
	fs.DurationVar(&f.cfg.StopTimeout, "stop-timeout", f.cfg.StopTimeout, "`time` for what is in hand when told to stop")
	fs.IntVar(&f.cfg.Limits.Header, "max-header", f.cfg.Limits.Header, "most `bytes` of a request's header")
	fs.IntVar(&f.cfg.Limits.Body, "max-body", f.cfg.Limits.Body, "most `bytes` of a request's body")
	f.app = app.DefaultSettings()
	f.app.Files = corpus.DefaultDir()
	own := flag.NewFlagSet("", flag.ContinueOnError)
	f.app.Register(own)
	own.Lookup("files").Usage += ", created on first use"
	fs.AddGoFlagSet(own)
	fs.Lookup("forget").DefValue = "0" // which is not shown: the text says what 0 means
	_ = fs.MarkHidden("session-table") // of the processes that the program starts for itself
	fs.StringVar(&f.worker, "worker", "", "`program` of a worker process (default: serverlab-worker beside serverlab)")
	for _, setting := range servers.Settings {
		if setting.InName {
			continue
		}
		fs.String(setting.Name, "", setting.About)
	}
	fs.StringVar(&f.stats, "stats", "", "`file` that shows counters and settings while the server runs")
	fs.IntVar(&f.procs, "gomaxprocs", 0, "threads that run Go code at the same time (0: what the architecture wants)")
	fs.BoolVar(&f.eof, "until-eof", false, "stop when standard input ends, so as not to outlive whoever holds it")
}

// complete checks the flags and fills in what follows from them.
func (f *serveFlags) complete(fs *pflag.FlagSet) (servers.Architecture, error) {
	if f.arch == "" {
		return servers.Architecture{}, usagef("--arch is missing: `serverlab list` shows what there is")
	}
	arch, variant, err := servers.Lookup(f.arch)
	if err != nil {
		return arch, usageError{err}
	}
	for _, setting := range servers.Settings {
		if flag := fs.Lookup(setting.Name); flag.Changed && !setting.InName {
			if err := variant.Set(setting.Name, flag.Value.String()); err != nil {
				return arch, usagef("--%w", err)
			}
		}
	}
	if err := variant.Check(arch); err != nil {
		return arch, usageError{err}
	}
	workers := f.cfg.Workers
	if f.cfg.Build(variant); fs.Changed("workers") { // a flag outweighs the row's name
		f.cfg.Workers = workers
	}
	if err := runnable(arch); err != nil {
		return arch, err
	}
	if _, err := net.ResolveTCPAddr("tcp", f.cfg.Addr); err != nil {
		return arch, usagef("--addr %s: %w", f.cfg.Addr, err)
	}
	for _, n := range []struct {
		flag        string
		value, most int
	}{
		{"workers", f.cfg.Workers, 10_000}, {"max-conns", f.cfg.MaxConns, 1_000_000},
		{"max-header", f.cfg.Limits.Header, 1 << 20}, {"max-body", f.cfg.Limits.Body, 1 << 30},
	} {
		if n.value < 1 || n.value > n.most {
			return arch, usagef("--%s %d: give a number from 1 to %d", n.flag, n.value, n.most)
		}
	}
	if f.cfg.IdleTimeout <= 0 || f.cfg.ReadTimeout <= 0 || f.cfg.StopTimeout <= 0 {
		return arch, usagef("a time-out must be longer than zero")
	}
	if f.procs < 0 || f.procs > 10_000 {
		return arch, usagef("--gomaxprocs %d: give a number from 0 to 10000", f.procs)
	}
	if err := f.completeState(fs, arch); err != nil {
		return arch, err
	}
	return arch, corpus.Ensure(f.app.Files)
}

// completeState checks what the file service shall remember, and says where unless that was said.
func (f *serveFlags) completeState(fs *pflag.FlagSet, arch servers.Architecture) error {
	if arch.StaticOnly && f.app.State != app.Stateless {
		return usagef("--state %s: %s serves one file and nothing else", f.app.State, arch.Name)
	}
	if err := f.app.Misplaced(fs.Changed); err != nil {
		return usageError{err}
	}
	if f.app.State == app.Stateful && f.app.StoreName == "" {
		f.app.StoreName = app.MemoryStore
		if arch.Unit == servers.Process {
			f.app.StoreName = app.SharedStore
		}
	}
	if err := f.app.Check(); err != nil {
		return usageError{err}
	}
	return nil
}

// runnable tells why an architecture can't be served here.
func runnable(arch servers.Architecture) error {
	if arch.Serve == nil {
		return errors.New("architectures are served on Linux only; results can be read here")
	}
	if arch.Needs != nil {
		if err := arch.Needs(); err != nil {
			return fmt.Errorf("%s is not available here: %w", arch.Name, err)
		}
	}
	return nil
}

// workerCommand is the command line of a worker of one request: the small program, or the larger one that can speak to
// a server of sessions.
func (f *serveFlags) workerCommand() []string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	command := []string{filepath.Join(filepath.Dir(self), "serverlab-worker")}
	switch {
	case f.worker != "":
		command[0] = f.worker
	case f.app.InTier():
		command[0] = filepath.Join(filepath.Dir(self), "serverlab-redisworker")
	}
	command = append(command,
		"--read-timeout="+f.cfg.ReadTimeout.String(),
		"--idle-timeout="+f.cfg.IdleTimeout.String(),
		"--max-header="+strconv.Itoa(f.cfg.Limits.Header),
		"--max-body="+strconv.Itoa(f.cfg.Limits.Body))
	return append(command, f.app.Args()...)
}

func serve(ctx context.Context, c *call) error {
	var f serveFlags
	f.register(c)
	if err := c.parse(0); err != nil {
		return err
	}
	arch, err := f.complete(c.flags)
	if err != nil {
		return err
	}
	if f.eof {
		var cancel context.CancelFunc
		ctx, cancel = untilEOF(ctx)
		defer cancel()
	}
	cfg := f.cfg
	cfg.Log = logTo(c.stderr)
	if cfg.Board, err = scoreboard.Create(f.stats, max(cfg.Workers, cfg.Loops, runtime.NumCPU())); err != nil {
		return err
	}
	defer cfg.Board.Close()
	if f.procs == 0 && arch.Procs != nil {
		f.procs = arch.Procs(cfg)
	}
	runtime.GOMAXPROCS(f.procs) // 0 leaves it as it is
	if err := f.shareDescriptors(&cfg, c.stderr); err != nil {
		return err
	}
	if err := f.openStore(ctx, arch, &cfg, c.stderr); err != nil {
		return err
	}
	if f.app.InTier() {
		tried := make(chan struct{})
		go func() {
			defer close(tried)
			tryStore(f.app.Store, c.stderr)
		}()
		defer func() { <-tried }()
	}
	cfg.Worker, cfg.Member = f.workerCommand(), memberCommand(c.flags, f.app.Table)
	cfg.Alone = true
	f.tell(arch, cfg)
	cfg.MayBlock = app.MayBlock
	cfg.Ready = func(a net.Addr) { fmt.Fprintf(c.stdout, "listening %s\n", a) }
	return arch.Serve(ctx, cfg, app.New(f.app.Options))
}

func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// tell puts the settings in force on the scoreboard.
func (f *serveFlags) tell(arch servers.Architecture, cfg servers.Config) {
	for key, value := range map[string]any{
		"arch": servers.Row(arch, cfg.Variant), "workers": cfg.Workers, "keepalive": cfg.KeepAlive, "max-conns": cfg.MaxConns,
		"idle-timeout": cfg.IdleTimeout, "read-timeout": cfg.ReadTimeout, "gomaxprocs": runtime.GOMAXPROCS(0),
		"cpus": runtime.NumCPU(), "gogc": envOr("GOGC", "100"),
	} {
		cfg.Board.Set(key, fmt.Sprint(value))
	}
	for key, value := range f.app.Told() {
		cfg.Board.Set(key, value)
	}
	if arch.Forgets && f.app.State == app.Soft {
		cfg.Board.Set("state", "soft, same as stateless")
	}
}

func envOr(key, or string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return or
}

// untilEOF returns a context that ends when standard input does: however the process that holds its other end dies,
// the kernel closes it.
func untilEOF(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return ctx, cancel
}
