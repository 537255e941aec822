//go:build linux

package servers

import (
	"container/list"
	"time"
)

// line is a queue of those who wait equally long for something to happen: whoever was active goes to its end, so the
// first in line is always the first to be timed out, and no timer is set for anybody.
type line[T any] struct {
	members  list.List
	patience time.Duration
	expired  func(T)
}

// place is where one stands, in one line at most.
type place[T any] struct {
	who   T
	line  *line[T]
	elem  *list.Element
	since time.Time
}

// join puts p at the end of the line.
func (l *line[T]) join(p *place[T], now time.Time) {
	if p.line == l {
		l.members.MoveToBack(p.elem)
	} else {
		p.leave()
		p.line, p.elem = l, l.members.PushBack(p)
	}
	p.since = now
}

func (p *place[T]) leave() {
	if p.line != nil {
		p.line.members.Remove(p.elem)
		p.line, p.elem = nil, nil
	}
}

// next is the moment at which the first in line is timed out; zero when nobody waits.
func (l *line[T]) next() time.Time {
	if first := l.members.Front(); first != nil {
		return first.Value.(*place[T]).since.Add(l.patience)
	}
	return time.Time{}
}

// expire calls expired for each whose time is over; it must take them out of the line.
func (l *line[T]) expire(now time.Time) {
	for at := l.next(); !at.IsZero() && !now.Before(at); at = l.next() {
		p := l.members.Front().Value.(*place[T])
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
