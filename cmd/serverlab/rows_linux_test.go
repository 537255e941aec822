package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"serverlab/results"
	"serverlab/servers"
)

// lacking makes the named rows of both tables unavailable for a test.
func lacking(t *testing.T, names ...string) {
	t.Helper()
	table, references := servers.Architectures, servers.References
	t.Cleanup(func() { servers.Architectures, servers.References = table, references })
	servers.Architectures, servers.References = slices.Clone(table), slices.Clone(references)
	for _, rows := range [][]servers.Architecture{servers.Architectures, servers.References} {
		for i := range rows {
			rows[i].Needs = nil
			if slices.Contains(names, rows[i].Name) {
				rows[i].Needs = func() error { return errors.New("it is\nnot here") }
			}
		}
	}
}

func TestBenchRows(t *testing.T) {
	const lecture = "iterative eventloop thread threadpool goroutine process prefork"
	lacking(t, "process", "nginx")
	for _, c := range []struct {
		flags      benchFlags
		rows, left string // in the order of the table
		err        string
	}{
		{benchFlags{}, strings.Replace(lecture, " process", "", 1), "process", ""},
		{benchFlags{archs: "goroutine, epoll"}, "epoll goroutine", "", ""},
		{benchFlags{archs: "sequential,process"}, "iterative", "process", ""},
		{benchFlags{archs: "process"}, "", "", "nothing can be measured here: process: it is; not here"},
		{benchFlags{archs: "epoll,exercise"}, "", "", "exercise is unfinished"},
		{benchFlags{archs: "epoll", references: true},
			"epoll nethttp fasthttp apache-prefork apache-worker apache-event", "nginx", ""},
		{benchFlags{archs: "prefork:accept=pass,fasthttp"}, "prefork:accept=pass fasthttp", "", ""},
	} {
		rows, left, err := c.flags.rows(servers.DefaultConfig(), nil)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v, want %q", c.flags, err, c.err)
			}
			continue
		}
		var names, without []string
		for _, r := range rows {
			names = append(names, r.Name)
			if len([]rune(r.Label)) > 14 {
				t.Errorf("%s: the label %q is too long", r.Name, r.Label)
			}
			if r.Reference != (r.Lecture == "reference") || r.Reference != servers.IsReference(r.Name) {
				t.Errorf("%+v", r)
			}
		}
		for _, l := range left {
			if without = append(without, l.Name); l.Why != "it is; not here" {
				t.Errorf("%s is left out because %q", l.Name, l.Why)
			}
		}
		slices.Sort(names)
		want := slices.Sorted(slices.Values(strings.Fields(c.rows)))
		if err != nil || !slices.Equal(names, want) || strings.Join(without, " ") != c.left {
			t.Errorf("%+v: %v without %v, %v; want %v without %v", c.flags, names, without, err, want, c.left)
		}
	}
}

// `all` takes the whole table, and names what is not finished.
func TestBenchTakesAll(t *testing.T) {
	lacking(t)
	rows, left, err := (&benchFlags{archs: "all"}).rows(servers.DefaultConfig(), nil)
	if err != nil || len(rows) != len(servers.Names()) {
		t.Errorf("%d rows, %v; the table has %d", len(rows), err, len(servers.Names()))
	}
	for _, a := range servers.Architectures {
		named := slices.ContainsFunc(left, func(l results.LeftOut) bool { return l.Name == a.Name })
		if named != a.Unfinished {
			t.Errorf("%s is left out: %v", a.Name, named)
		}
	}
	_, out, _ := ask("list")
	if strings.Contains(out, "not available") {
		t.Errorf("nothing is lacking:\n%s", out)
	}
	lacking(t, "process", "nginx")
	_, out, _ = ask("list")
	if !strings.Contains(out, "  not available here: it is; not here\n") ||
		!strings.Contains(out, "  not installed: it is; not here\n") {
		t.Errorf("what is lacking is not told:\n%s", out)
	}
}
