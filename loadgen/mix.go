package loadgen

import (
	"fmt"
	"math/rand/v2"
)

// Mix makes some of the requests another one: Path in place of the URL's own, for a share of them that is chosen at
// random, by the seed and the client's number only. A right answer to it is what Check says of any. Its times are kept
// apart: see results.Mixed. The zero value is none.
type Mix struct {
	Path  string
	Share float64 // of all requests, from 0 to 1
}

// validateMix checks Mix.
func (c *Config) validateMix() error {
	switch m := c.Mix; {
	case !(m.Share >= 0 && m.Share <= 1): // not a number is wrong too
		return fmt.Errorf("mix share %v: give a number from 0 to 1", m.Share)
	case m.Share > 0 && !goodPath(m.Path):
		return fmt.Errorf("mix path %q: it must begin with / and hold no spaces", m.Path)
	case m.Share > 0 && c.Sessions.State != "":
		return fmt.Errorf("mix share %v: clients of the file service ask for nothing else", m.Share)
	case m.Share == 0 && m.Path != "":
		return fmt.Errorf("mix path %q: give a share above 0", m.Path)
	}
	return nil
}

// mix is what the threads know of it.
type mix struct {
	share   float64
	request []byte
}

// draw tells whether a client's next request is the seldom one. Without a mix nothing is drawn.
func (m *mix) draw(from *rand.PCG) bool {
	return m.share > 0 && float64(from.Uint64()>>11)*0x1p-53 < m.share
}
