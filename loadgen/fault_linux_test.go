package loadgen

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"serverlab/results"
)

// outage is a file service that is killed and comes back: requests on their way end without an answer, sessions are
// forgotten, and who connects meanwhile is refused.
type outage struct {
	*fileServer
	fault    *fault
	from, to int64
}

func (o *outage) clock() int64 {
	if o.now >= o.from && o.fault.begun.Load() == 0 {
		o.fault.begun.Store(o.now)
		clear(o.sessions)
		for fd := range o.socks {
			o.broken[fd] = true
		}
	}
	if o.now >= o.to && o.fault.happened.Load() == 0 {
		o.fault.happened.Store(o.now)
	}
	return o.now
}

func (o *outage) open(from *address) (int32, kind) {
	if o.fault.begun.Load() != 0 && o.fault.happened.Load() == 0 {
		return -1, refused
	}
	return o.fileServer.open(from)
}

// What a fault makes fail is told apart from what a client tries again and again, and it ends with the first right
// answer to a request that was sent after it.
func TestFaultInVirtualTime(t *testing.T) {
	for _, test := range []struct {
		state        string
		lost, failed uint64
		refused      uint64
		ambiguous    uint64 // those on their way: a read that was not sent moves nothing
	}{
		// Both connections have a request on its way, are refused once, and then each 10 ms until they aren't.
		{Stateless, 0, 4, 8, 0}, {Soft, 0, 4, 8, 0}, {Stateful, 5, 9, 8, 2},
	} {
		c := sessionConfig(test.state)
		c.Warmup, c.Fault, c.Step = 50*time.Millisecond, func() {}, 5*time.Millisecond
		s := &outage{fileServer: newFileServer(test.state, nil), from: 100.5e6, to: 135.5e6}
		l := simulateWith(t, c, func(r *run) { s.fault = &r.plan.fault }, s)
		f := l.Fault
		if f == nil || f.First == nil {
			t.Fatalf("%s: %+v", test.state, f)
		}
		if f.Begun < 0.0505 || f.Begun > 0.0515 || f.Happened < 0.0855 || f.Happened > 0.092 || *f.First < f.Happened+0.001 ||
			*f.First > f.Happened+0.012 {
			t.Errorf("%s: begun %v, happened %v, first right answer %v", test.state, f.Begun, f.Happened, *f.First)
		}
		if f.Failed != test.failed || l.Errors[ErrRefused] != test.refused || l.Errors[ErrLost] != test.lost ||
			l.Sessions.Lost != test.lost || l.Sessions.Ambiguous != test.ambiguous || l.Errors[ErrClosed] != 2 || Wrong(l) != 0 {
			t.Errorf("%s: %d failed, errors %v, %+v; want %d", test.state, f.Failed, l.Errors, l.Sessions, test.failed)
		}
		mustBeValid(t, l)
		if l.Series.Step != 0.005 || len(l.Series.Points) != 50 {
			t.Errorf("%d steps of %v s", len(l.Series.Points), l.Series.Step)
		}
	}
}

// In an open loop, too, an outage is no reason to call the load invalid, and each request that finds no server counts.
func TestFaultInOpenLoop(t *testing.T) {
	c := sessionConfig(Stateful)
	c.Rate, c.Fault = 1000, func() {}
	s := &outage{fileServer: newFileServer(Stateful, nil), from: 50.5e6, to: 135.5e6}
	l := simulateWith(t, c, func(r *run) { s.fault = &r.plan.fault }, s)
	if l.Fault == nil || l.Fault.First == nil || l.Fault.Failed == 0 || l.Fault.Failed > l.ErrorCount() ||
		l.Errors[ErrRefused] == 0 {
		t.Errorf("%+v, errors %v", l.Fault, l.Errors)
	}
	mustBeValid(t, l)
}

// mustBeValid: nothing but notes is found.
func mustBeValid(t *testing.T, l *results.Load) {
	t.Helper()
	l.CPU = 0 // it was the virtual clock's
	for _, f := range Verdict(Evidence{Load: l, Quantiles: quantilesTold}) {
		if len(f.Voids) > 0 {
			t.Errorf("%v", f)
		}
	}
}

// The fault is called once, by nobody who loads, in the window; Run waits for it.
func TestFaultIsCalled(t *testing.T) {
	var down atomic.Bool
	noticed := make(chan struct{}, 1)
	s := newServer(t, func(c net.Conn, head []byte, k int64) bool {
		if !down.Load() {
			return hello(c, head, k)
		}
		select {
		case noticed <- struct{}{}:
		default:
		}
		return false // without an answer
	})
	c := s.config()
	calls := 0
	c.FaultAfter = 50 * time.Millisecond
	c.Fault = func() {
		calls++
		down.Store(true)
		<-noticed
		down.Store(false)
	}
	l := mustRun(t, c)
	if f := l.Fault; calls != 1 || f == nil || f.Begun < 0.05 || f.Happened < f.Begun || f.First == nil ||
		*f.First < f.Happened || f.Failed == 0 || f.Failed != l.ErrorCount() {
		t.Errorf("%d calls, %+v, errors %v", calls, f, l.Errors)
	}
	for _, f := range l.Findings {
		if f.Kind == "errors" {
			t.Errorf("%v", f)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.Edge = func(e Edge) {
		if e == Begin {
			cancel()
		}
	}
	c.Duration, c.FaultAfter = time.Hour, time.Hour-1
	l, err := Run(ctx, c)
	if err != nil || !l.Interrupted || l.Fault != nil || calls != 1 {
		t.Errorf("interrupted before it: %v, %d calls, %+v", err, calls, l.Fault)
	}
}
