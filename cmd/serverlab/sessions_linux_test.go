package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"serverlab/internal/corpus"
	"serverlab/results"
)

// library is a file service that remembers, on net/http.
type library struct {
	mu       sync.Mutex
	sessions map[string]*[2]int // file and offset
	opened   int
	slip     int // added to the cursor of each tenth read
	reads    int
}

func (l *library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.URL.Path == "/open" && r.Method == "POST" {
		l.opened++
		id := fmt.Sprintf("%032x", l.opened)
		file, _ := strconv.Atoi(strings.TrimPrefix(r.FormValue("file"), "f"))
		l.sessions[id] = &[2]int{file, 0}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: id, Path: "/", HttpOnly: true})
		fmt.Fprintf(w, "opened %s, %d bytes\n", r.FormValue("file"), corpus.Size)
		return
	}
	id, file, offset := "", r.FormValue("file"), 0
	count, _ := strconv.Atoi(r.FormValue("count"))
	if c, err := r.Cookie("session"); err == nil {
		id = c.Value
	}
	session := l.sessions[id]
	switch {
	case file != "":
		offset, _ = strconv.Atoi(r.FormValue("offset"))
	case session == nil:
		http.Error(w, "no such session", http.StatusGone)
		return
	case r.URL.Path == "/close":
		delete(l.sessions, id)
		fmt.Fprintln(w, "closed")
		return
	default:
		if l.reads++; l.reads%10 == 0 {
			session[1] += l.slip
		}
		file, offset = corpus.Name(session[0]), session[1]
		session[1] = min(corpus.Size, offset+count)
	}
	if id == "" {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: strings.Repeat("a", 32)})
	}
	content := make([]byte, max(0, min(count, corpus.Size-offset)))
	corpus.At(file, int64(offset), content)
	w.Header().Set("X-Offset", strconv.Itoa(offset))
	w.Write(content)
}

// Clients with sessions against a real server, over real connections: each state, kept connections and others.
func TestLoadSessions(t *testing.T) {
	for _, state := range []string{"stateless", "soft", "stateful"} {
		for _, keep := range []bool{true, false} {
			for slip, want := range map[int]int{0: exitDone, 1: exitFailed} {
				server := httptest.NewServer(&library{sessions: map[string]*[2]int{}, slip: slip})
				code, stdout, stderr := ask("load", "--url", server.URL, "--warmup=0s", "--duration=150ms", "--connections=4",
					"--clients=16", "--read=100000", "--session", state, fmt.Sprint("--keepalive=", keep), "--json")
				server.Close()
				var l struct{ results.Load }
				if err := json.Unmarshal([]byte(stdout), &l); err != nil {
					t.Fatalf("%v: %s", err, stderr)
				}
				if state != "stateful" {
					want = exitDone
				}
				s := l.Sessions
				if code != want || s == nil || s.State != state || s.Clients != 16 || s.Read != 100000 ||
					(l.Errors["position"] > 0) != (want != exitDone) || l.ErrorCount() != l.Errors["position"] {
					t.Errorf("%s, keep-alive %v, slip %d: exit code %d, %+v, errors %v, %s", state, keep, slip, code, s, l.Errors,
						stderr)
				}
			}
		}
	}
}

func TestLoadSessionUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--clients=5":                                  "--clients needs --session stateless, soft or stateful",
		"--read=5":                                     "--read needs --session",
		"--session=":                                   "--session names no state: give stateless, soft or stateful",
		"--session=none":                               `--session "none": give stateless, soft or stateful`,
		"--session=soft --check=file":                  "leave out --check",
		"--session=soft --method=GET":                  "leave out --method",
		"--session=soft --body=x":                      "leave out --body",
		"--session=soft --read=-1":                     "--read -1: give a number of bytes from 1 to 1048576",
		"--session=soft --read=1048577":                "--read 1048577: give a number of bytes from 1 to 1048576",
		"--session=soft --clients=-1":                  "--clients -1: give a number from that of the connections, 64, to",
		"--session=soft --clients=63":                  "--clients 63: give a number from that of the connections, 64, to",
		"--session=soft --rate=5 --arrivals=partly":    "--arrivals partly: clients with sessions stay",
		"--session=soft --header=Cookie:a=b":           "--header Cookie: clients with sessions send their own",
		"--session=soft --url=http://127.0.0.1:1/read": `--url "http://127.0.0.1:1/read": clients with sessions ask`,
		"--session=soft --clients=99 --sweep=1..9 --sweep-by=connections": "has a client for each connection: leave out " +
			"--clients",
	} {
		all := append([]string{"load", "--url=http://127.0.0.1:1/"}, strings.Split(args, " ")...)
		if code, stdout, stderr := ask(all...); code != exitUsage || stdout != "" || !strings.Contains(stderr, want) ||
			strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, %q; want %q", args, code, stdout, stderr, want)
		}
	}
}

// A server that loses each session before it is read from has served nobody, however often it opened one.
func TestLoadOfLostSessions(t *testing.T) {
	s := startServing(t, "--arch=process", "--state=stateful", "--store=memory")
	code, _, stderr := ask("load", "--url=http://"+s.addr+"/", "--session=stateful", "--connections=2", "--clients=2",
		"--duration=1s", "--warmup=0s")
	if code != 1 || !strings.Contains(stderr, "not one right read") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
