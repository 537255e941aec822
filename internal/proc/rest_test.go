//go:build linux

package proc

import (
	"context"
	"errors"
	"syscall"
	"testing"
)

// A process that waits comes to rest; one that computes, or has a child that does, comes to none.
func TestRest(t *testing.T) {
	for _, c := range []struct {
		name, script string
		rests        bool
	}{
		{"waits", "read x; echo; read x", true},
		{"computes", "read x; echo; while :; do :; done", false},
		{"child computes", "read x; (while :; do :; done) & child=$!; trap 'kill $child' TERM; echo; wait", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd, ask := start(t, c.script)
			t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
			ask("") // it is there
			tree, err := NewTree(cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			if !c.rests {
				cancel() // one look is enough
			}
			defer cancel()
			err = tree.Rest(ctx)
			if c.rests && err != nil || !c.rests && !errors.Is(err, ErrRestless) {
				t.Errorf("%v, rests: %t", err, c.rests)
			}
		})
	}
}
