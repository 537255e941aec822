//go:build linux

package worker

import (
	"fmt"
	"os"

	"github.com/valyala/fasthttp"

	"serverlab/internal/spawner"
	"serverlab/servers/http1"
)

// fork is a worker that serves nobody itself: it forks, and its children do. What a child is has been read and parsed
// before; its handler it makes for itself, since a store that was opened before the fork would be shared: a connection to
// another server by all, and the pid by which a shared table knows who wrote to it.
func fork(program string, cfg Config, handler func() (fasthttp.RequestHandler, error), empty bool) int {
	child := func(connection int, keep bool) int {
		if empty {
			return 0
		}
		h, err := handler()
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
			return NotAnswered
		}
		cfg.KeepAlive = keep
		return Serve(connection, cfg, h)
	}
	if err := spawner.Run(warm, child); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		return NotAnswered
	}
	return 0
}

// warm takes a request in, so that what the first one of a process needs is there in every copy of it. It is not
// answered: that would begin fasthttp's clock.
func warm() {
	s := http1.NewSession(func(*fasthttp.RequestCtx) {}, http1.DefaultLimits())
	s.Next([]byte("GET / HTTP/1.1\r\nHost: warm\r\n\r\n"))
	s.Release()
}
