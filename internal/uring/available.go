//go:build linux

package uring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Since is the first Linux that has all that this package uses.
const Since = "6.1"

// ErrSwitchedOff says that an administrator forbids io_uring.
var ErrSwitchedOff = errors.New("switched off")

// switchFile is where that is done: 1 forbids all but root and a group, 2 everybody.
const switchFile = "/proc/sys/kernel/io_uring_disabled"

// Available returns nil where all of this package can be had, and otherwise what can't, with the error of the system
// call or ErrSwitchedOff. It tries: what a kernel has does not follow from its version, and a container may forbid a
// part.
func Available() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, err := New(8, 16)
	if err != nil {
		set, _ := os.ReadFile(switchFile) // it came with Linux 6.6
		return explain(err, string(bytes.TrimSpace(set)))
	}
	b, err := r.NewBuffers(0, 1, 16)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	return errors.Join(r.exercise(b), b.Close(), r.Close())
}

// explain says what to make of the error of New, with what is in the switchFile.
func explain(err error, set string) error {
	if errors.Is(err, unix.EPERM) && (set == "1" || set == "2") {
		return fmt.Errorf("%w by sysctl kernel.io_uring_disabled=%s (0 allows it): %w", ErrSwitchedOff, set, err)
	}
	return err
}

// exercise does once what a server does: it accepts, receives, sends, and cancels, between sockets that nobody else can
// reach.
func (r *Ring) exercise(b *Buffers) error {
	lfd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(lfd)
	client, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(client)
	if err := errors.Join(unix.Bind(lfd, &unix.SockaddrUnix{}), unix.Listen(lfd, 1)); err != nil { // a name is found
		return fmt.Errorf("listen on a local socket: %w", err)
	}
	at, err := unix.Getsockname(lfd)
	if err != nil {
		return fmt.Errorf("the name of a local socket: %w", err)
	}
	if err := unix.Connect(client, at); err != nil {
		return fmt.Errorf("connect to a local socket: %w", err)
	}
	r.Accept(lfd, 1)
	accepted, err := r.expect("accept for good", 1, true)
	if err != nil {
		return err
	}
	server := int(accepted.Result)
	defer unix.Close(server)
	r.SendNow(client, []byte("x"), 2) // of this nothing is heard
	r.Receive(server, b, 3)
	if _, err := r.expect("receive for good, into buffers that the kernel takes", 3, true); err != nil {
		return err
	}
	r.CancelAll(server, 4)
	if done, err := r.expect("cancel what is under way on a descriptor", 3, false); !errors.Is(err, unix.ECANCELED) {
		return fmt.Errorf("cancel what is under way on a descriptor: %w (completion %+v)", unix.EINVAL, done)
	}
	return nil
}

// expect wants the next completion to be that of an operation which goes on, or does not. Its error is that of the
// operation; EINVAL if another one completed.
func (r *Ring) expect(what string, data uint64, more bool) (Completion, error) {
	all, err := r.Enter(time.Second) // there is nothing to wait for
	if err != nil {
		return Completion{}, err
	}
	if len(all) == 0 {
		return Completion{}, fmt.Errorf("%s: nothing completes: %w", what, unix.EINVAL)
	}
	done := all[0]
	err = done.Err()
	if err == nil && (done.Data != data || done.More() != more) {
		err = unix.EINVAL
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return done, err
}
