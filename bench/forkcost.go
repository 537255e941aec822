//go:build linux

package bench

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"serverlab/internal/cpuset"
	"serverlab/internal/proc"
	"serverlab/internal/spawner"
)

// forkCost measures the price of a process that is not a program: a fork of the worker, which ends at once. It is what
// a C server pays that forks, but for the larger memory of a Go program. All three are charged that take part: the child
// by what wait4 says, who asks for it by the CPU clock of its thread, and the spawner by that of its process.
func forkCost(cpus []int, argv []string) (*float64, error) {
	var costs []float64
	err := cpuset.Within(cpus, func() error {
		s, err := spawner.Start(argv, []string{"GOGC=off", "GOMAXPROCS=1"}, nil)
		if err != nil {
			return err
		}
		defer s.Close()
		tree, err := proc.NewTree(s.PID())
		if err != nil {
			return err
		}
		for round := range spawnRounds + 1 {
			c, err := forkOnce(s, tree)
			if err != nil {
				return err
			}
			if round > 0 { // the first brings memory in
				costs = append(costs, c)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("measure a fork: %w", err)
	}
	slices.Sort(costs)
	return &costs[spawnRounds/2], nil
}

func forkOnce(s *spawner.Process, tree *proc.Tree) (float64, error) {
	was, err := tree.Usage()
	if err != nil {
		return 0, err
	}
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before); err != nil {
		return 0, err
	}
	pid, err := s.Fork(0, false) // it does not look at its connection
	if err != nil {
		return 0, err
	}
	var status unix.WaitStatus
	var used unix.Rusage
	for {
		if _, err = unix.Wait4(pid, &status, 0, &used); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil || !status.Exited() || status.ExitStatus() != 0 {
		return 0, fmt.Errorf("a child ended with status %#x, %v", int(status), err)
	}
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after); err != nil {
		return 0, err
	}
	is, err := tree.Usage()
	if err != nil {
		return 0, err
	}
	return float64(after.Nano()-before.Nano()+used.Utime.Nano()+used.Stime.Nano())/1e9 + is.Sub(was).CPU, nil
}
