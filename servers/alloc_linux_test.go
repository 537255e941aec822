//go:build linux && !race

package servers_test

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"

	"serverlab/servers"
	"serverlab/servers/app"
)

// A "GET /" on a connection that is kept open allocates nothing, whatever the architecture: client and server run in
// this process, the client makes bare system calls, and the runtime counts. (With the race detector sync.Pool forgets
// on purpose.)
func TestNoAllocationPerRequest(t *testing.T) {
	for _, a := range servers.Architectures {
		for _, row := range a.Rows() {
			t.Run(row, func(t *testing.T) {
				switch {
				case a.Serve == nil:
					t.Skip("it can't be served here")
				case a.Unit == servers.Process || a.Member != nil:
					t.Skip("its requests are served by other processes, whose allocations are not counted here")
				case a.Unfinished:
					t.Skip("its loop is left to the reader")
				case a.Needs != nil && a.Needs() != nil:
					t.Skip(a.Needs())
				}
				countAllocations(t, a, row)
			})
		}
	}
}

func countAllocations(t *testing.T, a servers.Architecture, row string) {
	cfg := servers.DefaultConfig()
	var err error
	if _, cfg.Variant, err = servers.Lookup(row); err != nil {
		t.Fatal(err)
	}
	clients := 4
	cfg.Workers = clients
	if a.Limit == servers.QueuesOne {
		clients = 1
	}
	if a.Procs != nil {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(a.Procs(cfg)))
	}
	addr := start(t, a, cfg, app.New(app.Options{}))
	at := unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}
	fds := make([]int, clients)
	for i := range fds {
		if fds[i], err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fds[i])
		// A server that does not answer fails the test, and does not hang it.
		if err := unix.SetsockoptTimeval(fds[i], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
			t.Fatal(err)
		}
		if err := unix.Connect(fds[i], &at); err != nil {
			t.Fatal(err)
		}
	}
	request, answer := []byte("GET / HTTP/1.1\r\nHost: lab\r\n\r\n"), make([]byte, 4<<10)
	ask := func(rounds int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			for _, fd := range fds {
				if _, err := unix.Write(fd, request); err != nil {
					t.Fatal(err)
				}
			}
			for _, fd := range fds {
				n, err := unix.Read(fd, answer)
				for err == unix.EINTR {
					n, err = unix.Read(fd, answer)
				}
				if err != nil || !bytes.HasSuffix(answer[:n], []byte(app.Greeting)) {
					t.Fatalf("answer %q, %v", answer[:max(n, 0)], err)
				}
			}
		}
		runtime.ReadMemStats(&after)
		return after.Mallocs - before.Mallocs
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pools
	ask(100)
	// The runtime itself, timers and ticks allocate now and then; one allocation per request would be 2,000 or more.
	if n := ask(2000 / clients); n > 100 {
		t.Errorf("%d allocations in 2000 requests", n)
	}
}
