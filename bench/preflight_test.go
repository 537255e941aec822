//go:build linux

package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"serverlab/results"
)

func TestPreflight(t *testing.T) {
	good := results.Machine{Cores: 2, Descriptors: 20_000, Sysctls: map[string]string{
		"net.core.somaxconn": "4096", "net.ipv4.ip_local_port_range": "32768 60999"}}
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	edit := func(f func(*results.Machine)) results.Machine {
		m := good
		m.Sysctls = map[string]string{}
		for k, v := range good.Sysctls {
			m.Sysctls[k] = v
		}
		f(&m)
		return m
	}
	for _, c := range []struct {
		name    string
		machine results.Machine
		dir     string
		why     string
		want    string // in the one problem; empty: there is none
		fatal   bool
	}{
		{"a good machine, a directory to be made", good, filepath.Join(dir, "a", "b"), "", "", false},
		{"descriptors", edit(func(m *results.Machine) { m.Descriptors = 256 }), dir, "", "ulimit -n", true},
		{"one CPU", good, dir, "client and server share the only CPU", "--server-cpus", false},
		{"ports", edit(func(m *results.Machine) { m.Sysctls["net.ipv4.ip_local_port_range"] = "60000 60999" }), dir, "",
			"local ports", false},
		{"backlog", edit(func(m *results.Machine) { m.Sysctls["net.core.somaxconn"] = "128" }), dir, "", "backlog", false},
		{"busy", edit(func(m *results.Machine) { m.LoadAverage1 = 3 }), dir, "", "load average 3.0", false},
		{"battery", edit(func(m *results.Machine) { m.Battery = "discharging" }), dir, "", "plug in", false},
		{"quota", edit(func(m *results.Machine) { m.CPUQuota = "0.50 CPUs" }), dir, "", "0.50 CPUs", false},
		{"a file in the way", good, filepath.Join(file, "run"), "", "--out", true},
	} {
		problems := preflight(c.dir, c.machine, nil, c.why == "", c.why)
		switch {
		case c.want == "" && len(problems) > 0:
			t.Errorf("%s: %v", c.name, problems)
		case c.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, c.want) ||
			problems[0].Fatal != c.fatal):
			t.Errorf("%s: %v; want one with %q, fatal %v", c.name, problems, c.want, c.fatal)
		}
		for _, p := range problems {
			if strings.Contains(p.Text, "\n") {
				t.Errorf("%s: more than one line: %q", c.name, p.Text)
			}
		}
	}
}

// A run whose connections do not fit would end in trials that are void; one of idle connections fits, as it is reduced.
func TestConnectionsFit(t *testing.T) {
	m := results.Machine{Cores: 2, Descriptors: 5000}
	for _, c := range []struct {
		sits []results.Situation
		want string
	}{
		{[]results.Situation{{Connections: 64}, {Connections: 16, Silent: 1000}}, ""},
		{[]results.Situation{{Connections: 5000}}, "ulimit -n 5256"},
		{[]results.Situation{{Connections: 16, Silent: int(m.Descriptors - reserve)}}, ""},
		{[]results.Situation{{Connections: 16, Slow: 6000}}, "ulimit -n 6272"},
	} {
		all := preflight(t.TempDir(), m, c.sits, true, "")
		if (c.want == "") != (len(all) == 0) ||
			c.want != "" && (!all[0].Fatal || !strings.Contains(all[0].Text, c.want)) {
			t.Errorf("%+v: %v, want %q", c.sits, all, c.want)
		}
	}
}

// The machine is described without naming it.
func TestMachineTellsNoNames(t *testing.T) {
	m := machine()
	if m.Cores == 0 || m.Kernel == "" || m.MemoryBytes == 0 || m.Descriptors == 0 || m.GoVersion == "" {
		t.Errorf("%+v", m)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{m.CPU, m.Kernel, m.OS, m.Hypervisor} {
		if len(host) > 3 && strings.Contains(field, host) {
			t.Errorf("%q names the host", field)
		}
	}
}
