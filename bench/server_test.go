//go:build linux

package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
)

// The test binary is also the server that the tests start.
func TestMain(m *testing.M) {
	switch mode := os.Getenv("BENCH_TEST_SERVER"); mode {
	case "":
		os.Exit(m.Run())
	case "null", "null-close":
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
		if err := ServeNull(ctx, mode == "null", os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "delayed":
		ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGTERM)
		delay, err := ParseDelay(os.Args[1])
		if err == nil {
			err = ServeDelayed(ctx, delay, 1, false, os.Stdout, os.Stderr)
		}
		if cancel(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "files":
		if err := serveFiles(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "few", "other", "none":
		served := map[string]int{"few": 3, "other": 3}[mode]
		answer := map[string]string{"few": nullAnswer, "other": "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 5000)}[mode]
		if err := serveFew(served, answer); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "family", "stubborn":
		if err := serveFamily(os.Args[1], "child of "+mode); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "child of family", "child of stubborn":
		serveChild(mode == "child of stubborn")
	case "fails":
		fmt.Fprintln(os.Stderr, "first line")
		fmt.Fprintln(os.Stderr, "no port for me")
		os.Exit(1)
	case "babbles":
		fmt.Println("hello")
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed: with nothing to wait for, the runtime would end it
	}
	os.Exit(0)
}

func allowed(t *testing.T) []int {
	t.Helper()
	cpus, err := cpuset.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	return cpus
}

func startMode(t *testing.T, mode string) (*server, error) {
	t.Helper()
	t.Setenv("BENCH_TEST_SERVER", mode)
	return start(t.Context(), []string{os.Args[0]}, allowed(t)[:1], "")
}

func TestStartPinsAndStops(t *testing.T) {
	before, err := cpuset.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	s, err := startMode(t, "null")
	if err != nil {
		t.Fatal(err)
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(s.cmd.Process.Pid, &set); err != nil || set.Count() != 1 || !set.IsSet(before[0]) {
		t.Errorf("the server may use %d CPUs, %v; want CPU %d only", set.Count(), err, before[0])
	}
	if after, err := cpuset.Allowed(); err != nil || len(after) != len(before) {
		t.Errorf("this process may use %v, %v; before it was %v", after, err, before)
	}
	pid := s.cmd.Process.Pid
	if exit, err := s.stop(); err != nil || exit != "terminated" { // the null server of this test has no handler
		t.Errorf("it ended by %q, %v", exit, err)
	}
	if err := unix.Kill(pid, 0); err != unix.ESRCH {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

// A server must not outlive whoever started it, however that one dies: its standard input ends.
func TestServerEndsWithItsHolder(t *testing.T) {
	s, err := startMode(t, "null")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.hold.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	if s.waitErr != nil {
		t.Errorf("it ended by %v", s.waitErr)
	}
	s.kill()
}

func TestStartSaysWhatWentWrong(t *testing.T) {
	for mode, want := range map[string]string{"fails": "no port for me", "babbles": `it printed "hello\n"`} {
		if _, err := startMode(t, mode); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q in it", mode, err, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := start(t.Context(), []string{missing}, allowed(t)[:1], "")
	if err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// The null server answers once per end of a header, and closes after the first answer if it was told so.
func TestNullServer(t *testing.T) {
	for mode, answers := range map[string]int{"null": 3, "null-close": 1} {
		s, err := startMode(t, mode)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 3))
		want := strings.Repeat(nullAnswer, answers)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(bufio.NewReader(c), got); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", mode, got, err)
		}
		c.Close()
		if _, err := s.stop(); err != nil {
			t.Error(err)
		}
	}
}

// The hand-made program must be one that the kernel runs, and each further step must cost more than the one before.
func TestSpawnCost(t *testing.T) {
	t.Setenv("BENCH_TEST_SERVER", "exits") // TestMain knows no such server and ends at once
	dir := t.TempDir()
	image, err := tinyProgram()
	if err != nil {
		t.Fatal(err)
	}
	tiny := filepath.Join(dir, "tiny")
	if err := os.WriteFile(tiny, image, 0o700); err != nil {
		t.Fatal(err)
	}
	cost, err := spawnCost(allowed(t)[:1], []string{tiny}, tiny)
	if err != nil {
		t.Fatal(err)
	}
	if cost.Count != spawnRounds || cost.Exec <= 0 || cost.Runtime <= 0 || cost.Init <= 0 {
		t.Errorf("%+v", cost)
	}
	if _, err := spawnCost(allowed(t)[:1], []string{filepath.Join(dir, "missing")}, tiny); err == nil {
		t.Error("a program that is not there was measured")
	}
}

func TestTailKeepsTheLastLine(t *testing.T) {
	var tl tail
	if got := tl.last("nothing"); got != "nothing" {
		t.Errorf("empty: %q", got)
	}
	for range 1000 {
		fmt.Fprintln(&tl, strings.Repeat("x", 50))
	}
	fmt.Fprintln(&tl, "the end")
	if got := tl.last("nothing"); got != "the end" || len(tl.text) > 8<<10 || bytes.Contains(tl.text, []byte("nothing")) {
		t.Errorf("%q, %d bytes kept", got, len(tl.text))
	}
}

// A fork of the worker has a price, and a program that can't be forked has none.
func TestForkCost(t *testing.T) {
	program := filepath.Join(t.TempDir(), "worker")
	if text, err := exec.Command("go", "build", "-o", program, "serverlab/cmd/worker").CombinedOutput(); err != nil {
		t.Fatalf("go build serverlab/cmd/worker: %v\n%s", err, text)
	}
	cost, err := forkCost(allowed(t)[:1], []string{program, "--empty", "--forks"})
	if err != nil {
		t.Fatal(err)
	}
	if *cost <= 0 {
		t.Errorf("%v s", *cost)
	}
	if _, err := forkCost(allowed(t)[:1], []string{program, "--empty"}); err == nil {
		t.Error("a program that does not fork was measured")
	}
}
