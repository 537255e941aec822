//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"serverlab/results"
)

// slowServer answers one request at a time, each after 10 ms, and calls at with the number of each request.
func slowServer(t *testing.T, at func(n int64)) string {
	t.Helper()
	var one sync.Mutex
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := n.Add(1); at != nil {
			at(n)
		}
		one.Lock()
		defer one.Unlock()
		select {
		case <-time.After(10 * time.Millisecond): // its work
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "hello")
	}))
	t.Cleanup(s.Close)
	return s.URL + "/"
}

func TestFindRateOnTheWire(t *testing.T) {
	args := []string{"load", "--url", slowServer(t, nil), "--find-rate", "--slo=p50=100ms,errors=5%", "--duration=200ms",
		"--warmup=0s", "--timeout=300ms", "--width=50", "--connections=8", "--json"}
	code, stdout, stderr := ask(args...)
	var s results.Search
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		t.Fatalf("exit code %d, %v, %q, %q", code, err, stdout, stderr)
	}
	if len(s.Trials) == 0 || s.Closed <= 0 || s.Closed > 101 || len(s.Goals) != 2 || s.Trials[0].Load == nil {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if s.Lower != nil && s.Lower.Rate > 150 || s.Lower == nil != (code == exitFailed) ||
		s.Lower != nil && code != exitDone {
		t.Errorf("exit code %d, lower bound %+v of a server that can do 100/s", code, s.Lower)
	}
	if lines := strings.Count(stderr, "\n"); lines < len(s.Trials)+1 {
		t.Errorf("%d lines for %d trials: %q", lines, len(s.Trials), stderr)
	}
}

func TestSweepOnTheWire(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sweep.csv")
	url := slowServer(t, nil)
	for _, by := range []string{"rate", "connections"} {
		args := []string{"load", "--url", url, "--sweep=20,40,80", "--sweep-by=" + by, "--duration=100ms", "--warmup=0s",
			"--timeout=5s", "--repeat=2", "--seed=3"}
		code, stdout, stderr := ask(append(args, "--json", "--csv="+file)...)
		var s results.Sweep
		if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != exitDone {
			t.Fatalf("by %s: exit code %d, %v, %q, %q", by, code, err, stdout, stderr)
		}
		if len(s.Points) != 3 || s.By != by || s.Points[2].Load != 80 || len(s.Points[2].Trials) != 2 {
			t.Errorf("by %s: %q", by, stdout)
		}
		for _, trial := range s.Points[2].Trials {
			if l := trial.Load; by == "connections" && (l.Connections != 80 || l.Model != "closed") ||
				by == "rate" && (l.Rate != 80 || l.Model != "poisson") {
				t.Errorf("by %s: %d connections, rate %v, %s", by, l.Connections, l.Rate, l.Model)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil || len(lines) != 4 || lines[3][0] != "80" {
			t.Errorf("by %s: %v, %q", by, err, text)
		}
		code, stdout, _ = ask(append(args, "--repeat=1", "--csv=-")...)
		if lines, err := csv.NewReader(strings.NewReader(stdout)).ReadAll(); code != exitDone || err != nil ||
			len(lines) != 4 {
			t.Errorf("by %s to standard output: exit code %d, %v, %q", by, code, err, stdout)
		}
		code, stdout, _ = ask(append(args, "--repeat=1", "--ascii")...)
		if code != exitDone || !strings.Contains(stdout, "nee at") && !strings.Contains(stdout, "No knee") {
			t.Errorf("by %s: exit code %d, %q", by, code, stdout)
		}
	}
}

// An interrupted search or sweep says what it knows, with exit code 130.
func TestSearchIsInterrupted(t *testing.T) {
	for _, args := range [][]string{
		{"--sweep=50,60,70", "--duration=100ms", "--warmup=0s", "--repeat=50"},
		{"--find-rate", "--slo=p50=1s", "--duration=100ms", "--warmup=0s"},
		{"--find-rate", "--slo=p50=1s", "--duration=1h", "--warmup=1h"}, // in the middle of a trial
	} {
		ctx, cancel := context.WithCancel(t.Context())
		url := slowServer(t, func(n int64) {
			if n == 60 {
				cancel()
			}
		})
		var stdout, stderr bytes.Buffer
		code := run(ctx, append([]string{"load", "--url", url, "--json"}, args...), &stdout, &stderr)
		cancel()
		var out struct {
			Interrupted bool `json:"interrupted"`
		}
		if err := json.Unmarshal(stdout.Bytes(), &out); err != nil || code != exitInterrupted || !out.Interrupted {
			t.Errorf("%v: exit code %d, %v, %.200q, %q", args, code, err, stdout.String(), stderr.String())
		}
		if !strings.Contains(stderr.String(), "serverlab load: interrupted") {
			t.Errorf("%v: %q", args, stderr.String())
		}
	}
}

// Wrong uses get one line that says what to do.
func TestSearchFlagsAreChecked(t *testing.T) {
	const url = "http://127.0.0.1:1/"
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--find-rate", 2, "--find-rate needs --slo"},
		{"--slo p99=5ms", 2, "--slo needs --find-rate"},
		{"--width 3", 2, "--width needs --find-rate"},
		{"--repeat 3", 2, "--repeat: give --sweep"},
		{"--sweep=", 2, "--sweep names no points, such as"},
		{"--sweep-by connections", 2, "--sweep-by: give --sweep"},
		{"--find-rate --slo p99=5ms --sweep 1,2", 2, "choose one"},
		{"--find-rate --slo p99=5ms --rate 100", 2, "leave out --rate"},
		{"--find-rate --slo p99=5ms --server-pid 1", 2, "leave out --server-pid"},
		{"--find-rate --slo p99=5ms --csv x", 2, "leave out --csv"},
		{"--find-rate --slo p99", 2, "--slo: goal p99="},
		{"--find-rate --slo p99=20s", 2, "not below the --timeout"},
		{"--find-rate --slo p99=5ms --width 0.1", 2, "width 0.1 %"},
		{"--find-rate --slo p99=5ms --arrivals never", 2, "arrivals"},
		{"--find-rate --slo p99=5ms --duration 0s", 2, "duration 0s"},
		{"--find-rate --slo p99=5ms", 1, "is the server running"},
		{"--sweep 5", 2, "two points"},
		{"--sweep 5..1", 2, "below the last"},
		{"--sweep 1,x", 2, `"x" is no rate`},
		{"--sweep 1,2 --sweep-by threads", 2, "rate or connections"},
		{"--sweep 1,2 --sweep-by connections --arrivals constant", 2, "leave out --arrivals"},
		{"--sweep 1,2 --sweep-by connections --connections 3", 2, "leave out --connections"},
		{"--sweep 1,2 --repeat 0", 2, "repeat 0"},
		{"--sweep 1,2 --hgrm x", 2, "leave out --hgrm"},
		{"--sweep 1,2", 1, "is the server running"},
	} {
		code, stdout, stderr := ask(append([]string{"load", "--url", url}, strings.Fields(c.args)...)...)
		last := stderr[strings.LastIndex(strings.TrimRight(stderr, "\n"), "\n")+1:]
		if code != c.code || !strings.Contains(last, c.want) || stdout != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %d and %q", c.args, code, stderr, stdout, c.code, c.want)
		}
		if n := strings.Count(stderr, "\n"); n != 1 && c.code == 2 || n > 2 {
			t.Errorf("%s: %d lines: %q", c.args, n, stderr)
		}
	}
}
