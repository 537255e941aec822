//go:build linux

package servers

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/valyala/fasthttp"
)

// staged is a staged event-driven server, SEDA (Welsh, Culler, Brewer: SOSP 2001); a pipeline with few stages, written
// for speed, is WatPipe (Pariag et al.: EuroSys 2007). A request passes through the stages as a car through a factory;
// between them are bounded queues, and each has a few threads of its own.
//
//	read:    epoll_wait -> accept -> read, parse --> queue --> full: 503
//	                 ^                                 |
//	handle:          |                                 '--> take -> handler --> queue
//	write:           '---- connection is given back <---- write <- take <-------'
//
// Only the first queue refuses: it is better to turn a request away before any work has gone into it than after. Where
// the second is full, the thread that has an answer waits, which soon fills the first: back-pressure. To refuse costs
// less than to answer (the stage that reads does it), so past the knee the server goes on answering nearly as many as
// it can, and who is admitted does not wait for long: at most for the queue's length.
//
// Strength: load that is too much is seen at one place, in plain numbers, and turned away there; a handler that waits
// stops nobody while a thread of its stage is free. Where it breaks: each request changes threads three times, which
// Welsh himself regretted (A Retrospective on SEDA, 2010: fewer pools than stages); and somebody must choose how many
// threads each stage has, and how long its queue is: many for handlers that wait, few for those that compute.
//
// One request of a connection is in flight at a time, so its answers keep their order, refusals among them, and however
// many a client sends at once, it has one place for each connection. What a socket does not take at once is written by
// the loop, which alone can wait for it.
func staged(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	r, err := newReactor(cfg)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			r.end()
		}
	}()
	back, err := openInbox(r, func(h handled) { r.sent(h.peer, (*h.out)[h.sent:], h.err, true) })
	if err != nil {
		return err
	}
	defer back.close()
	debug.SetMaxThreads(cfg.Workers + ownThreads)
	writing, err := openStage(runtime.NumCPU(), 0, cfg.queue(), func(h handled) handled {
		h.sent, h.err = send(h.peer.fd, *h.out)
		return h
	}, back.put)
	if err != nil {
		return err
	}
	defer writing.close()
	handling, err := openStage(cfg.Workers, niceHandling, cfg.queue(), func(p *peer) handled {
		h := p.handle()
		r.slot.Requests.Add(h.answered)
		return h
	}, writing.put)
	if err != nil {
		return err
	}
	defer handling.close()
	all := func(*fasthttp.RequestCtx) bool { return true }
	r.feedOthers(h, all, func(p *peer) {
		if !handling.offer(p) {
			r.refuse(p)
		}
	})
	return r.run(ctx)
}

// niceHandling is the nice value of the threads that handle. Where they compute, each is ready to run all the time,
// and the one thread that reads, turns away and takes answers back would get no more than one of them does: then
// requests wait unseen in the kernel, and admission control comes too late. On one CPU, with 1.4 times as many
// requests as can be served (0.1 ms each, clients who give up after 100 ms) 64 threads answered 0 to 38 % of their
// peak as long as all were alike, and 65 to 87 % when those that handle gave way; 4 threads answered 85 to 94 % either
// way.
const niceHandling = 10

// refuse answers 503 to a request that has been read and not admitted.
func (r *reactor) refuse(p *peer) {
	p.busy = false
	r.slot.Drops.Add(1)
	p.session.Refuse()
	out := answers.Get().(*[]byte)
	*out, p.more, p.closing = p.session.Feed((*out)[:0], nil)
	r.answer(p, *out, 0)
	answers.Put(out)
}
