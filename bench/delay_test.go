//go:build linux

package bench

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

func mustDelay(t *testing.T, text string) Delay {
	t.Helper()
	d, err := ParseDelay(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseDelay(t *testing.T) {
	ms := float64(time.Millisecond)
	for _, c := range []struct {
		text          string
		p50, p98, p99 float64 // nanoseconds; p99 a little above it
		begin, length time.Duration
	}{
		{"constant:2ms", 2 * ms, 2 * ms, 2 * ms, 0, 0},
		{"exponential:2ms", 2 * ms * math.Ln2, 2 * ms * math.Log(50), 2 * ms * math.Log(100), 0, 0},
		{"bimodal:1ms,50ms,1%", ms, ms, 50 * ms, 0, 0},
		{"stall:1s@2s", 0, 0, 0, 2 * time.Second, time.Second},
		{"constant:1ms+stall:500ms@1s", ms, ms, ms, time.Second, 500 * time.Millisecond},
	} {
		d := mustDelay(t, c.text)
		for _, q := range []struct{ u, want float64 }{{0.5, c.p50}, {0.98, c.p98}, {0.9900001, c.p99}} {
			if got := d.quantile(q.u); math.Abs(got-q.want) > 1e-5*q.want {
				t.Errorf("%s: the %v quantile is %v, want %v", c.text, q.u, got, q.want)
			}
		}
		if d.begin != int64(c.begin) || d.length != int64(c.length) || d.String() != c.text {
			t.Errorf("%s: %+v", c.text, d)
		}
	}
	for text, want := range map[string]string{
		"": "no distribution", "constant": "no time", "constant:2": `"2"`, "constant:-1ms": "-1ms",
		"normal:2ms":       "normal",
		"constant:1ms,2ms": "no distribution", "exponential:2m": "2m", "bimodal:1ms,50ms": "no distribution",
		"bimodal:1ms,50ms,1": `"1"`, "bimodal:1ms,50ms,101%": "101%", "bimodal:1ms,x,1%": `"x"`,
		"bimodal:1ms,2ms,NaN%": "NaN",
		"stall:1s":             "no stall", "stall:1s@": `""`, "stall:x@1s": `"x"`, "constant:1ms+": "no stall",
		"+stall:1s@2s": "no distribution", "constant:1ms+constant:1ms": "no stall",
	} {
		if _, err := ParseDelay(text); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "exponential:2ms") {
			t.Errorf("%q: %v; want %s in it, and what may be given", text, err, want)
		}
	}
}

// Any few thousand delays in a row have the quantiles of their distribution: far closer than random ones would.
func TestDelaysAreEven(t *testing.T) {
	const n = 2500
	d := mustDelay(t, "exponential:2ms")
	for seed := range uint64(20) {
		delays := make([]float64, n)
		for k := range delays {
			delays[k] = d.quantile(even(seed, uint64(k)+seed*977))
		}
		slices.Sort(delays)
		for _, q := range []float64{0.5, 0.9, 0.99} {
			got, want := delays[int(math.Ceil(q*n))-1], d.quantile(q)
			if math.Abs(got-want) > 0.02*want+20e3 { // a fifth of what the load generator is allowed
				t.Errorf("seed %d: the %v quantile is %v ns, want %v", seed, q, got, want)
			}
		}
		if sum := mean(delays); math.Abs(sum-2e6) > 0.01*2e6 {
			t.Errorf("seed %d: the mean is %v ns", seed, sum)
		}
	}
	if even(1, 5) == even(2, 5) || even(1, 5) != even(1, 5) {
		t.Error("a seed does not say which delays")
	}
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}

// What is due in the stall goes out at its end, and nothing else is moved.
func TestDueInAStall(t *testing.T) {
	d := mustDelay(t, "constant:1ms+stall:1s@2s")
	const ms = int64(time.Millisecond)
	for _, c := range []struct{ now, due int64 }{
		{0, ms}, {1998 * ms, 1999 * ms}, {1999 * ms, 3000 * ms}, {2500 * ms, 3000 * ms}, {2998 * ms, 3000 * ms},
		{2999 * ms, 3000 * ms}, {2999*ms + 1, 3000*ms + 1}, {4000 * ms, 4001 * ms},
	} {
		if got := d.due(1, 7, c.now); got != c.due {
			t.Errorf("asked at %d: due at %d, want %d", c.now, got, c.due)
		}
	}
}

// The queue gives out what is due, in the order of that, and what is due at the same time in the order of its coming.
func TestQueue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q queue
	var want []pending
	if _, ok := q.pop(math.MaxInt64); ok || q.next() != math.MaxInt64 {
		t.Error("an empty queue gives out something")
	}
	for i := range 1000 {
		p := pending{due: r.Int64N(100), fd: int32(i)}
		q.push(p)
		want = append(want, p)
	}
	slices.SortStableFunc(want, func(a, b pending) int { return cmp.Compare(a.due, b.due) })
	for _, w := range want {
		if p, ok := q.pop(w.due - 1); ok {
			t.Fatalf("%+v was given out at %d", p, w.due-1)
		}
		if next := q.next(); next != w.due {
			t.Fatalf("the next one is due at %d, want %d", next, w.due)
		}
		if p, ok := q.pop(w.due); !ok || p != w {
			t.Fatalf("%+v, %v; want %+v", p, ok, w)
		}
	}
}

// An answer goes to whoever asked, and to nobody who has got the descriptor since.
func TestAnswerAfterLeaving(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	s := &delayed{base: time.Now(), late: results.NewHistogram(), tags: make([]uint32, fds[0]+1)}
	s.queue.push(pending{fd: int32(fds[0]), tag: s.tags[fds[0]]})
	s.tags[fds[0]]++
	s.answer()
	var in [2 * len(nullAnswer)]byte
	if n, err := unix.Read(fds[1], in[:]); err != unix.EAGAIN {
		t.Errorf("%d bytes for somebody else, %v", n, err)
	}
	s.queue.push(pending{fd: int32(fds[0]), tag: s.tags[fds[0]]})
	s.answer()
	if n, err := unix.Read(fds[1], in[:]); err != nil || string(in[:n]) != nullAnswer || s.late.Count() != 1 {
		t.Errorf("%q, %v; %d answers", in[:max(0, n)], err, s.late.Count())
	}
}

// The server answers each end of a header, and tells at its end how many answers it has written.
func TestServeDelayed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	var told bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- ServeDelayed(ctx, mustDelay(t, "bimodal:0s,1ms,50%"), 1, false, out, &told) }()
	line, err := bufio.NewReader(in).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		t.Fatalf("%q, %v", line, err)
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 4)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4*len(nullAnswer))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != strings.Repeat(nullAnswer, 4) {
		t.Errorf("%q, %v", got, err)
	}
	c.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var late Lateness
	if err := json.Unmarshal(told.Bytes(), &late); err != nil || late.Answers != 4 || late.Max <= 0 ||
		late.Max < late.P50 {
		t.Errorf("%q: %+v, %v", told.String(), late, err)
	}
}
