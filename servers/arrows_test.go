package servers

import (
	"os/exec"
	"strings"
	"testing"
)

// Dependencies point down: who must not depend on whom, not even through others. A name stands for its package and
// all beneath it, but for those that follow a "-" and what is beneath them.
func TestArrows(t *testing.T) {
	packages := imports(t, "{{.ImportPath}} {{join .Deps \" \"}}")
	for _, rule := range []struct{ who, never string }{
		{"serverlab/servers -serverlab/servers/app -serverlab/servers/conformance", "serverlab/servers/app"},
		{"serverlab/servers", "serverlab/loadgen serverlab/bench serverlab/results serverlab/cmd serverlab/scripts"},
		{"serverlab/servers/worker", "serverlab/internal -serverlab/internal/spawner"},
		{"serverlab/servers/app", "serverlab/servers -serverlab/servers/app -serverlab/servers/state serverlab/internal"},
		{"serverlab/servers/app", "serverlab/servers/state/redisstore"}, // who is not asked for it shall not pay for it
		{"serverlab/servers/state", "serverlab/servers -serverlab/servers/state serverlab/internal"},
		{"serverlab/loadgen", "serverlab/servers serverlab/bench serverlab/cmd"},
		{"serverlab/results", "serverlab/servers serverlab/loadgen serverlab/bench serverlab/cmd"},
		{"serverlab/bench", "serverlab/servers serverlab/cmd"},
		{"serverlab/cmd", "serverlab/scripts"},
		{"serverlab/scripts", "serverlab/loadgen serverlab/bench serverlab/results serverlab/cmd"},
		{"serverlab/internal", "serverlab/servers serverlab/loadgen serverlab/bench serverlab/results serverlab/cmd"},
	} {
		found := false
		for name, deps := range packages {
			if !named(name, rule.who) {
				continue
			}
			found = true
			for _, dep := range deps {
				if named(dep, rule.never) {
					t.Errorf("%s depends on %s", name, dep)
				}
			}
		}
		if !found {
			t.Errorf("there is no package %s", rule.who)
		}
	}
}

// named tells whether a package is one of names, and none of those that follow a "-".
func named(name, names string) (is bool) {
	for _, n := range strings.Fields(names) {
		if except, found := strings.CutPrefix(n, "-"); found {
			if within(name, except) {
				return false
			}
		} else if within(name, n) {
			is = true
		}
	}
	return is
}

// The protocol does no I/O: what it imports can't, but for fasthttp, of which it uses parser and writer.
func TestProtocolDoesNoIO(t *testing.T) {
	packages := imports(t, "{{.ImportPath}} {{join .Imports \" \"}}")
	direct, ok := packages["serverlab/servers/http1"]
	if !ok {
		t.Fatal("there is no package http1")
	}
	for _, dep := range direct {
		for _, io := range []string{"net", "os", "syscall", "golang.org/x/sys", "serverlab"} {
			if within(dep, io) {
				t.Errorf("http1 imports %s", dep)
			}
		}
	}
}

// within tells whether a package is the named one or lies beneath it.
func within(name, root string) bool { return name == root || strings.HasPrefix(name, root+"/") }

// imports lists the house's packages, each with what the format lists after its name.
func imports(t *testing.T, format string) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", format, "serverlab/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) > 0 {
			packages[words[0]] = words[1:]
		}
	}
	return packages
}
