//go:build linux

package worker

import (
	"fmt"
	"os"
	"runtime"

	"github.com/valyala/fasthttp"

	"serverlab/internal/spawner"
	"serverlab/servers/http1"
)

// fork is a worker that serves nobody itself: it forks, and its children do. What a child is has been read and parsed
// before, and its handler is made, unless it has to make its own: a store that was opened before would be shared.
func fork(program string, cfg Config, handler func(shared bool) (fasthttp.RequestHandler, error), empty bool) int {
	common, err := handler(true)
	if err == nil {
		in := make([]byte, inputSize)
		err = spawner.Run(warm, func(connection int, keep bool) int {
			if empty {
				return 0
			}
			h := common
			if h == nil {
				var err error
				if h, err = handler(false); err != nil {
					fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
					return NotAnswered
				}
			}
			cfg.KeepAlive = keep
			return Serve(connection, cfg, h, in)
		})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		return NotAnswered
	}
	return 0
}

// warmSizes are the sizes of what the allocator is warmed for, in bytes: up to warmMost, by steps of warmStep.
const (
	warmStep = 16
	warmMost = 512
)

// warm takes a request in, begins and ends a goroutine, and allocates something of each small size, with pointers and
// without: what that takes is then at hand in every copy of this process. The request is not answered, since that would
// begin fasthttp's clock.
func warm() {
	s := http1.NewSession(func(*fasthttp.RequestCtx) {}, http1.DefaultLimits())
	s.Next([]byte("GET / HTTP/1.1\r\nHost: warm\r\n\r\n"))
	s.Release()
	var r fasthttp.Response
	r.SetBodyString("warm")
	r.Reset()
	var all []any
	for size := warmStep; size <= warmMost; size += warmStep {
		all = append(all, make([]byte, size), make([]*byte, size/8))
	}
	runtime.KeepAlive(all)
	done := make(chan bool)
	go close(done)
	<-done
}
