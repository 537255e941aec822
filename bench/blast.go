//go:build linux

package bench

import (
	"time"

	"serverlab/results"
)

// BlastName is the experiment in which one request panics, loops for ever, leaks memory or kills its process.
const BlastName = "blast"

// The requests that do it, see servers/app.
const (
	chaosPanic = "/chaos/panic"
	chaosLoop  = "/chaos/loop"
	chaosLeak  = "/chaos/leak"
	chaosExit  = "/chaos/exit"
)

// The load of the experiment: few clients, so that also a process for each request answers them far within the time that
// a request may take, and a connection for each request, so that every row serves all of them before something breaks.
const (
	blastClients = 16
	blastTimeout = 0.25 // seconds: many times what the slowest row takes, and less than what is watched
	blastWindow  = 0.4  // seconds; a quarter of it passes before
	blastLong    = 0.8  // ... where those who are harmed have to run into the time limit first
	usualTimeout = 5 * time.Second
)

// What the literature expects: whoever shares a thing with a request can lose it.
var aboutBlast = results.Experiment{
	Name: BlastName, Question: "one request goes wrong: who else is harmed, and for how long?",
	Shows: []results.Metric{results.Harmed},
	Lessons: []results.Lesson{
		{Says: "A crash takes all clients with it where one process serves them.",
			Source: "Silberschatz, Operating System Concepts, ch. 3 and 4: processes isolate, threads share",
			Holds:  "harmed(eventloop, blast-kill) >= 16"},
		{Says: "A crash harms one client where each request has a process.",
			Source: "Apache HTTP Server documentation, Multi-Processing Modules: prefork isolates each request",
			Holds:  "harmed(process, blast-kill) <= 1"},
		{Says: "A request that loops for ever stops the event loop, and everybody with it.",
			Source: "Welsh, Culler, Brewer: SEDA, SOSP 2001, section 2: an event handler must never block",
			Holds:  "harmed(eventloop, blast-loop) >= 16"},
		{Says: "Preemption saves the others from a loop: a thread that computes for ever loses its CPU in turn.",
			Source: "von Behren, Condit, Brewer: Why events are a bad idea, HotOS 2003",
			Holds:  "harmed(goroutine, blast-loop) <= 1"},
		{Says: "A panic that is caught harms nobody else, whatever the architecture.",
			Source: "Go, net/http: a server recovers the panic of a handler, logs it and closes the connection",
			Holds:  "harmed(eventloop, blast-panic) <= 1"},
		{Says: "A leak ends with its process: a process per request gives the memory back.",
			Source: "Apache HTTP Server documentation, MaxConnectionsPerChild: it bounds what a leak can take",
			Holds:  "grown(process, blast-leak) <= 0.5*grown(eventloop, blast-leak)"},
	},
}

// blasts are the situations of the experiment, a kind each.
func (b *bench) blasts() (sits []results.Situation) {
	for _, k := range []struct {
		name, title, path, meaning string
		window                     float64
	}{
		{"panic", "one panics", chaosPanic, "one request panics, and who calls the handler catches it", blastWindow},
		{"loop", "one loops", chaosLoop, "one request computes for ever: who gets no answer in 250 ms?", blastLong},
		{"leak", "one leaks", chaosLeak, "one request loses 64 MB: who waits meanwhile, and who keeps the memory?",
			blastWindow},
		{"kill", "one kills", chaosExit, "one request kills the process that serves it", blastWindow},
	} {
		sits = append(sits, results.Situation{Name: BlastName + "-" + k.name, Title: k.title, Subtitle: "clients: hit",
			Metric: results.Harmed, Meaning: k.meaning, Model: "closed", Path: "/", Crash: k.path,
			Connections: blastClients, Timeout: blastTimeout, Warmup: 0.15, Window: k.window})
	}
	return sits
}

// timeout is after what time a request of a situation has failed.
func timeout(s results.Situation) time.Duration {
	if s.Timeout > 0 {
		return seconds(s.Timeout)
	}
	return usualTimeout
}
