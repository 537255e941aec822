//go:build linux

package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"serverlab/results"
)

// calibrationTrace is how long tracing a request is planned to take for each row, as many of which as there are CPUs
// are traced at the same time.
const calibrationTrace = 150 * time.Millisecond

// tracedWorkers is how many workers a traced pool has: one request meets one, and strace slows the start of all.
const tracedWorkers = 2

// asksForCalls tells whether system calls explain what was asked for: the cost of a request that asks for nothing.
func asksForCalls(sits []results.Situation) bool {
	return slices.ContainsFunc(sits, func(s results.Situation) bool {
		return s.Metric == results.CPUPerRequest && s.State == ""
	})
}

// traces are the system calls of one request of each row, on its own connection. They explain and are not measured, so
// rows may be traced side by side, and nothing that goes wrong ends the run: one note says what there is not. Only the
// end of ctx is an error.
func (b *bench) traces(ctx context.Context) (map[string]results.SysTrace, error) {
	traces, errs := make([]results.SysTrace, len(b.rows)), make([]error, len(b.rows))
	slots := make(chan struct{}, max(1, b.cpus()))
	var all sync.WaitGroup
	for i, row := range b.rows {
		all.Go(func() {
			slots <- struct{}{}
			traces[i], errs[i] = b.trace(ctx, row)
			<-slots
		})
	}
	if all.Wait(); ctx.Err() != nil {
		return nil, ctx.Err()
	}
	found := map[string]results.SysTrace{}
	var failed []string
	for i, row := range b.rows {
		switch err := errs[i]; {
		case errors.Is(err, ErrStrace):
			b.noteTraces(err.Error())
			return nil, nil
		case err != nil:
			failed = append(failed, fmt.Sprintf("%s: %v", row.Name, err))
		default:
			found[row.Name] = traces[i]
			b.Say("%-14s answers a request by %2d system calls", row.Label, traces[i].Requests[0].Total())
		}
	}
	if len(failed) > 0 {
		b.noteTraces(strings.Join(failed, "; "))
	}
	return found, nil
}

func (b *bench) noteTraces(why string) {
	b.notes = append(b.notes, "no system calls of one request: "+why)
	b.Say("note: %s", b.notes[len(b.notes)-1])
}

// trace is one request of a row: of three the one with the median number of calls. Where threads race for a request one
// more or less is woken, or looks for a second connection.
func (b *bench) trace(ctx context.Context, row results.Architecture) (t results.SysTrace, err error) {
	t.Arch = row.Name
	t.Requests, err = TraceCalls(ctx, TraceOptions{Fresh: 3, CPUs: slices.Concat(b.ServerCPUs, b.ClientCPUs),
		Server: b.Server(ServerOptions{Architecture: row.Name, Workers: tracedWorkers})})
	if err != nil {
		return t, err
	}
	slices.SortFunc(t.Requests, func(a, b results.RequestTrace) int { return cmp.Compare(a.Total(), b.Total()) })
	t.Requests = t.Requests[1:2]
	return t, nil
}
