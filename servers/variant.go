package servers

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Variant is how an architecture may be built otherwise than by default. A zero field means the default; each row of
// the table says which settings it heeds.
type Variant struct {
	Accept      string // how connections reach the workers: Shared, ReusePort or Pass; "": the row's first
	Spawn       string // how a process is made for a request: Exec or Fork; "": Exec
	Loops       int    // event loops: threads of eventloop, processes of symped
	Trigger     string // what epoll reports: "level" (is readable) or "edge" (has become readable)
	Helpers     int    // threads to which an event loop hands requests
	Queue       int    // requests that may wait for a stage's threads; 0: as many as it has threads
	MinSpare    int    // idle workers below which more are started; 0: the pool is fixed
	MaxSpare    int    // idle workers above which some are ended
	WorkerConns int    // connections after which a worker process is replaced; 0: never
	Pool        int    // workers, in place of those that Config says for all rows; 0: these
}

// The ways in which connections reach workers.
const (
	Shared    = "shared"    // all wait on one listening socket, and the kernel wakes one (gnet: one loop accepts for all)
	ReusePort = "reuseport" // each has a listening socket of its own, and the kernel spreads connections over them
	Pass      = "pass"      // one accepts and hands each connection to a worker that is idle
)

// The ways in which a process is made for a request.
const (
	Exec = "exec" // a program is started
	Fork = "fork" // one that runs already is copied, which Go's runtime does not promise to work
)

// Edge is the trigger that reports a descriptor once each time that something has arrived.
const Edge = "edge"

// Setting is one field of Variant: a flag of `serverlab serve`, and a part of a row's name.
type Setting struct {
	Name, About string
	Note        string // for those who look at the rows, if there is more to know of it
	number      func(*Variant) *int
	word        func(*Variant) *string
	words       []string
	most        int // the largest number
	// InName says that it is a part of a row's name only, and that a flag of `serverlab serve` says it otherwise.
	InName bool
}

// Settings lists the fields of Variant.
var Settings = []Setting{
	{Name: "accept", About: "how connections reach the workers: `WAY` shared, reuseport or pass",
		word: func(v *Variant) *string { return &v.Accept }, words: []string{Shared, ReusePort, Pass}},
	{Name: "spawn", About: "how a process is made for a request: `WAY` exec, or fork, which is experimental",
		Note: "exec, or fork, which is experimental",
		word: func(v *Variant) *string { return &v.Spawn }, words: []string{Exec, Fork}},
	{Name: "loops", About: "event loops, a CPU each", number: func(v *Variant) *int { return &v.Loops },
		most: 1024},
	{Name: "trigger", About: "what epoll reports: `WHAT` level or edge",
		word: func(v *Variant) *string { return &v.Trigger }, words: []string{"level", Edge}},
	{Name: "helpers", About: "threads to which an event loop hands requests",
		number: func(v *Variant) *int { return &v.Helpers }, most: 8192},
	{Name: "queue", About: "requests that may wait for a stage (0: as many as --workers); one more is answered 503",
		number: func(v *Variant) *int { return &v.Queue }, most: 1_000_000},
	{Name: "min-spare", About: "idle processes below which more are started (0: a fixed pool)",
		number: func(v *Variant) *int { return &v.MinSpare }, most: 10_000},
	{Name: "max-spare", About: "idle processes above which some are ended",
		number: func(v *Variant) *int { return &v.MaxSpare }, most: 10_000},
	{Name: "worker-conns", About: "connections after which a worker process is replaced (0: never)",
		number: func(v *Variant) *int { return &v.WorkerConns }, most: 1_000_000},
	{Name: "workers", About: "workers of the pool", number: func(v *Variant) *int { return &v.Pool },
		most: 10_000, InName: true},
}

// Set gives the named setting a value.
func (v *Variant) Set(name, value string) error {
	i := slices.IndexFunc(Settings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return fmt.Errorf("no setting %q", name)
	}
	s := Settings[i]
	if s.word != nil {
		if !slices.Contains(s.words, value) {
			return fmt.Errorf("%s %q: choose one of %s", name, value, strings.Join(s.words, ", "))
		}
		*s.word(v) = value
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > s.most {
		return fmt.Errorf("%s %q: give a number from 0 to %d", name, value, s.most)
	}
	*s.number(v) = n
	return nil
}

// String lists what is set, as in the name of a row: "accept=pass:max-spare=5".
func (v Variant) String() string {
	var parts []string
	for _, s := range Settings {
		switch {
		case s.word != nil && *s.word(&v) != "":
			parts = append(parts, s.Name+"="+*s.word(&v))
		case s.number != nil && *s.number(&v) != 0:
			parts = append(parts, s.Name+"="+strconv.Itoa(*s.number(&v)))
		}
	}
	return strings.Join(parts, ":")
}

// Check tells whether a row heeds all that is set.
func (v Variant) Check(a Architecture) error {
	for _, s := range Settings {
		given := s.word != nil && *s.word(&v) != "" || s.number != nil && *s.number(&v) != 0
		switch {
		case !given:
		case s.Name == "accept" && !slices.Contains(a.Accepts, v.Accept):
			return fmt.Errorf("%s knows no accept=%s%s", a.Name, v.Accept, choices(a.Accepts))
		case s.Name != "accept" && !slices.Contains(a.Settings, s.Name):
			return fmt.Errorf("%s knows no %s%s", a.Name, s.Name, choices(a.Settings))
		}
	}
	if v.MaxSpare > 0 && v.MaxSpare < v.MinSpare {
		return fmt.Errorf("max-spare %d is less than min-spare %d", v.MaxSpare, v.MinSpare)
	}
	if v.Accept == ReusePort && v.MinSpare > 0 {
		return errors.New("with accept=reuseport every queue needs a worker: leave out min-spare and max-spare")
	}
	if v.MaxSpare > 0 && v.MinSpare == 0 {
		return fmt.Errorf("max-spare %d needs a min-spare", v.MaxSpare)
	}
	return nil
}

func choices(known []string) string {
	if len(known) == 0 {
		return ""
	}
	return ": choose one of " + strings.Join(known, ", ")
}
