// Package cpuset divides a machine's CPUs between the server and the client, so that neither takes from the other, and
// pins processes to their share.
package cpuset

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// CPU is one logical CPU and where it sits.
type CPU struct {
	ID       int
	Package  int
	Core     int    // number of the physical core within its package
	Capacity int    // of the core's type; 1024 is the fastest of the machine, 0 if the kernel does not say
	Type     string // "core", "atom" or "" where all are of one type
}

// Split is a division of CPUs.
type Split struct {
	Server, Client []int
	Apart          bool   // no physical core belongs to both sides
	Why            string // what keeps them from being apart, or of one type; empty if nothing does
}

// Divide gives one CPU to the server and another to the client: on two physical cores of one type, the fastest that
// there are two of; where that can't be had it says why.
func Divide(cpus []CPU) (Split, error) {
	if len(cpus) == 0 {
		return Split{}, errors.New("no CPU to run on")
	}
	cpus = slices.Clone(cpus)
	slices.SortFunc(cpus, func(a, b CPU) int { // the fastest first, in the order of their numbers
		return cmp.Or(-cmp.Compare(a.speed(), b.speed()), cmp.Compare(a.ID, b.ID))
	})
	for i, a := range cpus {
		for _, b := range cpus[i+1:] {
			if a.alike(b) && !a.sameCore(b) {
				return Split{Server: []int{a.ID}, Client: []int{b.ID}, Apart: true}, nil
			}
		}
	}
	for _, b := range cpus[1:] {
		if !cpus[0].sameCore(b) {
			return Split{Server: []int{cpus[0].ID}, Client: []int{b.ID}, Apart: true,
				Why: "client and server run on cores of different types"}, nil
		}
	}
	if len(cpus) > 1 {
		return Split{Server: []int{cpus[0].ID}, Client: []int{cpus[1].ID},
			Why: "client and server share one physical core (SMT): each slows the other down"}, nil
	}
	return Split{Server: []int{cpus[0].ID}, Client: []int{cpus[0].ID},
		Why: "client and server share the only CPU: the client's work is part of every figure"}, nil
}

// Overlap tells why two sets given by hand do not separate client and server; empty if they do.
func Overlap(cpus []CPU, server, client []int) string {
	for _, a := range cpus {
		for _, b := range cpus {
			if slices.Contains(server, a.ID) && slices.Contains(client, b.ID) && a.sameCore(b) {
				return fmt.Sprintf("client and server share a physical core (CPU %d and CPU %d)", a.ID, b.ID)
			}
		}
	}
	return ""
}

func (c CPU) speed() int {
	if c.Type == "atom" {
		return c.Capacity - 1
	}
	return c.Capacity
}

func (c CPU) alike(o CPU) bool    { return c.Capacity == o.Capacity && c.Type == o.Type }
func (c CPU) sameCore(o CPU) bool { return c.Package == o.Package && c.Core == o.Core }

// Topology reads where the allowed CPUs sit. sys is /sys. What the kernel does not tell (in a container, say) is taken
// as one package of single cores.
func Topology(sys fs.FS, allowed []int) []CPU {
	types := map[int]string{}
	for _, t := range []string{"core", "atom"} { // Intel's hybrids
		ids, err := Parse(read(sys, "devices/cpu_"+t+"/cpus"))
		if err != nil {
			continue
		}
		for _, id := range ids {
			types[id] = t
		}
	}
	cpus := make([]CPU, len(allowed))
	for i, id := range allowed {
		dir := fmt.Sprintf("devices/system/cpu/cpu%d", id)
		cpus[i] = CPU{
			ID:       id,
			Package:  number(sys, dir+"/topology/physical_package_id", 0),
			Core:     number(sys, dir+"/topology/core_id", id),
			Capacity: number(sys, dir+"/cpu_capacity", 0),
			Type:     types[id],
		}
	}
	return cpus
}

func read(sys fs.FS, name string) string {
	b, err := fs.ReadFile(sys, path.Clean(name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func number(sys fs.FS, name string, or int) int {
	n, err := strconv.Atoi(read(sys, name))
	if err != nil {
		return or
	}
	return n
}

// Parse reads a list as the kernel writes it: "0-3,5".
func Parse(list string) ([]int, error) {
	var ids []int
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.Atoi(from)
		b := a
		if err == nil && isRange {
			b, err = strconv.Atoi(to)
		}
		if err != nil || a < 0 || b < a || b > 1<<16 {
			return nil, fmt.Errorf("CPU list %q: give numbers and ranges, such as 0-3,5", list)
		}
		for id := a; id <= b; id++ {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
