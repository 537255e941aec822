package worker

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/servers/http1"
)

// A client that goes on sending after a request that is refused, in small pieces, each when the one before has been read,
// still gets the whole answer.
func TestLingersForSmallPieces(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := pair[0], pair[1]
	defer unix.Close(ours)
	cfg := Config{ReadTimeout: 1e9, SendTimeout: 1e9, Limits: http1.DefaultLimits()}
	ended := make(chan int, 1)
	go func() {
		status := Serve(theirs, cfg, func(*fasthttp.RequestCtx) {}, make([]byte, memorySize))
		_ = unix.Close(theirs)
		ended <- status
	}()
	pieces := [][]byte{[]byte("no request\r\n\r\n")}
	for range 200 {
		pieces = append(pieces, []byte("more"))
	}
	for i, piece := range pieces {
		if _, err := unix.SendmsgN(ours, piece, nil, nil, unix.MSG_NOSIGNAL); err != nil {
			t.Fatalf("piece %d: %v", i, err)
		}
		for left := 1; left > 0; runtime.Gosched() {
			if left, err = unix.IoctlGetInt(ours, unix.SIOCOUTQ); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := unix.Shutdown(ours, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if status := <-ended; status != NotAnswered {
		t.Errorf("exit status %d, want %d", status, NotAnswered)
	}
	answer := make([]byte, 4096)
	n, err := unix.Read(ours, answer)
	if err != nil || !bytes.HasPrefix(answer[:max(n, 0)], []byte("HTTP/1.1 400 ")) {
		t.Errorf("answer %q, %v", answer[:max(n, 0)], err)
	}
	if n, err := unix.Read(ours, answer); n != 0 || err != nil {
		t.Errorf("after the answer: %d bytes, %v, want %v", n, err, io.EOF)
	}
}
