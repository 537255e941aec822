//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
	"serverlab/internal/proc"
	"serverlab/results"
)

// recorded are the settings of the kernel that can move a result.
var recorded = []string{"net.core.somaxconn", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_tw_reuse",
	"net.ipv4.tcp_max_tw_buckets", "net.ipv4.tcp_max_syn_backlog", "kernel.sched_autogroup_enabled"}

// machine describes what a run is measured on. It asks for neither host nor user name.
func machine() results.Machine {
	m := results.Machine{
		OS:         osName(),
		GoVersion:  runtime.Version(),
		SMT:        text("/sys/devices/system/cpu/smt/control"),
		Governor:   text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
		Battery:    battery(),
		Hypervisor: hypervisor(),
		Container:  container(),
		Sysctls:    map[string]string{},
	}
	if allowed, err := cpuset.Allowed(); err == nil {
		m.Cores = len(allowed)
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		m.Kernel = unix.ByteSliceToString(uts.Release[:]) + " " + unix.ByteSliceToString(uts.Machine[:])
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		m.Descriptors = limit.Cur
	}
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if infos, err := fs.CPUInfo(); err == nil && len(infos) > 0 {
			m.CPU = infos[0].ModelName
		}
		if memory, err := fs.Meminfo(); err == nil && memory.MemTotalBytes != nil {
			m.MemoryBytes = *memory.MemTotalBytes
		}
		if load, err := fs.LoadAvg(); err == nil {
			m.LoadAverage1 = load.Load1
		}
	}
	if quota, ok := proc.Quota(); ok {
		m.CPUQuota = fmt.Sprintf("%.2f CPUs", quota)
	}
	for _, name := range recorded {
		if v := text("/proc/sys/" + strings.ReplaceAll(name, ".", "/")); v != "" {
			m.Sysctls[name] = strings.Join(strings.Fields(v), " ")
		}
	}
	return m
}

func text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func osName() string {
	for line := range strings.Lines(text("/etc/os-release")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"`)
		}
	}
	return runtime.GOOS
}

// battery says whether a laptop runs on it: then the CPUs run as they please.
func battery() string {
	supplies, err := os.ReadDir("/sys/class/power_supply")
	if err != nil {
		return ""
	}
	for _, s := range supplies {
		dir := "/sys/class/power_supply/" + s.Name()
		if text(dir+"/type") == "Battery" {
			return strings.ToLower(text(dir + "/status"))
		}
	}
	return ""
}

func hypervisor() string {
	if name := text("/sys/hypervisor/type"); name != "" {
		return name
	}
	if vendor := text("/sys/class/dmi/id/sys_vendor"); strings.Contains(vendor, "QEMU") ||
		strings.Contains(vendor, "VMware") || strings.Contains(vendor, "innotek") || strings.Contains(vendor, "Amazon") ||
		strings.Contains(vendor, "Google") {
		return vendor
	}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil && bytes.Contains(b, []byte(" hypervisor")) {
		return "yes"
	}
	return ""
}

func container() string {
	for path, name := range map[string]string{"/.dockerenv": "docker", "/run/.containerenv": "podman"} {
		if _, err := os.Stat(path); err == nil {
			return name
		}
	}
	return ""
}
