package app

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"serverlab/internal/corpus"
	"serverlab/servers/state"
)

// openIn is how many files beneath dir this process has open.
func openIn(t testing.TB, dir string) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err == nil && strings.HasPrefix(target, dir+"/") {
			n++
		}
	}
	return n
}

// keeping returns a cache whose clock stands still, and what opens a file and has it kept for session i.
func keeping(t testing.TB, most int, lease, forget time.Duration) (o *openFiles, clock *atomic.Int64, dir string,
	keep func(i int)) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "files")
	if err := corpus.Ensure(dir); err != nil {
		t.Fatal(err)
	}
	root, err := openDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	o, clock = newOpenFiles(most, lease, forget), new(atomic.Int64)
	o.now = clock.Load
	return o, clock, dir, func(i int) {
		t.Helper()
		name := corpus.Name(i % corpus.Files)
		f, err := root.open(name)
		if err != nil {
			t.Fatal(err)
		}
		o.keep(numbered(i), f, name).release()
	}
}

func numbered(i int) state.ID { return state.ID{byte(i), byte(i >> 8)} }

func (o *openFiles) has(i int) bool {
	f := o.get(numbered(i), nil)
	if f != nil {
		f.release()
	}
	return f != nil
}

// Use renews the lease; when it is over the file is closed, by whoever looks first, a request or the timer.
func TestLease(t *testing.T) {
	o, clock, dir, keep := keeping(t, 10, time.Second, 0)
	for i := range 3 {
		keep(i)
	}
	for range 3 {
		clock.Add(int64(time.Second) - 1)
		if !o.has(0) {
			t.Fatal("a file was dropped before its lease was over")
		}
	}
	if o.has(1) || openIn(t, dir) != 2 {
		t.Errorf("a file is kept whose lease is over: %d are open, want 2", openIn(t, dir))
	}
	if again := o.tidy(); again != time.Second || openIn(t, dir) != 1 || o.kept.Load() != 1 {
		t.Errorf("the timer has left %d open, %d kept, and comes again after %v", openIn(t, dir), o.kept.Load(), again)
	}
	clock.Add(int64(time.Second))
	if again := o.tidy(); again != 0 || openIn(t, dir) != 0 || o.kept.Load() != 0 {
		t.Errorf("in the end: %d open, %d kept, again after %v", openIn(t, dir), o.kept.Load(), again)
	}
}

// The timer comes by itself, without any request, and again after new files are kept.
func TestLeaseEndsByItself(t *testing.T) {
	o, _, dir, keep := keeping(t, 100, time.Millisecond, 0)
	begun := time.Now()
	o.now = func() int64 { return int64(time.Since(begun)) }
	for round := range 3 {
		for i := range 50 {
			keep(i)
		}
		for deadline := time.Now().Add(time.Minute); openIn(t, dir) > 0; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("round %d: %d files are open", round, openIn(t, dir))
			}
		}
	}
}

// The file that was used longest ago goes first, and the bound is exact.
func TestLeastRecentlyUsed(t *testing.T) {
	o, clock, dir, keep := keeping(t, 20, time.Hour, 0)
	for i := range 20 {
		clock.Add(1)
		keep(i)
	}
	for i := 0; i < 20; i += 2 { // the even ones are used again
		clock.Add(1)
		if !o.has(i) {
			t.Fatalf("file %d is not kept", i)
		}
	}
	for i := 20; i < 30; i++ {
		clock.Add(1)
		keep(i)
		if n := openIn(t, dir); n != 20 {
			t.Fatalf("%d files are open, want 20", n)
		}
	}
	for i := range 30 {
		if odd := i < 20 && i%2 == 1; o.has(i) == odd {
			t.Errorf("file %d: kept %t", i, !odd)
		}
	}
	o.drop(numbered(0))
	o.drop(numbered(1))
	if n := openIn(t, dir); n != 19 || o.has(0) {
		t.Errorf("after one was dropped %d files are open", n)
	}
}

// Of sessions that share a shard, too, the one that was used last stays.
func TestUseCountsWithinShard(t *testing.T) {
	o, clock, _, keep := keeping(t, 2, time.Hour, 0)
	for _, i := range []int{0, 16} {
		clock.Add(1)
		keep(i)
	}
	clock.Add(1)
	if !o.has(0) {
		t.Fatal("a file was dropped for nothing")
	}
	clock.Add(1)
	keep(32)
	if o.has(16) || !o.has(0) || !o.has(32) {
		t.Errorf("kept: %v %v %v, want the two that were used last", o.has(0), o.has(16), o.has(32))
	}
}

// A session's descriptor comes back when it is closed, when it could not be begun, and when it is found to be lost.
func TestDescriptorsComeBack(t *testing.T) {
	var dir string
	store := state.NewMemory(state.Limits{Sessions: 1, Idle: time.Hour})
	h, _ := service(t, func(o *Options) {
		o.State, o.Store, dir = Stateful, store, o.Files
	})
	open := func(want int, when string) {
		t.Helper()
		if n := openIn(t, dir); n != want {
			t.Errorf("%s: %d files are open, want %d", when, n, want)
		}
	}
	cookie := begun(t, h, "f03")
	open(1, "one session")
	if r := askWith(h, "POST", "/open?file=f04", ""); r.StatusCode() != 503 {
		t.Fatalf("a session too many: %d", r.StatusCode())
	}
	open(1, "one refused")
	if r := askWith(h, "POST", "/close", cookie); r.StatusCode() != 200 {
		t.Fatalf("close: %d", r.StatusCode())
	}
	open(0, "closed")
	cookie = begun(t, h, "f05")
	id, _ := state.Parse([]byte(cookie[len(sessionCookie):]))
	if err := store.Close(id); err != nil {
		t.Fatal(err)
	}
	if r := askWith(h, "GET", "/read?count=1", cookie); r.StatusCode() != 410 {
		t.Fatalf("a lost session: %d", r.StatusCode())
	}
	open(0, "lost")
}

// Another name takes the place of the session's file.
func TestAnotherFile(t *testing.T) {
	o, _, dir, keep := keeping(t, 10, time.Hour, 0)
	keep(0)
	if f := o.get(numbered(0), []byte("f01")); f != nil || openIn(t, dir) != 0 {
		t.Errorf("f01 was asked for: %v, %d are open", f, openIn(t, dir))
	}
	keep(1)
	keep(1)
	if n := openIn(t, dir); n != 1 || o.kept.Load() != 1 {
		t.Errorf("kept twice: %d are open, %d are counted", n, o.kept.Load())
	}
}

// A reader can go on with a file that is no longer kept.
func TestDroppedUnderReader(t *testing.T) {
	o, _, dir, keep := keeping(t, 1, time.Hour, 0)
	keep(0)
	f := o.get(numbered(0), nil)
	keep(1) // there is room for one
	var got, want [64]byte
	corpus.At("f00", 1000, want[:])
	if _, err := f.ReadAt(got[:], 1000); err != nil || got != want {
		t.Errorf("read %x, %v; want %x", got, err, want)
	}
	if n := openIn(t, dir); n != 2 {
		t.Errorf("%d files are open while one is read and another kept", n)
	}
	f.release()
	if n := openIn(t, dir); n != 1 {
		t.Errorf("%d files are open when the reader is done, want 1", n)
	}
}

// All is forgotten at every multiple of the time, however often it was used.
func TestForget(t *testing.T) {
	o, clock, dir, keep := keeping(t, 10, time.Hour, time.Second)
	for i := range 3 {
		clock.Add(int64(time.Second) / 10)
		keep(i)
	}
	clock.Add(int64(time.Second)*7/10 - 1)
	for i := range 3 {
		if !o.has(i) {
			t.Errorf("file %d was forgotten too early", i)
		}
	}
	if again := o.tidy(); again != 1 {
		t.Errorf("it comes after %v, want 1 ns", again)
	}
	clock.Add(1)
	if o.has(0) || openIn(t, dir) != 2 {
		t.Errorf("after the time %d are open", openIn(t, dir))
	}
	keep(5)
	if again := o.tidy(); again != time.Second || openIn(t, dir) != 1 || !o.has(5) {
		t.Errorf("it has left %d open, and comes again after %v", openIn(t, dir), again)
	}
}

// Whatever is dropped, and whenever, each answer is right: sessions outnumber the files that may be kept, and all are
// forgotten all the time.
func TestForgettingUnderLoad(t *testing.T) {
	for _, variant := range []string{Soft, Stateful} {
		h, o := service(t, func(o *Options) { o.State, o.MaxOpen, o.Forget = variant, 8, 50*time.Microsecond })
		var clients sync.WaitGroup
		for c := range 16 {
			clients.Go(func() {
				file, cookie := corpus.Name(c), "session="+string(numbered(c).AppendTo(nil))
				if variant == Stateful {
					cookie = begun(t, h, file)
				}
				for i := range 500 {
					uri := "/read?count=1000"
					if variant == Soft {
						uri = fmt.Sprintf("/read?file=%s&offset=%d&count=1000", file, 1000*i)
					}
					r := askWith(h, "GET", uri, cookie)
					want := make([]byte, 1000)
					corpus.At(file, int64(1000*i), want)
					if r.StatusCode() != 200 || string(r.Body()) != string(want) {
						t.Errorf("%s: client %d, read %d: %d, %d bytes", variant, c, i, r.StatusCode(), len(r.Body()))
						return
					}
				}
			})
		}
		clients.Wait()
		for deadline := time.Now().Add(time.Minute); openIn(t, o.Files) > 0; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d files are still open", variant, openIn(t, o.Files))
			}
		}
	}
}

// When descriptors run out, files that are kept are given up; when there are none, 503 says so until there are again.
func TestDescriptorsRunOut(t *testing.T) {
	soft, o := service(t, func(o *Options) { o.State = Soft })
	read := func(h fasthttp.RequestHandler, session, want int) {
		t.Helper()
		cookie := "session=" + string(numbered(session).AppendTo(nil))
		r := askWith(h, "GET", "/read?file=f00&offset=0&count=1", cookie)
		if r.StatusCode() != want || want == 503 && string(r.Body()) != "the server has no descriptor left\n" {
			t.Fatalf("session %d: %d %q, want %d", session, r.StatusCode(), r.Body(), want)
		}
	}
	for i := range 16 {
		read(soft, i, 200)
	}
	fresh := New(Options{Files: o.Files})
	give := takeDescriptors(t)
	for i := range 32 {
		read(soft, 100+i, 200)
	}
	read(fresh, 0, 503) // not even the directory can be opened
	give(1)
	if n := openIn(t, o.Files); n != 16 {
		t.Errorf("%d files are open, want 16", n)
	}
	read(fresh, 0, 503)
	give(1)
	read(fresh, 0, 200)
}

// takeDescriptors leaves this process without a free descriptor until the test ends. What it returns gives some back.
func takeDescriptors(t *testing.T) (give func(n int)) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	low := before
	low.Cur = min(256, before.Cur)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	var taken []int
	give = func(n int) {
		for ; n > 0 && len(taken) > 0; n-- {
			unix.Close(taken[len(taken)-1])
			taken = taken[:len(taken)-1]
		}
	}
	t.Cleanup(func() {
		give(len(taken))
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return give
		}
		taken = append(taken, fd)
	}
}
