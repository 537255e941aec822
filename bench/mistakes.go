//go:build linux

package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"serverlab/loadgen"
	"serverlab/results"
)

// How the famous mistakes are made: short loads, a second each.
const (
	mistakeArch    = "goroutine"    // it uses as many CPUs as it is given
	mistakeClients = 16             // of most loads
	mistakeTyping  = "/spin=1000"   // loadPath without its question mark
	mistakeDelay   = "constant:5ms" // of the server that everybody believes to be slow
	mistakeWarmup  = 300 * time.Millisecond
	mistakeWindow  = 700 * time.Millisecond
)

// mistakes makes them all but the first, which Lie is about, and beside each what is honest. open is the load of a server
// that stalls: averages of its percentiles are wrong enough to be seen.
func (o *InstrumentOptions) mistakes(ctx context.Context, open *results.Load) (m results.Mistakes, err error) {
	m.Averaged, m.Merged = averagedP99(open), float64(open.Response.ValueAtQuantile(99))/1e9
	o.Say("the same server four times, %v each", mistakeWarmup+mistakeWindow)
	for i := range m.Same {
		if m.Same[i], err = o.load(ctx, o.Split.Server, loadPath); err != nil {
			return m, err
		}
	}
	if m.Typing, err = o.load(ctx, o.Split.Server, mistakeTyping); err != nil {
		return m, err
	}
	both := slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Split.Server, o.Split.Client))))
	m.CPUs, m.FavouredCPUs = len(o.Split.Server), len(both)
	if m.FavouredCPUs > m.CPUs {
		if m.Favoured, err = o.load(ctx, both, loadPath); err != nil {
			return m, err
		}
	}
	o.Say("a server that waits 5 ms, with few clients and with many")
	m.Clients, m.MoreClients, m.Delay = mistakeClients, 4*mistakeClients, 0.005
	for clients, rate := range map[int]*float64{m.Clients: &m.Few, m.MoreClients: &m.Many} {
		l, _, err := o.measure(ctx, mistakeDelay, loadgen.Config{Connections: clients, Warmup: mistakeWarmup,
			Duration: mistakeWindow, KeepAlive: true}, nil)
		if err != nil {
			return m, fmt.Errorf("%d clients of a server that waits: %w", clients, err)
		}
		*rate = float64(l.Requests) / l.Window
	}
	return m, nil
}

// load asks a server of mistakeArch on some CPUs for a path, in a closed loop.
func (o *InstrumentOptions) load(ctx context.Context, cpus []int, path string) (r results.Mistaken, err error) {
	srv, err := start(ctx, o.Real(mistakeArch), cpus, "")
	if err != nil {
		return r, err
	}
	meter := meter{server: srv}
	l, err := loadgen.Run(ctx, loadgen.Config{URL: "http://" + srv.addr + path, Connections: mistakeClients,
		Threads: 1, CPUs: o.Split.Client, Warmup: mistakeWarmup, Duration: mistakeWindow, KeepAlive: true,
		Check: loadgen.Check{Status: 200, Length: int64(len(greeting)), Body: []byte(greeting)}, Edge: meter.edge})
	_, stopErr := srv.stop()
	switch {
	case ctx.Err() != nil:
		return r, ctx.Err()
	case err != nil:
		return r, fmt.Errorf("load %s: %w", path, err)
	case stopErr != nil:
		return r, stopErr
	}
	for _, n := range l.Status {
		r.Answers += float64(n) / l.Window
	}
	r.Right = float64(l.Requests) / l.Window
	if used := meter.used(); used.CPU != nil && l.Requests > 0 {
		r.CPU = *used.CPU / float64(l.Requests)
	}
	return r, nil
}

// averagedP99 is the mean of the p99 of each step of a load, seconds: a figure of nothing.
func averagedP99(l *results.Load) (mean float64) {
	n := 0
	for _, p := range l.Series.Points {
		if p.Response.Count() == 0 {
			continue
		}
		h := results.NewHistogram()
		p.Response.AddTo(h)
		mean += float64(h.ValueAtQuantile(99)) / 1e9
		n++
	}
	return mean / max(1, float64(n))
}
