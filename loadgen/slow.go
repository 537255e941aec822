package loadgen

import (
	"fmt"
	"time"
)

// Slow are clients beside the busy ones that take their time, each with a connection that is opened before theirs: the
// first, third, fifth ... send a request a byte at a time and never come to its end; the second, fourth ... ask for Path
// and take the answer a byte at a time. The zero value is none.
type Slow struct {
	Clients int
	Path    string        // of a long answer: what the sockets on the way take at once occupies nobody; "": none reads
	Every   time.Duration // a byte of each; 0: 100 ms
}

// Bounds of slow clients.
const (
	slowUsual = 100 * time.Millisecond
	slowMost  = 1 << 14 // clients: one thread attends to all of them
)

// validateSlow checks Slow.
func (c *Config) validateSlow() error {
	switch s := c.Slow; {
	case s.Clients < 0 || s.Clients > slowMost:
		return fmt.Errorf("slow clients %d: give a number from 0 to %d", s.Clients, slowMost)
	case s.Path != "" && !goodPath(s.Path):
		return fmt.Errorf("slow path %q: it must begin with / and hold no spaces", s.Path)
	case s.Every != 0 && (s.Every < 10*time.Millisecond || s.Every > time.Minute):
		return fmt.Errorf("slow every %v: give a time from 10ms to 1m", s.Every)
	}
	return nil
}
