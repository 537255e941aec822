//go:build linux

package uring

import (
	"bytes"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// watched is a ring, and what Enter has returned that no test has looked at yet.
type watched struct {
	*Ring
	come []Completion
}

// newRing makes a ring for this goroutine's thread, or skips where there can be none.
func newRing(t *testing.T, submissions, completions int) *watched {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	r, err := New(submissions, completions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return &watched{Ring: r}
}

// enter hands over, and waits for as long as patience.
func (r *watched) enter(t *testing.T, patience time.Duration) {
	t.Helper()
	all, err := r.Enter(patience)
	if err != nil {
		t.Fatal(err)
	}
	r.come = append(r.come, all...)
}

func newBuffers(t *testing.T, r *watched, count, size int) *Buffers {
	t.Helper()
	b, err := r.NewBuffers(7, count, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// pair is two connected sockets in blocking mode.
func pair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) })
	return fds[0], fds[1]
}

// await returns the next completion; the test fails without one.
func await(t *testing.T, r *watched) Completion {
	t.Helper()
	for begun := time.Now(); len(r.come) == 0; {
		r.enter(t, time.Second)
		if time.Since(begun) > time.Minute {
			t.Fatal("nothing is complete")
		}
	}
	done := r.come[0]
	r.come = r.come[1:]
	return done
}

// nothing fails when there is a completion after all that was ordered has been handed over.
func nothing(t *testing.T, r *watched) {
	t.Helper()
	r.enter(t, 0)
	if len(r.come) > 0 {
		t.Fatalf("%d completions, the first %+v; want none", len(r.come), r.come[0])
	}
}

func write(t *testing.T, fd int, s string) {
	t.Helper()
	if _, err := unix.Write(fd, []byte(s)); err != nil {
		t.Fatal(err)
	}
}

// One order to receive takes piece after piece, and the end; buffers that are returned are used again.
func TestReceive(t *testing.T) {
	r := newRing(t, 8, 16)
	b := newBuffers(t, r, 2, 64)
	ours, theirs := pair(t)
	r.Receive(ours, b, 42)
	nothing(t, r)
	for _, s := range []string{"one", "two", "three", "four", "five"} {
		write(t, theirs, s)
		done := await(t, r)
		id, ok := done.Buffer()
		if done.Data != 42 || !done.More() || !ok || int(done.Result) != len(s) {
			t.Fatalf("%q: completion %+v", s, done)
		}
		if got := string(b.Bytes(id, int(done.Result))); got != s {
			t.Errorf("received %q, want %q", got, s)
		}
		b.Return(id)
		b.Offer()
	}
	if err := unix.Shutdown(theirs, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if done := await(t, r); done.Result != 0 || done.More() {
		t.Errorf("at the end: completion %+v", done)
	}
}

// Without a buffer an order to receive ends, and what came is there for the next one, which may be for one piece.
func TestReceiveWithoutBuffer(t *testing.T) {
	r := newRing(t, 8, 16)
	b := newBuffers(t, r, 1, 4)
	ours, theirs := pair(t)
	write(t, theirs, "12345678")
	r.Receive(ours, b, 1)
	first := await(t, r)
	if first.Result != 4 {
		t.Fatalf("completion %+v, want 4 bytes", first)
	}
	if done := await(t, r); !errors.Is(done.Err(), unix.ENOBUFS) || done.More() {
		t.Fatalf("completion %+v, want ENOBUFS and no more", done)
	}
	id, _ := first.Buffer()
	b.Return(id)
	b.Offer()
	r.ReceiveOnce(ours, b, 2)
	done := await(t, r)
	if id, ok := done.Buffer(); done.Data != 2 || done.More() || !ok || string(b.Bytes(id, 4)) != "5678" {
		t.Errorf("completion %+v", done)
	}
}

func TestAccept(t *testing.T) {
	r := newRing(t, 8, 16)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r.Accept(int(f.Fd()), 5)
	for range 3 {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		done := await(t, r)
		if done.Data != 5 || done.Err() != nil || !done.More() {
			t.Fatalf("completion %+v", done)
		}
		r.CloseDescriptor(int(done.Result), 6)
		nothing(t, r) // it completes only when it fails
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is open")
		}
	}
	r.Cancel(5, 7)
	if done := await(t, r); done.Data != 5 || !errors.Is(done.Err(), unix.ECANCELED) || done.More() {
		t.Errorf("completion %+v, want ECANCELED", done)
	}
	nothing(t, r)
}

// SendNow says nothing when all is sent, and how much when the socket is full; Send then waits for room.
func TestSend(t *testing.T) {
	r := newRing(t, 8, 16)
	ours, theirs := pair(t)
	r.SendNow(ours, []byte("hello"), 1)
	nothing(t, r)
	got := make([]byte, 1<<20)
	if n, err := unix.Read(theirs, got); err != nil || string(got[:n]) != "hello" {
		t.Fatalf("%q, %v", got[:max(n, 0)], err)
	}
	all := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	r.SendNow(ours, all, 2)
	r.enter(t, 0)
	done := await(t, r)
	sent := int(done.Result)
	if done.Data != 2 || sent <= 0 || sent >= len(all) {
		t.Fatalf("completion %+v, want a part of %d bytes", done, len(all))
	}
	r.SendNow(ours, all[sent:], 3)
	if done := await(t, r); done.Data != 3 || !errors.Is(done.Err(), unix.EAGAIN) {
		t.Fatalf("completion %+v, want EAGAIN", done)
	}
	received := 0
	for sent < len(all) {
		r.Send(ours, all[sent:], 4)
		nothing(t, r)
		for received < sent { // room
			n, err := unix.Read(theirs, got[received:])
			if err != nil {
				t.Fatal(err)
			}
			received += n
		}
		if done = await(t, r); done.Data != 4 || done.Err() != nil {
			t.Fatalf("completion %+v", done)
		}
		sent += int(done.Result)
	}
	for received < sent {
		n, err := unix.Read(theirs, got[received:])
		if err != nil {
			t.Fatal(err)
		}
		received += n
	}
	if !bytes.Equal(got, all) {
		t.Error("other bytes arrived than were sent")
	}
	if err := unix.Shutdown(theirs, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	r.SendNow(ours, all, 5)
	if done := await(t, r); !errors.Is(done.Err(), unix.EPIPE) {
		t.Errorf("completion %+v, want EPIPE", done)
	}
}

// All that is under way on a descriptor can be ended.
func TestCancelAll(t *testing.T) {
	r := newRing(t, 8, 16)
	b := newBuffers(t, r, 1, 64)
	ours, _ := pair(t)
	r.Receive(ours, b, 1)
	r.Readable(ours, 2)
	nothing(t, r)
	r.CancelAll(ours, 3)
	seen := map[uint64]bool{}
	for range 2 {
		done := await(t, r)
		if !errors.Is(done.Err(), unix.ECANCELED) {
			t.Errorf("completion %+v, want ECANCELED", done)
		}
		seen[done.Data] = true
	}
	if !seen[1] || !seen[2] {
		t.Errorf("ended: %v", seen)
	}
	r.CancelAll(ours, 4) // there is none any more
	nothing(t, r)
	r.Cancel(1, 5)
	if done := await(t, r); done.Data != 5 || !errors.Is(done.Err(), unix.ENOENT) {
		t.Errorf("completion %+v, want ENOENT", done)
	}
}

// More orders than the ring holds are handed over in between, and one Enter returns all completions: also those that
// the ring had no room for, and those of SendNow, which nobody would wait for.
func TestMoreThanFits(t *testing.T) {
	r := newRing(t, 4, 8)
	b := newBuffers(t, r, 4, 16)
	ours, theirs := pair(t)
	receiving, _ := pair(t)
	write(t, theirs, "there is more to receive than buffers take, which completes again and again: 0123456789")
	if err := unix.Shutdown(receiving, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	const many = 100
	for i := range uint64(many) {
		r.CloseDescriptor(-1, 3*i) // fails, and so completes
		r.SendNow(receiving, []byte("to nobody"), 3*i+1)
		r.Receive(ours, b, 3*i+2)
	}
	r.enter(t, 0)
	seen := map[uint64]Completion{}
	for _, done := range r.come {
		seen[done.Data] = done
	}
	for i := range uint64(many) {
		if done := seen[3*i]; !errors.Is(done.Err(), unix.EBADF) {
			t.Fatalf("close %d: completion %+v, want EBADF", i, done)
		}
		if done := seen[3*i+1]; !errors.Is(done.Err(), unix.EPIPE) {
			t.Fatalf("send %d: completion %+v, want EPIPE", i, done)
		}
		if done := seen[3*i+2]; i >= 4 && !errors.Is(done.Err(), unix.ENOBUFS) || done.More() {
			t.Fatalf("receive %d: completion %+v, want ENOBUFS and no more", i, done)
		}
	}
	r.come = nil
	nothing(t, r)
}

// A kernel without memory takes a part of what is handed over, or nothing: then it is asked again, and not for ever.
func TestTakenInParts(t *testing.T) {
	r := newRing(t, 8, 16)
	const many = 20
	calls, refused := 0, 0
	r.raw = func(trap, fd, submit, wait, flags, arg, size uintptr) (uintptr, uintptr, unix.Errno) {
		if calls++; calls%5 == 0 && submit > 0 {
			refused++
			return 0, 0, unix.EAGAIN
		}
		if submit > 1 {
			submit, flags = 1, flags&^enterGetEvents // as the kernel, which does not wait then
		}
		return unix.RawSyscall6(trap, fd, submit, wait, flags, arg, size)
	}
	for i := range uint64(many) {
		r.CloseDescriptor(-1, i)
	}
	r.enter(t, 0)
	if len(r.come) != many || refused == 0 || r.left() > 0 {
		t.Fatalf("%d completions after %d calls of which %d were refused, %d left; want %d and none", len(r.come), calls,
			refused, r.left(), many)
	}
	r.raw = func(_, _, _, _, _, _, _ uintptr) (uintptr, uintptr, unix.Errno) { return 0, 0, unix.EBADF }
	for i := range uint64(many) { // more than the ring holds
		r.CloseDescriptor(-1, i)
	}
	if _, err := r.Enter(0); !errors.Is(err, unix.EBADF) {
		t.Errorf("Enter: %v, want EBADF", err)
	}
}

// Whoever waits in Enter is woken by another thread's write to an eventfd.
func TestWake(t *testing.T) {
	r := newRing(t, 4, 8)
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	r.Readable(fd, 9)
	nothing(t, r)
	go func() { _, _ = unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }()
	for len(r.come) == 0 {
		r.enter(t, -1)
	}
	if done := await(t, r); done.Data != 9 || done.Result != unix.POLLIN {
		t.Errorf("completion %+v", done)
	}
}
