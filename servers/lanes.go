package servers

import (
	"fmt"
	"slices"
)

// Lane is one thread, process or loop of an architecture, or several of the same kind, and what each does in turn for a
// connection. Together, from the listening socket on, they are the drawing of who accepts, who reads and who writes. A
// test compares them with the system calls that are really made.
type Lane struct {
	Who     string   // "thread 1 … 64"
	Many    bool     // there are several of it
	Process bool     // it is a process of its own, else it shares that of the lane before it, or the server's one
	Listens bool     // it has a listening socket of its own, else all share one
	Does    []string // in turn
	Again   string   // the step of Does with which it goes on after the last one; "": it ends
	Keeps   string   // the step with which it goes on after "write" while the client keeps its connection
	Hands   string   // what it gives to the next lane: "connection", "request"
	Returns string   // what it gives back to the lane before it: "answer"
}

// What a lane may begin with.
const (
	wait   = "wait for events"
	accept = "accept"
	take   = "take"
)

// blocking is a lane that serves one connection at a time, and then goes on with the next one.
func blocking(who, first string) Lane {
	return Lane{Who: who, Does: []string{first, "read", "handle", "write", "close"}, Again: first, Keeps: "read"}
}

// looping is an event loop: it serves all of its connections, each whenever something has arrived.
func looping(who string) Lane {
	return Lane{Who: who, Does: []string{wait, accept, "read", "handle", "write", "close"}, Again: wait}
}

// perConnection is a lane that is begun for a connection and ends with it.
func perConnection(who string) Lane {
	return Lane{Who: who, Many: true, Does: []string{"read", "handle", "write", "close"}, Keeps: "read"}
}

// parentLane is a process that keeps a pool of processes and serves nobody.
func parentLane(who string) Lane {
	return Lane{Who: who, Process: true, Does: []string{"start workers", "wait for one to end"}, Again: "start workers"}
}

// poller is what lets a goroutine wait.
var poller = Lane{Who: "Go's runtime: a few kernel threads", Many: true, Does: []string{wait, "wake a goroutine"},
	Again: wait}

// numbered names lanes of which there are n; 0: as many as there are CPUs.
func numbered(what string, n int) string {
	switch n {
	case 0:
		return what + ", one per CPU"
	case 1:
		return what + " 1"
	}
	return fmt.Sprintf("%s 1 … %d", what, n)
}

func iterativeLanes(Config) []Lane { return alone(blocking("one thread", accept)) }

func epollLanes(Config) []Lane { return alone(looping("event loop: one thread")) }

// iouringLanes are a proactor's: the kernel accepts, reads and writes for it, within the call in which it waits.
func iouringLanes(Config) []Lane {
	const enter = "hand over orders, and wait"
	return append(alone(Lane{Who: "proactor: one thread", Does: []string{enter, "handle", "order an answer"},
		Again: enter, Hands: "orders"}), Lane{Who: "the kernel, within that call",
		Does: []string{accept, "read", "write", "close"}, Again: accept, Returns: "completions"})
}

// alone makes of a lane the first one of the server's one process, of which several threads or loops share it.
func alone(l Lane) []Lane {
	l.Process = !l.Many
	return []Lane{l}
}

func eventloopLanes(cfg Config) []Lane {
	if cfg.Loops <= 1 && cfg.Accept != Shared {
		return epollLanes(cfg)
	}
	l := looping(numbered("event loop", max(1, cfg.Loops)))
	l.Many = cfg.Loops > 1
	if cfg.Accept != Shared {
		l.Listens = true
		return alone(l)
	}
	l.Does = slices.Replace(l.Does, 1, 2, "take over")
	return append(alone(Lane{Who: "loop that accepts", Does: []string{wait, accept, "hand over"}, Again: wait,
		Hands: "connection"}), l)
}

func ampedLanes(cfg Config) []Lane {
	l := looping("event loop: one thread")
	l.Does = []string{wait, accept, "read", "handle, or hand over", "write", "close"}
	l.Hands = "request that may block"
	return append(alone(l), Lane{Who: numbered("helper thread", cfg.helpers()), Many: cfg.helpers() > 1,
		Does: []string{take, "handle", "give back"}, Again: take, Returns: "answer"})
}

func stagedLanes(cfg Config) []Lane {
	l := looping("stage read: an event loop")
	l.Does = []string{wait, accept, "read", "refuse if full", "queue", "close"}
	l.Hands = "request"
	return append(alone(l), Lane{Who: numbered("stage handle: thread", cfg.Workers), Many: cfg.Workers > 1,
		Does: []string{take, "handle", "queue"}, Again: take, Hands: "answer"},
		Lane{Who: numbered("stage write: thread", 0), Many: true, Does: []string{take, "write", "hand over"},
			Again: take})
}

func threadpoolLanes(cfg Config) []Lane {
	l := blocking(numbered("thread", cfg.Workers), accept)
	l.Many = cfg.Workers > 1
	if cfg.Accept != Pass {
		return alone(l)
	}
	l.Does[0], l.Again = take, take
	return append(alone(Lane{Who: "thread that accepts", Does: []string{"wait for an idle thread", accept, "pass"},
		Again: "wait for an idle thread", Hands: "connection"}), l)
}

func threadLanes(Config) []Lane {
	return append(alone(Lane{Who: "main thread", Does: []string{accept, "start a thread"}, Again: accept,
		Hands: "connection"}), perConnection("a kernel thread per connection"))
}

func goroutineLanes(Config) []Lane {
	return append(alone(Lane{Who: "goroutine that accepts", Does: []string{accept, "start a goroutine"}, Again: accept,
		Hands: "connection"}), perConnection("a goroutine per connection"), poller)
}

func processLanes(cfg Config) []Lane {
	parent := Lane{Who: "parent: an event loop", Again: wait, Hands: "connection",
		Does: []string{wait, accept, "spawn a worker", "reap it", "close"}}
	worker := Lane{Who: "worker, one per request", Many: true, Process: true,
		Does: []string{"read", "handle", "write", "exit"}, Returns: "exit status"}
	if cfg.Spawn != Fork {
		return append(alone(parent), worker)
	}
	parent.Does = []string{wait, accept, "pass", "reap it", "close its copy"}
	worker.Returns = ""
	return append(alone(parent), Lane{Who: "spawner", Process: true, Does: []string{take, "spawn a worker", "close"},
		Again: take, Hands: "connection"}, worker)
}

func preforkLanes(cfg Config) []Lane {
	l := blocking(numbered("worker", cfg.Workers), accept)
	if cfg.MinSpare > 0 {
		l.Who = fmt.Sprintf("worker, as many as needed, up to %d", cfg.Workers)
	}
	l.Many, l.Process, l.Listens = cfg.Workers > 1, true, cfg.Accept == ReusePort
	if cfg.Accept != Pass {
		return []Lane{parentLane("parent"), l}
	}
	l.Does[0], l.Again = take, take
	return append(alone(Lane{Who: "parent", Does: []string{wait, accept, "pass", "close its copy"},
		Again: wait, Hands: "connection"}), l)
}

func sympedLanes(cfg Config) []Lane {
	l := looping(numbered("event loop", cfg.Loops))
	l.Many, l.Process, l.Listens = cfg.Loops != 1, true, cfg.Accept != Shared
	return []Lane{parentLane("parent"), l}
}

func nginxLanes(cfg Config) []Lane {
	l := looping(numbered("worker: event loop", max(1, cfg.Loops)))
	l.Many, l.Process = cfg.Loops > 1, true
	return []Lane{parentLane("master"), l}
}

func apachePreforkLanes(cfg Config) []Lane {
	cfg.Variant = Variant{}
	return preforkLanes(cfg)
}

func apacheWorkerLanes(cfg Config) []Lane {
	l := blocking(numbered("thread", cfg.Workers), take)
	l.Many = cfg.Workers > 1
	return []Lane{parentLane("parent"), {Who: "listener thread", Process: true, Hands: "connection",
		Does: []string{"wait for an idle thread", accept, "queue"}, Again: "wait for an idle thread"}, l}
}

// apacheEventLanes differ from worker's in who waits for a connection that is silent: the listener.
func apacheEventLanes(cfg Config) []Lane {
	all := apacheWorkerLanes(cfg)
	all[1].Does, all[1].Again = []string{wait, accept, "queue"}, wait
	all[2].Keeps, all[2].Returns = "", "connection, while it is silent"
	return all
}
