//go:build linux

package servers

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// acceptOne listens, connects and accepts.
func acceptOne(t *testing.T, idle time.Duration) (*sock, net.Conn) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.IdleTimeout = idle
	lfd, addr, err := listen(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(lfd)
	client, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	s := new(sock)
	if err := s.accept(lfd, &cfg, cfg.Board.Slot(0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, client
}

// Time-outs cost no system call, since a connection has them from the listening socket. Not every kind of socket passes
// them on.
func TestConnectionsInheritTimeouts(t *testing.T) {
	s, _ := acceptOne(t, 7*time.Second)
	for name, option := range map[string]int{"SO_RCVTIMEO": unix.SO_RCVTIMEO, "SO_SNDTIMEO": unix.SO_SNDTIMEO} {
		tv, err := unix.GetsockoptTimeval(s.fd, unix.SOL_SOCKET, option)
		if err != nil || tv.Sec != 7 || tv.Usec != 0 {
			t.Errorf("%s is %+v (%v), want 7 s", name, tv, err)
		}
	}
	if on, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil || on != 1 {
		t.Errorf("TCP_NODELAY is %d (%v), want 1", on, err)
	}
}

// What has arrived is read at once, however much more it is than what a thread waits with; then comes the time-out, and
// then the end.
func TestReceive(t *testing.T) {
	s, client := acceptOne(t, time.Minute)
	for _, n := range []int{1, len(s.first), len(s.first) + 1, 10_000} {
		sent := bytes.Repeat([]byte{'a', 'b', 'c'}, n)[:n]
		if _, err := client.Write(sent); err != nil {
			t.Fatal(err)
		}
		for waiting := 0; waiting < n; {
			var err error
			if waiting, err = unix.IoctlGetInt(s.fd, unix.SIOCINQ); err != nil {
				t.Fatal(err)
			}
		}
		b, err := s.receive(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.bytes[:b.n]; !bytes.Equal(got, sent) {
			t.Errorf("%d bytes arrived, %d were read, or not the same", n, len(got))
		}
		buffers.Put(b)
	}
	if _, err := s.receive(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("of a silent client: %v", err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.receive(time.Minute); !errors.Is(err, io.EOF) {
		t.Errorf("of a client that has gone: %v", err)
	}
}
