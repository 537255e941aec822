package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"serverlab/internal/proc"
	"serverlab/results"
	"serverlab/servers"
)

// word is one of the language of the lanes, and how a call of a trace shows it.
type word struct {
	text string
	is   func(s *results.Step) bool
}

// words are those that a system call can show. Of a reference only the first four are compared.
var words = []word{
	{"accept", func(s *results.Step) bool {
		return strings.HasPrefix(s.Name, "accept") && strings.HasSuffix(s.Result, "client")
	}},
	{"read", func(s *results.Step) bool {
		return strings.Contains(s.Args, "GET / HTTP") || s.Name == "recvmsg" && strings.Contains(s.Args, "client") &&
			!strings.Contains(s.Args, "unix") // a connection that is passed
	}},
	{"write", func(s *results.Step) bool { return strings.Contains(s.Args, `"HTTP/1.1 2`) }},
	{"wait for events", func(s *results.Step) bool {
		return strings.HasPrefix(s.Name, "epoll_") && strings.Contains(s.Name, "wait")
	}},
	{"hand over orders, and wait", func(s *results.Step) bool { return s.Name == "io_uring_enter" }},
	{"close", func(s *results.Step) bool { return s.Name == "close" && strings.Contains(s.Args, "client") }},
	{"spawn a worker", func(s *results.Step) bool { return s.Result == "a process" }},
	{"reap it", func(s *results.Step) bool { return s.Name == "wait4" }},
	{"exit", func(s *results.Step) bool { return s.Kind == results.KindExit }},
	{"pass", func(s *results.Step) bool { return onPipe(s, "write", " 4") || onSocketPair(s, "sendmsg") }},
	{"queue", func(s *results.Step) bool { return onPipe(s, "write", " 2") }},
	{"take", func(s *results.Step) bool {
		return onPipe(s, "read", " 4") || onPipe(s, "read", " 2") || onSocketPair(s, "recvmsg")
	}},
	{"wait for an idle thread", func(s *results.Step) bool { return onPipe(s, "read", " 1") }},
	{"hand over", func(s *results.Step) bool { return s.Name == "write" && strings.Contains(s.Args, "eventfd") }},
}

// onPipe finds what threads of a pool say to each other: a connection has four bytes, that one is idle has one, and that
// something is queued has two.
func onPipe(s *results.Step, name, size string) bool {
	return s.Name == name && strings.Contains(s.Args, "pipe") && strings.HasSuffix(s.Args, size)
}

func onSocketPair(s *results.Step, name string) bool {
	return s.Name == name && strings.Contains(s.Args, "unix") && s.Waits != results.Still
}

// actor is who makes calls: a thread, or a whole process, as 0, where the runtime may change the thread from call to
// call.
type actor struct{ process, thread int }

// acted is what each did, in words.
func acted(steps []results.Step, known []word, moves func(process int) bool) map[actor]map[string]bool {
	all := map[actor]map[string]bool{}
	for i := range steps {
		s := &steps[i]
		who := actor{s.Process, s.Thread}
		if moves(s.Process) {
			who.thread = 0
		}
		for _, w := range known {
			if !w.is(s) {
				continue
			}
			if all[who] == nil {
				all[who] = map[string]bool{}
			}
			if w.text == "close" && all[who]["pass"] {
				w.text = "close its copy"
			}
			all[who][w.text] = true
		}
	}
	return all
}

// claimed is what a lane is said to do, of the words that a trace can show.
func claimed(l *results.Lane, known []word) map[string]bool {
	all := map[string]bool{}
	for _, d := range l.Does {
		if d == "close its copy" || slices.ContainsFunc(known, func(w word) bool { return w.text == d }) {
			all[d] = true
		}
	}
	return all
}

// What is drawn of an architecture is what its system calls show: a thread or process for each lane, which does all
// that the lane is said to do, and nobody who does anything else.
func TestLanesAreTrue(t *testing.T) {
	needsStrace(t)
	for _, a := range slices.Concat(servers.Architectures, servers.References) {
		if a.Unfinished || available(a) != nil {
			continue
		}
		for _, row := range append(a.Rows(), a.Name+":accept="+servers.Shared) {
			if _, v, err := servers.Lookup(row); err == nil {
				t.Run(row, func(t *testing.T) { lanesAreTrue(t, a, v) })
			}
		}
	}
}

func lanesAreTrue(t *testing.T, a servers.Architecture, v servers.Variant) {
	cfg := servers.DefaultConfig()
	cfg.Variant, cfg.Workers = v, 2
	known, goroutines := words, a.Unit == servers.Goroutine || a.Name == "eventloop" // gnet's loops are goroutines
	moves := func(process int) bool { return goroutines || process > 1 }
	if servers.IsReference(a.Name) {
		known, moves = words[:4], func(int) bool { return goroutines }
	}
	type claim struct {
		child bool // by a process that the server has started
		does  map[string]bool
	}
	var claims []claim
	child, ends := false, false
	for i, l := range lanes(a, cfg) {
		child = child || i > 0 && l.Process
		ends = ends || l.Again == "" && !l.Process && !goroutines
		c := claim{child, claimed(&l, known)}
		switch {
		case len(c.does) == 0 || l.Returns == "answer": // a helper is not asked in this request
		case l.Returns == "completions": // the kernel makes no system calls
		case goroutines && len(claims) > 0: // who of the process does what can't be told
			maps.Copy(claims[0].does, c.does)
		default:
			claims = append(claims, c)
		}
	}
	steps := traced(t, servers.Row(a, v)).Requests[0].Steps
	did := acted(steps, known, moves)
	for who, does := range did {
		i := slices.IndexFunc(claims, func(c claim) bool {
			return maps.Equal(c.does, does) && (c.child == (who.process > 1) || a.StaticOnly)
		})
		if i < 0 {
			t.Errorf("process %d thread %d did %v, and no lane is said to: %v", who.process, who.thread, does, claims)
		} else {
			claims = slices.Delete(claims, i, i+1) // a lane acts once in one request
		}
	}
	if len(claims) > 0 {
		t.Errorf("lanes are said to %v, and nobody did: %v", claims, did)
	}
	ended := slices.ContainsFunc(steps, func(s results.Step) bool { return s.Name == "exit" && !s.Spawned })
	if ended != ends {
		t.Errorf("a thread ended with its connection: %t, drawn: %t", ended, ends)
	}
}

// Numbers that are drawn are those of threads and processes that are there.
func TestLanesAreAsMany(t *testing.T) {
	const few, many = 3, 40
	for _, a := range servers.Architectures {
		if a.Unfinished || available(a) != nil {
			continue
		}
		for _, row := range a.Rows() {
			_, v, err := servers.Lookup(row)
			if err != nil {
				t.Fatal(err)
			}
			cfg := servers.DefaultConfig()
			cfg.Variant, cfg.Workers = v, many
			pool, perWorker := results.Lane{}, false
			for i, l := range lanes(a, cfg) {
				if i > 0 && l.Process && !slices.Contains(l.Does, "exit") { // not one that a request brings
					pool = l
				} else if strings.HasSuffix(l.Who, fmt.Sprintf(" 1 … %d", many)) {
					perWorker = true
				}
			}
			before, after := sizeAtRest(t, row, few), sizeAtRest(t, row, many)
			least, most := 0, 0
			if pool.Process {
				least, most = 1, many
			}
			if _, n, ok := strings.Cut(pool.Who, " 1 … "); ok {
				if least, err = strconv.Atoi(n); err != nil {
					t.Errorf("%s: %q: %v", row, pool.Who, err)
				}
				most = least
			}
			if n := after.Processes - 1; n < least || n > most {
				t.Errorf("%s: %d worker processes, and %q is drawn", row, n, pool.Who)
			}
			if more := after.Threads-before.Threads > (many-few)*3/4; more != perWorker && !pool.Process {
				t.Errorf("%s: %d threads with %d workers, %d with %d; drawn as a thread for each: %t", row,
					before.Threads, few, after.Threads, many, perWorker)
			}
		}
	}
}

// sizeAtRest starts a server and says of how many processes and threads it consists before anybody has come.
func sizeAtRest(t *testing.T, row string, workers int) proc.Size {
	t.Helper()
	s := startServing(t, "--arch", row, "--workers", strconv.Itoa(workers))
	defer s.kill()
	tree, err := proc.NewTree(s.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := tree.Rest(ctx); err != nil {
		t.Fatal(err)
	}
	size, err := tree.Size()
	if err != nil {
		t.Fatal(err)
	}
	return size
}
