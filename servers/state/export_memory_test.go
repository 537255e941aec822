package state

// SetClock has a store that nobody uses yet live by another clock, in nanoseconds.
func (m *Memory) SetClock(now func() int64) { m.now = now }

// Tidy ends the sessions whose time is over, as the timer does, and tells whether any is left.
func (m *Memory) Tidy() bool { return m.tidy() > 0 }

// Buckets is for how many sessions the maps have room at least.
func (m *Memory) Buckets() (n int) {
	for i := range m.sessions.Shards() {
		n += m.sessions.Shards()[i].peak
	}
	return n
}
