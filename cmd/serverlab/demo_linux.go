package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"serverlab/bench"
	"serverlab/results"
	"serverlab/servers"
)

// demoRows are shown where nobody names others: one of each kind of the lecture. A process per request needs a CPU for
// itself at the usual rate, so it must be named.
var demoRows = []string{"eventloop", "threadpool", "goroutine", "prefork"}

// demoMoments: how often the picture is drawn anew, and how long a server stays down that was killed, so that one sees
// it.
const (
	demoFrame  = 250 * time.Millisecond
	demoOutage = time.Second
)

func runDemo(ctx context.Context, c *call) error {
	b, d := benchFlags{}, demoState{}
	c.flags.Float64Var(&d.rate, "rate", 500, "requests per second to each server, from 1 to 10000")
	c.flags.StringVar(&b.serverCPUs, "server-cpus", "", "`LIST` such as 0 or 0-1 (default: chosen, one CPU)")
	c.flags.StringVar(&b.clientCPUs, "client-cpus", "", "`LIST` (default: chosen, one CPU on another core)")
	c.flags.BoolVar(&b.screen.ascii, "ascii", false, "draw with plain characters")
	if err := c.parse(demoMost); err != nil {
		return err
	}
	o, err := b.demo(c.flags.Args())
	if err != nil {
		return err
	}
	if !(d.rate >= 1 && d.rate <= demoRates[len(demoRates)-1]) {
		return usagef("--rate %v: give requests per second from 1 to %.0f", d.rate, demoRates[len(demoRates)-1])
	}
	if !onTerminal(os.Stdin) || !isTerminal(c.stdout) {
		return usagef("it needs a terminal to draw on and to read keys from: run it in one, without pipes; to load a " +
			"server from a script, take `serverlab load`")
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	servers, err := bench.StartDemo(ctx, o)
	if err != nil {
		return err
	}
	defer servers.Stop()
	restore, err := rawKeys(os.Stdin)
	if err != nil {
		return err
	}
	defer restore() // after a panic, too
	fmt.Fprint(c.stdout, "\x1b[?1049h\x1b[?25l")
	defer fmt.Fprint(c.stdout, "\x1b[?25h\x1b[?1049l")
	s := &demoScreen{demoState: d, demo: servers, w: c.stdout, style: b.screen.style(c.stdout)}
	return s.show(ctx, keysOf(os.Stdin))
}

// The numbers of rows that fit beside each other.
const demoLeast, demoMost = 2, 4

// demo finds out what to run.
func (f *benchFlags) demo(names []string) (o bench.DemoOptions, err error) {
	if len(names) == 0 {
		names = demoRows
	}
	if len(names) < demoLeast {
		return o, usagef("name %d to %d architectures, or none for %s", demoLeast, demoMost, strings.Join(demoRows, ", "))
	}
	f.archs = strings.Join(names, ",")
	rows, left, err := f.rows(servers.DefaultConfig(), nil)
	if err != nil {
		return o, err
	}
	if len(left) > 0 {
		return o, fmt.Errorf("%s is not available here: %s", left[0].Name, left[0].Why)
	}
	self, err := os.Executable()
	if err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	o.Rows = rows
	o.Server = func(s bench.ServerOptions) []string { return serverCommand(self, s) }
	o.Split, err = f.split()
	return o, err
}

// keysOf hands over each key until there are no more.
func keysOf(r io.Reader) <-chan byte {
	keys := make(chan byte)
	go func() {
		defer close(keys)
		buffer := make([]byte, 64)
		for {
			n, err := r.Read(buffer)
			if err != nil {
				return
			}
			if n > 0 && buffer[0] == '\x1b' { // an arrow, say
				continue
			}
			for _, k := range buffer[:n] {
				keys <- k
			}
		}
	}()
	return keys
}

// demoScreen is a demonstration on a terminal.
type demoScreen struct {
	demoState
	demo          *bench.Demo
	w             io.Writer
	style         results.Style
	columns, rows int
	frozen        []results.DemoRow // while it is paused
}

// show draws and obeys until it is told to end.
func (s *demoScreen) show(ctx context.Context, keys <-chan byte) error {
	s.demo.Load(s.load())
	tick := time.NewTicker(demoFrame)
	defer tick.Stop()
	var revive <-chan time.Time
	for {
		if err := s.draw(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-tick.C:
		case <-revive:
			revive = nil
			if err := s.demo.Revive(ctx); err != nil {
				return err
			}
		case key, ok := <-keys:
			if !ok {
				return errors.New("the terminal has gone")
			}
			switch s.press(key) {
			case demoEnd:
				return nil
			case demoReload:
				if s.frozen = nil; s.paused {
					s.frozen, _ = s.demo.Rows()
				}
				s.demo.Load(s.load())
			case demoKill:
				s.note, revive = s.demo.Kill(), time.After(demoOutage)
			}
		}
	}
}

// draw draws the picture in one piece, so that nothing flickers.
func (s *demoScreen) draw() error {
	rows, err := s.demo.Rows()
	if err != nil {
		return err
	}
	if s.frozen != nil {
		rows = s.frozen
	}
	columns, lines := terminalSize(s.w)
	start := "\x1b[H"
	if columns != s.columns || lines != s.rows {
		start += "\x1b[2J"
	}
	s.columns, s.rows, s.style.Width = columns, lines, columns
	frame := strings.TrimSuffix(results.DemoFrame(s.picture(rows), lines, s.style), "\n")
	_, err = io.WriteString(s.w, start+strings.ReplaceAll(frame, "\n", "\x1b[K\r\n")+"\x1b[J")
	if err != nil {
		return fmt.Errorf("draw on the terminal: %w", err)
	}
	return nil
}
