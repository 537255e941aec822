//go:build linux

package servers

import (
	"slices"
	"testing"
	"time"
)

// Lines hold who waits in the order in which they were last active, and nobody twice.
func TestLine(t *testing.T) {
	var gone []string
	var short, long line[string]
	expired := func(who string) { gone = append(gone, who) }
	short = line[string]{patience: time.Second, expired: expired}
	long = line[string]{patience: time.Minute, expired: expired}
	at := func(seconds int) time.Time { return time.Unix(1_000_000, 0).Add(time.Duration(seconds) * time.Second) }
	a, b, c := &place[string]{who: "a"}, &place[string]{who: "b"}, &place[string]{who: "c"}
	order := func(want ...string) {
		t.Helper()
		if got := slices.Collect(short.all()); !slices.Equal(got, want) {
			t.Errorf("%q stand in line, want %q", got, want)
		}
	}

	order()
	if !short.next().IsZero() {
		t.Error("an empty line waits for somebody")
	}
	for i, p := range []*place[string]{a, b, c} {
		short.join(p, at(i))
	}
	order("a", "b", "c")
	short.join(c, at(3)) // the last is last still
	order("a", "b", "c")
	short.join(a, at(4))
	order("b", "c", "a")
	if !short.next().Equal(at(2)) {
		t.Errorf("the first is timed out at %v, want %v", short.next(), at(2))
	}
	long.join(c, at(5)) // from the middle
	order("b", "a")
	short.expire(at(2))
	if order("a"); !slices.Equal(gone, []string{"b"}) {
		t.Errorf("%q have expired, want b", gone)
	}
	short.expire(at(4)) // a was active a moment ago
	order("a")
	short.expire(at(5))
	order()
	b.leave() // again
	long.expire(at(64))
	if long.first != c {
		t.Error("c has left before its time")
	}
	long.expire(at(65))
	if !slices.Equal(gone, []string{"b", "a", "c"}) || long.first != nil || long.last != nil {
		t.Errorf("%q have expired, want b, a and c", gone)
	}
	for _, p := range []*place[string]{a, b, c} { // who is met may leave
		short.join(p, at(70))
	}
	for who := range short.all() {
		if who != "b" {
			map[string]*place[string]{"a": a, "c": c}[who].leave()
		}
	}
	order("b")
}
