package loadgen

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"serverlab/results"
)

// awaitRequest reads until a request has come, or the connection has ended.
func awaitRequest(c net.Conn) bool {
	var head []byte
	part := make([]byte, 512)
	for !bytes.Contains(head, []byte("\r\n\r\n")) {
		n, err := c.Read(part)
		if err != nil {
			return false
		}
		head = append(head, part[:n]...)
	}
	return true
}

// pour writes text over and over until the client has had enough.
func pour(c net.Conn, text string) {
	for block := bytes.Repeat([]byte(text), 1+(64<<10)/len(text)); ; {
		if _, err := c.Write(block); err != nil {
			return
		}
	}
}

// slowly writes a byte at a time.
func slowly(c net.Conn, text string) bool {
	for i := range len(text) {
		if _, err := c.Write([]byte(text[i : i+1])); err != nil {
			return false
		}
	}
	return true
}

// answers is a server that does the same for each request, for as long as that says.
func answers(do func(c net.Conn) bool) func(net.Conn) {
	return func(c net.Conn) {
		for awaitRequest(c) && do(c) {
		}
	}
}

// writes answers each request with text.
func writes(text string) func(net.Conn) {
	return answers(func(c net.Conn) bool {
		_, err := io.WriteString(c, text)
		return err == nil
	})
}

// hostile are servers that a load must survive, with the kinds of error that each may cause. Some must be seen, unless
// the first kind is "": then the server can't be told from an honest one in every mode.
var hostile = map[string]struct {
	serve func(c net.Conn)
	kinds string
}{
	"never answers":      {func(c net.Conn) { io.Copy(io.Discard, c) }, "timeout"},
	"never reads":        {func(c net.Conn) { awaitRequest(c); awaitRequest(c) }, "timeout"},
	"closes at once":     {func(c net.Conn) {}, "closed reset"},
	"resets at once":     {func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, "reset closed"},
	"reads and closes":   {func(c net.Conn) { awaitRequest(c) }, "closed reset"},
	"half-closes":        {answers(func(c net.Conn) bool { c.(*net.TCPConn).CloseWrite(); return true }), "closed"},
	"garbage":            {writes("\x16\x03\x01\x00\xff\x00\x80 no HTTP\r\n"), "malformed"},
	"a mail server":      {speaks("220 mail ESMTP\r\n"), "malformed"},
	"endless zeros":      {answers(func(c net.Conn) bool { pour(c, "\x00"); return false }), "malformed"},
	"endless header":     {answers(endless("HTTP/1.1 200 OK\r\n", "A: b\r\n")), "malformed"},
	"endless field":      {answers(endless("HTTP/1.1 200 OK\r\nA: ", "x")), "malformed"},
	"endless status":     {answers(endless("HTTP/1.1 200 ", "x")), "malformed"},
	"endless interim":    {answers(endless("", "HTTP/1.1 100 Continue\r\n\r\n")), "malformed"},
	"endless trailer":    {answers(endless(chunks+"0\r\n", "A: b\r\n")), "malformed"},
	"endless chunk size": {answers(endless(chunks, "0")), "malformed"},
	"endless extension":  {answers(endless(chunks+"5;", "x")), "malformed"},
	"endless chunks":     {answers(endless(chunks, "1\r\nx\r\n")), "timeout"},
	"endless body":       {answers(endless("HTTP/1.1 200 OK\r\n\r\n", "x")), "timeout"},
	"a very long body":   {answers(endless(sized+"999999999999999999\r\n\r\n", "x")), "timeout"},
	"longer length":      {writes(sized + "6\r\n\r\nhello"), "timeout"},
	"shorter length":     {writes(sized + "4\r\n\r\nhello"), "malformed"},
	"negative length":    {writes(sized + "-1\r\n\r\n"), "malformed"},
	"overflowing length": {writes(sized + "18446744073709551621\r\n\r\nhello"), "malformed"},
	"two lengths":        {writes(sized + "5\r\nContent-Length: 4\r\n\r\nhello"), "malformed"},
	"negative chunk":     {writes(chunks + "-5\r\nhello\r\n0\r\n\r\n"), "malformed"},
	"overflowing chunk":  {writes(chunks + "10000000000000005\r\nhello\r\n0\r\n\r\n"), "malformed"},
	"longer chunk":       {writes(chunks + "4\r\nhello\r\n0\r\n\r\n"), "malformed"},
	"no last chunk":      {writes(chunks + "5\r\nhello\r\n"), "timeout"},
	"another protocol":   {writes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "malformed"},
	"an answer twice":    {writes(helloText + helloText), "malformed"},
	"floods unasked":     {func(c net.Conn) { pour(c, helloText) }, "malformed"},
	"answers unasked":    {speaks(helloText), " malformed timeout reset"},
	"answers and floods": {answers(endless(helloText, "x")), " malformed"},
	"closes after each":  {answers(func(c net.Conn) bool { hello(c, nil, 0); return false }), " closed reset"},
	"a byte at a time":   {answers(func(c net.Conn) bool { return slowly(c, helloText) }), " timeout"},
}

const (
	chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	sized  = "HTTP/1.1 200 OK\r\nContent-Length: "
)

// speaks is a server that speaks first, and then listens.
func speaks(text string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, text)
		io.Copy(io.Discard, c)
	}
}

func endless(begin, again string) func(c net.Conn) bool {
	return func(c net.Conn) bool {
		io.WriteString(c, begin)
		pour(c, again)
		return false
	}
}

// Whatever a server does, the trial ends, its errors are counted by kind, its sums are right, and nothing grows.
func TestHostileServers(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		t.Run(name, func(t *testing.T) {
			s := newServerOf(t, func(_ *testServer, c net.Conn) { hostile[name].serve(c) })
			heap := heapInUse()
			var all sync.WaitGroup
			for _, rate := range []float64{0, 500} {
				for _, keep := range []bool{true, false} {
					all.Go(func() { suffer(t, s, strings.Split(hostile[name].kinds, " "), rate, keep) })
				}
			}
			all.Wait()
			s.stop()
			if more := heapInUse() - heap; more > 8<<20 {
				t.Errorf("the heap has grown by %d KiB", more>>10)
			}
		})
	}
}

func suffer(t *testing.T, s *testServer, kinds []string, rate float64, keep bool) {
	mode := fmt.Sprintf("rate %v, keep-alive %v", rate, keep)
	c := s.config()
	c.Connections, c.Rate, c.KeepAlive, c.Timeout = 4, rate, keep, time.Minute
	if slices.Contains(kinds, "timeout") {
		c.Timeout = 20 * time.Millisecond
	}
	c.Check = mustCheck(t, "length=5", "sha256="+sumOf("hello"), "regexp=hello")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var l *results.Load
	// A machine that stalls may see nothing in a short window.
	for c.Duration = 40 * time.Millisecond; ; c.Duration *= 4 {
		var err error
		if l, err = Run(ctx, c); err != nil || l.Interrupted {
			t.Errorf("%s: interrupted %v, error %v", mode, l != nil && l.Interrupted, err)
			return
		}
		if l.ErrorCount() > 0 || kinds[0] == "" || c.Duration > 10*time.Second {
			break
		}
	}
	for k := range l.Errors {
		if !slices.Contains(kinds, k) {
			t.Errorf("%s: errors %v, want %q", mode, l.Errors, kinds)
		}
	}
	if kinds[0] != "" && l.ErrorCount() == 0 {
		t.Errorf("%s: errors %v, want %q", mode, l.Errors, kinds)
	}
	if l.Response.Count() != int64(l.Requests+l.Censored) {
		t.Errorf("%s: %d response times, %d requests, %d censored", mode, l.Response.Count(), l.Requests, l.Censored)
	}
	if rate > 0 && (l.Intended > l.Requests+l.Censored+l.ErrorCount() || l.Intended < l.Requests+l.Censored) {
		t.Errorf("%s: %d intended, %d right, %d censored, errors %v", mode,
			l.Intended, l.Requests, l.Censored, l.Errors)
	}
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Ten thousand connections fit into one process: each takes less than 4 KiB of its own, far less until an answer comes
// in pieces.
func TestMemoryOfConnections(t *testing.T) {
	heap := func(n int) int64 {
		c := Config{URL: "http://127.0.0.1:1/", Connections: n, Duration: time.Second, KeepAlive: true}.withDefaults()
		u, err := c.target()
		if err != nil {
			t.Fatal(err)
		}
		before := heapInUse()
		r := &run{Config: c, plan: newPlan(&c, u, netipLoopback)}
		if err := r.prepare(netipLoopback.Addr()); err != nil {
			t.Fatal(err)
		}
		used := heapInUse() - before
		r.close()
		return used
	}
	if each := (heap(10_064) - heap(64)) / 10_000; each < int64(unsafe.Sizeof(conn{})) || each > 512 {
		t.Errorf("%d bytes for each connection, which has %d itself", each, unsafe.Sizeof(conn{}))
	}
	if each := unsafe.Sizeof(conn{}) + unsafe.Sizeof(kept{}) + 512; each > 2<<10 { // 512: what a hash keeps
		t.Errorf("%d bytes where answers come in pieces", each)
	}
}

// noPorts is a network on which every second connection finds no local port.
type noPorts struct {
	*simulated
	tried int
}

func (n *noPorts) open(from *address) (int32, kind) {
	if n.tried++; n.tried%2 == 0 {
		return -1, ports
	}
	return n.simulated.open(from)
}

// Where ports run out, the requests that find none are errors of that kind, and their connections rest before they try
// again.
func TestPortsRunOut(t *testing.T) {
	c := Config{URL: "http://[::1]:1/", Connections: 4, Duration: time.Second, Check: Check{Length: -1}}.withDefaults()
	u, err := c.target()
	if err != nil {
		t.Fatal(err)
	}
	n := &noPorts{simulated: &simulated{answer: func(_ int, sent int64) int64 { return sent + 1e6 }, text: helloText,
		socks: map[int32]*simSocket{}}}
	target := netip.MustParseAddrPort("[::1]:1")
	r := &run{Config: c, plan: newPlan(&c, u, target), silent: &silent{}, slow: &slow{silent: &silent{}}}
	if err := r.prepare(target.Addr()); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if r.threads[0].conns[0].from != nil {
		t.Error("::1 is one address: there is none to spread over")
	}
	r.threads[0].network = n
	r.threads[0].run()
	l := r.merge()
	// In turn: an answer after 1 ms, no port and 10 ms of rest, four connections at a time.
	failed := l.Errors[ErrPorts]
	if l.Requests < 350 || l.Requests > 370 || failed < 350 || failed > 370 || failed != l.ErrorCount() {
		t.Errorf("%d requests, errors %v", l.Requests, l.Errors)
	}
}

// Over IPv4 loopback connections come from many addresses, so that ports don't run out.
func TestSources(t *testing.T) {
	for target, want := range map[string]int{"127.0.0.1": 1000, "::ffff:127.0.0.1": 1000, "::1": 0, "192.0.2.1": 0} {
		s := newSources(netip.MustParseAddr(target))
		different := map[address]bool{}
		for _, a := range s {
			different[a] = true
		}
		if len(s) != want || len(different) != want || s.of(0) == nil != (want == 0) {
			t.Errorf("%s: %d sources, %d different, want %d", target, len(s), len(different), want)
		}
	}
}
