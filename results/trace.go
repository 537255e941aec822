package results

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// SysTrace are the system calls by which an architecture answers a request. strace stops a thread at each of its calls:
// order and counts are those of any request, times are longer than they are without it.
type SysTrace struct {
	Arch      string         `json:"arch"`
	KeepAlive bool           `json:"keepalive"`
	Requests  []RequestTrace `json:"requests"` // on a fresh connection; then, with keep-alive, the next one on it
}

// RequestTrace is one request.
type RequestTrace struct {
	Kept    bool           `json:"kept"`              // on a connection that had answered one before
	Steps   []Step         `json:"steps"`             // as they began, or as waiting ended
	Runtime map[string]int `json:"runtime,omitempty"` // calls and signals of Go's runtime, by name
	Startup map[string]int `json:"startup,omitempty"` // calls of spawned programs before they touch the connection
}

// Step is one call that the architecture makes, or the end of a process.
type Step struct {
	At      float64 `json:"at"`      // seconds since the client began; a call in which somebody waited: when it returned
	Length  float64 `json:"length"`  // seconds, 0 where Waits is Still
	Process int     `json:"process"` // 1 for the server, then in the order in which they were started
	Thread  int     `json:"thread"`  // of the process, in the order in which they appear here
	Spawned bool    `json:"spawned"` // the process was started for this request
	Kind    Kind    `json:"kind"`
	Name    string  `json:"name"`
	Args    string  `json:"args"` // as strace prints them, but for the names of descriptors
	Result  string  `json:"result"`
	Waits   Waits   `json:"waits,omitempty"`
}

// Waits says on which side of the request a call sticks out of it.
type Waits string

// The ways.
const (
	Waited Waits = "waited" // it began before the request, and returned because of it
	Still  Waits = "still"  // it had not returned when the server was at rest again
)

// TraceMark says which request of a trace is meant.
type TraceMark struct {
	Client     string // the address of its end of the connection
	Text       string // that the request, and no other, holds
	Begin, End int64  // from before it was sent until the server was at rest again, nanoseconds since 1970
	Kept       bool
}

// What a step has for its result that started something.
const (
	aThread  = "a thread"
	aProcess = "a process"
)

// ringCall is the one call of a ring: the kernel does within it what is ordered.
const ringCall = "io_uring_enter"

// ErrNotTraced says that the calls of a trace do not hold the request that is looked for.
var ErrNotTraced = errors.New("strace saw nobody read the request")

// Calls counts the system calls of the architecture by name; the runtime's are not among them. A call in which a thread
// waited before counts, since the request ended it, and one in which it waits for the next does not.
func (t *RequestTrace) Calls() map[string]int {
	n := map[string]int{}
	for _, s := range t.Steps {
		if s.Kind == KindCall && s.Waits != Still {
			n[s.Name]++
		}
	}
	return n
}

// Total is how many system calls Calls counts.
func (t *RequestTrace) Total() (n int) {
	for _, calls := range t.Calls() {
		n += calls
	}
	return n
}

// OneRequest finds the calls of one request in a trace that holds all since the server was started, and tells those of
// the architecture from those of Go's runtime. It returns ErrNotTraced where nobody read the mark's text from the
// mark's client. Within io_uring_enter the kernel itself reads and writes, which strace does not see: there the call
// stands for all that was done in it.
func OneRequest(all []Syscall, m TraceMark) (RequestTrace, error) {
	f := newFolder(all, m)
	t := RequestTrace{Kept: m.Kept, Runtime: map[string]int{}, Startup: map[string]int{}}
	var seen []*Syscall
	read := false
	for i := range all {
		c := &all[i]
		f.watch(c)
		if c.End() < m.Begin || c.Begin > m.End || c.Begin < m.Begin && c.End() > m.End {
			continue // not of this request, or of one who slept through it
		}
		read = read || f.touches(c) && strings.Contains(c.Args, m.Text) || c.Name == ringCall
		switch {
		case f.startup(c):
			t.Startup[c.Name]++
		case f.noise(c):
			t.Runtime[c.Name]++
		default:
			seen = append(seen, c)
		}
	}
	if !read {
		return t, fmt.Errorf("%w of %s", ErrNotTraced, m.Client)
	}
	t.Steps = f.steps(f.dropIdle(seen, t.Runtime))
	return t, nil
}

// dropIdle moves the start and the end of threads that do nothing for the request to the runtime's calls: it keeps some
// in reserve. Where a thread ends that served, as each does in a thread per connection, a start is the architecture's
// even if the new one is not used yet: it replaces the one in reserve that was.
func (f *folder) dropIdle(seen []*Syscall, runtime map[string]int) []*Syscall {
	active, ended := map[int]bool{}, false
	for _, c := range seen {
		active[c.Thread] = active[c.Thread] || c.Kind == KindCall && c.Name != "exit" && !f.newThread(c)
	}
	for _, c := range seen {
		ended = ended || c.Kind == KindCall && c.Name == "exit" && active[c.Thread]
	}
	return slices.DeleteFunc(seen, func(c *Syscall) bool {
		if c.Kind == KindExit {
			return !f.born[c.Thread]
		}
		idle := f.newThread(c) && !active[child(c)] && !ended || c.Name == "exit" && !active[c.Thread]
		if idle {
			runtime[c.Name]++
		}
		return idle
	})
}

var (
	absolute   = regexp.MustCompile(`"/(?:[^"/]*/)+`) // where files lie is nobody's business
	descriptor = regexp.MustCompile(`(\d+|AT_FDCWD)<((?:->|[^<>])*)>`)
)

// steps puts calls in order and gives their threads small numbers.
func (f *folder) steps(seen []*Syscall) []Step {
	at := func(c *Syscall) int64 {
		if c.Begin < f.mark.Begin {
			return c.End()
		}
		return c.Begin
	}
	slices.SortStableFunc(seen, func(a, b *Syscall) int { return cmp.Compare(at(a), at(b)) })
	steps := make([]Step, 0, len(seen))
	numbers, used := map[int]int{}, map[int]int{}
	for _, c := range seen {
		process := f.process[c.Thread]
		if numbers[c.Thread] == 0 {
			used[process]++
			numbers[c.Thread] = used[process]
		}
		s := Step{At: float64(at(c)-f.mark.Begin) / 1e9, Process: slices.Index(f.order, process) + 1,
			Thread: numbers[c.Thread], Spawned: f.born[process], Kind: c.Kind, Name: c.Name,
			Args: f.plain(c.Args), Result: f.plain(c.Result)}
		if c.Name == "execve" {
			s.Args, _, _ = strings.Cut(s.Args, ",") // its arguments name files of this machine
		}
		switch {
		case f.newThread(c):
			s.Result = aThread
		case child(c) != 0:
			s.Result = aProcess
		}
		switch {
		case c.Begin < f.mark.Begin:
			s.Waits = Waited
		case c.Kind == KindCall && c.End() > f.mark.End && c.Name != "exit_group" && c.Name != "exit":
			s.Waits, s.Result = Still, ""
			if !strings.HasPrefix(c.Name, "accept") && !strings.HasPrefix(s.Args, "[") {
				s.Args, _, _ = strings.Cut(s.Args, ",") // what it will be given is not known yet
			}
		}
		if c.Length >= 0 && s.Waits != Still {
			s.Length = float64(c.Length) / 1e9
		}
		steps = append(steps, s)
	}
	return steps
}

// plain gives descriptors names that a reader knows: 7<TCP:[127.0.0.1:80->127.0.0.1:4711]> is "7 client".
func (f *folder) plain(text string) string {
	text = absolute.ReplaceAllString(text, `"`)
	return descriptor.ReplaceAllStringFunc(text, func(t string) string {
		part := descriptor.FindStringSubmatch(t)
		what := part[2]
		switch {
		case part[1] == "AT_FDCWD":
			return part[1]
		case strings.HasSuffix(what, f.peer):
			what = "client"
		case strings.HasPrefix(what, "TCP") && strings.Contains(what, "->"):
			what = "another client"
		case strings.HasPrefix(what, "TCP"):
			what = "listener"
		case strings.HasPrefix(what, "anon_inode:"):
			what = strings.Trim(strings.TrimPrefix(what, "anon_inode:"), "[]")
		case strings.HasPrefix(what, "UNIX"):
			what = "unix"
		case strings.HasPrefix(what, "pipe:"):
			what = "pipe"
		case strings.HasPrefix(what, "/"):
			what = what[strings.LastIndexByte(what, '/')+1:]
		}
		return part[1] + " " + what
	})
}
