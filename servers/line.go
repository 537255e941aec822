//go:build linux

package servers

import (
	"iter"
	"time"
)

// line is a queue of those who wait equally long for something to happen: whoever was active goes to its end, so the
// first in line is always the first to be timed out, and no timer is set for anybody.
type line[T any] struct {
	first, last *place[T]
	patience    time.Duration
	expired     func(T)
}

// place is where one stands, in one line at most. It is part of whoever stands there, so joining allocates nothing.
type place[T any] struct {
	who        T
	line       *line[T]
	prev, next *place[T]
	since      time.Time
}

// join puts p at the end of the line.
func (l *line[T]) join(p *place[T], now time.Time) {
	p.since = now
	if l.last == p {
		return
	}
	p.leave()
	p.line, p.prev = l, l.last
	if l.last != nil {
		l.last.next = p
	} else {
		l.first = p
	}
	l.last = p
}

func (p *place[T]) leave() {
	l := p.line
	if l == nil {
		return
	}
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		l.first = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	} else {
		l.last = p.prev
	}
	p.line, p.prev, p.next = nil, nil, nil
}

// all goes along the line. Whoever is met may leave it.
func (l *line[T]) all() iter.Seq[T] {
	return func(yield func(T) bool) {
		for p := l.first; p != nil; {
			next := p.next
			if !yield(p.who) {
				return
			}
			p = next
		}
	}
}

// next is the moment at which the first in line is timed out; zero when nobody waits.
func (l *line[T]) next() time.Time {
	if l.first == nil {
		return time.Time{}
	}
	return l.first.since.Add(l.patience)
}

// expire calls expired for each whose time is over; it has left the line by then.
func (l *line[T]) expire(now time.Time) {
	for p := l.first; p != nil && now.Sub(p.since) >= l.patience; p = l.first {
		p.leave()
		l.expired(p.who)
	}
}

// sooner takes the zero time for never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// waiting is where the connections of a loop stand: every one that is served in exactly one.
type waiting[T any] struct {
	now                      time.Time // of the turn of the loop
	idle, reading, lingering line[T]
}

func newWaiting[T any](cfg *Config, closed, tooSlow func(T)) waiting[T] {
	return waiting[T]{
		now:       time.Now(),
		idle:      line[T]{patience: cfg.IdleTimeout, expired: closed},
		reading:   line[T]{patience: cfg.ReadTimeout, expired: tooSlow},
		lingering: line[T]{patience: lingerTime, expired: closed},
	}
}

// next is the first moment at which somebody is timed out; zero when nobody waits.
func (w *waiting[T]) next() time.Time {
	return sooner(w.idle.next(), sooner(w.reading.next(), w.lingering.next()))
}

// timeOut expires whose time is over.
func (w *waiting[T]) timeOut() {
	w.idle.expire(w.now)
	w.reading.expire(w.now)
	w.lingering.expire(w.now)
}
