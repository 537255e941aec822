package loadgen

import (
	"context"
	"sync/atomic"
	"time"

	"serverlab/results"
)

// fault is what the threads know of something that is broken on purpose: moments of the run, 0 until they are there.
type fault struct {
	set             bool
	begun, happened atomic.Int64
}

// breaking has r.Fault called at its moment. The function that it returns waits for that.
func (r *run) breaking(ctx context.Context) (wait func()) {
	if r.Fault == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if !r.sleep(ctx, r.plan.begin+int64(r.FaultAfter)) {
			return
		}
		r.plan.fault.begun.Store(int64(time.Since(r.plan.base)))
		r.Fault()
		r.plan.fault.happened.Store(int64(time.Since(r.plan.base)))
	}()
	return func() { <-done }
}

// recovers takes note of the first right answer to a request that was sent after the fault.
func (t *thread) recovers(c *conn, now int64) {
	if h := t.plan.fault.happened.Load(); t.recovered == 0 && h != 0 && c.sent >= h {
		t.recovered = now
	}
}

// erred counts an error of c in the window, and a request that failed after the fault. Where a server is away, a closed
// loop tries again and again to reach it: of a connection's attempts in a row only the first one counts as a request.
func (t *thread) erred(c *conn, k kind) {
	t.series.open.errors[k]++
	c.harmed = true
	if t.plan.fault.set && t.plan.fault.begun.Load() != 0 && c.busy && (t.plan.open || !c.away) {
		t.failed++
	}
}

// fault is the record of it; nil, if it has not begun.
func (r *run) fault() *results.Fault {
	p := r.plan
	begun, happened := p.fault.begun.Load(), p.fault.happened.Load()
	if begun == 0 {
		return nil
	}
	since := func(at int64) float64 { return time.Duration(at - p.begin).Seconds() }
	f := &results.Fault{Begun: since(begun), Happened: since(happened)}
	for _, t := range r.threads {
		f.Failed += t.failed
		if t.recovered != 0 && (f.First == nil || since(t.recovered) < *f.First) {
			first := since(t.recovered)
			f.First = &first
		}
	}
	return f
}
