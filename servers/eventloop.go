//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
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
// With --loops above one it is a hybrid: several such loops, on a CPU each if there are, and a connection stays with
// one. With --accept reuseport each loop listens for itself and the kernel spreads connections; shared means that
// gnet runs one loop more, which only accepts, and deals connections out in turn.
//
// Strength: that of epoll, with somebody else's years in the loop. Where it breaks: as epoll, a handler that waits
// stops everybody; and a library's limits become yours: gnet buffers what a socket does not take, tells nobody when it
// has drained (eventloop_clock.go), ends when accept fails (eventloop_accept.go), and closes on a client that has
// closed its sending side, though there may be answers left for it (eventloop_leave.go).
func eventloop(ctx context.Context, cfg Config, h fasthttp.RequestHandler) error {
	for attempt := 1; ; attempt++ {
		addr, err := freeAddr(&cfg)
		if err != nil {
			return err
		}
		err = runGnet(ctx, cfg, h, addr)
		// Somebody else may have taken the free port before gnet did.
		if _, port, _ := net.SplitHostPort(cfg.Addr); port != "0" || attempt == 5 || !errors.Is(err, unix.EADDRINUSE) {
			return err
		}
	}
}

func runGnet(ctx context.Context, cfg Config, h fasthttp.RequestHandler, addr net.Addr) error {
	s := &gnetServer{ctx: ctx, cfg: cfg, handler: h, addr: addr, accepting: -1,
		ready: make(chan struct{}), ended: make(chan struct{})}
	s.cut, s.endLeavers = context.WithCancel(context.Background())
	defer s.endLeavers()
	defer onStop(ctx, s.stop)()
	if cfg.Loops > 1 {
		cfg.Board.Set("loops", fmt.Sprint(cfg.Loops)) // also of those that get nothing to do
	}
	err := gnet.Run(s, "tcp://"+addr.String(), gnet.WithNumEventLoop(max(1, cfg.Loops)),
		gnet.WithReusePort(cfg.Accept != Shared), gnet.WithReuseAddr(true), gnet.WithTCPNoDelay(gnet.TCPNoDelay),
		gnet.WithEdgeTriggeredIO(cfg.Trigger == Edge), gnet.WithTicker(true), gnet.WithLogger(gnetLog{cfg.Log}))
	close(s.ended)
	if err == nil && ctx.Err() == nil {
		err = errors.New("ended without being asked: an event loop could not accept")
	}
	if err != nil {
		return fmt.Errorf("gnet: %w", err)
	}
	return nil
}

// gnetServer is what all loops share: gnet calls it back, each loop for its own connections.
type gnetServer struct {
	gnet.BuiltinEventEngine
	ctx     context.Context
	cfg     Config
	handler fasthttp.RequestHandler
	addr    net.Addr

	engine       gnet.Engine
	ready, ended chan struct{} // closed when all loops listen, and when gnet has returned
	accepting    int           // a copy of the listening socket of the loop that only accepts; -1: there is none
	clock        atomic.Pointer[time.Time]
	ticks        int
	open         atomic.Int64 // connections
	stopping     atomic.Bool
	leavers      sync.WaitGroup  // clients that are seen off: see eventloop_leave.go
	cut          context.Context // of the leavers; ended by endLeavers, under mu
	endLeavers   context.CancelFunc

	mu    sync.Mutex
	loops []*gnetLoop // those that have had a connection
}

// gnetLoop is one loop and what belongs to it; all of this but heed is touched on the loop only.
type gnetLoop struct {
	*gnetServer
	loop gnet.EventLoop
	slot *scoreboard.Slot
	heed atomic.Bool // some guest waits for its output to drain

	idle, reading, lingering line[*guest] // every connection stands in one
	out                      []byte
	draining                 map[*guest]struct{} // those whose output must drain before anything else
	leaving                  int                 // connections that are seen off
}

// guest is a connection of gnet's.
type guest struct {
	loop     *gnetLoop
	conn     gnet.Conn
	session  *http1.Session // nil until input comes, and when only the end is awaited
	more     bool           // the session has more answers
	closing  bool           // when its output has drained
	draining bool
	left     int // bytes of output when it was last looked at; of those that drain
	place    place[*guest]
}

// The bounds of the input that gnet buffers for one connection, bytes, and of the turns of answers that one may have in
// a row.
const (
	gnetInbound = 4 << 20
	gnetTurns   = 16
)

func (s *gnetServer) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	l := s.of(c.EventLoop())
	l.slot.Accepts.Add(1)
	g := &guest{loop: l, conn: c}
	g.place.who = g
	c.SetContext(g)
	open := int(s.open.Add(1))
	switch {
	case s.stopping.Load():
		return nil, gnet.Close
	case open > s.cfg.MaxConns+refusedLinger, s.scarce(c.Fd()):
		l.slot.Refusals.Add(1)
		return refuse(), gnet.Close
	case open > s.cfg.MaxConns:
		l.slot.Refusals.Add(1)
		if _, err := c.Write(refuse()); err != nil {
			return nil, gnet.None // gnet has closed it
		}
		return nil, l.linger(g)
	}
	l.idle.join(&g.place, l.now())
	return nil, gnet.None
}

func (s *gnetServer) OnClose(c gnet.Conn, err error) gnet.Action {
	g := c.Context().(*guest)
	g.place.leave()
	delete(g.loop.draining, g)
	if (g.more || g.draining) && errors.Is(err, io.EOF) && g.loop.seeOff(g) {
		return gnet.None
	}
	s.open.Add(-1)
	if g.session != nil {
		g.session.Release()
		g.session = nil
	}
	return gnet.None
}

func (s *gnetServer) OnTraffic(c gnet.Conn) gnet.Action {
	g := c.Context().(*guest)
	l := g.loop
	switch {
	case g.place.line == &l.lingering: // what it sends is not read by anybody
		_, _ = c.Discard(-1)
		return gnet.None
	case g.draining && c.OutboundBuffered() == 0:
		return l.resume(g)
	case c.InboundBuffered() > gnetInbound:
		return gnet.Close
	case g.draining: // who does not take its answers is not read from either; gnet keeps what it sends
		return gnet.None
	case g.session == nil:
		g.session = s.cfg.session(s.handler)
		if s.stopping.Load() {
			g.session.CloseAfter()
		}
	}
	return l.feed(g)
}

// feed answers what can be answered: the work of the loop.
func (l *gnetLoop) feed(g *guest) gnet.Action {
	begun := g.session.Requests()
	for turn := 0; ; turn++ {
		if turn == gnetTurns { // others have their turn
			if g.conn.Wake(nil) != nil {
				return gnet.Close
			}
			break
		}
		var in []byte
		if !g.more {
			if in, _ = g.conn.Next(-1); len(in) == 0 && turn > 0 {
				break
			}
		}
		l.answer(g, in)
		if len(l.out) > 0 {
			if _, err := g.conn.Write(l.out); err != nil {
				return gnet.None // gnet has closed it
			}
		}
		if g.left = g.conn.OutboundBuffered(); g.left > 0 { // the socket is full: gnet writes the rest when it can
			g.draining, l.draining[g] = true, struct{}{}
			l.heed.Store(true)
			break
		}
		if g.closing {
			return l.finish(g)
		}
	}
	switch {
	case !g.session.Partial() || g.more || g.closing || g.draining:
		l.idle.join(&g.place, l.now())
	case g.place.line != &l.reading || g.session.Requests() > begun: // bounds the request, not the read
		l.reading.join(&g.place, l.now())
	}
	return gnet.None
}

// answer has the session make the next answers, into l.out.
func (l *gnetLoop) answer(g *guest, in []byte) {
	before := g.session.Requests()
	l.out, g.more, g.closing = g.session.Feed(l.out[:0], in)
	l.slot.Requests.Add(g.session.Requests() - before)
}

// resume goes on with a connection whose output has drained.
func (l *gnetLoop) resume(g *guest) gnet.Action {
	g.draining = false
	delete(l.draining, g)
	if g.closing {
		return l.finish(g)
	}
	return l.feed(g) // also what came meanwhile
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
	l.lingering.join(&g.place, l.now())
	return gnet.None
}

// of finds what belongs to a loop of gnet's.
func (s *gnetServer) of(loop gnet.EventLoop) *gnetLoop {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.loops {
		if l.loop == loop {
			return l
		}
	}
	l := &gnetLoop{gnetServer: s, loop: loop, slot: s.cfg.Board.Slot(len(s.loops)), draining: map[*guest]struct{}{}}
	l.idle = line[*guest]{patience: s.cfg.IdleTimeout + gnetTick, expired: l.close}
	l.reading = line[*guest]{patience: s.cfg.ReadTimeout + gnetTick, expired: l.tooSlow}
	l.lingering = line[*guest]{patience: lingerTime, expired: l.close}
	s.loops = append(s.loops, l)
	return l
}

// gnetLog passes what gnet has to say on; by itself it writes to the standard output.
type gnetLog struct{ *slog.Logger }

func (l gnetLog) Debugf(format string, args ...any) { l.Debug(fmt.Sprintf("gnet: "+format, args...)) }
func (l gnetLog) Infof(format string, args ...any)  { l.Debug(fmt.Sprintf("gnet: "+format, args...)) }
func (l gnetLog) Warnf(format string, args ...any)  { l.Warn(fmt.Sprintf("gnet: "+format, args...)) }
func (l gnetLog) Errorf(format string, args ...any) { l.Error(fmt.Sprintf("gnet: "+format, args...)) }
func (l gnetLog) Fatalf(format string, args ...any) { l.Error(fmt.Sprintf("gnet: "+format, args...)) }
