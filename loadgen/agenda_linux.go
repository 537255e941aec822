package loadgen

// agenda holds connections that go on at a moment of their own, their free: those whose clients think, and those that
// rest after an error. It is a binary heap with the earliest one in front (Williams, Algorithm 232, 1964). Each
// connection knows its place, so that it can be taken out when its client leaves early.
type agenda []*conn

// push adds c, which is in no agenda. It allocates nothing where the agenda has room.
func (a *agenda) push(c *conn) {
	*a = append(*a, c)
	a.up(len(*a)-1, c)
}

// take takes c out, if it is in.
func (a *agenda) take(c *conn) {
	i := int(c.place) - 1
	if i < 0 {
		return
	}
	c.place = 0
	last := len(*a) - 1
	moved := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	if i < last {
		a.up(a.down(i, moved), moved)
	}
}

// due reports whether the earliest one's moment has come.
func (a agenda) due(now int64) bool { return len(a) > 0 && a[0].free <= now }

// up puts c into place i or, where it is earlier than those above, further up.
func (a agenda) up(i int, c *conn) {
	for i > 0 && c.free < a[(i-1)/2].free {
		a.put(i, a[(i-1)/2])
		i = (i - 1) / 2
	}
	a.put(i, c)
}

// down moves earlier ones up from below place i as long as they are earlier than c, and returns the place for it.
func (a agenda) down(i int, c *conn) int {
	for {
		next := 2*i + 1
		if next+1 < len(a) && a[next+1].free < a[next].free {
			next++
		}
		if next >= len(a) || a[next].free >= c.free {
			return i
		}
		a.put(i, a[next])
		i = next
	}
}

func (a agenda) put(i int, c *conn) {
	a[i] = c
	c.place = int32(i + 1)
}
