//go:build linux

package proc

import (
	"bufio"
	"io"
	"os/exec"
	"testing"
)

// start runs a shell script and returns a function that sends it a line and waits for its answer.
func start(t *testing.T, script string) (*exec.Cmd, func(string)) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	answers := bufio.NewReader(out)
	return cmd, func(line string) {
		t.Helper()
		if _, err := io.WriteString(in, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := answers.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}

const burn = `i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done`

// What a child used is charged while it lives and stays charged after it was reaped.
func TestChildrenAreCharged(t *testing.T) {
	cmd, step := start(t, `
		read x; echo ready
		read x; (read y; `+burn+`; echo burnt; read y; exit 0) ; echo reaped
		read x; (`+burn+`); echo again
		read x`)
	tree, err := NewTree(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	usage := func() Usage {
		t.Helper()
		u, err := tree.Usage()
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	step("begin")
	before := usage()
	step("child\nburn")
	size, err := tree.Size()
	if err != nil {
		t.Fatal(err)
	}
	if size.Processes != 2 || size.Threads != 2 || size.PSS == 0 {
		t.Errorf("with a child alive: %+v; want 2 processes with a thread each", size)
	}
	alive := usage()
	if used := alive.Sub(before); used.CPU < 0.02 {
		t.Errorf("a live child that counted to 200,000 was charged %.4f s", used.CPU)
	}
	step("end")
	reaped := usage()
	if reaped.CPU < alive.CPU-2*tick {
		t.Errorf("charged %.4f s while the child lived, only %.4f after it was reaped", alive.CPU, reaped.CPU)
	}
	step("more")
	if used := usage().Sub(reaped); used.CPU < 0.02 || used.Reaped < 0.02 {
		t.Errorf("a child that came and went between two looks was charged %+v", used)
	}
}

func TestSwitches(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 0; sleep 0")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if n, ok := Switches(cmd.ProcessState); !ok || n == 0 {
		t.Errorf("a shell that waited for two children made %d switches, %v", n, ok)
	}
}

func TestHost(t *testing.T) {
	before := ReadHost()
	d := ReadHost().Since(before)
	if d.Steal == nil || *d.Steal < 0 {
		t.Errorf("steal time of the machine: %v", d.Steal)
	}
	if (Host{}).Since(before).Steal != nil {
		t.Error("a counter that is missing must stay missing")
	}
}
