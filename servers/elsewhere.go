//go:build !linux

package servers

// The architectures run on Linux only; elsewhere the table can still be read, with nothing to serve.
var iterative, eventloop, epoll, amped, thread, threadpool, goroutine, process, prefork, preforkMember, symped, sympedMember Serve
var staged, exercise Serve

// What the kernel of another system lacks is not asked.
func needsPidfd() error { return nil }
