//go:build !linux

package servers

// The architectures run on Linux only; elsewhere the table can still be read, with nothing to serve.
var iterative, eventloop, epoll, iouring, amped, thread, threadpool, goroutine, process, prefork, preforkMember Serve
var symped, sympedMember, staged, exercise Serve

// What the kernel of another system lacks is not asked.
func needsPidfd() error { return nil }
func needsUring() error { return nil }
