//go:build linux

package bench

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"serverlab/internal/scoreboard"
	"serverlab/results"
)

// serveFew serves the first n connections, and no more.
func serveFew(n int, answer string) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listening %s\n", ln.Addr())
	for range n {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			b := make([]byte, 1024)
			for {
				if _, err := c.Read(b); err != nil {
					return
				}
				_, _ = io.WriteString(c, answer) // fails when the test is over
			}
		}()
	}
	_, err = io.Copy(io.Discard, os.Stdin) // until it is killed
	runtime.KeepAlive(ln)                  // or the collector would close it
	return err
}

// idleBench measures servers that this test binary starts.
func idleBench(t *testing.T, mode string) *bench {
	t.Setenv("BENCH_TEST_SERVER", mode)
	b := &bench{ServerCPUs: allowed(t)[:1], machine: results.Machine{Descriptors: needDescriptors}}
	b.Server = func(o ServerOptions) []string {
		if !o.KeepAlive || o.MaxConns < silentClients {
			t.Errorf("asked for %+v", o)
		}
		return []string{os.Args[0]}
	}
	return b
}

func TestIdle(t *testing.T) {
	for _, c := range []struct {
		mode, why string
		row       results.Architecture
		answered  int
	}{
		{mode: "null", answered: silentClients},
		{mode: "few", answered: 3, why: "serves 3 at a time"},
		{mode: "none", why: "gave no answer within 1s"},
		{mode: "other", why: "another answer"},
		{mode: "fails", why: "no port for me"},
		{mode: "never started", row: results.Architecture{AtOnce: 64}, why: "serves 64 at a time"},
	} {
		idle, err := idleBench(t, c.mode).idle(t.Context(), c.row)
		if err != nil || idle.Answered != c.answered || !strings.Contains(idle.Why, c.why) {
			t.Errorf("%s: %+v, %v; want %d answered, %q", c.mode, idle, err, c.answered, c.why)
		}
		figures := idle.Silent != nil && idle.Used != nil
		if figures != (c.why == "") || figures && (idle.Connections != silentClients || *idle.Used < 0) {
			t.Errorf("%s: %+v", c.mode, idle)
		}
	}
}

func TestIdleTargetFollowsTheLimit(t *testing.T) {
	for limit, want := range map[uint64]int{needDescriptors: silentClients, needDescriptors + 500: silentClients + 500,
		20_000: idleConnections, 1 << 40: idleConnections} {
		if n := idleTarget(limit); n != want || uint64(n) > limit {
			t.Errorf("%d descriptors: %d connections, want %d", limit, n, want)
		}
	}
}

func TestPerWorker(t *testing.T) {
	for _, c := range []struct {
		requests []uint64
		set      int // workers of a fixed set
		want     []uint64
	}{
		{[]uint64{5, 0, 7, 0}, 4, []uint64{5, 0, 7, 0}},
		{[]uint64{5, 0, 7, 0}, 0, []uint64{5, 0, 7}},
		{[]uint64{5, 7}, 64, []uint64{5, 7}},
		{[]uint64{5, 0, 0}, 0, nil}, // one worker
		{[]uint64{5, 0, 0}, 1, nil},
		{[]uint64{0, 0}, 2, nil}, // they counted nothing
		{nil, 0, nil},
	} {
		var slots []scoreboard.Counts
		for _, n := range c.requests {
			slots = append(slots, scoreboard.Counts{Accepts: 1, Requests: n})
		}
		if got := perWorker(slots, c.set); !slices.Equal(got, c.want) {
			t.Errorf("%v of %d: %v, want %v", c.requests, c.set, got, c.want)
		}
	}
}

// A crowd leaves no connection behind, not even in TIME_WAIT.
func TestCrowdLeavesNothing(t *testing.T) {
	srv, err := startMode(t, "null")
	if err != nil {
		t.Fatal(err)
	}
	defer srv.kill()
	to, err := net.ResolveTCPAddr("tcp", srv.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := crowd{to: &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}}
	if _, err := c.measure(100, srv.tree); err != nil {
		t.Fatal(err)
	}
	var ports []string
	for _, fd := range c.fds {
		name, err := unix.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, fmt.Sprintf(" 0100007F:%04X 0100007F:%04X ", name.(*unix.SockaddrInet4).Port, to.Port))
	}
	c.close()
	table := text("/proc/net/tcp")
	for _, p := range ports {
		if strings.Contains(table, p) {
			t.Fatalf("a connection is left: %s", p)
		}
	}
}
