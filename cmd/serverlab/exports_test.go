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
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"serverlab/results"
)

// hello is a server that answers and counts.
func hello(t *testing.T, each func(n int64)) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		each(asked.Add(1))
		fmt.Fprint(w, "hello")
	}))
	t.Cleanup(server.Close)
	return server.URL + "/", asked
}

// names are the files of a directory.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// checkExports looks at the files that a load of a few answers leaves. Of a machine that is busy with other things the
// benchmark's line may hold no figure; then a remark has its name.
func checkExports(t *testing.T, dir string) {
	t.Helper()
	want := []string{"a.csv", "a.hgrm", "a.hlog", "a.service.hgrm", "a.txt"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Fatalf("the directory holds %v, not %v", got, want)
	}
	for name, part := range map[string]string{"a.hgrm": "Total count    =", "a.service.hgrm": "Total count    =",
		"a.hlog": "\nTag=service,0.000,", "a.csv": "\n0.000,", "a.txt": "Load/model=closed/"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(text), part) || strings.HasPrefix(string(text), "old") {
			t.Errorf("%s has no %q: %v\n%s", name, part, err, text)
		}
	}
}

func TestLoadExports(t *testing.T) {
	url, _ := hello(t, func(int64) {})
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"a.hlog", "a.service.hgrm"} { // what is there is replaced
		if err := os.WriteFile(in(name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := []string{"load", "--url", url, "--warmup=0s", "--duration=200ms", "--connections=2"}
	code, stdout, stderr := ask(append(load, "--hgrm", in("a.hgrm"), "--hlog", in("a.hlog"), "--csv", in("a.csv"),
		"--gobench", in("a.txt"))...)
	if code != exitDone || !strings.Contains(stdout, "right answers") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	checkExports(t, dir)
	// Where a file goes to standard output nothing else does.
	code, stdout, stderr = ask(append(load, "--csv=-")...)
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if code != exitDone || err != nil || len(rows) < 2 {
		t.Errorf("exit code %d, %q, %v:\n%s", code, stderr, err, stdout)
	}
}

// A link stays a link to the file that is replaced, and a pipe stays a pipe.
func TestExportThroughLinkAndPipe(t *testing.T) {
	url, _ := hello(t, func(int64) {})
	dir := t.TempDir()
	link, file, pipe := filepath.Join(dir, "link"), filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		text, err := os.ReadFile(pipe)
		read <- fmt.Sprint(string(text), err)
	}()
	code, _, stderr := ask("load", "--url", url, "--warmup=0s", "--duration=100ms", "--connections=2", "--csv", link,
		"--gobench", pipe)
	if code != exitDone {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	if text := <-read; !strings.Contains(text, "Load/model=closed/") || !strings.HasSuffix(text, "<nil>") {
		t.Errorf("through the pipe came %q", text)
	}
	text, err := os.ReadFile(file)
	if to, e := os.Readlink(link); e != nil || to != "file" || err != nil || !strings.HasPrefix(string(text), "start_s,") {
		t.Errorf("the link goes to %q (%v), where %q (%v) is", to, e, text, err)
	}
}

// What can't be written is refused before the first request.
func TestExportsAreCheckedFirst(t *testing.T) {
	url, asked := hello(t, func(int64) {})
	dir := t.TempDir()
	nowhere := filepath.Join(dir, "nowhere", "a.csv")
	for _, c := range []struct {
		code int
		part string
		args []string
	}{
		{exitFailed, nowhere, []string{"--csv", nowhere}},
		{exitFailed, "is a directory", []string{"--hlog", dir}},
		{exitFailed, "can't write to the directory", []string{"--hgrm", "/proc/a.hgrm"}},
		{exitFailed, "a.csv/b", []string{"--csv", "/dev/null/a.csv/b"}},
		{exitUsage, "--gobench names no file", []string{"--gobench="}},
		{exitUsage, "can't both write to -", []string{"--csv=-", "--hgrm=-"}},
		{exitUsage, "--json and --hlog", []string{"--hlog=-", "--json"}},
		{exitUsage, "can't both write to", []string{"--csv", dir + "/a", "--hlog", dir + "/./a"}},
		{exitUsage, "--hgrm and --csv", []string{"--hgrm", dir + "/a.hgrm", "--csv", dir + "/a.service.hgrm"}},
	} {
		code, stdout, stderr := ask(append([]string{"load", "--url", url, "--duration=1h"}, c.args...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.part) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit code %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
	if left := names(t, dir); asked.Load() != 0 || len(left) != 0 {
		t.Errorf("%d requests were sent, and %v is left", asked.Load(), left)
	}
	code, _, stderr := ask("report", "../../results/reference", "--gobench", nowhere)
	if code != exitFailed || !strings.Contains(stderr, nowhere) {
		t.Errorf("report: exit code %d, %q", code, stderr)
	}
}

func TestInterruptedLoadIsExported(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	url, _ := hello(t, func(n int64) {
		if n == 100 {
			interrupt()
		}
	})
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"load", "--url", url, "--warmup=0s", "--duration=1h", "--connections=1", "--hgrm",
		in("a.hgrm"), "--hlog", in("a.hlog"), "--csv", in("a.csv"), "--gobench", in("a.txt")}, &stdout, &stderr)
	if code != exitInterrupted {
		t.Fatalf("exit code %d, %q", code, stderr.String())
	}
	checkExports(t, dir)
}

func TestReportGoBench(t *testing.T) {
	code, text, stderr := ask("report", "../../results/reference", "--gobench=-")
	if code != exitDone || !strings.HasPrefix(text, "goos: linux\n") || strings.Contains(text, "WHICH") {
		t.Fatalf("exit code %d, %q\n%s", code, stderr, text)
	}
	_, trials, err := results.Read("../../results/reference")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(text, "\nBenchmarkServe/situation=")
	if one := "/arch=goroutine\t"; lines > len(trials) || lines < len(trials)/2 || !strings.Contains(text, one) {
		t.Errorf("%d lines of %d trials, %q among them: %v", lines, len(trials), one, strings.Contains(text, one))
	}
	file := filepath.Join(t.TempDir(), "a.txt")
	code, screen, _ := ask("report", "../../results/reference", "--gobench", file)
	written, err := os.ReadFile(file)
	if code != exitDone || err != nil || string(written) != text || !strings.Contains(screen, "WHICH") {
		t.Errorf("exit code %d, %v, %d bytes", code, err, len(written))
	}
}

// Programs of others read these by name.
func TestLoadJSON(t *testing.T) {
	url, _ := hello(t, func(int64) {})
	code, stdout, stderr := ask("load", "--url", url, "--warmup=0s", "--duration=250ms", "--connections=2", "--json")
	var l map[string]any
	if err := json.Unmarshal([]byte(stdout), &l); err != nil {
		t.Fatalf("exit code %d, %q, %q: %v", code, stdout, stderr, err)
	}
	for _, name := range []string{"url", "model", "keepalive", "connections", "threads", "warmup", "window", "requests",
		"status", "opened", "bytes_in", "bytes_out", "unserved", "harmed", "response", "service", "lag", "first_byte",
		"connect", "series", "audit", "cpu", "cpu_spin", "pacing", "p50", "p99", "server_cpu"} {
		if _, ok := l[name]; !ok {
			t.Errorf("there is no %q", name)
		}
	}
	series, _ := l["series"].(map[string]any)
	points, _ := series["points"].([]any)
	sum := 0.0
	for _, p := range points {
		p, _ := p.(map[string]any)
		n, _ := p["requests"].(float64)
		sum += n
	}
	if len(points) == 0 || sum != l["requests"] || series["step"] != 0.1 || l["server_cpu"] != nil {
		t.Errorf("%d steps of %v s with %v requests, %v in all; server_cpu %v", len(points), series["step"], sum,
			l["requests"], l["server_cpu"])
	}
}
