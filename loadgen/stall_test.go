package loadgen

import (
	"testing"
	"time"
)

// Of a stop that began before the window, or ended after it, the part within counts: one that covers it all leaves no
// other trace.
func TestStallWithinTheWindow(t *testing.T) {
	const ms = int64(time.Millisecond)
	for _, c := range []struct {
		name          string
		expected, now int64 // ms
		sum           int64 // ms
	}{
		{"before it", 10, 90, 0},
		{"across its beginning", 50, 130, 30},
		{"in it", 150, 190, 40},
		{"across its end", 380, 460, 20},
		{"all of it", 50, 700, 300},
		{"after it", 410, 600, 0},
		{"too short to count", 150, 151, 0},
	} {
		s := stall{from: 100 * ms, to: 400 * ms, expected: c.expected * ms, gaps: newRecorder()}
		s.look(c.now * ms)
		if s.sum != c.sum*ms || s.longest != c.sum*ms || s.expected != c.now*ms {
			t.Errorf("%s: %d ms, the longest %d, and the next look is at %d ms; want %d", c.name, s.sum/ms,
				s.longest/ms, s.expected/ms, c.sum)
		}
	}
}
