package loadgen

import (
	"math/rand/v2"
	"testing"
)

// Against a plain search, over random pushes, takes from the front and takes from anywhere.
func TestAgenda(t *testing.T) {
	const n = 60
	conns := make([]conn, n)
	a := make(agenda[*conn], 0, n)
	r := rand.New(rand.NewPCG(1, 2))
	in := map[*conn]bool{}
	check := func() {
		t.Helper()
		if len(a) != len(in) || (a.next() <= 1e6) != (len(in) > 0) {
			t.Fatalf("%d connections, want %d", len(a), len(in))
		}
		for c := range in {
			if a[c.spot-1] != c {
				t.Fatalf("a connection is not in its place %d", c.spot)
			}
			if a[0].free > c.free || (a.next() <= c.free-1) != (a[0].free < c.free) {
				t.Fatalf("%d is in front of %d", a[0].free, c.free)
			}
		}
	}
	for range 20000 {
		switch c := &conns[r.IntN(n)]; {
		case !in[c]:
			c.free = r.Int64N(40)
			a.push(c)
			in[c] = true
		case r.IntN(2) == 0:
			c = a[0]
			a.take(c)
			delete(in, c)
		default:
			a.take(c)
			delete(in, c)
		}
		check()
	}
	for c := range in {
		a.take(c)
		a.take(c) // once is enough
		delete(in, c)
		check()
	}
	if allocs := testing.AllocsPerRun(100, func() {
		for i := range conns {
			a.push(&conns[i])
		}
		for len(a) > 0 {
			a.take(a[0])
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
