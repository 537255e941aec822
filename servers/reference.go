package servers

import "slices"

// References are servers that others have written, to be measured beside the table. They are no part of it: each brings
// a parser and a response writer of its own, so two things differ at once, and no conformance is asked of them.
//
// The first two serve the same handler. The others are programs that serve a static file of the same content at /, the
// only thing that all of them do alike; they are started with a configuration that is written for them.
var References = []Architecture{
	{Name: "nethttp", Lecture: "thread-based", Serve: netHTTP, Unit: Goroutine, Limit: Refuses, Slow: CostsState,
		Lanes: goroutineLanes,
		Idea:  "Go's net/http: a goroutine per connection, its own parser"},
	{Name: "fasthttp", Lecture: "thread-based", Serve: fastHTTP, Unit: Goroutine, Limit: Refuses, Slow: CostsState,
		Lanes: goroutineLanes,
		Idea:  "fasthttp's own server: a pool of goroutines"},
	{Name: "nginx", Lecture: "event-based", Serve: nginx, Unit: Loop, Limit: QueuesAll, Slow: CostsState,
		StaticOnly: true, Settings: []string{"loops"}, Needs: needsNginx,
		Lanes: nginxLanes,
		Idea:  "nginx: a process per CPU, each an event loop"},
	{Name: "apache-prefork", Lecture: "process-based", Serve: apachePrefork, Unit: Process, Limit: Queues,
		Slow: KeepsOne, Pool: true, StaticOnly: true, Needs: needsApache,
		Lanes: apachePreforkLanes,
		Idea:  "Apache httpd, MPM prefork: a pool of processes"},
	{Name: "apache-worker", Lecture: "thread-based", Serve: apacheWorker, Unit: Thread, Limit: Queues,
		Slow: KeepsOne, Pool: true, StaticOnly: true, Needs: needsApache,
		Lanes: apacheWorkerLanes,
		Idea:  "Apache httpd, MPM worker: a process with a pool of threads"},
	{Name: "apache-event", Lecture: "thread-based", Serve: apacheEvent, Unit: Thread, Limit: QueuesAll,
		Slow: KeepsOne, Pool: true, StaticOnly: true, Needs: needsApache,
		Lanes: apacheEventLanes,
		Idea:  "Apache httpd, MPM event: a pool of threads, and a loop for those that are silent"},
}

// QueuesAll is how a server bounds connections that are not tied to a worker: nginx and Apache's MPM event.
const QueuesAll Limit = "serves as many connections as it is configured for; others wait or are dropped"

// IsReference tells whether a row is a server of others.
func IsReference(name string) bool {
	return slices.ContainsFunc(References, func(a Architecture) bool { return a.Name == name })
}
