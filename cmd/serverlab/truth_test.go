//go:build linux

package main

import (
	"strings"
	"testing"
)

func TestInstrumentBadInput(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"check --instrument --arch epoll", "leave out --arch"},
		{"check --instrument --files /tmp", "leave out --files"},
		{"check --instrument --server-cpus 4000", "--server-cpus"},
		{"check --instrument --client-cpus x", "--client-cpus"},
		{"check --arch epoll --quick", "--quick belongs to --instrument"},
		{"check --arch epoll --seed 2", "--seed belongs to --instrument"},
		{"null --delay normal:1ms", "exponential:2ms"},
		{"null --delay constant:1ms --keepalive=false", "--keepalive=false"},
		{"bench lie --client-cpus x", "--client-cpus"},
	} {
		code, stdout, stderr := ask(strings.Fields(c.args)...)
		if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: code %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
}

// Experiments are listed where architectures are, and the one that measures none of them is named.
func TestListNamesExperiments(t *testing.T) {
	_, all, _ := ask("list")
	_, text, ok := strings.Cut(all, "EXPERIMENTS")
	if !ok {
		t.Fatalf("no experiments:\n%s", all)
	}
	for _, e := range questions() {
		name := e.Name
		if !strings.Contains(text, name) {
			t.Errorf("%s is not listed: %q", name, text)
		}
	}
	if _, names, _ := ask("list", "--names"); strings.Contains(names, "lie") {
		t.Errorf("lie is no architecture:\n%s", names)
	}
}
