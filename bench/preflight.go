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

// preflight looks for problems before anything is measured.
func preflight(dir string, m results.Machine, apart bool, why string) (all []Problem) {
	find := func(fatal bool, format string, args ...any) {
		all = append(all, Problem{fmt.Sprintf(format, args...), fatal})
	}
	if m.Descriptors < needDescriptors {
		find(true, "only %d descriptors are allowed, %d are needed: run `ulimit -n %d` first", m.Descriptors,
			needDescriptors, needDescriptors)
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
