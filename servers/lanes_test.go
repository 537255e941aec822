package servers

import (
	"slices"
	"testing"
)

// Lanes hang together: the first is a process or several of the server's one, ways lead to steps that there are, and somebody accepts, reads, handles
// and writes.
func TestLanes(t *testing.T) {
	for _, a := range slices.Concat(Architectures, References) {
		for _, row := range a.Rows() {
			_, v, err := Lookup(row)
			if err != nil {
				t.Fatal(err)
			}
			for _, workers := range []int{1, 64} {
				cfg := DefaultConfig()
				cfg.Variant, cfg.Workers = v, workers
				done := map[string]int{}
				for i, l := range a.Lanes(cfg) {
					if l.Who == "" || len(l.Does) == 0 || i == 0 && !l.Process && !l.Many ||
						l.Again != "" && !slices.Contains(l.Does, l.Again) ||
						l.Keeps != "" && !slices.Contains(l.Does, l.Keeps) {
						t.Errorf("%s: lane %d is %+v", row, i, l)
					}
					for _, d := range l.Does {
						done[d]++
					}
				}
				handled := done["handle"] + done["handle, or hand over"]
				if done["accept"] != 1 || done["read"] != 1 || done["write"] != 1 || handled < 1 {
					t.Errorf("%s with %d workers: %v", row, workers, done)
				}
			}
		}
	}
}
