package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"serverlab/bench"
	"serverlab/internal/proc"
)

func TestDemoKeys(t *testing.T) {
	s := demoState{rate: 500}
	for _, c := range []struct {
		keys string
		act  demoAct
		want bench.DemoLoad
	}{
		{"w", demoReload, bench.DemoLoad{Rate: 500, Path: "/?wait=5ms"}},
		{"w", demoReload, bench.DemoLoad{Rate: 500, Path: "/?block=5ms"}},
		{"w", demoReload, bench.DemoLoad{Rate: 500, Path: "/"}},
		{"s", demoReload, bench.DemoLoad{Rate: 500, Path: "/", Silent: 16}},
		{"ss", demoReload, bench.DemoLoad{Rate: 500, Path: "/", Silent: 1000}},
		{"s", demoReload, bench.DemoLoad{Rate: 500, Path: "/"}},
		{"+", demoReload, bench.DemoLoad{Rate: 1000, Path: "/"}},
		{"--", demoReload, bench.DemoLoad{Rate: 200, Path: "/"}},
		{"++++++++++", demoReload, bench.DemoLoad{Rate: 10_000, Path: "/"}},
		{"--------------------", demoReload, bench.DemoLoad{Rate: 1, Path: "/"}},
		{" ", demoReload, bench.DemoLoad{}},
		{"w", demoReload, bench.DemoLoad{}},
		{" ", demoReload, bench.DemoLoad{Rate: 1, Path: "/?wait=5ms"}},
		{"?", demoNothing, bench.DemoLoad{Rate: 1, Path: "/?wait=5ms"}},
		{"x", demoNothing, bench.DemoLoad{Rate: 1, Path: "/?wait=5ms"}},
		{"k", demoKill, bench.DemoLoad{Rate: 1, Path: "/?wait=5ms"}},
		{"q", demoEnd, bench.DemoLoad{Rate: 1, Path: "/?wait=5ms"}},
		{"\x03", demoEnd, bench.DemoLoad{Rate: 1, Path: "/?wait=5ms"}},
	} {
		var act demoAct
		for _, k := range []byte(c.keys) {
			act = s.press(k)
		}
		if act != c.act || s.load() != c.want {
			t.Errorf("%q: %v, %+v; want %v, %+v", c.keys, act, s.load(), c.act, c.want)
		}
	}
}

func TestDemoUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"needs a terminal":       {"demo"},
		"name 2 to 4":            {"demo", "epoll"},
		"unexpected argument":    {"demo", "epoll", "epoll", "epoll", "epoll", "epoll"},
		"from 1 to 10000":        {"demo", "--rate=0"},
		"no architecture \"no\"": {"demo", "no", "epoll"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), args, &stdout, &stderr)
		if code != exitUsage || !strings.Contains(stderr.String(), want) || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: exit code %d, %q; want %d and %q", args, code, stderr.String(), exitUsage, want)
		}
	}
}

// A demonstration obeys its keys, and however it ends, the terminal is as before and nobody is left.
func TestDemoOnATerminal(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(t *testing.T, p *os.Process, terminal *os.File)
		code int
	}{
		"q":       {typed("q"), exitDone},
		"Ctrl-C":  {typed("\x03"), exitDone},
		"SIGTERM": {signalled(unix.SIGTERM), exitInterrupted},
		"SIGHUP":  {signalled(unix.SIGHUP), exitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			d := startDemo(t)
			d.await("no waiting")
			d.await("last minute")
			typed("w")(t, nil, d.master)
			d.await("each waits 5 ms")
			typed("s")(t, nil, d.master)
			d.await("16 silent clients")
			typed("+")(t, nil, d.master)
			d.await("100 requests/s")
			typed("k")(t, nil, d.master)
			d.await("killed: a worker of prefork 64; all of eventloop")
			d.await("down")
			started := d.servers()
			typed("?")(t, nil, d.master)
			d.await("kill a worker process")
			c.end(t, d.cmd.Process, d.master)
			d.await("\x1b[?1049l")
			var exit *exec.ExitError
			if err := d.cmd.Wait(); (c.code != exitDone) != errors.As(err, &exit) || exit != nil && exit.ExitCode() != c.code {
				t.Errorf("it ended with %v, want exit code %d", err, c.code)
			}
			if now := settings(t, d.master); now != d.before {
				t.Errorf("the terminal is not as it was: %+v, before %+v", now, d.before)
			}
			for _, pid := range started {
				if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
					t.Errorf("process %d is left: %v", pid, err)
				}
			}
		})
	}
}

func typed(keys string) func(*testing.T, *os.Process, *os.File) {
	return func(t *testing.T, _ *os.Process, terminal *os.File) {
		if _, err := terminal.WriteString(keys); err != nil {
			t.Fatal(err)
		}
	}
}

func signalled(s syscall.Signal) func(*testing.T, *os.Process, *os.File) {
	return func(t *testing.T, p *os.Process, _ *os.File) {
		if err := p.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
}

// demoRun is a demonstration in a pseudo-terminal.
type demoRun struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	before unix.Termios
	seen   []byte
}

func startDemo(t *testing.T) *demoRun {
	t.Helper()
	d := &demoRun{t: t}
	master, slave := pseudoTerminal(t, 80, 24)
	defer slave.Close() // so that the demonstration is the last to have it, and what awaits it sees that it has ended
	d.master, d.before = master, settings(t, slave)
	d.cmd = exec.Command(program(t), "demo", "--rate=50", "eventloop", "prefork")
	d.cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = slave, slave, slave
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	return d
}

// await reads what is drawn until it has a text that was not there at the last call.
func (d *demoRun) await(text string) {
	d.t.Helper()
	buffer := make([]byte, 64<<10)
	for {
		if i := bytes.Index(d.seen, []byte(text)); i >= 0 {
			d.seen = d.seen[i+len(text):]
			return
		}
		n, err := d.master.Read(buffer)
		if err != nil {
			d.t.Fatalf("no %q: %v; the last was %q", text, err, d.seen)
		}
		d.seen = append(d.seen, buffer[:n]...)
	}
}

// servers lists the processes that the demonstration has started, and theirs.
func (d *demoRun) servers() []int {
	d.t.Helper()
	tree, err := proc.NewTree(d.cmd.Process.Pid)
	if err != nil {
		d.t.Fatal(err)
	}
	pids := tree.Descendants()
	if len(pids) < 2 {
		d.t.Errorf("it has started %v", pids)
	}
	return pids
}

// pieces is read piece by piece.
type pieces struct{ left []string }

func (p *pieces) Read(b []byte) (n int, err error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n, p.left = copy(b, p.left[0]), p.left[1:]
	return n, nil
}

func settings(t *testing.T, terminal *os.File) unix.Termios {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

// The signs of a key that steers the cursor are none of ours.
func TestKeysOf(t *testing.T) {
	var got []byte
	for k := range keysOf(&pieces{[]string{"w", "\x1b[A", "sk", "\x1bq", "q"}}) {
		got = append(got, k)
	}
	if !slices.Equal(got, []byte("wskq")) {
		t.Errorf("%q, want %q", got, "wskq")
	}
}
