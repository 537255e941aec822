//go:build linux

package proc

import (
	"bufio"
	"bytes"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// Host holds counters of the whole machine that grow when somebody else disturbs a measurement. A nil pointer is a
// counter that this machine does not have.
type Host struct {
	Steal           *float64 // seconds in which a hypervisor ran somebody else
	PSISome         *float64 // seconds in which some task waited for a CPU
	Throttled       *uint64  // times that a quota stopped this cgroup
	ListenOverflows *uint64  // connections dropped because a backlog was full
	ListenDrops     *uint64  // connections dropped by a listening socket for any reason
}

// ReadHost reads the counters.
func ReadHost() (h Host) {
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if stat, err := fs.Stat(); err == nil {
			h.Steal = &stat.CPUTotal.Steal
		}
		if psi, err := fs.PSIStatsForResource("cpu"); err == nil && psi.Some != nil {
			some := float64(psi.Some.Total) / 1e6
			h.PSISome = &some
		}
	}
	if self, err := procfs.Self(); err == nil {
		if net, err := self.Netstat(); err == nil {
			h.ListenOverflows, h.ListenDrops = whole(net.ListenOverflows), whole(net.ListenDrops)
		}
	}
	h.Throttled = throttled()
	return h
}

// Busy is how long the given CPUs have run processes of any kind, seconds in ticks of 10 ms; ok is false where the
// machine does not tell.
func Busy(cpus []int) (busy float64, ok bool) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, false
	}
	stat, err := fs.Stat()
	if err != nil {
		return 0, false
	}
	for _, id := range cpus {
		c, known := stat.CPU[int64(id)]
		if !known {
			return 0, false
		}
		busy += c.User + c.Nice + c.System
	}
	return busy, true
}

func whole(f *float64) *uint64 {
	if f == nil {
		return nil
	}
	n := uint64(*f)
	return &n
}

// Since returns the growth since earlier.
func (h Host) Since(earlier Host) Host {
	return Host{
		Steal:           minus(h.Steal, earlier.Steal),
		PSISome:         minus(h.PSISome, earlier.PSISome),
		Throttled:       minus(h.Throttled, earlier.Throttled),
		ListenOverflows: minus(h.ListenOverflows, earlier.ListenOverflows),
		ListenDrops:     minus(h.ListenDrops, earlier.ListenDrops),
	}
}

func minus[N uint64 | float64](now, earlier *N) *N {
	if now == nil || earlier == nil {
		return nil
	}
	d := *now - *earlier
	return &d
}

// throttled adds up nr_throttled of this process's cgroup and all above it.
func throttled() (sum *uint64) {
	for _, dir := range cgroupDirs() {
		b, err := os.ReadFile(path.Join(dir, "cpu.stat"))
		if err != nil {
			continue
		}
		for line := bufio.NewScanner(bytes.NewReader(b)); line.Scan(); {
			name, value, _ := strings.Cut(line.Text(), " ")
			if n, err := strconv.ParseUint(value, 10, 64); err == nil && name == "nr_throttled" {
				if sum == nil {
					sum = new(uint64)
				}
				*sum += n
			}
		}
	}
	return sum
}

// Quota returns the tightest CPU quota of this process's cgroups, in CPUs, and whether there is one.
func Quota() (cpus float64, ok bool) {
	for _, dir := range cgroupDirs() {
		b, err := os.ReadFile(path.Join(dir, "cpu.max"))
		if err != nil {
			continue
		}
		quota, period, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
		q, err1 := strconv.ParseFloat(quota, 64)
		p, err2 := strconv.ParseFloat(period, 64)
		if err1 == nil && err2 == nil && p > 0 && (!ok || q/p < cpus) {
			cpus, ok = q/p, true
		}
	}
	return cpus, ok
}

// cgroupDirs lists the directories of this process's version 2 cgroup and of those above it.
func cgroupDirs() (dirs []string) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		if cgroup, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			for dir := path.Clean(cgroup); ; dir = path.Dir(dir) {
				dirs = append(dirs, path.Join("/sys/fs/cgroup", dir))
				if dir == "/" || dir == "." {
					return dirs
				}
			}
		}
	}
	return nil
}
