//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// What /proc tells of a server is asked of its whole process group: an architecture may be a tree of processes.

// group lists the processes of a process group that are alive or not reaped.
func group(pgid int) (pids []int) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil // no /proc, nothing to see
	}
	for _, proc := range all {
		if stat, err := proc.Stat(); err == nil && stat.PGRP == pgid { // an error: it has just ended
			pids = append(pids, proc.PID)
		}
	}
	return pids
}

// each calls see for every process of a group. One that ends meanwhile is left out.
func each(pgid int, see func(procfs.Proc) error) error {
	for _, pid := range group(pgid) {
		proc, err := procfs.NewProc(pid)
		if err == nil {
			err = see(proc)
		}
		if err != nil && !isGone(err) {
			return err
		}
	}
	return nil
}

// isGone tells whether a process could not be looked at because it has ended.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// holding is what a server holds at one moment, all its processes together.
type holding struct {
	processes, connections, threads int
	descriptors                     []string // of the first process: what they are open on
	workers                         []string // likewise, of the other process that has most
	memory                          uint64   // PSS, bytes
}

func (t *target) holdings() (h holding, err error) {
	err = each(t.Pid, func(proc procfs.Proc) error {
		stat, err := proc.Stat()
		if err != nil {
			return err
		}
		if h.processes++; stat.State == "Z" {
			return nil // it has ended, and nobody has reaped it yet
		}
		open, err := proc.FileDescriptorTargets()
		if err != nil {
			return err
		}
		rollup, err := proc.ProcSMapsRollup()
		if err != nil {
			return err
		}
		h.threads += stat.NumThreads
		h.memory += rollup.Pss
		if proc.PID == t.Pid {
			h.descriptors = open
		} else if len(open) > len(h.workers) {
			h.workers = open
		}
		return nil
	})
	if err == nil {
		h.connections, err = connections(t.Addr)
	}
	return h, err
}

// The states of a connection, as /proc/net/tcp has them.
const (
	established = "01"
	closeWait   = "08"
	listening   = "0A"
)

// connections counts the connections that the server at addr has, or that wait for it.
func connections(addr string) (n int, err error) {
	_, text, _ := strings.Cut(addr, ":")
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("the port of %s: %w", addr, err)
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, err
	}
	here := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line) // sl local_address rem_address st queues tr retrnsmt uid timeout inode
		if len(f) < 10 || !strings.HasSuffix(f[1], here) || f[3] == listening {
			continue
		}
		// A socket of no process has inode 0: it waits for accept, or it is closed and in its last throes.
		if f[9] != "0" || f[3] == established || f[3] == closeWait {
			n++
		}
	}
	return n, nil
}

// peaks is the most that each process has ever had resident, bytes; none of a server within this process.
func (t *target) peaks() (map[int]uint64, error) {
	peaks := map[int]uint64{}
	if t.Pid == 0 {
		return peaks, nil
	}
	err := each(t.Pid, func(proc procfs.Proc) error {
		status, err := proc.NewStatus()
		peaks[proc.PID] = status.VmHWM
		return err
	})
	return peaks, err
}

// grownPeak is by how much the peaks of all processes have grown since before. A process that is new is compared with
// the largest of then: all of a kind map the same program.
func (t *target) grownPeak(before map[int]uint64) (grown uint64, err error) {
	now, err := t.peaks()
	var largest uint64
	for _, peak := range before {
		largest = max(largest, peak)
	}
	for pid, peak := range now {
		was, known := before[pid]
		if !known {
			was = largest
		}
		grown += max(peak, was) - was
	}
	return grown, err
}

// cpuTime is what all processes have used, those that have ended and were reaped included, to a clock tick of 10 ms.
func (t *target) cpuTime() (used time.Duration, err error) {
	const tick = 10 * time.Millisecond
	err = each(t.Pid, func(proc procfs.Proc) error {
		stat, err := proc.Stat()
		if proc.PID == t.Pid {
			used += time.Duration(stat.CUTime+stat.CSTime) * tick
		}
		used += time.Duration(stat.UTime+stat.STime) * tick
		return err
	})
	return used, err
}

// threadsIn counts the threads of all processes that are in one of the system calls.
func (t *target) threadsIn(calls ...int) (n int, err error) {
	err = each(t.Pid, func(proc procfs.Proc) error {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", proc.PID))
		if err != nil {
			return err
		}
		for _, task := range tasks {
			text, err := os.ReadFile(task)
			switch {
			case err != nil && isGone(err):
				continue
			case err != nil:
				return skipped(fmt.Sprintf("what the threads wait for can't be read here: %v", err))
			}
			first, _, _ := strings.Cut(string(text), " ")
			for _, call := range calls {
				if first == strconv.Itoa(call) {
					n++
				}
			}
		}
		return nil
	})
	return n, err
}

// children counts the processes but for the first.
func (t *target) children() int { return len(group(t.Pid)) - 1 }
