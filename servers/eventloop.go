//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
	"serverlab/servers/http1"
)

// eventloop is an event loop by a library, gnet: one loop on one thread accepts, reads, calls back and writes.
//
//	gnet: epoll_wait -> read -> OnTraffic: Feed -> Write
//
// Strength: that of epoll, with somebody else's years in the loop. Where it breaks: as epoll, a handler that waits
// stops everybody; and a library's limits become yours: gnet buffers what a socket does not take without bound, tells
// nobody when it has drained, knows no deadlines, and ends when accept runs out of descriptors. What follows is mostly
// the answer to these.
func eventloop(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	// With SO_REUSEPORT gnet's one loop accepts for itself; without it, gnet adds a second loop that only accepts. But
	// it would hide that a port is in use, so an ordinary listening socket tries first and finds a free port.
	probe, err := listenNet(&cfg)
	if err != nil {
		return err
	}
	addr := probe.Addr()
	if err := probe.Close(); err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	l := &gnetLoop{cfg: cfg, handler: h, addr: addr, slot: cfg.Board.Slot(0), max: maxGnetConns(&cfg),
		ready: make(chan struct{})}
	l.idle = line[*guest]{patience: cfg.IdleTimeout, expired: l.leave}
	l.reading = line[*guest]{patience: cfg.ReadTimeout, expired: l.tooSlow}
	l.lingering = line[*guest]{patience: lingerTime, expired: l.leave}
	defer onStop(ctx, l.stop)()
	err = gnet.Run(l, "tcp://"+addr.String(), gnet.WithNumEventLoop(1), gnet.WithReusePort(true), gnet.WithTicker(true),
		gnet.WithLogger(gnetLog{cfg.Log}), gnet.WithTCPNoDelay(gnet.TCPNoDelay))
	if err == nil && ctx.Err() == nil {
		err = errors.New("ended without being asked, perhaps for want of descriptors")
	}
	if err != nil {
		return fmt.Errorf("gnet: %w", err)
	}
	return nil
}

// maxGnetConns keeps the connections well below the limit of descriptors, with room for refused ones that linger:
// accept must never fail for want of one.
func maxGnetConns(cfg *Config) int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return cfg.MaxConns
	}
	return max(1, min(cfg.MaxConns, int(min(limit.Cur, 1<<20))-2*refusedLinger))
}

// gnetLoop is the event handler. All but OnBoot, OnTick and stop runs on the loop.
type gnetLoop struct {
	gnet.BuiltinEventEngine
	cfg     Config
	handler fasthttp.RequestHandler
	addr    net.Addr
	slot    *scoreboard.Slot
	max     int // connections

	engine gnet.Engine
	ready  chan struct{}                  // closed when engine is set
	loop   atomic.Pointer[gnet.EventLoop] // set by the first connection
	heed   atomic.Bool                    // some guest waits for its output to drain
	ticks  atomic.Uint64

	idle, reading, lingering line[*guest]
	out                      []byte
	guests                   map[*guest]struct{}
	draining                 map[*guest]struct{} // those whose output must drain first
	stopping                 bool
}

// guest is a connection of gnet's.
type guest struct {
	conn    gnet.Conn
	session *http1.Session // nil: only its end is awaited
	more    bool           // the session has more answers
	closing bool           // when its output has drained
	place   place[*guest]
}

// The bounds of what gnet buffers for one connection, bytes, and how many turns of answers one may have in a row.
const (
	gnetOutbound = 1 << 20
	gnetInbound  = 4 << 20
	gnetTurns    = 16
	gnetTick     = 20 * time.Millisecond

	gnetTicksPerLook = 10 // for who was silent for too long
)

func (l *gnetLoop) OnBoot(e gnet.Engine) gnet.Action {
	l.guests, l.draining = map[*guest]struct{}{}, map[*guest]struct{}{}
	l.engine = e
	close(l.ready)
	l.cfg.Ready(l.addr)
	return gnet.None
}

func (l *gnetLoop) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	if l.loop.Load() == nil {
		loop := c.EventLoop()
		l.loop.Store(&loop)
	}
	l.slot.Accepts.Add(1)
	g := &guest{conn: c}
	g.place.who = g
	c.SetContext(g)
	if l.stopping {
		return nil, gnet.Close
	}
	if len(l.guests) >= l.max+refusedLinger {
		l.slot.Refusals.Add(1)
		return refuse(), gnet.Close
	}
	l.guests[g] = struct{}{}
	if len(l.guests) > l.max {
		l.slot.Refusals.Add(1)
		l.write(g, refuse())
		return nil, l.linger(g)
	}
	g.session = l.cfg.session(l.handler)
	l.idle.join(&g.place, time.Now())
	return nil, gnet.None
}

func (l *gnetLoop) OnClose(c gnet.Conn, _ error) gnet.Action {
	g := c.Context().(*guest)
	g.place.leave()
	delete(l.guests, g)
	delete(l.draining, g)
	if g.session != nil {
		g.session.Release()
		g.session = nil
	}
	return gnet.None
}

func (l *gnetLoop) OnTraffic(c gnet.Conn) gnet.Action {
	g := c.Context().(*guest)
	switch _, draining := l.draining[g]; {
	case g.session == nil: // lingering: what it sends is not read by anybody
		_, _ = c.Discard(-1)
		return gnet.None
	case draining: // a client that does not read its answers is not read from either; gnet keeps what it sends
		if c.InboundBuffered() > gnetInbound {
			return gnet.Close
		}
		return gnet.None
	}
	var in []byte
	if !g.more {
		in, _ = c.Next(-1)
	}
	return l.feed(g, in)
}

func (l *gnetLoop) feed(g *guest, in []byte) gnet.Action {
	before := g.session.Requests()
	for turn := 0; turn == 0 || g.more; turn++ {
		if turn == gnetTurns { // others have their turn
			if g.conn.Wake(nil) != nil {
				return gnet.Close
			}
			break
		}
		answered := g.session.Requests()
		l.out, g.more, g.closing = g.session.Feed(l.out[:0], in)
		in = nil
		l.slot.Requests.Add(g.session.Requests() - answered)
		if len(l.out) > 0 && !l.write(g, l.out) {
			return gnet.None // gnet has closed it
		}
		if pending := g.conn.OutboundBuffered(); pending > 0 && (g.more || g.closing) || pending > gnetOutbound {
			l.draining[g] = struct{}{} // gnet would close or buffer on at once
			l.heed.Store(true)
			break
		}
		if g.closing {
			return l.finish(g)
		}
	}
	switch {
	case !g.session.Partial() || g.more || g.closing:
		l.idle.join(&g.place, time.Now())
	case g.place.line != &l.reading || g.session.Requests() > before: // bounds the request, not the read
		l.reading.join(&g.place, time.Now())
	}
	return gnet.None
}

func (l *gnetLoop) write(g *guest, p []byte) bool {
	_, err := g.conn.Write(p)
	return err == nil
}

// finish ends a connection whose output has drained, by lingering where input is left (as reactor.finish).
func (l *gnetLoop) finish(g *guest) gnet.Action {
	if g.session.Unread() || unread(g.conn.Fd()) {
		return l.linger(g)
	}
	return gnet.Close
}

func (l *gnetLoop) linger(g *guest) gnet.Action {
	if g.session != nil {
		g.session.Release()
		g.session = nil
	}
	if unix.Shutdown(g.conn.Fd(), unix.SHUT_WR) != nil {
		return gnet.Close
	}
	l.lingering.join(&g.place, time.Now())
	return gnet.None
}

// leave closes a connection from a task of the loop.
func (l *gnetLoop) leave(g *guest) { _ = (*l.loop.Load()).Close(g.conn) }

func (l *gnetLoop) tooSlow(g *guest) {
	if l.write(g, http1.ErrorAnswer(408, "the request took too long to arrive")) && l.linger(g) == gnet.Close {
		l.leave(g)
	}
}

// OnTick runs off the loop and sends it the tasks that need a clock.
func (l *gnetLoop) OnTick() (time.Duration, gnet.Action) {
	ticks := l.ticks.Add(1)
	if loop := l.loop.Load(); loop != nil && (l.heed.Load() || ticks%gnetTicksPerLook == 0) {
		_ = (*loop).Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			l.attend()
			return nil
		}))
	}
	return gnetTick, gnet.None
}

// attend looks at those whose output had to drain, and closes who was silent for too long.
func (l *gnetLoop) attend() {
	for g := range l.draining {
		if g.conn.OutboundBuffered() > 0 {
			continue
		}
		delete(l.draining, g)
		action := gnet.None
		switch {
		case g.closing:
			action = l.finish(g)
		default:
			in, _ := g.conn.Next(-1) // what came meanwhile; the session keeps it until its turn
			action = l.feed(g, in)
		}
		if action == gnet.Close {
			l.leave(g)
		}
	}
	l.heed.Store(len(l.draining) > 0)
	now := time.Now()
	for _, line := range []*line[*guest]{&l.idle, &l.reading, &l.lingering} {
		line.expire(now)
	}
}

// stop refuses new connections, lets what has arrived be answered, and then ends the engine.
func (l *gnetLoop) stop() {
	<-l.ready
	if loop := l.loop.Load(); loop != nil {
		ctx, cancel := context.WithTimeout(context.Background(), l.cfg.StopTimeout)
		defer cancel()
		for empty := false; !empty && ctx.Err() == nil; {
			answer := make(chan bool, 1)
			err := (*loop).Execute(ctx, gnet.RunnableFunc(func(context.Context) error {
				answer <- l.wrapUp()
				return nil
			}))
			if err != nil {
				break
			}
			select {
			case empty = <-answer:
			case <-ctx.Done():
			}
			if !empty { // gnet tells nobody when output has drained
				time.Sleep(time.Millisecond)
			}
		}
	}
	// Stop asks, and then looks every half second whether it was heard; gnet.Run returns when all has ended.
	asked, cancel := context.WithCancel(context.Background())
	cancel()
	_ = l.engine.Stop(asked)
}

// wrapUp closes the connections that have nothing in hand, and tells whether none is left.
func (l *gnetLoop) wrapUp() (empty bool) {
	l.stopping = true
	l.attend()
	for g := range l.guests {
		if g.session == nil {
			continue
		}
		g.session.CloseAfter()
		if _, draining := l.draining[g]; !draining && !g.more && !unread(g.conn.Fd()) {
			l.leave(g)
		}
	}
	return len(l.guests) == 0
}

// gnetLog passes what gnet has to say on; by itself it writes to the standard output.
type gnetLog struct{ *slog.Logger }

func (l gnetLog) Debugf(format string, args ...any) { l.Debug(fmt.Sprintf("gnet: "+format, args...)) }
func (l gnetLog) Infof(format string, args ...any)  { l.Debug(fmt.Sprintf("gnet: "+format, args...)) }
func (l gnetLog) Warnf(format string, args ...any)  { l.Warn(fmt.Sprintf("gnet: "+format, args...)) }
func (l gnetLog) Errorf(format string, args ...any) { l.Error(fmt.Sprintf("gnet: "+format, args...)) }
func (l gnetLog) Fatalf(format string, args ...any) { l.Error(fmt.Sprintf("gnet: "+format, args...)) }
