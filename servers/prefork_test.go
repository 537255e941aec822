//go:build linux

package servers

import "testing"

// The control of spare workers is Apache's: it starts twice as many in each second until there are enough, and ends one
// a second.
func TestSpare(t *testing.T) {
	for _, c := range []struct {
		name                                string
		idle, alive, rate, least, most, all int
		start, end, next                    int
	}{
		{"enough", 5, 10, 4, 2, 8, 64, 0, 0, 1},
		{"just enough", 2, 10, 4, 2, 8, 64, 0, 0, 1},
		{"too few", 1, 10, 1, 2, 8, 64, 1, 0, 2},
		{"still too few", 0, 11, 2, 2, 8, 64, 2, 0, 4},
		{"no more than 32 in a second", 0, 40, 32, 2, 8, 200, 32, 0, 32},
		{"no more than there may be", 0, 62, 16, 2, 8, 64, 2, 0, 32},
		{"all there may be", 0, 64, 16, 2, 8, 64, 0, 0, 1},
		{"just not too many", 8, 10, 1, 2, 8, 64, 0, 0, 1},
		{"too many", 9, 10, 8, 2, 8, 64, 0, 1, 1},
		{"never too many", 60, 64, 1, 2, 0, 64, 0, 0, 1},
	} {
		start, end, next := spare(c.idle, c.alive, c.rate, c.least, c.most, c.all)
		if start != c.start || end != c.end || next != c.next {
			t.Errorf("%s: start %d, end %d, next rate %d; want %d, %d, %d", c.name, start, end, next, c.start, c.end, c.next)
		}
	}
}

// From one idle worker to sixty takes as many seconds as doublings.
func TestSpareDoubles(t *testing.T) {
	alive, rate, seconds := 1, 1, 0
	for start := 0; alive < 60; seconds++ {
		start, _, rate = spare(alive, alive, rate, 60, 0, 100)
		alive += start
	}
	if alive != 64 || seconds != 6 { // 1+1+2+4+8+16+32
		t.Errorf("%d workers after %d seconds, want 64 after 6", alive, seconds)
	}
}
