package loadgen

// agenda holds what goes on at a moment of its own: connections whose clients think, connections that rest after an
// error, and clients of a session load that think. It is a binary heap with the earliest one in front (Williams,
// Algorithm 232, 1964). Each knows its place, so that it can be taken out early.
type agenda[T appointment] []T

// appointment is what an agenda can hold.
type appointment interface {
	*conn | *client
	when() int64   // it goes on; it must not change while it is in
	place() *int32 // in the agenda, from 1; 0: in none
}

func (c *conn) when() int64     { return c.free }
func (c *conn) place() *int32   { return &c.spot }
func (v *client) when() int64   { return v.ready }
func (v *client) place() *int32 { return &v.spot }

// push adds x, which is in no agenda. It allocates nothing where the agenda has room.
func (a *agenda[T]) push(x T) {
	*a = append(*a, x)
	a.up(len(*a)-1, x)
}

// take takes x out, if it is in.
func (a *agenda[T]) take(x T) {
	i := int(*x.place()) - 1
	if i < 0 {
		return
	}
	*x.place() = 0
	last := len(*a) - 1
	moved := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	if i < last {
		a.up(a.down(i, moved), moved)
	}
}

// next is the moment of the earliest one; never, if there is none.
func (a agenda[T]) next() int64 {
	if len(a) == 0 {
		return never
	}
	return a[0].when()
}

// up puts x into place i or, where it is earlier than those above, further up.
func (a agenda[T]) up(i int, x T) {
	for i > 0 && x.when() < a[(i-1)/2].when() {
		a.put(i, a[(i-1)/2])
		i = (i - 1) / 2
	}
	a.put(i, x)
}

// down moves earlier ones up from below place i as long as they are earlier than x, and returns the place for it.
func (a agenda[T]) down(i int, x T) int {
	for {
		next := 2*i + 1
		if next+1 < len(a) && a[next+1].when() < a[next].when() {
			next++
		}
		if next >= len(a) || a[next].when() >= x.when() {
			return i
		}
		a.put(i, a[next])
		i = next
	}
}

func (a agenda[T]) put(i int, x T) {
	a[i] = x
	*x.place() = int32(i + 1)
}
