package redisstore

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"serverlab/servers/state"
	"serverlab/servers/state/storetest"
)

var limits = state.Limits{Sessions: 1000, Idle: time.Minute}

func TestRedis(t *testing.T) {
	server := startRedis(t)
	storetest.Run(t, func(t *testing.T, l state.Limits) (state.Store, func(time.Duration)) {
		server.do("FLUSHALL")
		return server.open(l), server.pass
	})
}

func mustOpen(t *testing.T, st state.Store) state.ID {
	t.Helper()
	id := state.NewID()
	if err := st.Open(id, "file", 1000); err != nil {
		t.Fatal(err)
	}
	return id
}

func wantOffset(t *testing.T, st state.Store, id state.ID, want int64) {
	t.Helper()
	got, err := st.Advance(id, 10)
	if want := (state.Session{File: "file", Size: 1000, Offset: want}); err != nil || got != want {
		t.Fatalf("got %+v and %v, want %+v", got, err, want)
	}
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if strings.Contains(got.Error(), "\n") || strings.Contains(got.Error(), "secret") {
		t.Fatalf("the message should be one line without a password: %q", got)
	}
}

// The sessions outlive the server that opened them: another one goes on.
func TestAnotherServerGoesOn(t *testing.T) {
	server := startRedis(t)
	id := mustOpen(t, server.open(limits))
	wantOffset(t, server.open(limits), id, 0)
	wantOffset(t, server.open(limits), id, 10)
}

// Everything expires, so that nothing stays behind in somebody's Redis.
func TestEverythingExpires(t *testing.T) {
	server := startRedis(t)
	st := server.open(limits)
	id := mustOpen(t, st)
	keys := server.do("KEYS", "*").([]any)
	if len(keys) != 2 {
		t.Fatalf("keys %q, want 2", keys)
	}
	for _, key := range keys {
		if left := server.do("PTTL", key).(int64); left <= 0 || left > limits.Idle.Milliseconds() {
			t.Errorf("%v expires in %d ms", key, left)
		}
	}
	other := server.open(state.Limits{Sessions: 1000, Idle: limits.Idle / 4})
	wantOffset(t, other, mustOpen(t, other), 0)
	if left := server.do("PTTL", idleAt).(int64); left <= (limits.Idle / 4).Milliseconds() {
		t.Errorf("%d ms are left for all, for who stays for longer too", left)
	}
	if err := st.Close(id); err != nil {
		t.Fatal(err)
	}
	if keys := server.do("KEYS", prefix+string(id.AppendTo(nil))).([]any); len(keys) != 0 {
		t.Errorf("keys %q, want none", keys)
	}
}

// What Redis drops is unknown; the cursor of no session comes back at another place.
func TestFlushed(t *testing.T) {
	server := startRedis(t)
	st := server.open(limits)
	id := mustOpen(t, st)
	server.do("FLUSHALL")
	server.do("SCRIPT", "FLUSH")
	_, err := st.Advance(id, 1)
	wantError(t, err, state.ErrUnknown)
	wantOffset(t, st, mustOpen(t, st), 0)
}

// Full of what it may not evict, Redis refuses to open and to move a cursor, and says why.
func TestNoMemory(t *testing.T) {
	server := startRedis(t)
	st := server.open(limits)
	id := mustOpen(t, st)
	server.do("CONFIG", "SET", "maxmemory", 1)
	err := st.Open(state.NewID(), "file", 1)
	wantError(t, err, state.ErrUnreachable)
	if !strings.Contains(err.Error(), "maxmemory") {
		t.Errorf("got %v", err)
	}
	_, err = st.Advance(id, 10)
	wantError(t, err, state.ErrUnreachable)
	server.do("CONFIG", "SET", "maxmemory", 0)
	wantOffset(t, st, id, 0)
}

// What somebody else writes into a session ends it, or fails before the cursor moves.
func TestSpoilt(t *testing.T) {
	server := startRedis(t)
	st := server.open(limits)
	for field, values := range map[string][]any{
		"offset": {-5, 1 << 40, "x", ""}, "size": {-10, "x"},
	} {
		for _, value := range values {
			id := mustOpen(t, st)
			server.do("HSET", prefix+string(id.AppendTo(nil)), field, value)
			_, err := st.Advance(id, 10)
			wantError(t, err, state.ErrUnknown)
		}
	}
	id := mustOpen(t, st)
	server.do("SET", idleAt, "no set")
	_, err := st.Advance(id, 10)
	wantError(t, err, state.ErrUnreachable)
	server.do("DEL", idleAt)
	wantOffset(t, st, id, 0)
}

// Killed, Redis is unreachable at once; when it comes back, it has forgotten all, and is used again.
func TestKilled(t *testing.T) {
	server := startRedis(t)
	st := server.open(limits)
	id := mustOpen(t, st)
	server.kill()
	for range 20 { // more than there are connections
		_, err := st.Advance(id, 1)
		wantError(t, err, state.ErrUnreachable)
	}
	wantError(t, st.Open(state.NewID(), "file", 1), state.ErrUnreachable)
	wantError(t, st.Close(id), state.ErrUnreachable)
	if !server.start() {
		t.Fatal("Redis does not come back")
	}
	awaitBack(t, st)
	_, err := st.Advance(id, 1)
	wantError(t, err, state.ErrUnknown)
	wantOffset(t, st, mustOpen(t, st), 0)
}

// Stopped, Redis takes connections and answers nothing: every call must come back nevertheless.
func TestStopped(t *testing.T) {
	server := startRedis(t)
	st := server.open(limits)
	id := mustOpen(t, st)
	server.signal(syscall.SIGSTOP)
	var all sync.WaitGroup
	for range 24 { // of 8 connections
		all.Go(func() {
			if err := st.Close(state.NewID()); !errors.Is(err, state.ErrUnreachable) {
				t.Errorf("got %v, want %v", err, state.ErrUnreachable)
			}
		})
	}
	all.Wait()
	server.signal(syscall.SIGCONT)
	awaitBack(t, st)
	wantOffset(t, st, id, 0)
}

// Redis may come later than the server.
func TestComesLater(t *testing.T) {
	server := startRedis(t)
	server.kill()
	st := server.open(limits)
	wantError(t, st.Open(state.NewID(), "file", 1), state.ErrUnreachable)
	if !server.start() {
		t.Fatal("Redis does not come back")
	}
	awaitBack(t, st)
	wantOffset(t, st, mustOpen(t, st), 0)
}

func TestPassword(t *testing.T) {
	server := startRedis(t, "--requirepass", "secret")
	wantOffset := func(url string) {
		st := openAt(t, url, limits)
		wantOffset(t, st, mustOpen(t, st), 0)
	}
	wantOffset("redis://:secret@" + server.addr)
	wantOffset("redis://default:secret@" + server.addr + "/1")
	for _, with := range []string{"", ":secretly@", "secret:secret@"} {
		st := openAt(t, "redis://"+with+server.addr, limits)
		wantError(t, st.Open(state.NewID(), "file", 1), state.ErrUnreachable)
	}
}

func TestGarbageURL(t *testing.T) {
	for _, url := range []string{"", "redis", "redis://", "redis:///1", "http://localhost:6379", "localhost:6379",
		"rediss://localhost", "redis://localhost:0", "redis://localhost:65536", "redis://localhost:secret",
		"redis://:secret@localhost/x", "redis://:secret@localhost/1/2", "redis://:secret@localhost/-1",
		"redis://:secret@local host", "redis://:secret@localhost?pool_size=1", "redis://:sec%ret@secret", "\x00"} {
		st, err := Open(url, limits, 1)
		if st != nil || err == nil {
			t.Errorf("%q was taken", url)
			continue
		}
		wantError(t, err, err)
	}
	for _, bad := range []state.Limits{{}, {Sessions: 1}, {Idle: time.Second}, {Sessions: 1, Idle: time.Microsecond}} {
		if _, err := Open("redis://localhost", bad, 1); err == nil {
			t.Errorf("limits %+v were taken", bad)
		}
	}
	if _, err := Open("redis://localhost", limits, 0); err == nil {
		t.Error("no connections were taken")
	}
}

// A call that was sent to a Redis that does not answer is done later, or not; a second try would be one too many.
func TestNothingIsRepeated(t *testing.T) {
	server := startRedis(t)
	st := server.open(limits)
	id := state.NewID()
	const size = 1 << 30
	if err := st.Open(id, "file", size); err != nil {
		t.Fatal(err)
	}
	before := server.do("HGET", prefix+string(id.AppendTo(nil)), "offset")
	server.signal(syscall.SIGSTOP)
	_, err := st.Advance(id, 10) // sent, and perhaps done later
	wantError(t, err, state.ErrUnreachable)
	server.signal(syscall.SIGCONT)
	awaitBack(t, st)
	got, err := st.Advance(id, 1)
	if err != nil || before != "0" || got.Offset != 0 && got.Offset != 10 {
		t.Fatalf("offset %d and %v: moved more than once", got.Offset, err)
	}
}

// go-redis must not write to standard error by itself: nobody there could make sense of it.
func TestQuiet(t *testing.T) {
	const child = "REDISSTORE_TEST_QUIET"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestQuiet$")
		cmd.Env = append(os.Environ(), child+"=1")
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil || said.Len() > 0 {
			t.Errorf("it ended with %v and said %q", err, said.String())
		}
		return
	}
	st := openAt(t, "redis://127.0.0.1:1", limits) // where nobody listens
	for range 20 {
		wantError(t, st.Close(state.NewID()), state.ErrUnreachable)
	}
}
