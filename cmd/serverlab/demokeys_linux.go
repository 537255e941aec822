package main

import (
	"golang.org/x/sys/unix"

	"serverlab/bench"
	"serverlab/results"
)

// demoState is what a demonstration was told.
type demoState struct {
	rate         float64
	work, silent int // places in demoWorks and demoSilents
	paused, help bool
	note         string
}

// What the keys go through.
var (
	demoWorks   = []struct{ path, words string }{{"/", ""}, {"/?wait=5ms", "waits 5 ms"}, {"/?block=5ms", "blocks 5 ms"}}
	demoSilents = []int{0, 16, 100, 1000}
	demoRates   = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000}
)

// demoAct is what a key asks of others.
type demoAct int

const (
	demoNothing demoAct = iota
	demoReload          // the load is another one
	demoKill
	demoEnd
)

// ctrlC is the key, where the terminal does not make a signal of it.
const ctrlC = 3

// press changes the state as a key says. In a pause the load may be changed; it begins when the pause ends.
func (s *demoState) press(key byte) demoAct {
	s.note = ""
	switch key {
	case 'w':
		s.work = (s.work + 1) % len(demoWorks)
	case 's':
		s.silent = (s.silent + 1) % len(demoSilents)
		if !silentFit(demoSilents[s.silent]) {
			s.silent, s.note = 0, "no more silent clients: too few descriptors are allowed; `ulimit -n 8192` helps"
		}
	case '+', '=': // the same key, mostly
		s.rate = nextRate(s.rate)
	case '-':
		s.rate = rateBefore(s.rate)
	case ' ':
		s.paused = !s.paused
	case '?', 'h':
		s.help = !s.help
		return demoNothing
	case 'k':
		return demoKill
	case 'q', ctrlC:
		return demoEnd
	default:
		return demoNothing
	}
	return demoReload
}

// silentFit tells whether so many clients of each of demoMost servers have descriptors here.
func silentFit(n int) bool {
	const others = 512
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return err != nil || uint64(n*demoMost+others) <= limit.Cur
}

// nextRate and rateBefore are the neighbours of a rate, itself where there is none.
func nextRate(rate float64) float64 {
	for _, r := range demoRates {
		if r > rate {
			return r
		}
	}
	return rate
}

func rateBefore(rate float64) float64 {
	before := rate
	for _, r := range demoRates {
		if r < rate {
			before = r
		}
	}
	return before
}

// load is what the servers are sent now.
func (s *demoState) load() bench.DemoLoad {
	if s.paused {
		return bench.DemoLoad{}
	}
	return bench.DemoLoad{Rate: s.rate, Path: demoWorks[s.work].path, Silent: demoSilents[s.silent]}
}

// picture is what is drawn of it.
func (s *demoState) picture(rows []results.DemoRow) results.Demo {
	return results.Demo{Rows: rows, Rate: s.rate, Work: demoWorks[s.work].words, Silent: demoSilents[s.silent],
		Paused: s.paused, Help: s.help, Note: s.note}
}
