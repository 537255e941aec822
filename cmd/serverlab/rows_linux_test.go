package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

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

// A pool's size may stand in the name of its row; the flag of a server outweighs it, and other rows have no pool.
func TestRowsOfOtherSizes(t *testing.T) {
	rows, _, err := (&benchFlags{archs: "threadpool:workers=8,prefork:accept=pass:workers=512,threadpool"}).rows(
		servers.DefaultConfig(), nil)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range []results.Architecture{{Name: "threadpool:workers=8", Label: "threadpool 8", AtOnce: 8},
		{Name: "prefork:accept=pass:workers=512", Label: "prefo pass 512", AtOnce: 512},
		{Name: "threadpool", Label: "threadpool 64", AtOnce: 64}} {
		if r := rows[i]; r.Name != want.Name || r.Label != want.Label || r.AtOnce != want.AtOnce {
			t.Errorf("row %d is %s, %q, %d at once; want %+v", i, r.Name, r.Label, r.AtOnce, want)
		}
	}
	for _, c := range []struct {
		args []string
		want int
	}{{nil, 8}, {[]string{"--workers=3"}, 3}} {
		f, call := serveFlags{}, call{flags: pflag.NewFlagSet("serve", pflag.ContinueOnError)}
		f.register(&call)
		if err := call.flags.Parse(append([]string{"--arch=threadpool:workers=8"}, c.args...)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.complete(call.flags); err != nil || f.cfg.Workers != c.want {
			t.Errorf("%v: %d workers, want %d: %v", c.args, f.cfg.Workers, c.want, err)
		}
	}
	if _, _, err := servers.Lookup("eventloop:workers=8"); err == nil {
		t.Error("an event loop has a pool")
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
