//go:build linux

package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
	"serverlab/results"
)

// Problem is something about this machine that a run would suffer from, in one line with its cure.
type Problem struct {
	Text  string
	Fatal bool // the run can't begin
}

// What a run needs.
const (
	needDescriptors = silentClients + 512
	needMemory      = 512 << 20 // bytes available
	needPorts       = 8000
)

// descriptorsFor is how many descriptors a process needs that has all connections of any of the situations, and of the
// calibration. Half of the reserve is enough beside them: readRoom leaves it whole, and has busy clients in it.
func descriptorsFor(sits []results.Situation) uint64 {
	most := needDescriptors
	for i := range sits {
		s := &sits[i]
		most = max(most, s.Connections+s.Silent+s.Slow+reserve/2)
	}
	return uint64(most)
}

// preflight looks for problems before anything is measured.
func preflight(dir string, m results.Machine, sits []results.Situation, apart bool, why string) (all []Problem) {
	find := func(fatal bool, format string, args ...any) {
		all = append(all, Problem{fmt.Sprintf(format, args...), fatal})
	}
	if need := descriptorsFor(sits); m.Descriptors < need {
		find(true, "only %d descriptors are allowed, %d are needed: run `ulimit -n %d` first", m.Descriptors, need,
			need)
	}
	if why != "" {
		find(false, "%s; choose others by --server-cpus and --client-cpus if there are", why)
	} else if !apart {
		find(false, "client and server share a physical core: choose others by --server-cpus and --client-cpus")
	}
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if memory, err := fs.Meminfo(); err == nil && memory.MemAvailableBytes != nil &&
			*memory.MemAvailableBytes < needMemory {
			find(true, "only %d MiB of memory are available, %d are needed: close other programs",
				*memory.MemAvailableBytes>>20, needMemory>>20)
		}
	}
	if lo, hi, ok := strings.Cut(m.Sysctls["net.ipv4.ip_local_port_range"], " "); ok {
		from, err1 := strconv.Atoi(lo)
		to, err2 := strconv.Atoi(hi)
		if err1 == nil && err2 == nil && to-from < needPorts {
			find(false, "only %d local ports (net.ipv4.ip_local_port_range): connections may fail; widen it by sysctl -w",
				to-from)
		}
	}
	if n, err := strconv.Atoi(m.Sysctls["net.core.somaxconn"]); err == nil && n < 256 {
		find(false, "the backlog is limited to %d (net.core.somaxconn): bursts are dropped; raise it by sysctl -w", n)
	}
	if m.LoadAverage1 > 0.5*float64(m.Cores) {
		find(false, "other programs use the CPUs (load average %.1f): close them, or expect wide intervals", m.LoadAverage1)
	}
	if m.Governor == "powersave" || m.Battery == "discharging" {
		find(false, "the CPUs save power (governor %q, battery %q): plug in and choose the governor performance",
			m.Governor, m.Battery)
	}
	if m.CPUQuota != "" {
		find(false, "a quota limits this machine to %s: trials that it stops are marked", m.CPUQuota)
	}
	if err := writable(dir); err != nil {
		find(true, "results can't be written: %v; name another directory by --out", err)
	}
	return all
}

// room is what this machine leaves for connections.
type room struct {
	descriptors uint64 // of each process: the server has one for each connection, the load generator another one
	memory      uint64 // bytes available; 0: not known
	tasks       uint64 // threads that may still be started; 0: not known
}

// cost is what one more of something takes of a room.
type cost struct {
	of                         string // the experiment that may need many
	what                       string
	descriptors, memory, tasks uint64
}

// What an idle connection may take, where each has a thread, its stack and what the kernel keeps of both; and a process
// of a pool, whose runtime has some threads of its own.
var (
	idleCost = cost{IdleName, "idle connections", 1, 80 << 10, 1}
	poolCost = cost{PoolSizeName, "workers", 4, 4 << 20, 10}
)

// What is kept for everything else.
const (
	reserve      = 512  // descriptors, and threads
	usualMaxConn = 5000 // connections up to which a server's own limit is far
)

func readRoom() room {
	r := room{descriptors: machine().Descriptors}
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if memory, err := fs.Meminfo(); err == nil && memory.MemAvailableBytes != nil {
			r.memory = *memory.MemAvailableBytes
		}
	}
	for _, limit := range []string{"/proc/sys/kernel/threads-max", "/sys/fs/cgroup/pids.max"} {
		if n, err := strconv.ParseUint(text(limit), 10, 64); err == nil && (r.tasks == 0 || n < r.tasks) {
			r.tasks = n
		}
	}
	return r
}

// most is how many of something there is room for, at most want, and why where they are fewer.
func (r room) most(want int, each cost) (most int, why string) {
	most = want
	reduce := func(to uint64, because string) {
		if to < uint64(most) {
			most = int(to)
			why = fmt.Sprintf("%s: at most %d %s in place of %d: %s", each.of, most, each.what, want, because)
		}
	}
	reduce((max(r.descriptors, reserve)-reserve)/each.descriptors, fmt.Sprintf(
		"%d descriptors are allowed; run `ulimit -n %d` first", r.descriptors, uint64(want)*each.descriptors+reserve))
	if r.memory > 0 {
		reduce((max(r.memory, needMemory)-needMemory)/each.memory, fmt.Sprintf(
			"%d MiB of memory are available; close other programs", r.memory>>20))
	}
	if r.tasks > 0 {
		reduce((max(r.tasks, reserve)-reserve)/each.tasks, fmt.Sprintf(
			"%d threads are allowed; raise kernel.threads-max or the cgroup's pids.max", r.tasks))
	}
	return most, why
}

// connsFor is how many connections a server must take in a situation; 0: its own limit is far.
func connsFor(s *results.Situation) int {
	if n := s.Silent + s.Slow + s.Connections; n > usualMaxConn {
		return n + n/4
	}
	return 0
}

// writable makes the directory and tries to write into it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".try-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
