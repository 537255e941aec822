//go:build linux

package worker

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/valyala/fasthttp"

	"serverlab/internal/spawner"
	"serverlab/servers/http1"
)

// fork is a worker that serves nobody itself: it forks, and its children do. What a child is has been read and parsed
// before, and its handler is made, unless it has to make its own: a store that was opened before would be shared.
func fork(program string, cfg Config, handler func(shared bool) (fasthttp.RequestHandler, error), empty bool) int {
	common, err := handler(true)
	if err == nil {
		memory := make([]byte, memorySize)
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
			cfg := cfg // of this child: a copy on the stack costs no page
			cfg.KeepAlive = keep
			return Serve(connection, cfg, h, memory)
		})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		return NotAnswered
	}
	return 0
}

// warm answers a request that has more than most, begins and ends a goroutine, and allocates something of each small
// size, with pointers and without: what that takes is then at hand in every copy of this process. The parts of the
// request and of its answer are of one size, so that they lie beside each other: a copy pays for each page that it
// writes to.
func warm() {
	part := strings.Repeat("w", warmPart)
	s := http1.NewSession(func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType(part)
		ctx.Response.Header.SetServer(part)
		ctx.SetBodyString(part)
	}, http1.DefaultLimits())
	line := part + ": " + part + "\r\n"
	s.Next([]byte(part + " /" + part + " HTTP/1.1\r\nHost: " + part + "\r\nUser-Agent: " + part + "\r\nContent-Type: " + part +
		"\r\nCookie: " + part + "=" + part + "\r\n" + strings.Repeat(line, warmLines) + "\r\n"))
	s.Answer(make([]byte, 0, outputSize))
	var all []any
	for size := warmStep; size <= warmMost; size += warmStep {
		all = append(all, make([]byte, size), make([]*byte, size/8))
	}
	runtime.KeepAlive(all)
	done := make(chan bool)
	go close(done)
	<-done
}

// Of what children are warmed for: bytes of a part of a request and lines of its header, and sizes of allocations, in
// bytes: up to warmMost, by steps of warmStep.
const (
	warmPart  = 120
	warmLines = 8

	warmStep = 16
	warmMost = 512
)
