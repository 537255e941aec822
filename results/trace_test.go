package results

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// realTrace reads a trace of a real server: lines that name the requests, then strace's, of which those are left out
// that tell nothing of the requests.
func realTrace(t *testing.T, name string) ([]Syscall, []TraceMark) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "strace", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var marks []TraceMark
	text := string(b)
	for strings.HasPrefix(text, "# ") {
		line, rest, _ := strings.Cut(text, "\n")
		m := TraceMark{Kept: len(marks) > 0}
		var host string
		if _, err := fmt.Sscanf(line, "# %s %d %d Host: %s", &m.Client, &m.Begin, &m.End, &host); err != nil {
			t.Fatal(err)
		}
		m.Text = "Host: " + host
		marks, text = append(marks, m), rest
	}
	calls, err := ParseStrace(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return calls, marks
}

// Traces of real servers are drawn as they were, in 80 columns, and their calls counted.
func TestTraceGolden(t *testing.T) {
	for name, want := range map[string][]map[string]int{
		"iterative":  {{"accept4": 1, "recvfrom": 1, "sendto": 1, "ioctl": 1, "close": 1}},
		"threadpool": {{"accept4": 1, "recvfrom": 1, "sendto": 1, "ioctl": 1, "close": 1}},
		"prefork":    {{"accept4": 1, "recvfrom": 1, "sendto": 1, "ioctl": 1, "close": 1}},
		"epoll":      {{"accept4": 2, "recvfrom": 1, "sendto": 1, "ioctl": 1, "close": 1, "epoll_pwait": 1}},
		"epoll-keepalive": {{"accept4": 2, "recvfrom": 1, "sendto": 1, "epoll_ctl": 1, "epoll_pwait": 1},
			{"recvfrom": 1, "sendto": 1, "epoll_pwait": 1}},
		"iouring-keepalive": {{"io_uring_enter": 4}, {"io_uring_enter": 2}},
		"eventloop": {{"accept4": 1, "read": 1, "write": 1, "ioctl": 1, "close": 1, "epoll_pwait": 2, "epoll_ctl": 2,
			"getsockopt": 1, "getrlimit": 1}},
		"goroutine": {{"accept4": 2, "recvmsg": 1, "sendto": 1, "ioctl": 1, "close": 1, "epoll_pwait": 2, "epoll_ctl": 2,
			"fcntl": 1}},
		"process": {{"accept4": 2, "clone": 1, "close": 4, "dup3": 1, "epoll_ctl": 1, "epoll_pwait": 2, "execve": 1,
			"exit_group": 1, "fcntl": 2, "ioctl": 1, "pipe2": 1, "read": 2, "recvfrom": 2, "setsockopt": 1, "wait4": 1,
			"write": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			calls, marks := realTrace(t, name)
			trace := SysTrace{Arch: name}
			for i, m := range marks {
				r, err := OneRequest(calls, m)
				if err != nil {
					t.Fatal(err)
				}
				trace.Requests = append(trace.Requests, r)
				if !maps.Equal(r.Calls(), want[i]) {
					t.Errorf("calls %v, want %v", r.Calls(), want[i])
				}
			}
			var b bytes.Buffer
			if err := trace.Print(&b, Style{}); err != nil {
				t.Fatal(err)
			}
			golden(t, "trace-"+name+".txt", b.String())
			for line := range strings.Lines(b.String()) {
				if width(line) > 81 {
					t.Errorf("%d columns: %s", width(line)-1, line)
				}
			}
		})
	}
}

// Only the request with the mark, from the client with the mark, is the one.
func TestOneRequestNotTraced(t *testing.T) {
	calls, marks := realTrace(t, "iterative")
	other, early, text := marks[0], marks[0], marks[0]
	other.Client = "127.0.0.1:1"
	early.Begin, early.End = early.Begin-2e9, early.Begin-1e9
	text.Text = "Host: another"
	for name, m := range map[string]TraceMark{"client": other, "window": early, "text": text} {
		if _, err := OneRequest(calls, m); !errors.Is(err, ErrNotTraced) {
			t.Errorf("another %s: %v, want ErrNotTraced", name, err)
		}
	}
}

func TestParseStrace(t *testing.T) {
	const text = `7 1700000000.000001 accept4(3<TCP:[127.0.0.1:80]>, NULL, NULL, SOCK_CLOEXEC <unfinished ...>
8  1700000000.000002 getpid()        = 7 <0.000008>
7 1700000000.000010 <... accept4 resumed>) = -1 EAGAIN (Resource temporarily unavailable) <0.000009>
8 1700000000.000012 write(1, ") = 5 <0.1>", 11) = 11 <0.000003>
8 1700000000.000013 --- SIGURG {si_signo=SIGURG} ---
8 1700000000.000014 exit_group(0)     = ?
7 1700000000.000015 futex(0x1, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>
8 1700000000.000016 +++ exited with 0 +++
7 1700000000.000017 <... futex resumed> <unfinished ...>) = ?
7 1700000000.000018 recvfrom(5, "GE`
	got, err := ParseStrace(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	at := func(us int64) int64 { return 1_700_000_000_000_000_000 + 1000*us }
	want := []Syscall{
		{KindCall, 7, "accept4", "3<TCP:[127.0.0.1:80]>, NULL, NULL, SOCK_CLOEXEC",
			"-1 EAGAIN (Resource temporarily unavailable)", at(1), 9000},
		{KindCall, 8, "getpid", "", "7", at(2), 8000},
		{KindCall, 8, "write", `1, ") = 5 <0.1>", 11`, "11", at(12), 3000},
		{KindSignal, 8, "SIGURG", "", "", at(13), -1},
		{KindCall, 8, "exit_group", "0", "", at(14), -1},
		{KindCall, 7, "futex", "0x1, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>", "", at(15), -1},
		{KindExit, 8, "exit", "", "exited with 0", at(16), -1},
		{KindCall, 7, "recvfrom", `5, "GE`, "", at(18), -1},
	}
	if len(got) != len(want) {
		t.Fatalf("%d calls, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("call %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if end := got[7].End(); end != math.MaxInt64 {
		t.Errorf("a call that has not returned ends at %d", end)
	}
	for _, bad := range []string{"nonsense", "7 x getpid() = 1", "0 1.0 getpid() = 1", "7 1.0 no call",
		"7 1.0 <... read resumed>) = 1"} {
		if _, err := ParseStrace(strings.NewReader("7 1.0 getpid() = 1\n" + bad)); !errors.Is(err, errLine) ||
			!strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v, want an error that names line 2", bad, err)
		}
	}
}

// Whatever the lines hold, the parser ends, and what it returns can be searched and drawn.
func FuzzStrace(f *testing.F) {
	f.Add("7 1.0 read(3, \"a\", 1) = 1 <0.1>\n8 1.0 clone(flags=CLONE_THREAD) = 9 <0.1>\n")
	f.Add("7 1.0 read(3<TCP:[a->c]>, \"mark\" <unfinished ...>\n7 1.5 <... read resumed>, 1) = 1 <0.5>\n" +
		"7 2.0 +++ exited with 0 +++")
	f.Add("7 1.0 epoll_ctl(3, EPOLL_CTL_ADD, 4<[eventfd]>, {u64=9})\n7 1.0 execve(\"/a/b\", x) = 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		calls, err := ParseStrace(strings.NewReader(text))
		if err != nil {
			return
		}
		for i, c := range calls {
			if c.Name == "" || c.Thread < 1 || c.Length < -1 {
				t.Fatalf("call %d: %+v", i, c)
			}
		}
		r, err := OneRequest(calls, TraceMark{Client: "c", End: math.MaxInt64 - 1})
		if err != nil && !errors.Is(err, ErrNotTraced) {
			t.Fatal(err)
		}
		n := 0
		for _, counted := range []map[string]int{r.Calls(), r.Runtime, r.Startup} {
			for _, k := range counted {
				n += k
			}
		}
		if n > len(calls) {
			t.Fatalf("%d calls counted of %d", n, len(calls))
		}
		trace := SysTrace{Requests: []RequestTrace{r}}
		if err := trace.Print(&bytes.Buffer{}, Style{ASCII: true}); err != nil {
			t.Fatal(err)
		}
	})
}
