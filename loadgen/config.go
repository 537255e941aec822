// Package loadgen loads an HTTP/1.1 server and says what the server did, and what the load generator itself did
// while it looked. It is an epoll loop of its own on locked, pinned threads: a goroutine per connection would compete
// with what it measures.
//
// Three clocks run for every request, in nanoseconds:
//
//	intended ──lag──▶ sent ───────service──────▶ last byte of the answer
//	   └──────────────────response──────────────────▶
//
// In a closed loop a request is intended at the moment its connection becomes free or, where clients think, when they
// have thought; in an open loop at the moment its schedule says, whether a connection is free then or not. A request
// that has to wait for one waits in first-in, first-out order; that wait is part of the response time and no part of
// the lag. A partly open loop (Schroeder, Wierman, Harchol-Balter, "Open versus closed: a cautionary tale", NSDI 2006)
// has a schedule of clients: the first request of each is one of an open loop, the others are those of a closed one,
// and a connection is its own until it leaves. Where a connection has to be opened for a request, "sent" is the moment
// at which the opening began.
//
// The clients of a session load are virtual: see Sessions. Where they think, a request is intended when its client has
// thought, whether a connection is free then or not; where they don't, when a connection becomes free for one of them.
//
// A request belongs to the measured window by the moment of its end in a closed loop, and by its intended moment in
// an open one, so an answer that comes after the window still counts there: after the window an open loop goes on for
// at most a second (less, if the timeout is shorter) until every request of the window has its answer.
package loadgen

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"serverlab/results"
)

// Config says what load to make. A zero Method, Arrivals or Timeout stands for "GET", "poisson" and ten seconds.
type Config struct {
	URL         string // http://HOST:PORT/PATH; HOST may be a name
	Connections int    // busy ones, spread over the threads
	Threads     int    // 0: one per CPU in CPUs, else one; never more than Connections
	CPUs        []int  // thread i is pinned to CPUs[i%len(CPUs)]; nil: not pinned

	Warmup   time.Duration // loaded like the window and discarded
	Duration time.Duration // of the measured window

	Rate     float64 // requests per second in all, the mean over the window; 0: that of Profile, or a closed loop
	Profile  Profile // of a rate that changes in the window; nil: it stays the same
	Arrivals string  // for an open loop: "poisson", "constant", or "partly" (open: a Poisson stream of clients)
	Visit    float64 // of a partly open load: mean number of a client's requests, geometric
	Think    Think   // of a closed or partly open load: a client's time between an answer and its next request
	Seed     uint64  // of what is random: the same seed gives the very same clients, for any number of threads

	KeepAlive bool          // false: a connection per request, and "Connection: close" is sent
	Silent    int           // connections opened before the busy ones, that never send
	Timeout   time.Duration // of a request, the opening of its connection included; of opening the silent ones in all
	Spin      time.Duration // longest busy wait before an intended moment; 0: none

	// AllowRemote allows a target on another machine. Without it, Run turns to loopback addresses only, lest a typing
	// slip load a stranger's server.
	AllowRemote bool

	Method string   // "GET", "HEAD", "POST", ...
	Header []string // "Name: value"; Host may be given, what frames the message may not
	Body   []byte   // sent with every request
	Check  Check    // what a right answer is

	// Sessions makes the load that of clients of the file service; Method, Body and Check are then its own, and of the
	// URL only the host and the query count, which is sent with each request: work to do, say.
	Sessions Sessions

	// Fault, if set, is called once, by a goroutine of its own, FaultAfter into the window. It breaks something, and
	// returns when that has happened.
	Fault      func()
	FaultAfter time.Duration

	Step time.Duration // of the series; 0: 100 ms

	// Crash is a path that is sent once, by one busy connection, in place of the usual one: to kill a worker, or to block
	// it. Its answer, if there is one, is no part of what is counted. "": none.
	Crash      string
	CrashAfter time.Duration // how far into the window Crash is sent

	Mix  Mix  // requests that are another one, seldom; the zero value: none
	Slow Slow // clients that take their time, beside the busy ones; the zero value: none

	// Edge, if set, is called at each Edge by the caller's own goroutine, which is none of the loading threads. The
	// load begins when the call for Silenced has returned; it goes on during the calls for Begin and End.
	Edge func(Edge)

	// Watch, if set, is called at most four times a second while the load goes on, and once at its end, by a goroutine
	// of its own.
	Watch func(Progress)
}

// Sessions says how clients of the file service behave: see results.Sessions. The zero value is none.
type Sessions struct {
	State   string // "stateless", "soft" or "stateful"
	Clients int    // at least as many as connections; 0: as many
	Read    int    // bytes that each read asks for; 0: 4096
}

// Progress is what a load has seen so far. What it points to is valid until the watcher returns.
type Progress struct {
	Elapsed time.Duration   // since the load began, warm-up included
	Window  bool            // the measured window has begun
	Load    *results.Load   // what was asked, and what the steps of the series that have ended say of the window
	Points  []results.Point // those steps that are new since the last call
}

// Edge is a moment of a run at which others may want to read their meters.
type Edge int

// The edges, in their order. A run that ends early leaves out those that it has not reached, save that End follows
// whenever Begin was there.
const (
	Connect  Edge = iota // before anything is opened
	Silenced             // the silent connections are open, the busy load has not begun
	Begin                // the measured window begins
	End                  // the measured window has ended
)

// String returns the edge's name.
func (e Edge) String() string {
	switch e {
	case Connect:
		return "connect"
	case Silenced:
		return "silenced"
	case Begin:
		return "begin"
	case End:
		return "end"
	}
	return "edge " + strconv.Itoa(int(e))
}

// Bounds that keep a typing slip from becoming a load of its own kind.
const (
	maxConnections = 1 << 20
	maxThreads     = 1024
	maxRate        = 1e8
	maxVisit       = 1e6
	maxTime        = 24 * time.Hour
)

// Validate reports the first wrong setting, in one line that begins with its name.
func (c *Config) Validate() error {
	u, err := c.target()
	if err != nil {
		return err
	}
	switch {
	case c.Connections < 1 || c.Connections > maxConnections:
		return fmt.Errorf("connections %d: give a number from 1 to %d", c.Connections, maxConnections)
	case c.Threads < 0 || c.Threads > maxThreads:
		return fmt.Errorf("threads %d: give a number from 1 to %d", c.Threads, maxThreads)
	case c.Threads > c.Connections:
		return fmt.Errorf("threads %d: more than the %d connections that they share", c.Threads, c.Connections)
	case c.Silent < 0 || c.Silent > maxConnections:
		return fmt.Errorf("silent %d: give a number from 0 to %d", c.Silent, maxConnections)
	case c.Duration <= 0 || c.Duration > maxTime:
		return fmt.Errorf("duration %v: give a time above 0s, of at most %v", c.Duration, maxTime)
	case c.Warmup < 0 || c.Warmup > maxTime:
		return fmt.Errorf("warmup %v: give a time from 0s to %v", c.Warmup, maxTime)
	case c.Timeout < 0 || c.Timeout > maxTime:
		return fmt.Errorf("timeout %v: give a time above 0s, of at most %v", c.Timeout, maxTime)
	case c.Spin < 0 || c.Spin > time.Second:
		return fmt.Errorf("spin %v: give a time from 0s to 1s", c.Spin)
	case c.Crash != "" && !goodPath(c.Crash):
		return fmt.Errorf("crash path %q: it must begin with / and hold no spaces", c.Crash)
	case c.Crash != "" && (c.CrashAfter < 0 || c.CrashAfter >= c.Duration):
		return fmt.Errorf("crash after %v: give a time within the window of %v", c.CrashAfter, c.Duration)
	case c.Fault != nil && (c.FaultAfter < 0 || c.FaultAfter >= c.Duration):
		return fmt.Errorf("fault after %v: give a time within the window of %v", c.FaultAfter, c.Duration)
	case c.Step != 0 && (c.Step < time.Millisecond || c.Step > time.Minute):
		return fmt.Errorf("step %v: give a time from 1ms to 1m", c.Step)
	}
	if err := cmp.Or(c.validateMix(), c.validateSlow()); err != nil {
		return err
	}
	for _, cpu := range c.CPUs {
		if cpu < 0 || cpu >= maxCPU {
			return fmt.Errorf("cpus %d: give a number from 0 to %d", cpu, maxCPU-1)
		}
	}
	if err := c.Check.validate(u); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if err := c.validateSessions(u); err != nil {
		return err
	}
	if err := c.validateModel(); err != nil {
		return err
	}
	return c.validateRequest()
}

// validateModel checks the arrival model, and what only some of them have.
func (c *Config) validateModel() error {
	open, partly := c.Rate != 0 || len(c.Profile) > 0, c.Arrivals == "partly"
	switch {
	case !(c.Rate >= 0 && c.Rate <= maxRate): // not a number is wrong too
		return fmt.Errorf("rate %v: give requests per second from 0 (closed loop) to %.0f", c.Rate, float64(maxRate))
	case c.Arrivals != "" && c.Arrivals != "poisson" && c.Arrivals != "constant" && !partly:
		return fmt.Errorf("arrivals %q: give poisson, constant or partly", c.Arrivals)
	case partly && !open:
		return errors.New("arrivals partly: give a rate")
	case partly && !(c.Visit >= 1 && c.Visit <= maxVisit):
		return fmt.Errorf("visit %v: give a client's mean number of requests, from 1 to %.0f", c.Visit, float64(maxVisit))
	case !partly && c.Visit != 0:
		return fmt.Errorf("visit %v: only clients of a partly open load come and go", c.Visit)
	case c.Think.Mean < 0 || c.Think.Mean > maxTime:
		return fmt.Errorf("think %v: give a time from 0s to %v", c.Think.Mean, maxTime)
	case c.Think.Mean > 0 && open && !partly:
		return fmt.Errorf("think %v: only clients of a closed or partly open load think", c.Think)
	}
	return c.Profile.validate(c.Rate)
}

// maxCPU is the number of CPUs that an affinity mask of the kernel's usual size can name.
const maxCPU = 1024

// validateRequest checks what goes into the request's text.
func (c *Config) validateRequest() error {
	if c.Method != "" && !isToken(c.Method) {
		return fmt.Errorf("method %q: it must be one word", c.Method)
	}
	if c.Method == "CONNECT" {
		return errors.New("method CONNECT: it opens a tunnel, which can't be measured")
	}
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok || !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return fmt.Errorf("header %q: give it as \"Name: value\"", h)
		}
		switch strings.ToLower(name) {
		case "content-length", "transfer-encoding", "connection", "expect", "upgrade":
			return fmt.Errorf("header %q: %s is the load generator's own", h, name)
		}
	}
	return nil
}

// target parses the URL and fills in the port.
func (c *Config) target() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("url %q: it must look like http://HOST:PORT/PATH", c.URL)
	}
	switch {
	case u.Scheme != "http":
		return nil, fmt.Errorf("url %q: only http:// can be loaded", c.URL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("url %q: it names no host", c.URL)
	case u.User != nil:
		return nil, fmt.Errorf("url %q: user and password are not sent; give an Authorization header", u.Redacted())
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > math.MaxUint16 {
			return nil, fmt.Errorf("url %q: port %s is not from 1 to 65535", c.URL, port)
		}
	}
	if !goodPath(u.RequestURI()) {
		return nil, fmt.Errorf("url %q: its path must begin with / and hold no spaces", c.URL)
	}
	return u, nil
}

// request returns the text of a request for path, with the URL's own host.
func (c *Config) request(u *url.URL, path string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", c.Method, path)
	if !c.hasHeader("host") {
		fmt.Fprintf(&b, "Host: %s\r\n", u.Host)
	}
	for _, h := range c.Header {
		b.WriteString(h + "\r\n")
	}
	if !c.KeepAlive {
		b.WriteString("Connection: close\r\n")
	}
	if c.Body != nil || c.Method == "POST" || c.Method == "PUT" || c.Method == "PATCH" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(c.Body))
	}
	b.WriteString("\r\n")
	return append([]byte(b.String()), c.Body...)
}

func (c *Config) hasHeader(name string) bool {
	for _, h := range c.Header {
		if n, _, _ := strings.Cut(h, ":"); strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// goodPath reports whether p can stand in a request line.
func goodPath(p string) bool {
	if !strings.HasPrefix(p, "/") {
		return false
	}
	for i := range len(p) {
		if p[i] <= ' ' || p[i] == 0x7f {
			return false
		}
	}
	return true
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
