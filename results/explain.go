package results

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
)

//go:embed explain.txt
var explainText string

// entry is one explanation: its names, the first of which is printed, and its lines.
type entry struct {
	names []string
	lines []string
}

// glossary parses explain.txt: an entry opens with "# name | another name" and ends at the next one.
var glossary = sync.OnceValue(func() (entries []entry) {
	for line := range strings.Lines(explainText) {
		line = strings.TrimRight(line, "\r\n")
		if head, ok := strings.CutPrefix(line, "# "); ok {
			e := entry{}
			for name := range strings.SplitSeq(head, "|") {
				e.names = append(e.names, strings.TrimSpace(name))
			}
			entries = append(entries, e)
		} else if line != "" && len(entries) > 0 {
			last := &entries[len(entries)-1]
			last.lines = append(last.lines, line)
		}
	}
	return entries
})

// Terms lists every term that Explain knows, in alphabetical order; other names for the same thing are left out.
func Terms() (terms []string) {
	for _, e := range glossary() {
		terms = append(terms, e.names[0])
	}
	slices.SortFunc(terms, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return terms
}

// Explain returns a few lines about a term of the field or of the screens, ending in a newline. Capitals, hyphens and
// spaces make no difference. An unknown term is an error that names the nearest ones.
func Explain(term string) (string, error) {
	want := plainTerm(term)
	var near []string
	nearest := max(1, len(want)/3)
	for _, e := range glossary() {
		found := false
		for _, name := range e.names {
			have := plainTerm(name)
			if have == want {
				return e.names[0] + "\n  " + strings.Join(e.lines, "\n  ") + "\n", nil
			}
			d := editDistance(want, have)
			if len(want) >= 3 && (strings.HasPrefix(have, want) || strings.HasPrefix(want, have) && len(have) >= 3) {
				d = min(d, 1)
			}
			if d < nearest {
				nearest, near, found = d, nil, false
			}
			if d == nearest && !found {
				near, found = append(near, e.names[0]), true
			}
		}
	}
	if len(near) == 0 || want == "" {
		return "", fmt.Errorf("no entry for %q: `serverlab explain` lists all", term)
	}
	return "", fmt.Errorf("no entry for %q; did you mean %s? `serverlab explain` lists all", term,
		strings.Join(near, " or "))
}

// plainTerm keeps letters and digits only, in lower case.
func plainTerm(t string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, t)
}

// editDistance is Levenshtein's: the least number of letters to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
