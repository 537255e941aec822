//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"serverlab/servers"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// between returns the code block that stands between two markers.
func between(t *testing.T, text, name string) string {
	t.Helper()
	_, rest, ok1 := strings.Cut(text, "<!-- "+name+" -->\n```go\n")
	block, _, ok2 := strings.Cut(rest, "```\n<!-- /"+name+" -->")
	if !ok1 || !ok2 {
		t.Fatalf("the README has no %s", name)
	}
	return block
}

// The README's own architecture is one file and one line, and does all that every architecture must do.
func TestReadmeArchitecture(t *testing.T) {
	text := readme(t)
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(root, "servers", "servers.go")
	b, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	opening := "var Architectures = []Architecture{\n"
	if !strings.Contains(string(b), opening) {
		t.Fatal("the table is not where it was")
	}
	replace := map[string]string{}
	for path, content := range map[string]string{
		filepath.Join(root, "servers", "gopool.go"): between(t, text, "example"),
		table: strings.Replace(string(b), opening, opening+between(t, text, "line"), 1),
	} {
		copied := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(copied, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[path] = copied
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "serverlab")
	build := exec.Command("go", "build", "-overlay", file, "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the README's architecture does not build: %v\n%s", err, out)
	}
	files := filepath.Join(dir, "files")
	out, err := exec.CommandContext(t.Context(), program, "check", "--arch", "gopool", "--files", files).CombinedOutput()
	if err != nil {
		t.Errorf("the README's architecture does not pass: %v\n%s", err, out)
	}
}

// Every command that the README and the pages of docs name is there, with every flag.
func TestReadmeCommands(t *testing.T) {
	flag := regexp.MustCompile(`--[a-z-]+`)
	seen := 0
	text, _, _ := strings.Cut(readme(t), "## The house")
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in docs: %v", err)
	}
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	for line := range strings.Lines(text) {
		for _, part := range strings.Split(line, "&&") {
			_, args, ok := strings.Cut(part, "serverlab ")
			if !ok || !strings.HasPrefix(line, "    ") {
				continue
			}
			words := strings.Fields(args)
			code, help, _ := ask(words[0], "--help")
			if code != exitDone {
				t.Errorf("the README names `serverlab %s`, which is not there", words[0])
			}
			for _, f := range flag.FindAllString(args, -1) {
				if !strings.Contains(help, f) {
					t.Errorf("the README names `serverlab %s %s`, a flag that is not there", words[0], f)
				}
			}
			seen++
		}
	}
	if seen < 8 {
		t.Errorf("only %d commands were found in the README", seen)
	}
}

// What the README's tables say of an architecture and of its settings is what the table of architectures says, of which
// the conformance suite proves each sentence.
func TestReadmeTable(t *testing.T) {
	text := readme(t)
	line := func(first string, words ...string) {
		t.Helper()
		_, rest, found := strings.Cut(text, "\n| `"+first)
		row, _, _ := strings.Cut(rest, "\n")
		for _, word := range words {
			if !found || !strings.Contains(row, word) {
				t.Errorf("the README has no row %q with %q: %q", first, word, row)
			}
		}
	}
	for _, a := range servers.Architectures {
		if a.Unfinished {
			continue
		}
		limit := "waits in the backlog"
		if a.Limit == servers.Refuses {
			limit = "gets 503"
		}
		line(a.Name+"` |", a.Lecture, string(a.Slow), limit)
		for _, way := range a.Accepts {
			line("accept="+way, "`"+a.Name+"`")
		}
		for _, setting := range a.Settings {
			line(setting+"=", "`"+a.Name+"`")
		}
	}
	line("accept="+servers.ReusePort, string(servers.KeepsQueue))
	for _, r := range servers.References {
		if !strings.Contains(text, "`"+r.Name+"`") {
			t.Errorf("the README does not name the reference %s", r.Name)
		}
	}
}

// The screen that the README shows is the first one of the run which is kept beside it.
func TestReadmeScreen(t *testing.T) {
	_, rest, ok1 := strings.Cut(readme(t), "<!-- screen -->\n```\n")
	shown, _, ok2 := strings.Cut(rest, "```\n<!-- /screen -->")
	if !ok1 || !ok2 {
		t.Fatal("the README shows no screen")
	}
	code, screen, stderr := ask("report", "../../results/reference")
	if code != exitDone || !strings.HasPrefix(screen, shown) || strings.Count(shown, "\n") < 20 {
		t.Errorf("exit code %d, %q; the README shows another screen than\n%s", code, stderr, screen)
	}
}
