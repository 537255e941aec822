//go:build linux

package proc

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"testing"
)

// A process that waits comes to rest; one that computes, or has a child that does, comes to none.
func TestRest(t *testing.T) {
	for _, c := range []struct {
		name, script string
		rests        bool
	}{
		{"waits", "echo; read x", true},
		{"computes", "echo; while :; do :; done", false},
		{"child computes", "(while :; do :; done) & child=$!; trap 'kill $child' TERM; echo; wait", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command("sh", "-c", c.script)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				in.Close()
				_ = cmd.Process.Signal(syscall.SIGTERM)
				_ = cmd.Wait()
			}()
			if _, err := out.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
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
