//go:build linux && !race

package servers

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// A worker process of prefork allocates nothing per request either: its connection is pumped here, in this process.
func TestNoAllocationInWorker(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	cfg := DefaultConfig()
	if err := bounds(pair[1], cfg.IdleTimeout); err != nil {
		t.Fatal(err)
	}
	c := &bareSock{sock: sock{fd: pair[1], patience: bare}, idle: cfg.IdleTimeout}
	var open roster
	open.add(c, 0)
	go pump(c, cfg.session(func(ctx *fasthttp.RequestCtx) { ctx.WriteString("Hello, World!") }), &cfg, cfg.Board.Slot(0), &open)
	request, answer := []byte("GET / HTTP/1.1\r\nHost: lab\r\n\r\n"), make([]byte, 4<<10)
	// AllocsPerRun would leave but one processor, which the worker's bare calls keep.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pools
	var before, after runtime.MemStats
	ask := func() {
		if _, err := unix.Write(pair[0], request); err != nil {
			t.Fatal(err)
		}
		for {
			n, err := unix.Read(pair[0], answer)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n == 0 {
				t.Fatal(n, err)
			}
			break
		}
	}
	ask()
	runtime.ReadMemStats(&before)
	for range 1000 {
		ask()
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 100 {
		t.Errorf("%d allocations in 1000 requests", n)
	}
}
