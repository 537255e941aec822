// Package app is THE handler: the one application that every architecture serves, so that what differs between two
// results is the architecture. It is a fasthttp.RequestHandler and knows nothing of who calls it.
//
//	GET /                                 a fixed text of 13 bytes
//	GET /read?file=F&offset=O&count=N     the stateless file service: open, read, close, remember nothing
//	GET /chaos/exit                       ends its own process at once (only with AllowChaos)
//
// Any route takes work to do before and after its answer is made: wait=5ms sleeps as one who waits for a network
// database, block=5ms sleeps in the kernel as one who waits for a disk, spin=N computes N rounds of SHA-256 over the
// answer. All are bounded, see the constants.
package app

import (
	"fmt"
	"os"

	"github.com/valyala/fasthttp"
)

// Greeting is the body of the answer to "GET /".
const Greeting = "Hello, World!"

// SpinHeader carries the digest that spin=N computed, in hexadecimal.
const SpinHeader = "X-Spin-Digest"

// Options says what the handler serves. The zero value serves no files.
type Options struct {
	Files      string // directory of the served files
	AllowChaos bool   // GET /chaos/exit ends the process
}

// New returns the handler. It opens nothing until the first request needs it, since a worker process that lives for
// one request pays for everything that it opens.
func New(o Options) fasthttp.RequestHandler {
	files := &fileService{dir: o.Files}
	return func(ctx *fasthttp.RequestCtx) {
		route := route(string(ctx.Path()), files, o)
		if route.answer == nil {
			fail(ctx, fasthttp.StatusNotFound, "no such path: this server answers / and /read")
			return
		}
		if !ctx.IsGet() && !ctx.IsHead() {
			ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET, HEAD")
			fail(ctx, fasthttp.StatusMethodNotAllowed, "only GET and HEAD are answered here")
			return
		}
		if len(ctx.URI().QueryString()) == 0 { // the common case costs no parsing
			if route.takes != nil {
				fail(ctx, fasthttp.StatusBadRequest, "file is missing: /read?file=F&offset=O&count=N")
				return
			}
			route.answer(ctx)
			return
		}
		work, err := parseWork(ctx.QueryArgs(), route.takes)
		if err != nil {
			fail(ctx, fasthttp.StatusBadRequest, err.Error())
			return
		}
		work.before()
		route.answer(ctx)
		if err := work.after(&ctx.Response); err != nil {
			fail(ctx, fasthttp.StatusBadRequest, err.Error())
		}
	}
}

// A path is one route of the handler and the parameters that it takes beside those of any route.
type path struct {
	takes  []string
	answer func(*fasthttp.RequestCtx)
}

var readTakes = []string{"file", "offset", "count"}

func route(p string, files *fileService, o Options) path {
	switch p {
	case "/":
		return path{answer: greet}
	case "/read":
		return path{takes: readTakes, answer: files.read}
	case "/chaos/exit":
		if o.AllowChaos {
			return path{answer: exit}
		}
	}
	return path{}
}

func greet(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetContentType("text/plain; charset=utf-8")
	ctx.Response.SetBodyString(Greeting)
}

// exit ends the process as a crash would: no deferred call runs and nothing is flushed.
func exit(*fasthttp.RequestCtx) {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(fmt.Sprintf("could not end the process: %v", err))
	}
	select {} // the signal is on its way; no answer may overtake it
}

// fail keeps the connection: the request was wrong, not its framing.
func fail(ctx *fasthttp.RequestCtx, status int, reason string) {
	ctx.Response.ResetBody()
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetContentType("text/plain; charset=utf-8")
	ctx.Response.SetBodyString(reason + "\n")
}
