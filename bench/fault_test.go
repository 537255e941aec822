//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// serveFamily is a server with one worker, which ends with it or, if it is stubborn, does not. It listens on the
// address that it is given; its worker has the socket, too.
func serveFamily(addr, worker string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	socket, err := ln.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	alive, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "BENCH_TEST_SERVER="+worker)
	child.Stdin, child.Stderr = alive, os.Stderr
	child.ExtraFiles = []*os.File{socket}
	if err := child.Start(); err != nil {
		return err
	}
	go func() { _ = child.Wait() }() // until it is killed, or this process is
	fmt.Printf("listening %s\n", ln.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return hold.Close()
}

// serveChild is the worker of such a server.
func serveChild(stubborn bool) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	if stubborn {
		read, write, err := os.Pipe()
		if err == nil {
			_, _ = io.Copy(io.Discard, read) // nobody will ever close the other end
			_ = write.Close()
		}
	}
}

// family starts such a server and what kills it.
func family(t *testing.T, mode, kind string) *faulty {
	t.Helper()
	if err := reapOrphans(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BENCH_TEST_SERVER", mode)
	launch := func(addr string) (*server, error) {
		return start(t.Context(), []string{os.Args[0], addr}, allowed(t)[:1], "")
	}
	s, err := launch("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{kind: kind, patience: time.Minute, servers: []*server{s},
		again: func() (*server, error) { return launch(s.addr) }}
	t.Cleanup(func() { f.server().kill() })
	return f
}

// A server that is killed is started again at its address when all of it is dead, its workers included; one that goes
// on without its server is killed and counted.
func TestServerIsKilledAndStartedAgain(t *testing.T) {
	for mode, orphans := range map[string]int{"family": 0, "stubborn": 1} {
		f := family(t, mode, faultServer)
		if orphans > 0 {
			f.patience = 50 * time.Millisecond
		}
		old := f.server()
		f.begin()
		if !old.gone() {
			t.Errorf("%s: begin returned, and the server lives", mode)
		}
		if err := unix.Kill(-old.cmd.Process.Pid, 0); !errors.Is(err, unix.ESRCH) {
			t.Errorf("%s: begin returned, and some of its processes live: %v", mode, err)
		}
		did, err := f.wait()
		if err != nil {
			t.Fatal(err)
		}
		if did.Orphans != orphans || did.Restart == nil || did.Lived <= 0 {
			t.Errorf("%s: %+v; want %d orphans and a restart", mode, did, orphans)
		}
		if f.server() == old || f.server().addr != old.addr || f.server().gone() {
			t.Errorf("%s: no server runs at %s again", mode, old.addr)
		}
		c, err := net.Dial("tcp", old.addr)
		if err != nil {
			t.Errorf("%s: %v", mode, err)
			continue
		}
		c.Close()
	}
}

// One worker dies, and its server lives.
func TestWorkerIsKilled(t *testing.T) {
	f := family(t, "family", faultWorker)
	worker, ok := f.server().tree.Busiest(0)
	if !ok {
		t.Fatal("the server has no worker")
	}
	f.begin()
	did, err := f.wait()
	if err != nil || did.Restart != nil || f.server().gone() || len(f.servers) != 1 {
		t.Fatalf("%+v, %v; %d servers", did, err, len(f.servers))
	}
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", worker))
	if err == nil && !strings.Contains(string(state), ") Z") {
		t.Errorf("the worker lives: %s", state)
	}
}

// What can't be done is told, and nothing is done when the load is over.
func TestFaultThatFails(t *testing.T) {
	f := family(t, "null", faultWorker)
	f.begin()
	if _, err := f.wait(); err == nil || !strings.Contains(err.Error(), "the server has none") {
		t.Errorf("a server without workers: %v", err)
	}
	f = family(t, "family", faultServer)
	f.again = func() (*server, error) { return nil, errors.New("no port for me") }
	f.begin()
	if _, err := f.wait(); err == nil || !strings.Contains(err.Error(), "no port for me") {
		t.Errorf("a server that does not start again: %v", err)
	}
	f = family(t, "family", faultServer)
	if _, err := f.wait(); err != nil {
		t.Error(err)
	}
	f.begin()
	if f.server().gone() {
		t.Error("it was killed when the load had ended")
	}
}

// A Redis of our own comes back at its address, empty; and whoever else answers there is not taken for it.
func TestRedisIsKilledAndStartedAgain(t *testing.T) {
	if _, err := redisProgram(); err != nil {
		t.Skip(err)
	}
	r, err := startRedis(t.Context(), allowed(t)[:1])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { r.stop() }()
	f := &faulty{kind: faultStore, store: r, servers: []*server{nil}}
	addr, pid := r.addr, r.cmd.Process.Pid
	f.begin()
	if did, err := f.wait(); err != nil || did.Restart == nil {
		t.Fatalf("%+v, %v", did, err)
	}
	if r.addr != addr || r.cmd.Process.Pid == pid || !r.answers() {
		t.Errorf("at %s there is none, or the old one", r.addr)
	}
	other := redis{addr: addr, cmd: &exec.Cmd{Process: &os.Process{Pid: pid}}}
	if other.answers() {
		t.Error("somebody else's Redis was taken for ours")
	}
	second := redis{addr: addr, cpus: r.cpus}
	if err := second.start(context.Background()); err == nil {
		t.Error("a second one started at the same address")
	}
}

func TestMomentIsTheBlocks(t *testing.T) {
	seen := map[float64]bool{}
	for block := 1; block <= 10; block++ {
		at := moment(7, block).Seconds()
		if at < crashEarliest || at > crashLatest || moment(7, block).Seconds() != at {
			t.Errorf("block %d: %v s", block, at)
		}
		seen[at] = true
	}
	if len(seen) != 10 || seen[moment(8, 1).Seconds()] {
		t.Errorf("%d moments of 10 blocks, or another seed has the same", len(seen))
	}
}

// Each row has the states and faults that make sense for it, and no situation is without a row.
func TestCrashesByRow(t *testing.T) {
	rows := []results.Architecture{{Name: "loop"}, {Name: "one", Processes: results.PerRequest},
		{Name: "pool", Processes: results.Pooled}, {Name: "other", Reference: true}}
	asked := func(rows []results.Architecture) map[string][]string {
		b := &bench{Options: Options{Trials: 6, CrashTrials: 3, Say: t.Logf}, rows: rows}
		by := map[string][]string{}
		for _, p := range plan(b.crashes(), rows, 6, 1) {
			if p.Block > 3 {
				t.Errorf("%+v: three trials were asked for", p)
			}
			if name := strings.TrimPrefix(p.Situation, "crash-"); p.Block == 1 && !strings.HasPrefix(name, "redis") {
				by[p.Architecture] = append(by[p.Architecture], name)
			}
		}
		for _, names := range by {
			slices.Sort(names)
		}
		return by
	}
	for row, want := range map[string]string{
		"loop": "soft stateful stateless",
		"one":  "memory stateful stateless",
		"pool": "memory soft stateful stateless worker-memory worker-soft worker-stateful worker-stateless",
	} {
		if got := strings.Join(asked(rows)[row], " "); got != want {
			t.Errorf("%s: %s, want %s", row, got, want)
		}
	}
	if got := asked(rows)["other"]; got != nil {
		t.Errorf("a reference: %v", got)
	}
	for _, names := range asked(rows[:1]) {
		if len(names) != 3 {
			t.Errorf("without processes: %v", names)
		}
	}
}

// Seven rows stay below four minutes.
func TestCrashIsPlannedBelowFourMinutes(t *testing.T) {
	run := results.Run{Calibration: results.Calibration{Start: map[string]float64{}}}
	for i := range 7 {
		r := results.Architecture{Name: string(rune('a' + i))}
		run.Calibration.Start[r.Name] = 0.05
		run.Architectures = append(run.Architectures, r)
	}
	run.Architectures[5].Processes, run.Architectures[6].Processes = results.PerRequest, results.Pooled
	run.Calibration.Start["g"] = 0.5
	b := &bench{Options: Options{Trials: 6, CrashTrials: 3, Say: t.Logf}, rows: run.Architectures}
	run.Situations = b.crashes()
	run.Plan = plan(run.Situations, run.Architectures, 6, 1)
	if d := Planned(run); d > 4*time.Minute {
		t.Errorf("%d trials are planned to take %v", len(run.Plan), d)
	} else {
		t.Logf("%d trials: %v", len(run.Plan), d)
	}
}

// A situation may be about some rows and some blocks only.
func TestPlanKeepsToRowsAndBlocks(t *testing.T) {
	rows := []results.Architecture{{Name: "a"}, {Name: "b"}}
	sits := []results.Situation{{Name: "all"}, {Name: "few", Rows: []string{"b"}, Blocks: 2}}
	planned := map[string]int{}
	for _, p := range plan(sits, rows, 3, 1) {
		planned[p.Situation+" "+p.Architecture]++
	}
	if planned["all a"] != 3 || planned["all b"] != 3 || planned["few a"] != 0 || planned["few b"] != 2 {
		t.Errorf("planned %v", planned)
	}
}

// Rows of which nothing is asked that they could do are left out, with the reason; none left is a wrong use.
func TestChooseLeavesOutIdleRows(t *testing.T) {
	loop := results.Architecture{Name: "loop"}
	file := results.Architecture{Name: "nginx", Reference: true, StaticOnly: true}
	for _, c := range []struct {
		rows        []results.Architecture
		experiment  string
		left, usage bool
	}{
		{[]results.Architecture{loop, file}, CrashName, true, false},
		{[]results.Architecture{file}, CrashName, false, true},
		{[]results.Architecture{file}, StateName, false, true},
		{[]results.Architecture{file}, "trivial", false, false},
		{[]results.Architecture{file}, "waits", false, true},
	} {
		b := &bench{Options: Options{Rows: c.rows, Experiments: []string{c.experiment}, Trials: 6, CrashTrials: 3,
			Connections: 64, Say: t.Logf}}
		err := b.choose()
		var usage UsageError
		if errors.As(err, &usage) != c.usage || !c.usage && (err != nil || c.left != (len(b.LeftOut) == 1)) {
			t.Errorf("%s: %v, left out %v", c.experiment, err, b.LeftOut)
		}
		if c.usage && !strings.Contains(err.Error(), "nginx: it serves one file only") {
			t.Errorf("%s: %v", c.experiment, err)
		}
	}
}

// A probe without an answer is tried a second time, and says what to do.
func TestProbeWithoutAnswer(t *testing.T) {
	if err := reapOrphans(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BENCH_TEST_SERVER", "family") // it listens, and never accepts
	b := stateBench()
	b.ServerCPUs, b.ClientCPUs = allowed(t)[:1], allowed(t)[:1]
	_, _, err := b.probe(t.Context(), []string{os.Args[0], "127.0.0.1:0"}, results.Situation{Model: "closed",
		KeepAlive: true, Path: "/", Connections: 1, Warmup: 0.01, Window: 0.05})
	if !errors.Is(err, errNoAnswer) {
		t.Fatal(err)
	}
	if text := err.Error(); strings.Contains(text, "()") || !strings.Contains(text, "try again") {
		t.Error(text)
	}
}

// One connection says why clients were not served, not each.
func TestReadersFailInOneLine(t *testing.T) {
	_, err := readers{addr: "127.0.0.1:1"}.serve(t.Context(), 100)
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}
