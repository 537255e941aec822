//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"serverlab/results"
	"serverlab/servers"
)

// programs holds the built programs, side by side as make build puts them.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "serverlab-test-")
	if err != nil {
		return "", err
	}
	for name, pkg := range map[string]string{
		"serverlab": ".", "serverlab-worker": "../worker", "serverlab-redisworker": "../redisworker",
		"serverlab-bare": "../bare",
	} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return dir, fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func program(t *testing.T) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "serverlab")
}

// ask runs a command in this process.
func ask(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

// Bad input of any kind gets one clear line and a non-zero exit code.
func TestBadInput(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	used := ln.Addr().String()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := gone.Addr().String()
	gone.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"nonsense", 2, `no command "nonsense"`},
		{"serve", 2, "--arch is missing"},
		{"serve --arch apache", 2, `no architecture "apache"`},
		{"serve --arch epoll --wrong", 2, "unknown flag: --wrong"},
		{"serve --arch epoll extra", 2, `unexpected argument "extra"`},
		{"serve --arch epoll --addr nowhere", 2, "--addr nowhere"},
		{"serve --arch epoll --workers 0", 2, "--workers 0"},
		{"serve --arch epoll --idle-timeout 0s", 2, "time-out"},
		{"serve --arch iterative --accept pass", 2, "iterative knows no accept=pass"},
		{"serve --arch eventloop --helpers 3", 2, "eventloop knows no helpers"},
		{"serve --arch eventloop --accept", 2, "accept"},
		{"serve --arch eventloop --accept wrong", 2, "choose one of"},
		{"serve --arch eventloop --loops -1", 2, "from 0 to"},
		{"serve --arch eventloop:loops", 2, "from 0 to"},
		{"serve --arch eventloop:nonsense=1", 2, `no setting "nonsense"`},
		{"serve --arch epoll --addr " + used, 1, "address already in use"},
		{"serve --arch eventloop --addr " + used, 1, "address already in use"},
		{"serve --arch goroutine --addr " + used, 1, "address already in use"},
		{"serve --arch epoll --files " + file, 1, file},
		{"serve --arch epoll --stats " + dir, 1, "scoreboard"},
		{"serve --arch process --worker " + file + "x", 1, "make build"},
		{"serve --arch prefork --accept reuseport --min-spare 2", 2, "every queue needs a worker"},
		{"member --arch prefork", 1, "only `serverlab serve`"},
		{"member --arch epoll", 2, "no pool of processes"},
		{"load", 2, "--url is missing"},
		{"load --url ftp://127.0.0.1/", 2, "only http://"},
		{"load --url http://" + nobody + "/", 1, "connection refused"},
		{"load --url http://" + used + "/ --connections 0", 2, "connections 0"},
		{"load --url http://" + used + "/ --duration x", 2, "duration"},
		{"load --url http://" + used + "/ --arrivals poisson", 2, "--rate"},
		{"load --url http://" + used + "/ --rate 5/s", 2, "1000..5000"},
		{"load --url http://" + used + "/ --rate 0,0", 2, "one of them must be above 0"},
		{"load --url http://" + used + "/ --rate 9 --arrivals uniform", 2, "poisson, constant or partly"},
		{"load --url http://" + used + "/ --rate 9 --visit 5", 2, "only clients of a partly open load"},
		{"load --url http://" + used + "/ --rate 9 --arrivals partly --visit 0", 2, "visit 0: give"},
		{"load --url http://" + used + "/ --think 10", 2, "exponential:10ms"},
		{"load --url http://" + used + "/ --rate 9 --think 10ms", 2, "closed or partly open load think"},
		{"load --url http://" + used + "/ --cpus x", 2, "--cpus"},
		{"load --url http://" + used + "/ --body @" + file + "x", 2, "no such file"},
		{"load --url http://" + used + "/ --server-pid 4194305", 2, "--server-pid"},
		{"bench nonsense", 2, `no experiment "nonsense"`},
		{"bench --arch nonsense", 2, `no architecture "nonsense"`},
		{"bench --arch ,", 2, "--arch names no architecture"},
		{"bench --resume=" + dir + " --references", 2, "leave out --references"},
		{"bench --trials 0", 2, "--trials 0"},
		{"bench --quick --full", 2, "one of --quick"},
		{"bench --out " + file, 1, "--out"},
		{"bench --resume=" + dir, 1, "holds no run"},
		{"bench --resume=" + dir + " --arch epoll", 2, "leave out --arch"},
		{"bench --server-cpus 9999", 2, "CPU 9999"},
		{"trace", 2, "name an architecture"},
		{"trace nonsense", 2, `no architecture "nonsense"`},
		{"trace epoll --workers 0", 2, "--workers 0"},
		{"report", 2, "name the directory"},
		{"report " + dir, 1, "holds no run"},
		{"report " + dir + "/missing", 1, dir + "/missing"},
		{"explain kne", 2, "knee"},
		{"check --arch nonsense", 2, `no architecture "nonsense"`},
	} {
		code, _, stderr := ask(strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, %q; want %d and %q", c.args, code, stderr, c.code, c.want)
		}
		if strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "goroutine ") {
			t.Errorf("%s: want one line, got %q", c.args, stderr)
		}
	}
}

// A load that is told the server's process charges it. Here that is this process, which serves and loads.
func TestLoadChargesTheServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer server.Close()
	code, stdout, stderr := ask("load", "--url", server.URL+"/", "--warmup=0s", "--duration=1s", "--connections=4",
		fmt.Sprintf("--server-pid=%d", os.Getpid()), "--json")
	var l struct {
		CPU       float64 `json:"cpu"`
		P99       float64 `json:"p99"`
		ServerCPU float64 `json:"server_cpu"`
	}
	if err := json.Unmarshal([]byte(stdout), &l); err != nil {
		t.Fatalf("exit code %d, %q, %q: %v", code, stdout, stderr, err)
	}
	if l.P99 <= 0 || l.ServerCPU <= l.CPU {
		t.Errorf("the process used %v s of CPU, of which %v s to load; p99 %v s", l.ServerCPU, l.CPU, l.P99)
	}
}

func TestHelpNamesEverything(t *testing.T) {
	code, stdout, _ := ask("help")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, cmd := range commands {
		if !strings.Contains(stdout, "serverlab "+cmd.name) {
			t.Errorf("help does not name %s", cmd.name)
		}
		code, own, _ := ask(cmd.name, "--help")
		if code != 0 || !strings.Contains(own, "usage: serverlab "+cmd.name) {
			t.Errorf("%s --help: exit code %d, %q", cmd.name, code, own)
		}
		for line := range strings.Lines(own) {
			if len([]rune(strings.TrimRight(line, "\n"))) > 80 {
				t.Errorf("%s --help: wider than 80 columns: %q", cmd.name, line)
			}
		}
	}
}

func TestListNamesEveryArchitecture(t *testing.T) {
	_, all, _ := ask("list")
	_, names, _ := ask("list", "--names")
	said := strings.Join(strings.Fields(all), " ") // as if nothing had been wrapped
	for _, a := range slices.Concat(servers.Architectures, servers.References) {
		for _, text := range []string{a.Name, a.Lecture, a.Idea, string(a.Unit), string(a.Limit), string(a.Slow)} {
			if !strings.Contains(said, text) {
				t.Errorf("list does not tell of %s: %q", a.Name, text)
			}
		}
		for _, setting := range slices.Concat(a.Accepts, a.Settings) {
			if !strings.Contains(knows(a), setting) {
				t.Errorf("list does not tell that %s knows %s: %q", a.Name, setting, knows(a))
			}
		}
		finished := !a.Unfinished && !servers.IsReference(a.Name)
		if strings.Contains("\n"+names, "\n"+a.Name+"\n") != finished {
			t.Errorf("list --names names %s: %v, want %v", a.Name, !finished, finished)
		}
		if strings.Contains(all, a.Name+" (unfinished)") != a.Unfinished {
			t.Errorf("%s is listed as finished: %v", a.Name, a.Unfinished)
		}
	}
	for line := range strings.Lines(all) {
		if n := len([]rune(line)) - 1; n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// serverlab starts the program and returns its standard error line by line.
func serverlab(t *testing.T, args ...string) (cmd *exec.Cmd, lines *bufio.Scanner) {
	t.Helper()
	cmd = exec.Command(program(t), args...)
	cmd.Dir = t.TempDir()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewScanner(stderr)
}

// waitTrials reads until n trials have ended.
func waitTrials(t *testing.T, lines *bufio.Scanner, n int) {
	t.Helper()
	for lines.Scan() {
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), strconv.Itoa(n)+"/") {
			return
		}
		t.Log(lines.Text())
	}
	t.Fatalf("the run ended before trial %d", n)
}

// running lists the processes that run one of our programs, this test's children included.
func running(t *testing.T) (pids []string) {
	t.Helper()
	dir := filepath.Dir(program(t))
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, exe := range all {
		if target, err := os.Readlink(exe); err == nil && strings.HasPrefix(target, dir) {
			pids = append(pids, strings.Split(exe, "/")[2])
		}
	}
	return pids
}

// awaitEnd waits for the end of a process that is no child of this one.
func awaitEnd(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(n, 0)
	if err != nil {
		return // it has ended already
	}
	defer unix.Close(fd)
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 20_000)
	if ready != 1 {
		t.Errorf("process %s outlives the benchmark: %v", pid, err)
	}
}

// A run that is stopped in the middle, by a signal or by force, loses no finished trial and leaves no process; resumed,
// it completes its plan, each trial once.
func TestBenchIsInterruptedAndResumed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	first, lines := serverlab(t, "bench", "--arch", "epoll,process", "--trials", "2", "--out", dir, "kill", "waits")
	waitTrials(t, lines, 2)
	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	var exit *exec.ExitError
	if err := first.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("interrupted: %v, %q; want exit code %d", err, last, exitInterrupted)
	}
	if !strings.Contains(last, "--resume="+dir) {
		t.Errorf("the last line does not say how to go on: %q", last)
	}
	if pids := running(t); len(pids) > 0 {
		t.Errorf("processes are left: %v", pids)
	}
	_, kept, err := results.Read(dir)
	if err != nil || len(kept) < 2 {
		t.Fatalf("%d trials kept, %v; want 2 or more", len(kept), err)
	}

	second, lines := serverlab(t, "bench", "--resume="+dir)
	waitTrials(t, lines, len(kept)+2)
	if err := second.Process.Kill(); err != nil { // nothing can be caught now
		t.Fatal(err)
	}
	for lines.Scan() { // until it has gone
	}
	_ = second.Wait()
	for _, pid := range running(t) {
		awaitEnd(t, pid)
	}
	_, more, err := results.Read(dir)
	if err != nil || len(more) < len(kept)+2 {
		t.Fatalf("%d trials kept, %v; want %d or more", len(more), err, len(kept)+2)
	}

	third := exec.Command(program(t), "bench", "--resume="+dir)
	out, err := third.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "epoll") {
		t.Errorf("no screen at the end: %q", out)
	}
	run, all, err := results.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[results.Planned]int{}
	for _, trial := range all {
		seen[trial.Planned]++
		if trial.Failure != "" {
			t.Errorf("%+v failed: %s", trial.Planned, trial.Failure)
		}
	}
	for _, p := range run.Plan {
		if seen[p] != 1 {
			t.Errorf("%+v was measured %d times", p, seen[p])
		}
	}
	if len(all) != len(run.Plan) {
		t.Errorf("%d trials, %d planned", len(all), len(run.Plan))
	}
	for _, trial := range all {
		want := trial.Load.Connections
		if trial.Architecture == "process" {
			want = 1
		}
		if trial.Situation == "blast-kill" && trial.Load.HarmedCount != want {
			t.Errorf("a crash of %s harmed %d clients, want %d", trial.Architecture, trial.Load.HarmedCount, want)
		}
	}
	if code, screen, _ := ask("report", dir); code != 0 || screen != string(out) {
		t.Errorf("report: exit code %d, and not the screen that the run ended with", code)
	}
}

// What can be set of an architecture can be explained, and so can every row.
func TestSettingsAreExplained(t *testing.T) {
	var terms []string
	for _, s := range servers.Settings {
		terms = append(terms, s.Name)
	}
	for _, a := range slices.Concat(servers.Architectures, servers.References) {
		terms = append(terms, a.Lecture)
		terms = append(terms, a.Accepts...)
	}
	for _, term := range terms {
		var stderr bytes.Buffer
		if run(t.Context(), []string{"explain", term}, &bytes.Buffer{}, &stderr) != 0 {
			t.Error(stderr.String())
		}
	}
}
