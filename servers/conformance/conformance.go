//go:build linux

// Package conformance is what every architecture must do, as a list of properties that can be checked on a running
// server. The tests check them over the whole table; `serverlab check` checks one architecture, perhaps your own.
//
// What an answer must be, byte by byte, is computed by a session of package http1 that is fed without any socket:
// architectures that all equal it are equal to each other.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"serverlab/servers"
)

// Subject is what is checked.
type Subject struct {
	Arch    servers.Architecture
	Variant servers.Variant
	Start   Start
	Files   string // directory of the served files

	Patience time.Duration // bounds whatever is waited for; 0: 20 s
	Crowd    int           // most connections that a property opens at the same time; 0: 10,000
}

// Settings is how a property wants its server. A field that is zero means what `serverlab serve` does without it, but
// for Workers, which are then 8.
type Settings struct {
	OneRequest  bool // --keepalive=false
	Workers     int
	MaxConns    int
	IdleTimeout time.Duration
	ReadTimeout time.Duration
	StopTimeout time.Duration
	MaxHeader   int // bytes
	MaxBody     int // bytes
	AllowChaos  bool
	Descriptors int // RLIMIT_NOFILE; only for a process of its own
}

// Start starts a server and returns when it listens. The server must be ended by Stop, or by Kill.
type Start func(ctx context.Context, s Settings) (*Server, error)

// Server is a running server.
type Server struct {
	Addr string
	Pid  int // 0: it runs within this process

	stop func(os.Signal)
	kill func()
	done chan struct{} // closed when it has ended and err is set
	err  error
}

// Stop tells the server to stop, as a user (os.Interrupt) or a system (SIGTERM) would. It does not wait.
func (s *Server) Stop(sig os.Signal) { s.stop(sig) }

// Wait waits for the end of the server and returns nil if it was a clean one: exit code 0, no process left, nothing
// said of a panic or a data race.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("the server did not end: %w", ctx.Err())
	}
}

// ended tells whether the server has ended already.
func (s *Server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Kill ends the server at once, with all its processes, if it has not ended yet.
func (s *Server) Kill() {
	if !s.ended() {
		s.kill()
	}
	<-s.done
}

// Property is one thing that every architecture must do.
type Property struct {
	Name    string
	Asks    string // what is asked, in one line
	Process bool   // can be seen only on a server with a process of its own: /proc, signals, its end
	Heavy   bool   // takes so many descriptors or so much CPU that nothing else should be checked meanwhile

	check func(p *probe) error
}

// Properties returns all properties in the order in which they are checked.
func Properties() []Property {
	var all []Property
	for _, part := range [][]Property{protocolProperties, fileProperties, hostileProperties, slowProperties,
		clientProperties, endProperties, resourceProperties, crowdProperties} {
		all = append(all, part...)
	}
	return all
}

// The outcomes of a check.
const (
	OK      = "ok"
	Failed  = "FAIL"
	Skipped = "skipped"
)

// Result is what a check found.
type Result struct {
	Property string  `json:"property"`
	Asks     string  `json:"asks"`
	Outcome  string  `json:"outcome"`
	Reason   string  `json:"reason,omitempty"` // of a failure or of skipping, or what an ok stands for, in one line
	Seconds  float64 `json:"seconds"`
}

// skipped is the error of a check that does not apply to an architecture.
type skipped string

func (s skipped) Error() string { return string(s) }

// Run checks all properties in turn and reports each as soon as it is known. It returns early when ctx ends.
func Run(ctx context.Context, s Subject, report func(Result)) error {
	for _, p := range Properties() {
		r := Check(ctx, s, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		report(r)
	}
	return nil
}

// Check checks one property. Every server that it starts has ended when it returns.
func Check(ctx context.Context, s Subject, p Property) Result {
	begun := time.Now()
	r := Result{Property: p.Name, Asks: p.Asks, Outcome: OK}
	var skip skipped
	probe := newProbe(ctx, s)
	switch err := probe.run(p); {
	case errors.As(err, &skip):
		r.Outcome, r.Reason = Skipped, oneLine(err)
	case err != nil:
		r.Outcome, r.Reason = Failed, oneLine(err)
	default:
		r.Reason = probe.found
	}
	r.Seconds = time.Since(begun).Seconds()
	return r
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// probe is the checking of one property.
type probe struct {
	ctx      context.Context
	subject  Subject
	patience time.Duration
	targets  []*target
	found    string // what there is to say when all is well: what was scaled, and by what
}

func newProbe(ctx context.Context, s Subject) *probe {
	p := &probe{ctx: ctx, subject: s, patience: patience}
	set(&p.patience, s.Patience)
	return p
}

// run checks the property, and that every server that was started for it still lives and ends cleanly.
func (p *probe) run(property Property) error {
	err := property.check(p)
	for _, t := range p.targets {
		if !t.ended() && err == nil {
			t.Stop(syscall.SIGTERM)
			ctx, cancel := context.WithTimeout(p.ctx, p.patience)
			if e := t.Wait(ctx); e != nil {
				err = fmt.Errorf("stop afterwards: %w", e)
			}
			cancel()
		} else if err == nil && !t.expectEnd {
			err = fmt.Errorf("the server has ended by itself (%v)", t.err)
		}
		t.Kill()
	}
	return err
}

// start starts a server for the property.
func (p *probe) start(s Settings) (*target, error) {
	if s.Workers == 0 {
		s.Workers = 8
	}
	server, err := p.subject.Start(p.ctx, s)
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	t := newTarget(p, server, s)
	p.targets = append(p.targets, t)
	return t, nil
}

// What the table says of an architecture decides what can be asked of it.

// alone: it serves one connection at a time.
func (p *probe) alone() bool { return p.subject.Arch.Limit == servers.QueuesOne }

// refuses: one connection more than it takes is answered 503; otherwise it waits in the backlog.
func (p *probe) refuses() bool { return p.subject.Arch.Limit == servers.Refuses }

// isolates: a request is answered by a process that can die without the others.
func (p *probe) isolates() bool { return p.subject.Arch.Unit == servers.Process }

// spawns: each request costs the start of a process.
func (p *probe) spawns() bool { return p.isolates() && !p.subject.Arch.Pool }

// shares: many connections are served by one process or another, and end with it.
func (p *probe) shares() bool { return p.isolates() && p.subject.Arch.Pool && p.refuses() }

// scattered: each worker has a queue of its own, to which the kernel assigns connections by chance.
func (p *probe) scattered() bool {
	return p.subject.Variant.Accept == servers.ReusePort && !p.refuses()
}

// pool is how many processes there may be, at rest, beside the first.
func (p *probe) pool(s Settings) int {
	switch {
	case p.spawns():
		return p.spawners()
	case !p.isolates():
		return 0
	case !p.shares():
		return s.Workers
	case p.subject.Variant.Loops > 0:
		return p.subject.Variant.Loops
	}
	return runtime.NumCPU()
}

// spawners are the processes that serve nobody and make those that do.
func (p *probe) spawners() int {
	if p.subject.Variant.Spawn == servers.Fork {
		return 1
	}
	return 0
}

// places is how many connections are served at the same time where others wait.
func (p *probe) places(s Settings) int {
	if p.alone() {
		return 1
	}
	return s.Workers
}
