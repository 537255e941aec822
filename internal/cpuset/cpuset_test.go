package cpuset

import (
	"slices"
	"testing"
	"testing/fstest"
)

func TestDivide(t *testing.T) {
	smt := func(id, core int) CPU { return CPU{ID: id, Core: core} }
	for _, c := range []struct {
		name           string
		cpus           []CPU
		server, client int
		apart, why     bool
	}{
		{"two cores", []CPU{smt(0, 0), smt(1, 1)}, 0, 1, true, false},
		{"SMT: the sibling is passed over", []CPU{smt(0, 0), smt(1, 0), smt(2, 1), smt(3, 1)}, 0, 2, true, false},
		{"one core with two threads", []CPU{smt(0, 0), smt(1, 0)}, 0, 1, false, true},
		{"one CPU", []CPU{smt(3, 3)}, 3, 3, false, true},
		{"hybrid: two fast cores", []CPU{{ID: 0, Core: 0, Type: "atom"}, {ID: 1, Core: 1, Type: "core"},
			{ID: 2, Core: 2, Type: "atom"}, {ID: 3, Core: 3, Type: "core"}}, 1, 3, true, false},
		{"one fast core only: two slow ones are alike", []CPU{{ID: 0, Core: 0, Capacity: 1024},
			{ID: 1, Core: 1, Capacity: 400}, {ID: 2, Core: 2, Capacity: 400}}, 1, 2, true, false},
		{"one of each", []CPU{{ID: 0, Core: 0, Capacity: 400}, {ID: 1, Core: 1, Capacity: 1024}}, 1, 0, true, true},
		{"two sockets number their cores alike", []CPU{{ID: 0, Package: 0}, {ID: 1, Package: 1}}, 0, 1, true, false},
	} {
		s, err := Divide(c.cpus)
		if err != nil || !slices.Equal(s.Server, []int{c.server}) || !slices.Equal(s.Client, []int{c.client}) ||
			s.Apart != c.apart || (s.Why != "") != c.why {
			t.Errorf("%s: %+v, %v", c.name, s, err)
		}
	}
	if _, err := Divide(nil); err == nil {
		t.Error("no CPU at all was divided")
	}
}

func TestTopology(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s + "\n")} }
	sys := fstest.MapFS{
		"devices/cpu_atom/cpus":                                file("4-5"),
		"devices/cpu_core/cpus":                                file("0-3"),
		"devices/system/cpu/cpu1/topology/physical_package_id": file("0"),
		"devices/system/cpu/cpu1/topology/core_id":             file("0"),
		"devices/system/cpu/cpu1/cpu_capacity":                 file("1024"),
		"devices/system/cpu/cpu4/topology/core_id":             file("16"),
	}
	want := []CPU{{ID: 1, Core: 0, Capacity: 1024, Type: "core"}, {ID: 4, Core: 16, Type: "atom"}, {ID: 7, Core: 7}}
	if got := Topology(sys, []int{1, 4, 7}); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOverlap(t *testing.T) {
	cpus := []CPU{{ID: 0, Core: 0}, {ID: 1, Core: 0}, {ID: 2, Core: 1}}
	if why := Overlap(cpus, []int{0}, []int{1}); why == "" {
		t.Error("siblings were taken for separate")
	}
	if why := Overlap(cpus, []int{0, 1}, []int{2}); why != "" {
		t.Errorf("separate cores were called shared: %s", why)
	}
}

func TestParse(t *testing.T) {
	for list, want := range map[string][]int{"0": {0}, "0-3,5": {0, 1, 2, 3, 5}, "5,1-2": {1, 2, 5}, "2,2": {2}} {
		if got, err := Parse(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("Parse(%q) = %v, %v; want %v", list, got, err, want)
		}
	}
	for _, list := range []string{"", "x", "3-1", "-1", "1-", "0-99999999"} {
		if got, err := Parse(list); err == nil {
			t.Errorf("Parse(%q) = %v; want an error", list, got)
		}
	}
}
