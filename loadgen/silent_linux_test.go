package loadgen

import (
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// A server whose backlog is full takes no more silent clients: that is its error, and not that of the load generator,
// which would make the trial void.
func TestSilentClientsThatNobodyAccepts(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var short error
	if err := raw.Control(func(fd uintptr) { short = unix.Listen(int(fd), 4) }); err != nil || short != nil {
		t.Fatal(err, short)
	}
	l := mustRun(t, Config{URL: "http://" + ln.Addr().String() + "/", Connections: 2, Threads: 1, Silent: 50, Rate: 100,
		Arrivals: "constant", Duration: 100 * time.Millisecond, Timeout: 200 * time.Millisecond,
		Check: Check{Status: 200, Length: -1}})
	if n := l.Errors[ErrSilent]; n < 40 || l.Silent+int(n) != 50 || l.Errors[ErrPorts]+l.Errors[ErrDescriptors] > 0 {
		t.Errorf("%d silent clients, errors %v", l.Silent, l.Errors)
	}
	all := Verdict(Evidence{Load: l})
	of := func(kind string) bool {
		return slices.ContainsFunc(all, func(f results.Finding) bool { return f.Kind == kind })
	}
	if !of("errors") || of("client's limits") {
		t.Errorf("%+v", all)
	}
}

// Where this side has no descriptor or port left, that is said by its own name, as of busy clients.
func TestSilentErrorsByTheirSide(t *testing.T) {
	s := &silent{fds: make([]int32, 4), connecting: make([]bool, 4)}
	for i, k := range []kind{ports, descriptors, refused, timeout} {
		s.fds[i] = -1
		s.fail(i, k)
	}
	errors := map[string]uint64{ErrPorts: 1}
	s.addErrors(errors, ErrSlow)
	if errors[ErrPorts] != 2 || errors[ErrDescriptors] != 1 || errors[ErrSlow] != 2 || len(errors) != 3 {
		t.Errorf("errors %v", errors)
	}
}
