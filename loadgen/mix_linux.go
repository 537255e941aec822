package loadgen

import "serverlab/results"

// seldom is what a thread records of the seldom requests of a mix.
type seldom struct {
	intended, requests, censored uint64
	response, service            recorder
}

// choose decides which request c, which is free, sends next.
func (t *thread) choose(c *conn) { c.slow = t.plan.mix.draw(&c.thoughts) }

// intend counts a request that was due in the window.
func (t *thread) intend(slow bool) {
	if slow {
		t.slow.intended++
	} else {
		t.intended++
	}
}

// took records the times of c's answer, as thread.took does those of the others.
func (s *seldom) took(c *conn, now int64) {
	s.requests++
	s.response.record(now - c.intended)
	s.service.record(now - c.sent)
}

// addTo adds what was recorded to the result.
func (s *seldom) addTo(l *results.Load) {
	if l.Mixed == nil {
		return
	}
	l.Mixed.Intended += s.intended
	l.Mixed.Requests += s.requests
	l.Mixed.Censored += s.censored
	s.response.addTo(l.Mixed.Response)
	s.service.addTo(l.Mixed.Service)
	l.Clamped += s.response.clamped + s.service.clamped
}
