//go:build linux && !race

package spawner

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// With one of these as its only argument the test's program is a spawner, or one that can't be.
const (
	beSpawner = "be-spawner"
	beBusy    = "be-busy"    // it has a goroutine
	bePolling = "be-polling" // it has a poller
	beSmall   = "be-small"   // it may not have huge pages
	beLate    = "be-late="   // it hangs, unless there is the file that is named behind; it makes that
)

func TestMain(m *testing.M) {
	if len(os.Args) != 2 || !strings.HasPrefix(os.Args[1], "be-") {
		os.Exit(m.Run())
	}
	if file, late := strings.CutPrefix(os.Args[1], beLate); late && unix.Mkdir(file, 0o700) == nil {
		hang()
	}
	switch os.Args[1] {
	case beBusy:
		go func() { select {} }()
	case bePolling:
		time.AfterFunc(time.Hour, func() {})
	case beSmall:
		if err := unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	if err := Run(func() { _ = make([]byte, 1<<16) }, child); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(0)
}

// child does what the first byte of its connection asks for, and answers.
func child(connection int, keep bool) int {
	var ask [1]byte
	if n, err := unix.Read(connection, ask[:]); err != nil || n != 1 {
		return 9
	}
	answer := "done"
	switch ask[0] {
	case 'r':
		var id [16]byte
		_, _ = rand.Read(id[:])
		answer = hex.EncodeToString(id[:])
	case 'p':
		answer = fmt.Sprint(unix.Getpid(), unix.Getppid(), keep)
	case 'f':
		answer = strings.Join(open(), " ")
	case 's':
		time.Sleep(20 * time.Millisecond)
	case 'g':
		goroutines()
	case 't':
		tasks, err := os.ReadDir("/proc/self/task")
		answer = fmt.Sprint(len(tasks), err)
	case 'w': // until the connection ends
		_, _ = unix.Read(connection, ask[:])
		return 0
	case 'h':
		hang()
	}
	if _, err := unix.Write(connection, []byte(answer)); err != nil {
		return 9
	}
	return 3
}

// hang waits for ever for what nobody can do.
func hang() {
	var nobody uint32
	for {
		_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&nobody)), 0, 0, 0, 0, 0)
	}
}

// goroutines has many of them allocate and wait for each other, as the handlers of others may.
func goroutines() {
	done := make(chan int)
	for range 20 {
		go func() {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = byte(i)
			}
			time.Sleep(time.Millisecond)
			runtime.Gosched()
			done <- int(b[77])
		}()
	}
	for range 20 {
		<-done
	}
}

func open() (names []string) {
	fds, err := descriptors()
	if err != nil {
		return []string{err.Error()}
	}
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd)
		if err == nil && !strings.HasPrefix(to, "/") {
			to, _, _ = strings.Cut(to, ":")
			names = append(names, to)
		}
	}
	return names
}

func start(t *testing.T, what string) (*Process, error) {
	t.Helper()
	runtime.LockOSThread() // the spawner ends with the thread that has started it
	t.Cleanup(runtime.UnlockOSThread)
	return Start([]string{os.Args[0], what}, []string{"GOGC=off", "GOMAXPROCS=1"}, nil)
}

func started(t *testing.T) *Process {
	t.Helper()
	s, err := start(t, beSpawner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// forked asks a child, which it returns with the test's end of its connection.
func forked(t *testing.T, s *Process, ask string, keep bool) (pid int, connection *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	connection = os.NewFile(uintptr(pair[0]), "connection")
	if _, err := connection.WriteString(ask); err != nil {
		t.Fatal(err)
	}
	if pid, err = s.Fork(pair[1], keep); err != nil {
		connection.Close()
		t.Fatal(err)
	}
	return pid, connection
}

// said returns the answer of a child and its exit status, when it has ended.
func said(t *testing.T, pid int, connection *os.File) (string, int) {
	t.Helper()
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil || !status.Exited() {
		t.Fatalf("child %d: status %#x, %v", pid, int(status), err)
	}
	return string(answer), status.ExitStatus()
}

// A child is one of the process that asks, not of the spawner, and is told what it was asked for.
func TestChild(t *testing.T) {
	s := started(t)
	for i := range 50 {
		keep := i%2 == 0
		pid, connection := forked(t, s, "p", keep)
		answer, status := said(t, pid, connection)
		if want := fmt.Sprint(pid, os.Getpid(), keep); answer != want || status != 3 || pid == s.PID() {
			t.Fatalf("child %d of spawner %d said %q and ended with %d, want %q and 3", pid, s.PID(), answer, status,
				want)
		}
	}
}

// What was random in the spawner is not the same in all of its children.
func TestChildrenDrawDifferently(t *testing.T) {
	s := started(t)
	drawn := map[string]bool{}
	for range 300 {
		pid, connection := forked(t, s, "r", false)
		answer, _ := said(t, pid, connection)
		if len(answer) != 32 || drawn[answer] {
			t.Fatalf("after %d others a child drew %q", len(drawn), answer)
		}
		drawn[answer] = true
	}
}

// A child can do what a program does: sleep, allocate, have goroutines.
func TestChildRuns(t *testing.T) {
	s := started(t)
	for _, ask := range []string{"s", "g", "t"} {
		want := "done"
		if ask == "t" {
			want = "1 <nil>" // the thread that was copied, and not the runtime's monitor
		}
		for range 10 {
			pid, connection := forked(t, s, ask, false)
			if answer, status := said(t, pid, connection); answer != want || status != 3 {
				t.Fatalf("%s: said %q, want %q, and ended with %d", ask, answer, want, status)
			}
		}
	}
}

// A child has its connection, and nothing of the spawner's.
func TestDescriptors(t *testing.T) {
	s := started(t)
	for range 3 {
		pid, connection := forked(t, s, "f", false)
		answer, _ := said(t, pid, connection)
		if n := strings.Count(answer, "socket"); n != 1 || strings.Contains(answer, "anon_inode") {
			t.Fatalf("a child has open: %s", answer)
		}
	}
}

// A spawner holds no more after many children than after some.
func TestSpawnerDoesNotGrow(t *testing.T) {
	s := started(t)
	holds := func() string {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(s.PID()) + "/statm")
		if err != nil {
			t.Fatal(err)
		}
		fds, err := os.ReadDir("/proc/" + strconv.Itoa(s.PID()) + "/fd")
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(string(stat))
		return fmt.Sprintf("%s pages, %s of them data, %d descriptors", words[0], words[5], len(fds))
	}
	some := func() {
		for range 200 {
			pid, connection := forked(t, s, "r", false)
			said(t, pid, connection)
		}
	}
	some()
	before := holds()
	some()
	if after := holds(); after != before {
		t.Errorf("after 200 children: %s; after 400: %s", before, after)
	}
}

// A program that would share its poller with its children, or lose its goroutines in them, is no spawner.
func TestUnfit(t *testing.T) {
	for _, what := range []string{beBusy, bePolling} {
		if s, err := start(t, what); !errors.Is(err, ErrGone) && !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v, want an error", what, err)
			if err == nil {
				s.Close()
			}
		}
	}
	if s, err := Start([]string{"/missing"}, nil, nil); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a program that is missing: %v", err)
		if err == nil {
			s.Close()
		}
	}
}

// A spawner that hangs while it starts is replaced by another one.
func TestStartsAgain(t *testing.T) {
	before := patience
	patience = 2 * time.Second
	defer func() { patience = before }()
	s, err := start(t, beLate+filepath.Join(t.TempDir(), "begun"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pid, connection := forked(t, s, "p", false)
	said(t, pid, connection)
}

// A spawner that has ended was not asked; of one that ends while it is asked, nobody knows what it did.
func TestSpawnerEnds(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	s := started(t)
	if err := unix.Kill(s.PID(), unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Wait4(s.PID(), nil, unix.WUNTRACED, nil); err != nil { // it may just be taking a message
		t.Fatal(err)
	}
	asked := make(chan error)
	go func() {
		_, err := s.Fork(pair[1], false)
		asked <- err
	}()
	for queued := 0; queued == 0; runtime.Gosched() { // in the channel
		if queued, err = unix.IoctlGetInt(s.channel, unix.SIOCOUTQ); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Kill(s.PID(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-asked; !errors.Is(err, ErrLost) {
		t.Errorf("it ended while it was asked: %v, want %v", err, ErrLost)
	}
	if _, err := s.Fork(pair[1], false); !errors.Is(err, ErrGone) {
		t.Errorf("it had ended: %v, want %v", err, ErrGone)
	}
}

// A child that waits for what nobody can do is stuck; one that waits for its client, or sleeps, is not.
func TestStuck(t *testing.T) {
	s := started(t)
	hangs, one := forked(t, s, "h", false)
	defer one.Close()
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		stuck, err := Stuck(hangs)
		if err != nil {
			t.Fatal(err)
		}
		if stuck {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a child that waits for ever is not found")
		}
	}
	waits, two := forked(t, s, "w", false)
	for inCall := false; !inCall; runtime.Gosched() {
		if stuck, err := Stuck(waits); stuck || err != nil {
			t.Fatalf("a child that waits for its client: stuck %t, %v", stuck, err)
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", waits))
		if err != nil {
			t.Fatal(err)
		}
		inCall = strings.HasPrefix(string(text), strconv.Itoa(unix.SYS_READ)+" ")
	}
	if stuck, err := Stuck(waits); stuck || err != nil {
		t.Errorf("a child that waits for its client: stuck %t, %v", stuck, err)
	}
	two.Close()
	if err := unix.Kill(hangs, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	reap(hangs)
	reap(waits)
	if stuck, err := Stuck(waits); stuck || err == nil {
		t.Errorf("a child that is gone: stuck %t, %v", stuck, err)
	}
}

func TestWaitsForEver(t *testing.T) {
	futex := strconv.Itoa(unix.SYS_FUTEX)
	for line, want := range map[string]bool{
		futex + " 0x5581e0 0x80 0x0 0x0 0x0 0x0 0x7ffc 0x46": true,
		futex + " 0x5581e0 0x0 0x2 0x0 0x0 0x0 0x7ffc 0x46":  true,
		futex + " 0x5581e0 0x89 0x0 0x0 0x0 0x0 0x7ffc 0x46": true,  // FUTEX_WAIT_BITSET
		futex + " 0x5581e0 0x80 0x0 0x7ff0 0x0 0x0 0x7f 0x4": false, // until a time
		futex + " 0x5581e0 0x81 0x1 0x0 0x0 0x0 0x7ffc 0x46": false, // FUTEX_WAKE
		"9999 0x5581e0 0x80 0x0 0x0 0x0 0x0 0x7ffc 0x46":     false,
		"running":     false,
		"-1 0x7f 0x4": false,
		"":            false,
	} {
		if got := waitsForEver(line); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}
