//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The Markdown report shows the pictures that lie where its links say, wherever the two are written.
func TestMarkdownLinksItsPictures(t *testing.T) {
	link := regexp.MustCompile(`!\[[^]]*\]\(<([^>]*)>\)`)
	dir := t.TempDir()
	for _, c := range []struct{ markdown, svg string }{{"report.md", "my pictures"}, {"sub/report.md", "pictures"},
		{"report.md", "."}} {
		file := filepath.Join(dir, c.markdown)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := ask("report", "../../results/reference", "--markdown", file, "--svg", filepath.Join(dir, c.svg))
		text, err := os.ReadFile(file)
		if code != exitDone || err != nil {
			t.Fatalf("exit code %d, %q, %v", code, stderr, err)
		}
		links := link.FindAllStringSubmatch(string(text), -1)
		if len(links) < 5 {
			t.Errorf("%v: only %d pictures", c, len(links))
		}
		for _, l := range links {
			if path := strings.ReplaceAll(l[1], "%20", " "); !exists(filepath.Join(filepath.Dir(file), path)) {
				t.Errorf("%v: there is no %s", c, path)
			}
		}
	}
	code, text, stderr := ask("report", "../../results/reference", "--markdown", "-")
	if code != exitDone || !strings.HasPrefix(text, "# Which architecture") || strings.Contains(text, "![") || stderr != "" {
		t.Errorf("exit code %d, %q:\n%s", code, stderr, text)
	}
	for args, want := range map[string]string{"--markdown=": "--markdown names no file",
		"--markdown=x --pack=x": "can't both write to x", "--markdown=/nowhere/x": "--markdown"} {
		if code, _, stderr := ask(append([]string{"report", "../../results/reference"}, strings.Fields(args)...)...); code ==
			exitDone || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %q; want %q", args, code, stderr, want)
		}
	}
}
