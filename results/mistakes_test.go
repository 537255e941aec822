package results

import (
	"strings"
	"testing"
)

// fixtureMistakes are what a machine with two CPUs told.
func fixtureMistakes() Mistakes {
	return Mistakes{Same: [4]Mistaken{{6100, 6100, 160e-6}, {6180, 6180, 159e-6}, {6050, 6050, 161e-6},
		{6120, 6120, 160e-6}}, Typing: Mistaken{Answers: 31_000}, CPUs: 1, FavouredCPUs: 2,
		Favoured: Mistaken{10_900, 10_900, 166e-6}, Delay: 0.005, Clients: 16, Few: 3080, MoreClients: 64, Many: 12_100,
		Averaged: 0.131, Merged: 0.961}
}

// Every mistake fits a screen of 24 lines and 80 columns, and shows the honest figure beside the naive one.
func TestMistakesScreen(t *testing.T) {
	m := fixtureMistakes()
	alone := m
	alone.FavouredCPUs, alone.Favoured = 1, Mistaken{}
	for name, c := range map[string]struct {
		m     Mistakes
		style Style
	}{"mistakes.txt": {m: m}, "mistakes-ascii.txt": {m, Style{ASCII: true}}, "mistakes-alone.txt": {m: alone},
		"mistakes-nothing.txt": {}} {
		var b strings.Builder
		if err := MistakesScreen(&b, &c.m, c.style); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
		lines := 0
		for line := range strings.Lines(b.String()) {
			if lines++; strings.HasPrefix(line, "WHO") || strings.HasPrefix(line, "WHAT") || strings.HasPrefix(line, "WHERE") {
				lines = 1
			}
			if n := width(strings.TrimRight(line, "\n")); lines > 23 || n > 80 {
				t.Errorf("%s: line %d of its screen, %d columns: %q", name, lines, n, line)
			}
		}
		if name == "mistakes.txt" && strings.Count(b.String(), "honest") < 5 {
			t.Errorf("a mistake comes without the honest figure:\n%s", b.String())
		}
	}
}
