// Package app is THE handler: the one application that every architecture serves, so that what differs between two
// results is the architecture. It is a fasthttp.RequestHandler and knows nothing of who calls it.
//
//	GET  /                                a fixed text of 13 bytes
//	GET  /chaos/KIND                      breaks something, see chaos.go (only with AllowChaos)
//
// and a file service, whose answers say by X-Offset where in the file they begin, in one of three variants:
//
//	GET  /read?file=F&offset=O&count=N    stateless: open, read, close, remember nothing
//
//	GET  /read?file=F&offset=O&count=N    soft state: the same answers to the same requests, but the file is kept open
//	Cookie: session=ID                    for a lease, for whoever names a session beside
//
//	POST /open?file=F                     stateful: begins a session, which the cookie names that comes back
//	GET  /read?count=N                    reads on from where the session is
//	POST /close                           ends it
//
// Any route takes work to do before and after its answer is made: wait=5ms sleeps as one who waits for a network
// database, block=5ms sleeps in the kernel as one who waits for a disk, spin=N computes N rounds of SHA-256 over the
// answer. All are bounded, see the constants.
package app

import (
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/servers/state"
)

// Greeting is the body of the answer to "GET /".
const Greeting = "Hello, World!"

// SpinHeader carries the digest that spin=N computed, in hexadecimal.
const SpinHeader = "X-Spin-Digest"

// The variants of the file service: what it remembers of its clients.
const (
	Stateless = "stateless" // nothing
	Soft      = "soft"      // open files, for a time; losing one changes no answer
	Stateful  = "stateful"  // a session of each, with a file and a place in it
)

// Options says what the handler serves. The zero value serves no files.
type Options struct {
	Files      string // directory of the served files
	AllowChaos bool   // GET /chaos/exit and its like break something

	State string      // Stateless, Soft or Stateful; "": Stateless
	Store state.Store // of the sessions of a stateful service

	MaxOpen int           // files that are kept open for sessions
	Lease   time.Duration // soft: for which an open file is kept, renewed by use
	Idle    time.Duration // stateful: likewise, and after which a session ends that nobody uses
	Forget  time.Duration // drop all open files as often as this, to see that nothing depends on them; 0: never
}

// New returns the handler. It opens nothing until the first request needs it, since a worker process that lives for
// one request pays for everything that it opens. A stateful service without a store is a mistake of the program's.
func New(o Options) fasthttp.RequestHandler {
	if o.State == Stateful && o.Store == nil {
		panic("app: a stateful service needs a store")
	}
	if o.State == "" {
		o.State = Stateless
	}
	paths := routes(o)
	none := &path{usage: "no such path: this server answers / and /read"}
	if o.State == Stateful {
		none.usage = "no such path: this server answers /, /open, /read and /close"
	}
	return func(ctx *fasthttp.RequestCtx) {
		p := paths[string(ctx.Path())]
		if p == nil {
			p = none
		}
		if p.answer == nil {
			fail(ctx, fasthttp.StatusNotFound, p.usage)
			return
		}
		if !p.answers(ctx) {
			ctx.Response.Header.Set(fasthttp.HeaderAllow, p.methods)
			fail(ctx, fasthttp.StatusMethodNotAllowed, p.refusal())
			return
		}
		if len(ctx.URI().QueryString()) == 0 { // the common case costs no parsing
			if p.takes != nil {
				fail(ctx, fasthttp.StatusBadRequest, p.takes[0]+" is missing: "+p.usage)
				return
			}
			p.answer(ctx)
			return
		}
		work, err := parseWork(ctx.QueryArgs(), p)
		if err != nil {
			fail(ctx, fasthttp.StatusBadRequest, err.Error())
			return
		}
		work.before()
		p.answer(ctx)
		if err := work.after(&ctx.Response); err != nil {
			fail(ctx, fasthttp.StatusBadRequest, err.Error())
		}
	}
}

// A path is one route of the handler, what it can be asked by, and the parameters that it takes beside those of any
// route.
type path struct {
	methods string // as the Allow header lists them
	takes   []string
	hint    string // for who asks by a parameter that it does not take
	usage   string // of a path that does not exist: why
	answer  func(*fasthttp.RequestCtx)
}

const (
	anyGet   = "GET, HEAD"
	onlyGet  = "GET" // HEAD asks for what GET does, and must change nothing
	onlyPost = "POST"
)

func (p *path) answers(ctx *fasthttp.RequestCtx) bool {
	switch p.methods {
	case onlyPost:
		return ctx.IsPost()
	case onlyGet:
		return ctx.IsGet()
	}
	return ctx.IsGet() || ctx.IsHead()
}

func (p *path) refusal() string {
	if p.methods == anyGet {
		return "only GET and HEAD are answered here"
	}
	return "only " + p.methods + " is answered here"
}

// routes lists the paths that are served, or that deserve a better word than that there is no such path.
func routes(o Options) map[string]*path {
	s := &fileService{Options: o, kept: newOpenFiles(o.MaxOpen, o.Lease, o.Forget)}
	stateful := &path{usage: "no such path: with --state " + o.State + " there are no sessions to open: GET " + readUsage +
		"; serve with --state " + Stateful + " for /open and /close"}
	read := &path{methods: anyGet, takes: []string{"file", "offset", "count"}, usage: readUsage, answer: s.read}
	paths := map[string]*path{
		"/":      {methods: anyGet, answer: greet},
		"/read":  read,
		"/open":  stateful,
		"/close": stateful,
	}
	if o.AllowChaos {
		for kind, breaks := range chaos {
			paths["/chaos/"+kind] = &path{methods: anyGet, answer: breaks}
		}
	}
	switch o.State {
	case Soft:
		read.answer = s.readSoft
	case Stateful:
		s.kept.lease = o.Idle
		paths["/open"] = &path{methods: onlyPost, takes: []string{"file"}, usage: openUsage, answer: s.open}
		paths["/read"] = &path{methods: onlyGet, takes: []string{"count"}, usage: "/read?count=N", answer: s.readOn,
			hint: "; this server is stateful: begin a session by POST /open?file=F, and send its cookie"}
		paths["/close"] = &path{methods: onlyPost, answer: s.close}
	}
	return paths
}

func greet(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetContentType("text/plain; charset=utf-8")
	ctx.Response.SetBodyString(Greeting)
}

// fail keeps the connection: the request was wrong, not its framing.
func fail(ctx *fasthttp.RequestCtx, status int, reason string) {
	ctx.Response.ResetBody()
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetContentType("text/plain; charset=utf-8")
	ctx.Response.SetBodyString(reason + "\n")
}
