package loadgen

import (
	"iter"
	"time"
)

// Trace yields the moments at which an open loop will intend its requests (its clients' first ones, if it is partly
// open), since the load began and until the end of the window: what a seed stands for, before anything is sent. A
// closed loop has none.
func (c *Config) Trace() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		if c.Rate == 0 && len(c.Profile) == 0 {
			return
		}
		a := c.schedule(0, 1)
		for at := a.next(); at < int64(c.Warmup+c.Duration); at = a.next() {
			if !yield(time.Duration(at)) {
				return
			}
		}
	}
}
