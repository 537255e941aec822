//go:build linux

// A worker whose handler answers, or hangs as one would that lacks a thread: GET /hang waits for ever for what nobody
// can do.
package main

import (
	"flag"
	"os"
	"unsafe"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/servers/worker"
)

func main() {
	os.Exit(worker.Main("hangs", os.Args[1:], func(*flag.FlagSet) func(bool) (fasthttp.RequestHandler, error) {
		return func(bool) (fasthttp.RequestHandler, error) { return answer, nil }
	}))
}

func answer(ctx *fasthttp.RequestCtx) {
	var nobody uint32
	for string(ctx.Path()) == "/hang" {
		_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&nobody)), 0, 0, 0, 0, 0)
	}
	ctx.SetBodyString("answered")
}
