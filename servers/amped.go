//go:build linux

package servers

import (
	"context"
	"runtime/debug"

	"github.com/valyala/fasthttp"
)

// amped is an asymmetric multi-process event-driven server, the design of Flash (Pai, Druschel, Zwaenepoel: USENIX
// 1999): an event loop that waits for no disk, because it has helpers who do.
//
//	        +--> accept
//	epoll_wait --> read -> Feed ---------------------------> write     loop
//	        |               '-> may block --> queue, pipe      ^
//	        |                                   '-> handler ---'       one of N helper threads
//	        +--> answers have come back (eventfd)
//
// Strength: the loop's few bytes per silent client, and yet a handler that waits stops nobody while a helper is free.
// Where it breaks: a request that is handed over costs two wake-ups more; and who hands over must know beforehand what
// may block. Flash asked mincore(2) whether the file was in memory; here cfg.MayBlock is asked, of the parsed request.
// Where it is not set all requests may block, and each pays for the way to a helper and back.
//
// One request of a connection is in flight at a time, so its answers keep their order, and the queue is never longer
// than there are connections: --max-conns bounds it, and nothing is dropped. While its request is with a helper a
// connection is neither read from nor timed out, for no time-out would free the helper.
func amped(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	r, err := newReactor(cfg)
	if err != nil {
		return err
	}
	back, err := openInbox(r, func(h handled) { r.answer(h.peer, *h.out, h.answered) })
	if err != nil {
		r.end()
		return err
	}
	defer back.close()
	debug.SetMaxThreads(cfg.helpers() + ownThreads)
	helpers, err := openStage(cfg.helpers(), 0, cfg.MaxConns, (*peer).handle, back.put)
	if err != nil {
		r.end()
		return err
	}
	defer helpers.close()
	mayBlock := cfg.MayBlock
	if mayBlock == nil {
		mayBlock = func(*fasthttp.RequestCtx) bool { return true }
	}
	r.feedOthers(h, mayBlock, helpers.put)
	return r.run(ctx)
}
