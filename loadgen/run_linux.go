package loadgen

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"net/url"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// StartLead is how long before the first moment of the schedule the threads are let go: right after the call of Edge for
// Silenced.
const StartLead = time.Millisecond

// graceMax bounds how long an open loop waits for the answers of its window.
const graceMax = time.Second

// Run loads the server as c says and returns what it saw. One connection is opened and closed at once beforehand, in
// order to find an address of the host that answers. Run fails only where nothing can be measured: c is wrong, the
// host has no address, nobody answers there, a thread can't be pinned. Where ctx ends early, it returns what was
// measured until then, with Interrupted set.
//
// Run raises GOMAXPROCS for its time, if that is not above the number of its threads, so that these leave the rest of
// the program something to run on.
func Run(ctx context.Context, c Config) (*results.Load, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	host := watchHost()
	c.call(Connect)
	u, err := c.target()
	if err != nil {
		return nil, err
	}
	target, err := find(ctx, u, c.Timeout, c.AllowRemote)
	if err != nil {
		return nil, err
	}
	r := &run{Config: c, plan: newPlan(&c, u, target)}
	if before := runtime.GOMAXPROCS(0); before <= c.Threads {
		runtime.GOMAXPROCS(c.Threads + 1)
		defer runtime.GOMAXPROCS(before)
	}
	if err := r.prepare(target.Addr()); err != nil {
		return nil, err
	}
	defer r.close()
	r.silent, err = openSilent(ctx, r.plan, r.sources, c.Connections, c.Silent, c.Timeout, nil)
	if err != nil {
		return nil, err
	}
	defer r.silent.close()
	if r.slow, err = openSlow(ctx, r); err != nil {
		return nil, err
	}
	defer r.slow.close()
	runtime.GC() // the next one is far away: nothing is allocated while the load goes on
	if err := r.start(); err != nil {
		return nil, err
	}
	c.call(Silenced)
	r.load(ctx)
	l := r.merge()
	l.Host = host()
	l.Findings = Verdict(Evidence{Load: l, Host: l.Host, Crash: c.Crash != "", Quantiles: quantilesTold})
	return l, nil
}

// withDefaults returns c with the settings that were left out.
func (c Config) withDefaults() Config {
	if c.Method == "" {
		c.Method = "GET"
	}
	if c.Arrivals == "" {
		c.Arrivals = "poisson"
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Sessions.State != "" {
		c.Sessions.Clients = cmp.Or(c.Sessions.Clients, c.Connections)
		c.Sessions.Read = cmp.Or(c.Sessions.Read, readUsual)
	}
	if c.Threads == 0 {
		c.Threads = min(max(1, len(c.CPUs)), c.Connections)
	}
	if len(c.Profile) > 0 {
		c.Rate = c.Profile.Mean()
	}
	return c
}

// model is the name of the arrival model: "closed", "constant", "poisson" or "partly".
func (c *Config) model() string {
	if c.Rate == 0 {
		return "closed"
	}
	return c.Arrivals
}

func (c *Config) call(e Edge) {
	if c.Edge != nil {
		c.Edge(e)
	}
}

// run is one call of Run.
type run struct {
	Config
	plan    *plan
	sources sources
	threads []*thread
	kernels []*kernel // of the threads
	ready   chan error
	release chan struct{}
	done    chan struct{}
	silent  *silent
	slow    *slow
	began   bool

	cpuWatch                 float64 // seconds
	silentOpen, silentClosed int
}

func newPlan(c *Config, u *url.URL, target netip.AddrPort) *plan {
	p := &plan{
		target:    newAddress(target),
		request:   c.request(u, u.RequestURI()),
		check:     c.Check.expect(u),
		timeout:   int64(c.Timeout),
		spin:      int64(c.Spin),
		open:      c.Rate > 0,
		partly:    c.Rate > 0 && c.Arrivals == "partly",
		think:     c.Think,
		seed:      c.Seed,
		keepAlive: c.KeepAlive,
		begin:     int64(c.Warmup),
		end:       int64(c.Warmup + c.Duration),
		grace:     int64(min(c.Timeout, graceMax)),
		step:      int64(c.Step),
	}
	p.fault.set = c.Fault != nil
	if c.Mix.Share > 0 {
		p.mix = mix{c.Mix.Share, c.request(u, c.Mix.Path)}
	}
	if c.Crash != "" {
		p.crash = c.request(u, c.Crash)
	}
	// One small packet goes out at once anyway; only then is it worth a system call.
	longest := len(p.request)
	if c.Sessions.State != "" {
		p.sessions = newSessions(c, c.sessionTexts(u))
		longest = p.sessions.longest
	}
	p.nodelay = c.KeepAlive || longest > 1200
	return p
}

// prepare allocates the threads with all that they will need.
func (r *run) prepare(host netip.Addr) error {
	r.sources = newSources(host)
	for i := range r.Threads {
		n := r.Connections / r.Threads
		if i < r.Connections%r.Threads {
			n++
		}
		t, err := newThread(r.plan, n)
		if err != nil {
			r.close()
			return err
		}
		r.threads = append(r.threads, t)
		if r.Rate > 0 {
			t.schedule = r.schedule(i, r.Threads)
		}
		for j := range t.conns {
			c := &t.conns[j]
			c.fd, c.index = -1, int32(j)
			c.from = r.sources.of(j*r.Threads + i)
			c.answer.head = r.Method == "HEAD"
			if r.Rate == 0 {
				c.thoughts = thoughts(r.Seed, uint64(j*r.Threads+i))
				c.free = r.Think.rest(j*r.Threads+i, r.Connections, &c.thoughts)
			}
		}
		if r.plan.sessions != nil {
			t.haveClients(newClients(&r.Config, r.plan.sessions, i, r.Threads))
		}
		if i == 0 && r.Crash != "" {
			t.crashAt = r.plan.begin + int64(r.CrashAfter)
		}
		k, err := newKernel(r.plan, min(n+1, 256))
		if err != nil {
			r.close()
			return err
		}
		t.network = k
		r.kernels = append(r.kernels, k)
	}
	return nil
}

// newThread allocates a thread with n connections.
func newThread(p *plan, n int) (*thread, error) {
	t := &thread{
		plan:      p,
		conns:     make([]conn, n),
		agenda:    make(agenda[*conn], 0, n),
		buffer:    make([]byte, 64<<10),
		known:     known{text: make([]byte, 0, knownMost)},
		crashAt:   never,
		lag:       newRecorder(),
		firstByte: newRecorder(),
		connect:   newRecorder(),
		stall:     stall{from: p.begin, to: p.end, gaps: newRecorder()},
	}
	if err := t.series.prepare(p.begin, p.end, p.end+p.grace, p.step); err != nil {
		return nil, err
	}
	if p.mix.share > 0 {
		t.slow.response, t.slow.service = newRecorder(), newRecorder()
	}
	t.audit = newAudit(len(t.series.points))
	return t, nil
}

// close gives back what prepare has taken.
func (r *run) close() {
	for _, t := range r.threads {
		t.series.close()
	}
	for _, k := range r.kernels {
		k.close()
	}
}

// start starts the threads and waits until each has its CPU. They go on when release is closed.
func (r *run) start() error {
	r.ready = make(chan error, r.Threads)
	r.done = make(chan struct{}, r.Threads)
	r.release = make(chan struct{})
	for i, t := range r.threads {
		cpu := -1
		if len(r.CPUs) > 0 {
			cpu = r.CPUs[i%len(r.CPUs)]
		}
		go func() {
			err := pin(cpu)
			r.ready <- err
			<-r.release
			if r.plan.stop.Load() == 0 {
				t.run()
			}
			r.done <- struct{}{}
		}()
	}
	var err error
	for range r.threads {
		err = errors.Join(err, <-r.ready)
	}
	if err != nil {
		r.plan.stop.Store(1)
		close(r.release)
		r.wait()
	}
	return err
}

func (r *run) wait() {
	for range r.threads {
		<-r.done
	}
}

// load lets the threads go and marks the edges of the window.
func (r *run) load(ctx context.Context) {
	p := r.plan
	p.base = time.Now().Add(StartLead)
	defer r.breaking(ctx)()
	defer r.slow.going()()
	close(r.release)
	if r.Watch != nil {
		defer r.watched()()
	}
	if r.sleep(ctx, p.begin) {
		r.began = true
		r.silent.look(0)
		r.silentOpen = r.silent.open
		r.slow.begin()
		r.call(Begin)
		r.sleep(ctx, p.end)
	}
	if ctx.Err() != nil {
		r.interrupt()
	}
	if r.began {
		r.call(End)
		r.silent.look(0)
		r.silentClosed = r.silentOpen - r.silent.open
	}
	finished := make(chan struct{})
	go func() {
		r.wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		r.interrupt()
		<-finished
	}
}

// sleep waits until at, a moment of the run, and reports whether it came.
func (r *run) sleep(ctx context.Context, at int64) bool {
	timer := time.NewTimer(time.Until(r.plan.base.Add(time.Duration(at))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// interrupt ends the load early.
func (r *run) interrupt() {
	if !r.plan.stop.CompareAndSwap(0, max(1, int64(time.Since(r.plan.base)))) {
		return
	}
	one := [8]byte{1}
	for _, k := range r.kernels {
		unix.Write(k.wake, one[:]) // can't fail: its counter is far from full
	}
}
