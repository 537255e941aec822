//go:build linux

package bench

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"serverlab/internal/proc"
	"serverlab/results"
)

// stateRows are an architecture of each kind that the states tell apart.
var stateRows = []results.Architecture{
	{Name: "iterative", AtOnce: 1},
	{Name: "process", Processes: results.PerRequest},
	{Name: "eventloop"},
	{Name: "prefork", Processes: results.Pooled},
	{Name: "nethttp", Reference: true},
}

func stateBench(rows ...results.Architecture) *bench {
	return &bench{Options: Options{Connections: 64, Trials: 6, CrashTrials: 3, Say: func(string, ...any) {}},
		rows: rows}
}

// Soft state is nothing that a process of one request could keep; references are asked for none.
func TestStatesOfTheRows(t *testing.T) {
	sits := stateBench(stateRows...).states()
	if len(sits) < 4 {
		t.Fatalf("%d situations", len(sits))
	}
	for _, s := range sits {
		want := []string{"iterative", "process", "eventloop", "prefork"}
		if s.State == "soft" {
			want = []string{"iterative", "eventloop", "prefork"}
		}
		if !slices.Equal(s.Rows, want) || !costsState(&s) || s.Clients < s.Connections {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
	if sits := stateBench(stateRows[4]).states(); len(sits) != 0 {
		t.Errorf("references alone are asked for %v", sits)
	}
}

// A row that serves a connection at a time gets one for each request.
func TestKeepsAlive(t *testing.T) {
	s := stateBench(stateRows...).states()[0]
	for i, want := range []bool{false, true, true, true} {
		if got := keepsAlive(s, stateRows[i]); got != want {
			t.Errorf("%s: keep-alive %v, want %v", stateRows[i].Name, got, want)
		}
	}
}

// The default run closes with one row: the event loop where it is asked for, otherwise the first that lives for more
// than a request.
func TestClosingRow(t *testing.T) {
	for _, c := range []struct {
		rows []results.Architecture
		want string
	}{{stateRows, "eventloop"}, {stateRows[1:2], ""}, {[]results.Architecture{stateRows[1], stateRows[3]}, "prefork"},
		{stateRows[4:], ""}, {stateRows[:2], "iterative"}} {
		sits := stateBench(c.rows...).closing()
		if c.want == "" {
			if len(sits) != 0 {
				t.Errorf("%v: %d situations", c.rows, len(sits))
			}
			continue
		}
		crashes := 0
		for _, s := range sits {
			if !slices.Equal(s.Rows, []string{c.want}) {
				t.Errorf("%s: rows %v, want %s", s.Name, s.Rows, c.want)
			}
			if s.Fault != "" {
				crashes++
				if s.Blocks != closingBlocks {
					t.Errorf("%s in %d blocks", s.Name, s.Blocks)
				}
			}
		}
		if len(sits) != 6 || crashes != 3 {
			t.Errorf("%s: %d situations, %d of them crashes; want 3 states and 3 crashes", c.want, len(sits), crashes)
		}
	}
}

// closedRun is the default run with what closes it.
func closedRun(rows int) results.Run {
	run := defaultRun(rows)
	run.Situations = append(run.Situations, stateBench(run.Architectures...).closing()...)
	run.Plan = plan(run.Situations, run.Architectures, results.MinTrials, 1)
	setRates(run.Situations, run.Architectures, run.Calibration)
	return run
}

// What closes the default run takes little of its four minutes.
func TestClosingIsShort(t *testing.T) {
	for rows := 2; rows <= 8; rows++ {
		run := closedRun(rows)
		bare := run
		bare.Situations = run.Situations[:len(situations(1))]
		bare.Plan = slices.DeleteFunc(slices.Clone(run.Plan), func(p results.Planned) bool {
			return !slices.ContainsFunc(bare.Situations, func(s results.Situation) bool { return s.Name == p.Situation })
		})
		if added := Planned(run) - Planned(bare); added > 25*time.Second || added < 10*time.Second {
			t.Errorf("%d rows: %v more, want at most 25 s", rows, added)
		}
		for _, s := range run.Situations {
			if s.State != "" && (s.Rate != 0 || s.OwnRates != nil) {
				t.Errorf("%s: rate %v, %v: the calibration of connections has no say in it", s.Name, s.Rate, s.OwnRates)
			}
		}
	}
}

// The state experiment fits a lesson, with seven rows and all stores.
func TestStatesArePlannedBelowFourMinutes(t *testing.T) {
	run := defaultRun(7)
	b := stateBench(run.Architectures...)
	var sits []results.Situation
	for _, v := range []variant{{state: "stateless"}, {state: "soft"}, {store: storeMemory}, {store: storeShared},
		{store: storeRedis}} {
		s := v.situation(nil)
		for _, r := range b.rows {
			s.Rows = append(s.Rows, r.Name)
		}
		if s.State == "" {
			s.State = "stateful"
		}
		s.Name = s.State + s.Store
		sits = append(sits, s)
	}
	run.Situations, run.Plan = sits, plan(sits, b.rows, results.MinTrials, 1)
	if d := Planned(run); d > 4*time.Minute {
		t.Errorf("seven rows are planned to take %v", d)
	}
}

// fileService is the contract of the file service in a few lines. It keeps an open file for each session.
type fileService struct {
	mu       sync.Mutex
	sessions map[string]*os.File
	reads    map[string]int // by session
	anon     int            // reads without one
}

func newFileService() *fileService {
	return &fileService{sessions: map[string]*os.File{}, reads: map[string]int{}}
}

func (f *fileService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	session := ""
	if c, err := r.Cookie("session"); err == nil {
		session = c.Value
	}
	switch {
	case r.URL.Path == "/open" && r.Method == "POST":
		session = fmt.Sprintf("%032x", len(f.sessions)+1)
		open, err := os.Open(os.DevNull)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		f.sessions[session] = open
		http.SetCookie(w, &http.Cookie{Name: "session", Value: session})
	case r.URL.Path == "/read" && session != "":
		if f.sessions[session] == nil {
			w.WriteHeader(http.StatusGone)
		}
		f.reads[session]++
	case r.URL.Path == "/read" && r.URL.Query().Get("file") != "":
		f.anon++
	default:
		http.NotFound(w, r)
	}
}

// serveFiles is the file service as a process.
func serveFiles() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listening %s\n", ln.Addr())
	go func() { _ = http.Serve(ln, newFileService()) }() // until it is killed
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// Every client opens a file and reads once, in a session of its own, on connections that are kept or not.
func TestReadersAreServed(t *testing.T) {
	for _, state := range []string{"stateless", "soft", "stateful"} {
		for _, keepAlive := range []bool{true, false} {
			f := newFileService()
			srv := httptest.NewServer(f)
			r := readers{addr: srv.Listener.Addr().String(), state: state, keepAlive: keepAlive, read: 64}
			served, err := r.serve(t.Context(), 40)
			srv.Close()
			if err != nil || served != 40 {
				t.Errorf("%s, keep-alive %v: %d served, %v", state, keepAlive, served, err)
			}
			sessions, anon := 0, 40
			if state == "stateful" {
				sessions, anon = 40, 0
			}
			if len(f.sessions) != sessions || len(f.reads) != sessions || f.anon != anon {
				t.Errorf("%s: %d sessions, %d of them read, %d reads without one", state, len(f.sessions), len(f.reads), f.anon)
			}
			for _, open := range f.sessions {
				open.Close()
			}
		}
	}
}

// An answer that says no ends the look, with its text; a server of several processes that has lost a session does not.
func TestReadersSayWhatWasWrong(t *testing.T) {
	for status, want := range map[int]string{503: "503 \"too many sessions\"", 410: ""} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "too many sessions")
		}))
		served, err := (readers{addr: srv.Listener.Addr().String(), state: "stateful", keepAlive: true}).serve(t.Context(), 3)
		srv.Close()
		if want == "" && (err != nil || served != 3) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d: %d served, %v; want %q", status, served, err, want)
		}
	}
}

// A server that keeps a descriptor for each client is found out.
func TestHeldCountsDescriptors(t *testing.T) {
	var h results.Held
	for range 5 { // one may meet a machine that is busy with something else
		srv, err := startMode(t, "files")
		if err != nil {
			t.Fatal(err)
		}
		r := readers{addr: srv.addr, state: "stateful", keepAlive: true, read: 64}
		h, err = measureHeld(t.Context(), r, srv.tree, nil)
		srv.kill()
		if err != nil {
			t.Fatal(err)
		}
		if h.Why == "" {
			break
		}
	}
	if h.Why != "" {
		t.Fatalf("nothing can be told: %s", h.Why)
	}
	const own = 4 // of the server, which may come and go
	if more := *h.Descriptors - h.Clients; more < heldWarm-own || more > heldWarm+2*crashConnections {
		t.Errorf("%d descriptors for %d clients, the first %d apart", *h.Descriptors, h.Clients, heldWarm)
	}
	if h.Memory == nil || *h.Memory <= 0 || h.Store != nil {
		t.Errorf("%+v", h)
	}
}

// Descriptors of the whole tree are counted.
func TestDescriptors(t *testing.T) {
	tree, err := proc.NewTree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	before, err := tree.Descriptors()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if after, err := tree.Descriptors(); err != nil || after != before+3 {
		t.Errorf("%d descriptors, before %d, %v; want 3 more", after, before, err)
	}
}
