// Package servers is what is measured: one file per server architecture, all serving the same handler through the
// same protocol session, so that they differ only in who calls read and write, and when.
package servers

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
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

	// MayBlock tells, at no great cost, whether answering a request may have to wait for something. An event loop with
	// helpers hands these to them; nil: all may.
	MayBlock func(*fasthttp.RequestCtx) bool

	// CountSessions, if set, is told by a process of a pool where to count the sessions that only it has.
	CountSessions func(*atomic.Uint64)

	Variant                   // what this architecture may have otherwise
	Alone   bool              // the process does nothing else: a server may tune its runtime
	Worker  []string          // command line of the worker of one request: the connection is its descriptor 0
	Member  []string          // command line of a process of a pool, which runs the row's Member: see inherited
	Inherit []uintptr         // descriptors that both have at the same numbers, open across exec
	Board   *scoreboard.Board // counters, in a slot per worker
	Log     *slog.Logger      // diagnostics
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

// Build makes the configuration that of a variant, whose pool may have a size of its own.
func (c *Config) Build(v Variant) {
	if c.Variant = v; v.Pool > 0 {
		c.Workers = v.Pool
	}
}

// helpers is the number of threads to which an event loop hands requests.
func (c *Config) helpers() int {
	if c.Helpers > 0 {
		return c.Helpers
	}
	return c.Workers
}

// queue is the number of requests that may wait for the threads of a stage: with as many as there are threads, who is
// admitted waits for about as long as one request takes.
func (c *Config) queue() int {
	if c.Queue > 0 {
		return c.Queue
	}
	return c.Workers
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

// Unit is what serves a connection, or a request.
type Unit string

// The units.
const (
	Thread    Unit = "kernel thread"
	Goroutine Unit = "goroutine" // a user-level thread
	Process   Unit = "process"   // one can die without the others
	Loop      Unit = "event loop"
)

// Limit is what bounds an architecture's connections, and what happens to one more.
type Limit string

// The ways to bound connections.
const (
	Refuses   Limit = "connections above --max-conns are answered 503 and closed"
	Queues    Limit = "serves as many connections as it has workers; others wait in the backlog of the listening socket"
	QueuesOne Limit = "serves one connection; others wait in the backlog of the listening socket"
)

// Architecture is one row of the table.
type Architecture struct {
	Name    string // "threadpool"
	Lecture string // the lecture's word for it
	Idea    string // one line
	Slow    Slow   // what a client does to it that sends or takes its bytes slowly
	Unit    Unit   // what serves a connection
	Limit   Limit
	Serve   Serve // nil where it can't run: architectures are served on Linux only
	Member  Serve // what each process of its pool runs

	Pool bool // its workers are started in advance: cfg.Workers, or a process per loop
	Rare bool // not in the default run of the benchmark

	// Sheds says that a request for which its first queue has no place is answered 503, and the connection goes on.
	Sheds bool

	// Forgets says that each request has a process of its own, which ends with it: no open file can be kept for the
	// next, so soft state is the same as none.
	Forgets bool

	Unfinished bool // an exercise: checked when it is named, and not measured
	// StaticOnly says that it answers / only, with a file, and knows no work to do: servers of others.
	StaticOnly bool

	Accepts  []string // ways in which connections may reach its workers, the default first
	Settings []string // other fields of Variant that it heeds
	Variants []string // those in which it must prove itself, such as "accept=pass"

	// Lanes are who does what for a connection, in the Variant of the configuration.
	Lanes func(Config) []Lane
	// Procs is the GOMAXPROCS that it wants, 0 for as many as it may use CPUs.
	Procs func(Config) int
	// Needs tells why it can't run here: a feature that the kernel lacks, or that a container blocks.
	Needs func() error
}

// Slow is what a slow client does to a server.
type Slow string

// What slow clients do.
const (
	StopsAll   Slow = "stops everybody"
	KeepsOne   Slow = "keeps a worker; as many of them as there are workers stop everybody"
	KeepsQueue Slow = "keeps a worker, and with it everybody whom the kernel has put into that worker's queue"
	CostsState Slow = "costs memory; nobody waits for it"
)

// SlowIn is what a slow client does to a variant.
func (a Architecture) SlowIn(v Variant) Slow {
	if v.Accept == ReusePort && a.Slow == KeepsOne {
		return KeepsQueue
	}
	return a.Slow
}

// A thread that sleeps in the kernel leaves its processor of the runtime to others. If that was the last one, the
// runtime's monitor must take it away and give it back at each call: 15 to 25 % more CPU per request and twice the
// context switches, by --gomaxprocs 1 and 2 in turn, on one CPU. One processor more ends that.
func oneThread(Config) int { return 2 }

// A loop sleeps in the kernel too.
func threadPerLoop(cfg Config) int { return max(1, cfg.Loops) + 1 }

// A pool wants as many processors as threads, and a few. With fewer, the runtime hands them round: 64 threads took
// 14.7 µs per request with 16 processors, 12.2 with 80.
func threadEach(cfg Config) int { return cfg.Workers + 16 }

// A loop wants one for itself, and one for each helper that may block in the kernel, up to 16: by --gomaxprocs 2, 17 and
// 65 in turn, 64 helpers, requests that wait or block took 9 to 15 % more CPU with 2 than with 17, and no less with 65.
func loopAndHelpers(cfg Config) int { return 1 + min(cfg.helpers(), 16) }

// All threads of a stage may compute, and the loop must still turn requests away: one for each thread. In turn on one
// CPU of a busy host, 64 threads and 64 clients: with 4 and 17 processors requests that are at hand took 0.85 and 0.97
// of the CPU time, those that block for 5 ms 0.91 and 0.92, those that wait 1.14 and 1.11. No value is best.
func loopAndStages(cfg Config) int { return 1 + cfg.Workers + runtime.NumCPU() }

// How many threads a thread per connection will have is not known when it starts. 64 busy ones took 12.8 µs per request
// with 80 processors, 14.4 with 16, 20.8 with 4; 512 took 14.8, 14.4 and 22, and 21.8 with one each.
func eightyThreads(Config) int { return 80 }

// Architectures is the table: help, list, check, the benchmark and the report all read it. To add an architecture,
// write a file with its Serve and add a line here (and its name to elsewhere.go).
var Architectures = []Architecture{
	{Name: "iterative", Lecture: "sequential", Serve: iterative, Unit: Thread, Limit: QueuesOne, Slow: StopsAll,
		Procs: oneThread,
		Lanes: iterativeLanes,
		Idea:  "one request at a time; everybody else waits"},
	{Name: "eventloop", Lecture: "event-based", Serve: eventloop, Unit: Loop, Limit: Refuses, Slow: CostsState,
		Accepts: []string{ReusePort, Shared}, Settings: []string{"loops", "trigger"},
		Variants: []string{"loops=2", "loops=2:accept=shared", "trigger=edge"}, Procs: threadPerLoop,
		Lanes: eventloopLanes,
		Idea:  "one thread, many connections, by events (gnet)"},
	{Name: "epoll", Lecture: "event-based", Serve: epoll, Unit: Loop, Limit: Refuses, Slow: CostsState,
		Procs: oneThread, Rare: true,
		Lanes: epollLanes,
		Idea:  "the event loop in plain sight: epoll_wait, read, feed, write"},
	{Name: "iouring", Lecture: "event-based", Serve: iouring, Unit: Loop, Limit: Refuses, Slow: CostsState,
		Procs: oneThread, Needs: needsUring, Rare: true,
		Lanes: iouringLanes,
		Idea:  "a proactor: io_uring accepts, reads and writes, and says what is done"},
	{Name: "amped", Lecture: "hybrid", Serve: amped, Unit: Loop, Limit: Refuses, Slow: CostsState,
		Procs: loopAndHelpers, Rare: true, Settings: []string{"helpers"}, Variants: []string{"helpers=2"},
		Lanes: ampedLanes,
		Idea:  "an event loop that hands requests which may block to helper threads (Flash)"},
	{Name: "threadpool", Lecture: "thread-based", Serve: threadpool, Unit: Thread, Limit: Queues, Slow: KeepsOne,
		Pool: true, Procs: threadEach, Accepts: []string{Shared, Pass}, Settings: []string{"workers"},
		Variants: []string{"accept=pass"},
		Lanes:    threadpoolLanes,
		Idea:     "a fixed set of kernel threads, each serving one connection at a time"},
	{Name: "thread", Lecture: "thread-based", Serve: thread, Unit: Thread, Limit: Refuses, Slow: CostsState,
		Procs: eightyThreads,
		Lanes: threadLanes,
		Idea:  "a kernel thread per connection, created for it"},
	{Name: "goroutine", Lecture: "thread-based", Serve: goroutine, Unit: Goroutine, Limit: Refuses,
		Slow:  CostsState,
		Lanes: goroutineLanes,
		Idea:  "a user-level thread per connection, on the runtime's poller"},
	{Name: "process", Lecture: "process-based", Serve: process, Unit: Process, Limit: Refuses, Slow: KeepsOne,
		Procs: oneThread, Needs: needsPidfd, Forgets: true,
		Settings: []string{"spawn"}, Variants: []string{"spawn=fork"},
		Lanes: processLanes,
		Idea:  "a freshly spawned process per request"},
	{Name: "prefork", Lecture: "process-based", Serve: prefork, Member: preforkMember, Unit: Process, Limit: Queues,
		Slow: KeepsOne, Pool: true, Procs: oneThread,
		Accepts:  []string{Shared, ReusePort, Pass},
		Settings: []string{"min-spare", "max-spare", "worker-conns", "workers"},
		Variants: []string{"accept=reuseport", "accept=pass", "min-spare=2:max-spare=4:worker-conns=20"},
		Lanes:    preforkLanes,
		Idea:     "a pool of processes started in advance, each serving one connection at a time"},
	{Name: "symped", Lecture: "hybrid", Serve: symped, Member: sympedMember, Unit: Process, Limit: Refuses,
		Slow: CostsState, Pool: true, Rare: true, Procs: oneThread,
		Accepts: []string{ReusePort, Shared}, Settings: []string{"loops"},
		Variants: []string{"accept=shared", "loops=3"},
		Lanes:    sympedLanes,
		Idea:     "a process per CPU, each an event loop (N-copy, as nginx)"},
	{Name: "staged", Lecture: "hybrid", Serve: staged, Unit: Loop, Limit: Refuses, Slow: CostsState, Sheds: true,
		Procs: loopAndStages, Rare: true, Settings: []string{"queue", "workers"},
		Variants: []string{"queue=1"},
		Lanes:    stagedLanes,
		Idea:     "stages with queues in between: read, handle, write; a full queue refuses (SEDA)"},
	{Name: "exercise", Lecture: "event-based", Serve: exercise, Unit: Loop, Limit: Refuses, Slow: CostsState,
		Procs: oneThread, Unfinished: true,
		Lanes: epollLanes,
		Idea:  "an event loop on poll(2), whose body is left to you: servers/exercise/README.md"},
}

// Lookup finds an architecture or a reference by its name, or by the lecture's word for it (the first row that has it),
// and reads the settings that may follow it: "prefork", "process-based", "prefork:accept=pass:worker-conns=100".
func Lookup(row string) (Architecture, Variant, error) {
	name, settings, _ := strings.Cut(row, ":")
	i := slices.IndexFunc(Architectures, func(a Architecture) bool { return a.Name == name })
	if i < 0 {
		i = slices.IndexFunc(Architectures, func(a Architecture) bool { return a.Lecture == name })
	}
	rows := Architectures
	if i < 0 {
		rows = References
		i = slices.IndexFunc(rows, func(a Architecture) bool { return a.Name == name })
	}
	if i < 0 {
		return Architecture{}, Variant{}, fmt.Errorf("no architecture %q: choose one of %s", name,
			strings.Join(Names(), ", "))
	}
	a := rows[i]
	var v Variant
	for setting := range strings.SplitSeq(settings, ":") {
		if setting == "" {
			continue
		}
		name, value, _ := strings.Cut(setting, "=")
		if err := v.Set(name, value); err != nil {
			return a, v, fmt.Errorf("%s: %w", row, err)
		}
	}
	if len(a.Accepts) > 0 && v.Accept == a.Accepts[0] {
		v.Accept = "" // the default: the same row
	}
	if v.Spawn == Exec {
		v.Spawn = ""
	}
	return a, v, v.Check(a)
}

// Rows lists an architecture as it is by default, and every variant in which it must prove itself.
func (a Architecture) Rows() []string {
	rows := []string{a.Name}
	for _, v := range a.Variants {
		rows = append(rows, a.Name+":"+v)
	}
	return rows
}

// Row is the name of an architecture with its settings, as Lookup reads it.
func Row(a Architecture, v Variant) string {
	if settings := v.String(); settings != "" {
		return a.Name + ":" + settings
	}
	return a.Name
}

// Names lists the table's names, but for those that are unfinished.
func Names() (names []string) {
	for _, a := range Architectures {
		if !a.Unfinished {
			names = append(names, a.Name)
		}
	}
	return names
}
