//go:build linux

package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// ErrRestless says that a tree of processes did not come to rest.
var ErrRestless = errors.New("the processes did not come to rest")

// lookAgain is the pause between two looks at a tree: short against the 10 ms at which a runtime's monitor wakes up.
const lookAgain = time.Millisecond

// Rest waits until every thread of the tree sleeps: twice in turn all of them did, and none had run in between. Then
// whatever an event set going has been done. An ended child that nobody has reaped is not at rest. It returns
// ErrRestless when ctx ends first.
func (t *Tree) Rest(ctx context.Context) error {
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for before := ""; ; {
		now, sleeping := t.asleep()
		if sleeping && now == before {
			return nil
		}
		before = ""
		if sleeping {
			before = now
			continue // the second look follows at once
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("process %d: %w: %w", t.root, ErrRestless, context.Cause(ctx))
		}
	}
}

// asleep tells whether all threads of the tree sleep, and how often each has run so far.
func (t *Tree) asleep() (runs string, sleeping bool) {
	var b strings.Builder
	for _, pid := range append([]int{t.root}, descendants(t.root)...) {
		dir := fmt.Sprintf("/proc/%d/task", pid)
		threads, err := os.ReadDir(dir)
		if err != nil || len(threads) == 0 {
			return "", false
		}
		for _, thread := range threads {
			status, err := os.ReadFile(dir + "/" + thread.Name() + "/status")
			if err != nil || !bytes.Contains(status, []byte("\nState:\tS ")) {
				return "", false
			}
			b.WriteString(thread.Name())
			lines := bytes.Split(bytes.TrimSpace(status), []byte("\n"))
			i := slices.IndexFunc(lines, func(l []byte) bool { return bytes.HasPrefix(l, []byte("voluntary_ctxt")) })
			for _, line := range lines[max(i, 0):] {
				b.Write(line)
			}
		}
	}
	return b.String(), true
}
