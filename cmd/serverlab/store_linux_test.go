package main

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"serverlab/internal/scoreboard"
	"serverlab/servers"
	"serverlab/servers/app"
	"serverlab/servers/state"
	"serverlab/servers/state/redisstore"
)

func TestStateFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--state nonsense":                       "--state \"nonsense\": choose stateless, soft or stateful",
		"--store memory":                         "--store goes with --state stateful only",
		"--state soft --store memory":            "--store goes with --state stateful only",
		"--state soft --session-idle 1s":         "--session-idle goes with --state stateful only",
		"--state soft --max-sessions 5":          "--max-sessions goes with --state stateful only",
		"--lease 1s":                             "--lease goes with --state soft only",
		"--state stateful --lease 1s":            "--lease goes with --state soft only",
		"--forget 1s":                            "--forget goes with --state soft or stateful only",
		"--max-open 1":                           "--max-open goes with --state soft or stateful only",
		"--state soft --lease 2":                 "--lease \"2\": give a time such as 2s",
		"--state soft --max-open 5.5":            "--max-open \"5.5\": give a whole number",
		"--keepalive=maybe":                      "--keepalive \"maybe\": give true or false",
		"--state soft --lease 0s":                "--lease 0s: give a time",
		"--state soft --forget -1s":              "--forget -1s: give a time",
		"--state soft --max-open -1":             "--max-open -1: give a number",
		"--state stateful --session-idle 0s":     "--session-idle 0s: give a time",
		"--state stateful --max-sessions 0":      "--max-sessions 0: give a number",
		"--state stateful --store disk":          "--store \"disk\": choose memory, shm or redis://",
		"--state stateful --store redis://":      "--store \"redis://\": choose memory, shm or redis://",
		"--state stateful --store redis://h:x":   "choose memory, shm or redis://",
		"--state stateful --store redis://h/one": "the database is no number",
	} {
		line := append([]string{"serve", "--arch=goroutine", "--addr=127.0.0.1:0", "--files=" + t.TempDir()},
			strings.Fields(args)...)
		code, stdout, stderr := ask(line...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("serve %s: exit %d, %q and %q; want 2 and %q", args, code, stdout, stderr, want)
		}
	}
	f := serveFlags{app: app.DefaultSettings()}
	f.app.State = app.Soft
	err := f.completeState(pflag.NewFlagSet("serve", pflag.ContinueOnError), servers.Architecture{StaticOnly: true})
	if err == nil || !strings.Contains(err.Error(), "serves one file") {
		t.Errorf("soft state of a server of one file: %v", err)
	}
}

// withBoard runs a command that serves, with a scoreboard, until the test ends.
func withBoard(t *testing.T, command ...string) (url string, board *scoreboard.Board) {
	t.Helper()
	stats := filepath.Join(t.TempDir(), "stats")
	cmd := exec.Command(command[0], append(command[1:], "--until-eof", "--stats="+stats, "--addr=127.0.0.1:0")...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", command, err)
		}
	})
	lines := bufio.NewScanner(out)
	lines.Scan()
	addr, found := strings.CutPrefix(lines.Text(), "listening ")
	if !found {
		t.Fatalf("%v says %q", command, lines.Text())
	}
	if board, err = scoreboard.Open(stats); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { board.Close() })
	return "http://" + addr, board
}

// told asks for url, on a connection of its own, and returns the answer's text and the cookie that it sets.
func told(t *testing.T, method, url, cookie string, status int) (text, set string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%s %s: %s %q, %v; want %d", method, url, answer.Status, body, err, status)
	}
	set, _, _ = strings.Cut(answer.Header.Get("Set-Cookie"), ";")
	return string(body), set
}

// awaitSessions waits until the scoreboard shows so many.
func awaitSessions(t *testing.T, board *scoreboard.Board, want uint64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); board.Sum().Sessions != want; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("the scoreboard shows %d sessions, want %d", board.Sum().Sessions, want)
		}
	}
}

// The scoreboard says what the server remembers, where, and of how many; the sessions of every process count.
func TestSessionsAreCounted(t *testing.T) {
	for _, c := range []struct{ arch, store string }{
		{"epoll", ""}, {"process", ""}, {"prefork", ""}, {"goroutine", "shm"}, {"prefork", "memory"}, {"symped", "memory"},
	} {
		t.Run(c.arch+" "+c.store, func(t *testing.T) {
			command := []string{program(t), "serve", "--arch=" + c.arch, "--workers=4", "--state=stateful"}
			want := map[string]string{"epoll": "memory", "process": "shm", "prefork": "shm"}[c.arch]
			if c.store != "" {
				command, want = append(command, "--store="+c.store), c.store
			}
			url, board := withBoard(t, command...)
			settings, err := board.Settings()
			if err != nil || settings["state"] != "stateful" || settings["store"] != want {
				t.Errorf("state %q, store %q, %v; want stateful, %q", settings["state"], settings["store"], err, want)
			}
			var cookie string
			for range 9 {
				_, cookie = told(t, "POST", url+"/open?file=f01", "", 200)
			}
			awaitSessions(t, board, 9)
			if c.store == "memory" {
				return // another process may be asked, which knows nothing of it
			}
			if text, _ := told(t, "GET", url+"/read?count=7", cookie, 200); len(text) != 7 {
				t.Errorf("read %q", text)
			}
			told(t, "POST", url+"/close", cookie, 200)
			told(t, "POST", url+"/close", cookie, 410)
			awaitSessions(t, board, 8)
		})
	}
}

// What a process of a pool has in its own memory is gone with it, and no longer counted.
func TestSessionsEndWithTheirProcess(t *testing.T) {
	url, board := withBoard(t, program(t), "serve", "--arch=prefork", "--workers=1", "--state=stateful",
		"--store=memory", "--allow-chaos")
	_, cookie := told(t, "POST", url+"/open?file=f01", "", 200)
	awaitSessions(t, board, 1)
	if answer, err := http.Get(url + "/chaos/exit"); err == nil {
		answer.Body.Close()
		t.Fatal("the process that was to end has answered")
	}
	awaitSessions(t, board, 0)
	told(t, "GET", url+"/read?count=7", cookie, 410)
}

// Who serves is told at the start that the store does not answer, and of no other store.
func TestStoreIsTried(t *testing.T) {
	gone, err := redisstore.Open("redis://user:secret@127.0.0.1:1/2", state.Limits{Sessions: 1, Idle: time.Hour}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for want, store := range map[string]state.Store{
		"": state.NewMemory(state.Limits{Sessions: 1, Idle: time.Hour}), "Redis at 127.0.0.1:1: ": gone,
	} {
		var notes strings.Builder
		tryStore(store, &notes)
		if got := notes.String(); !strings.Contains(got, want) || (got == "") != (want == "") ||
			strings.Count(got, "\n") > 1 || strings.Contains(got, "secret") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Open files and connections share the descriptors, and a password is nobody's business.
func TestStateSettings(t *testing.T) {
	url, board := withBoard(t, "/bin/sh", "-c", `ulimit -n 1024 && exec "$0" "$@"`, program(t), "serve",
		"--arch=goroutine", "--state=stateful", "--store=redis://user:secret@127.0.0.1:1/2")
	settings, err := board.Settings()
	if err != nil {
		t.Fatal(err)
	}
	open, _ := strconv.Atoi(settings["max-open"])
	conns, _ := strconv.Atoi(settings["max-conns"])
	if open < 100 || conns < 100 || open+conns > 1024-reservedDescriptors {
		t.Errorf("%d open files and %d connections, of 1024 descriptors", open, conns)
	}
	if settings["state"] != "stateless server, stateful tier" || settings["store"] != "redis://user:xxxxx@127.0.0.1:1/2" {
		t.Errorf("state %q, store %q", settings["state"], settings["store"])
	}
	if text, _ := told(t, "POST", url+"/open?file=f00", "", 503); !strings.Contains(text, "can't be reached") {
		t.Errorf("without its store it says %q", text)
	}
	_, board = withBoard(t, program(t), "serve", "--arch=process", "--state=soft", "--lease=3s", "--forget=1s")
	if settings, err = board.Settings(); err != nil || settings["state"] != "soft, same as stateless" ||
		settings["lease"] != "3s" || settings["forget"] != "1s" {
		t.Errorf("%v, %v", settings, err)
	}
}
