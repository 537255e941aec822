//go:build linux

package servers

import (
	"context"
	"slices"
	"time"

	"github.com/panjf2000/gnet/v2"

	"serverlab/servers/http1"
)

// gnet has no deadlines, and tells nobody when the output of a connection has drained. It ticks, though, on a goroutine
// of its own, from which the loops get what has to be done by the clock, as tasks:
//
//	OnTick --task--> loop: attend to who was draining, close who was silent for too long

const (
	gnetTick         = 20 * time.Millisecond // how exact the clock of the loops is
	gnetTicksPerLook = 10                    // for who was silent for too long
)

// now is the time of the last tick: to ask the kernel at each request would cost more than its header's parsing takes.
func (s *gnetServer) now() time.Time { return *s.clock.Load() }

func (s *gnetServer) OnBoot(e gnet.Engine) gnet.Action {
	now := time.Now()
	s.clock.Store(&now)
	s.engine = e
	if s.cfg.Accept == Shared {
		s.accepting, _ = e.Dup() // without it, the server only has nothing to go on with when gnet's accept fails
	}
	return gnet.None
}

func (s *gnetServer) OnTick() (time.Duration, gnet.Action) {
	now := time.Now()
	s.clock.Store(&now)
	if s.ticks++; s.ticks == 1 { // the first comes when all loops listen
		close(s.ready)
		s.cfg.Ready(s.addr)
	}
	for _, l := range s.all() {
		if l.heed.Load() || s.ticks%gnetTicksPerLook == 0 {
			_ = l.do(context.Background(), l.attend)
		}
	}
	return gnetTick, gnet.None
}

func (s *gnetServer) all() []*gnetLoop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.loops)
}

// do has the loop run a task, and does not wait for it.
func (l *gnetLoop) do(ctx context.Context, task func()) error {
	return l.loop.Execute(ctx, gnet.RunnableFunc(func(context.Context) error {
		task()
		return nil
	}))
}

// ask has the loop run a task, and waits until it has, or ctx ends, or gnet has returned; only then it was not done.
func (l *gnetLoop) ask(ctx context.Context, task func()) (done bool) {
	ran := make(chan struct{})
	if l.do(ctx, func() { defer close(ran); task() }) != nil {
		return false
	}
	select {
	case <-ran:
		return true
	case <-ctx.Done():
	case <-l.ended:
	}
	return false
}

// attend looks at those whose output had to drain, and closes who was silent for too long.
func (l *gnetLoop) attend() {
	for g := range l.draining {
		switch left := g.conn.OutboundBuffered(); {
		case left == 0 && l.resume(g) == gnet.Close:
			l.close(g)
		case left > 0 && left < g.left: // it takes its answer
			g.left = left
			l.idle.join(&g.place, l.now())
		}
	}
	l.heed.Store(len(l.draining) > 0)
	for _, line := range []*line[*guest]{&l.idle, &l.reading, &l.lingering} {
		line.expire(l.now())
	}
}

// close ends a connection from a task of the loop.
func (l *gnetLoop) close(g *guest) { _ = l.loop.Close(g.conn) }

func (l *gnetLoop) tooSlow(g *guest) {
	_, err := g.conn.Write(http1.ErrorAnswer(408, "the request took too long to arrive"))
	if err == nil && l.linger(g) == gnet.Close {
		l.close(g)
	}
}

// stop ends accepting, lets what has arrived be answered, and then ends the engine.
func (s *gnetServer) stop() {
	select {
	case <-s.ready:
	case <-s.ended:
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.StopTimeout)
	defer cancel()
	s.stopping.Store(true)
	if loops := s.all(); len(loops) > 0 { // on a loop: while one runs, gnet closes no listening socket
		loops[0].ask(ctx, s.unlisten)
	}
	for !s.wrapUp(ctx) {
		time.Sleep(time.Millisecond) // gnet tells nobody when output has drained
	}
	// Stop asks, and then looks every half second whether it was heard; gnet.Run returns when all has ended.
	asked, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.engine.Stop(asked)
}

// wrapUp has all loops close what they can, and tells whether nothing is left, or the time is over.
func (s *gnetServer) wrapUp(ctx context.Context) (done bool) {
	done = true
	for _, l := range s.all() {
		var empty bool
		if !l.ask(ctx, func() { empty = l.closeIdle() }) {
			return true
		}
		done = done && empty
	}
	return done
}

// closeIdle closes the connections that have nothing in hand, and tells whether none is left.
func (l *gnetLoop) closeIdle() (empty bool) {
	l.attend()
	for _, line := range []*line[*guest]{&l.idle, &l.reading} {
		for g := range line.all() {
			if g.session != nil {
				g.session.CloseAfter()
			}
			if !g.draining && !g.more && !unread(g.conn.Fd()) {
				l.close(g)
			}
		}
	}
	return l.idle.first == nil && l.reading.first == nil && l.lingering.first == nil && l.leaving == 0
}
