package loadgen

import (
	"fmt"
	"time"

	"serverlab/results"
)

// asked is the record of a load as it begins: what was asked for, and nothing seen.
func (r *run) asked() *results.Load {
	l := &results.Load{
		URL: r.URL, Model: r.model(), KeepAlive: r.KeepAlive, Connections: r.Connections, Threads: r.Threads,
		Rate: r.Rate, Warmup: r.Warmup.Seconds(), Window: r.Duration.Seconds(), Pacing: r.pacing(),
		Errors: map[string]uint64{}, Status: map[int]uint64{}, Series: &results.Series{},
		Response: results.NewHistogram(), Service: results.NewHistogram(), Lag: results.NewHistogram(),
		FirstByte: results.NewHistogram(), Connect: results.NewHistogram(), Stalls: results.NewHistogram(),
	}
	if len(r.Profile) > 0 {
		l.Profile = r.Profile.String()
	}
	l.Visit, l.Think = r.Visit, r.Think.String()
	if m := r.Mix; m.Share > 0 {
		l.Mixed = &results.Mixed{Path: m.Path, Share: m.Share, Response: results.NewHistogram(),
			Service: results.NewHistogram()}
	}
	if s := r.Sessions; s.State != "" {
		l.Sessions = &results.Sessions{State: s.State, Clients: s.Clients, Read: s.Read}
	}
	if r.Rate > 0 && r.Arrivals != "constant" || r.Think.Exponential || l.Sessions != nil || l.Mixed != nil {
		l.Seed = r.Seed
	}
	return l
}

// merge makes one record of what the threads saw.
func (r *run) merge() *results.Load {
	p := r.plan
	l := r.asked()
	l.Silent, l.SilentClosed = r.silentOpen, r.silentClosed
	if stop := p.stop.Load(); stop != 0 {
		l.Interrupted = true
		l.Window = time.Duration(max(0, min(stop, p.end)-p.begin)).Seconds()
	}
	var sum meter
	shedTime := int64(0)
	for _, t := range r.threads {
		sum = sum.plus(t.window)
		shedTime += t.shedTime
		l.Intended += t.intended
		l.Censored += t.censored
		l.Backlog += t.backlog
		if t.crashSent != 0 {
			sent := time.Duration(t.crashSent - p.begin).Seconds()
			l.CrashSent = &sent
		}
		l.Clamped += t.series.response.clamped + t.series.service.clamped + t.lag.clamped
		t.lag.addTo(l.Lag)
		t.firstByte.addTo(l.FirstByte)
		t.connect.addTo(l.Connect)
		t.stall.gaps.addTo(l.Stalls)
		t.slow.addTo(l)
		for s, n := range t.status {
			if n > 0 {
				l.Status[s] += n
			}
		}
		for i := range t.conns {
			c := &t.conns[i]
			unserved := !c.served && (c.tag > 0 || c.harmed) // a slot whose client never asked was not refused
			if unserved {
				l.Unserved++
			}
			if unserved || c.harmed {
				l.HarmedCount++
			}
		}
	}
	r.silent.addErrors(l.Errors, ErrSilent)
	r.slow.addErrors(l.Errors, ErrSlow)
	l.Slow = r.slow.record()
	l.Opened, l.BytesIn, l.BytesOut = sum.opened, sum.in, sum.out
	if p.open {
		l.Ended = sum.right
	}
	_, steps := r.stepsEnded()
	r.addSteps(l, steps)
	if l.Shed > 0 {
		l.ShedService = time.Duration(shedTime).Seconds() / float64(l.Shed)
	}
	if s := l.Sessions; s != nil {
		for _, t := range r.threads {
			s.Opened += t.clients.opened
			s.Closed += t.clients.closed
			s.Ambiguous += t.clients.ambiguous
		}
		s.Lost = l.Errors[ErrLost]
	}
	l.Fault = r.fault()
	l.CPUWatch = r.cpuWatch
	l.CPU = time.Duration(sum.cpu).Seconds()
	l.Audit = r.audit(l.Window)
	l.CPUSpin = min(l.CPU, time.Duration(sum.spun).Seconds())
	return l
}

// stepsEnded tells how many steps of the series every thread has ended, and how many some thread has.
func (r *run) stepsEnded() (all, some int64) {
	all = never
	for _, t := range r.threads {
		n := t.series.ended.Load()
		all, some = min(all, n), max(some, n)
	}
	return all, some
}

// addSteps adds to l the steps up to the n-th that l does not have yet.
func (r *run) addSteps(l *results.Load, n int64) {
	l.Series.Step = time.Duration(r.threads[0].series.step).Seconds()
	for i := int64(len(l.Series.Points)); i < n; i++ {
		p := results.Point{Response: results.NewPacked(), Service: results.NewPacked()}
		for _, t := range r.threads {
			if i < t.series.ended.Load() {
				t.series.merge(int(i), &p, l.Errors)
			}
		}
		l.Series.Points = append(l.Series.Points, p)
		l.Requests += p.Requests
		l.Shed += p.Shed
		p.Response.AddTo(l.Response)
		p.Service.AddTo(l.Service)
	}
}

// pacing says how the threads wait.
func (r *run) pacing() string {
	text := r.threads[0].network.String()
	if (r.Rate > 0 || r.Think.Mean > 0) && r.Spin > 0 {
		text += fmt.Sprintf(" + spin of at most %v", r.Spin)
	}
	return text
}
