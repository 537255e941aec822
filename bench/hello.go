//go:build linux

package bench

import (
	"fmt"

	"serverlab/results"
)

// The experiments that ask what an architecture itself costs, and what a connection for each request does.
const (
	HelloName       = "hello"
	ConnectionsName = "connections"
)

const (
	stevens = "Stevens, Fenner, Rudoff, UNIX Network Programming, volume 1, 3rd ed., chapter 30"
	flash   = "Pai, Druschel, Zwaenepoel: Flash, USENIX 1999"
	little  = "Little, A proof for the queuing formula L = λW, Operations Research 9, 1961"
)

var aboutHello = results.Experiment{
	Name: HelloName, Question: "what does the architecture itself cost, per request, on one CPU?",
	Shows: []results.Metric{results.CPUPerRequest},
	Lessons: []results.Lesson{
		{Says: "a process for each request costs ten times what a pool of processes does, or more", Source: stevens,
			Holds: "cpu(process, hello-each) >= 10*cpu(prefork, hello-each)"},
		{Says: "whoever serves one request after the other pays for no process control, and is cheapest",
			Source: stevens,
			Holds:  "cpu(iterative, hello-each) <= cpu(threadpool, hello-each)"},
		{Says: "a thread that is created for each connection costs more than one of a pool", Source: stevens,
			Holds: "cpu(thread, hello-each) > cpu(threadpool, hello-each)"},
		{Says: "with a request that asks for nothing, events and threads differ by less than a factor of two",
			Source: flash,
			Holds:  "cpu(threadpool, hello-each) <= 2*cpu(eventloop, hello-each)"},
	},
}

var aboutConnections = results.Experiment{
	Name: ConnectionsName, Question: "what does a connection per request cost each of them?",
	Shows: []results.Metric{results.CPUPerRequest},
	Lessons: []results.Lesson{
		{Says: "a connection for each request costs an event loop as much again as the request itself, or more",
			Source: "Mogul, The case for persistent-connection HTTP, SIGCOMM 1995, of servers of that time",
			Holds: "cpu(eventloop, connections-each) - cpu(eventloop, connections-kept) >= " +
				"cpu(eventloop, connections-kept)"},
		{Says: "it costs a thread per connection more than a pool: threads, too, come and go with connections",
			Source: stevens, Holds: "cpu(thread, connections-each) - cpu(thread, connections-kept) > " +
				"cpu(threadpool, connections-each) - cpu(threadpool, connections-kept)"},
		{Says: "it hardly matters where each request starts a process of its own anyway", Source: stevens,
			Holds: "cpu(process, connections-each) <= 1.2*cpu(process, connections-kept)"},
	},
}

// hellos is the cost of a request in the mode in which all rows can be compared: a connection for each, as many clients
// as usual.
func (b *bench) hellos() []results.Situation { return b.bothModes(HelloName, b.Connections) }

// connects asks the same of few clients, so that each row has a worker for every connection that is kept: what
// differs is
// the connection and not the crowd.
func (b *bench) connects() []results.Situation {
	return b.bothModes(ConnectionsName, min(connectsClients, b.Connections))
}

// Few enough clients for every pool, and a rate that they can hold in either mode.
const (
	connectsClients = 8
	connectsRate    = 4000 // requests per second
)

// bothModes is a request without work with a connection for each and with connections that are kept, at the same rate.
func (b *bench) bothModes(name string, clients int) []results.Situation {
	window := 0.6
	if b.look() {
		window = 0.4
	}
	each := results.Situation{Name: name + "-each", Title: "new connection", Subtitle: "CPU µs/req",
		Meaning: "a request without work, on a connection of its own: what does it cost?",
		Metric:  results.CPUPerRequest, Model: "constant", Path: "/", Connections: clients, Warmup: 0.1, Window: window}
	if name == ConnectionsName { // beside hello's in one table
		each.Title = fmt.Sprintf("%d clients new", clients)
	}
	kept := each
	kept.Name, kept.Title, kept.KeepAlive = name+"-kept", "keep-alive", true
	if name == ConnectionsName {
		kept.Title = fmt.Sprintf("%d clients kept", clients)
	}
	kept.Meaning = "the same request, on connections that are kept: what is left of it?"
	return []results.Situation{each, kept}
}
