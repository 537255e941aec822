//go:build linux

package proc

import "testing"

// The kernel's split of CPU time may step back while the sum goes on.
func TestSubIsNeverNegative(t *testing.T) {
	for _, c := range []struct{ earlier, later, want Usage }{
		{Usage{}, Usage{3, 1, 2, 0}, Usage{3, 1, 2, 0}},
		{Usage{2, 1, 1, 0}, Usage{2.5, 0.75, 1.75, 0}, Usage{0.5, 0, 0.5, 0}},         // user time stepped back
		{Usage{2, 1, 1, 0}, Usage{2.5, 1.75, 0.75, 0}, Usage{0.5, 0.5, 0, 0}},         // system time did
		{Usage{2, 1, 1, 0.25}, Usage{1.5, 1, 0.5, 0.5}, Usage{0, 0, 0, 0.25}},         // a process left the tree
		{Usage{4, 2, 2, 0.5}, Usage{4.5, 2.25, 2.25, 1}, Usage{0.5, 0.25, 0.25, 0.5}}, // both went on
	} {
		got := c.later.Sub(c.earlier)
		if got != c.want || got.User+got.System != got.CPU {
			t.Errorf("from %+v to %+v: %+v, want %+v", c.earlier, c.later, got, c.want)
		}
	}
}
