package loadgen

import "time"

// stall notes for how long a thread did not go on: because another program had its CPU, because it was stopped
// (SIGSTOP), because the host took the CPU away. None of that shows in the answers of a closed loop, whose requests
// wait as patiently as it does; and the thread can't have been working, for it reads its clock several times for each
// answer. A wait is late from the moment at which it should have ended. The steps of the series bound every wait, so a
// stop that is longer than a step is always noticed.
type stall struct {
	from, to     int64 // the window: of a stop only what lies in it counts
	expected     int64 // when the clock should have been read again
	sum, longest int64 // in the window, nanoseconds
	gaps         recorder
}

// gapFloor is the shortest stall that stands in the histogram, nanoseconds: a turn of the loop may take that long.
const gapFloor = 100e3

// stallFloor is what a wake-up may be late without counting: on a kernel before 5.11 waits are rounded up to a
// millisecond.
const stallFloor = int64(2 * time.Millisecond)

// look is called whenever the clock is read.
func (s *stall) look(now int64) {
	if over := min(now, s.to) - max(s.expected, s.from); over > gapFloor {
		s.gaps.record(over)
		if over > stallFloor {
			s.sum += over
			s.longest = max(s.longest, over)
		}
	}
	s.expected = now
}
