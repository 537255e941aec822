// Package servers is what is measured: one file per server architecture, all serving the same handler through the
// same protocol session, so that they differ only in who calls read and write, and when.
package servers

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/internal/scoreboard"
	"serverlab/servers/http1"
)

// Config is the budget and the policy that every architecture obeys alike.
type Config struct {
	Addr    string         // HOST:PORT to listen on; port 0 takes a free one
	Ready   func(net.Addr) // called once, with the bound address, when connections are accepted
	Workers int            // threads of a pool; processes alive at the same time

	KeepAlive   bool          // false: one request per connection
	MaxConns    int           // connections open at the same time; a pool takes no more than it has workers
	IdleTimeout time.Duration // without a byte of a request, or without progress in taking an answer
	ReadTimeout time.Duration // from the first to the last byte of one request
	StopTimeout time.Duration // for what is in hand when the server is told to stop
	Limits      http1.Limits

	Worker []string          // command line of the worker process: the connection is its descriptor 0
	Board  *scoreboard.Board // counters, in a slot per worker
	Log    *slog.Logger      // diagnostics
}

// DefaultConfig returns the policy that a server has unless it is told otherwise.
func DefaultConfig() Config {
	board, err := scoreboard.Create("", 1)
	if err != nil {
		panic(err) // plain memory: nothing to fail
	}
	return Config{
		Addr:        "127.0.0.1:0",
		Ready:       func(net.Addr) {},
		Workers:     64,
		KeepAlive:   true,
		MaxConns:    10_000,
		IdleTimeout: time.Minute,
		ReadTimeout: 10 * time.Second,
		StopTimeout: 5 * time.Second,
		Limits:      http1.DefaultLimits(),
		Board:       board,
		Log:         slog.New(slog.DiscardHandler),
	}
}

// session begins the protocol of a new connection.
func (c *Config) session(h fasthttp.RequestHandler) *http1.Session {
	s := http1.NewSession(h, c.Limits)
	if !c.KeepAlive {
		s.CloseAfter()
	}
	return s
}

// Serve listens on cfg.Addr, calls cfg.Ready, and serves until ctx ends; then it answers what is in hand, closes what
// is open, reaps its children and returns nil.
type Serve func(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error

// Architecture is one row of the table.
type Architecture struct {
	Name    string // "threadpool"
	Lecture string // the lecture's word for it
	Idea    string // one line
	Limit   string // what bounds its connections, and what happens to one more
	Serve   Serve  // nil where it can't run: architectures are served on Linux only

	// Pool says that its workers are started in advance, cfg.Workers of them.
	Pool bool
	// Procs is the GOMAXPROCS that it wants, 0 for as many as it may use CPUs.
	Procs func(Config) int
}

// The ways to bound connections.
const (
	refuses = "connections above --max-conns are answered 503 and closed"
	queues  = "serves as many connections as it has workers; others wait in the backlog of the listening socket"
	queues1 = "serves one connection; others wait in the backlog of the listening socket"
)

// A thread that sleeps in the kernel leaves its processor of the runtime to others. If that was the last one, the
// runtime's monitor must take it away and give it back at each call: 15 to 25 % more CPU per request and twice the
// context switches, by --gomaxprocs 1 and 2 in turn, on one CPU. One processor more ends that.
func oneThread(Config) int { return 2 }

// A pool wants as many processors as threads, and a few. With fewer, the runtime hands them round: 64 threads took
// 14.7 µs per request with 16 processors, 12.2 with 80.
func threadEach(cfg Config) int { return cfg.Workers + 16 }

// Architectures is the table: help, list, check, the benchmark and the report all read it. To add an architecture,
// write a file with its Serve and add a line here (and its name to elsewhere.go).
var Architectures = []Architecture{
	{Name: "iterative", Lecture: "sequential", Serve: iterative, Limit: queues1, Procs: oneThread,
		Idea: "one request at a time; everybody else waits"},
	{Name: "eventloop", Lecture: "event-based", Serve: eventloop, Limit: refuses,
		Idea: "one thread, many connections, by events (gnet)"},
	{Name: "epoll", Lecture: "event-based", Serve: epoll, Limit: refuses, Procs: oneThread,
		Idea: "the event loop in plain sight: epoll_wait, read, feed, write"},
	{Name: "threadpool", Lecture: "thread-based", Serve: threadpool, Limit: queues, Pool: true, Procs: threadEach,
		Idea: "a fixed set of kernel threads, each serving one connection at a time"},
	{Name: "goroutine", Lecture: "thread-based", Serve: goroutine, Limit: refuses,
		Idea: "a user-level thread per connection, on the runtime's poller"},
	{Name: "process", Lecture: "process-based", Serve: process, Limit: refuses, Procs: oneThread,
		Idea: "a freshly spawned process per request"},
}

// Lookup finds an architecture by its name, or by the lecture's word for it: the first row that has it.
func Lookup(name string) (Architecture, error) {
	for _, a := range Architectures {
		if a.Name == name {
			return a, nil
		}
	}
	for _, a := range Architectures {
		if a.Lecture == name {
			return a, nil
		}
	}
	return Architecture{}, fmt.Errorf("no architecture %q: choose one of %s", name, strings.Join(Names(), ", "))
}

// Names lists the table's names.
func Names() []string {
	names := make([]string, len(Architectures))
	for i, a := range Architectures {
		names[i] = a.Name
	}
	return names
}
