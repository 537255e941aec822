// Package page makes report.html of a run: one file that needs no network, no fonts and no library, and reads the same
// from a mail, from a disk and on paper. Everything is there without a script; the script only switches rows, shows the
// figures of a point, and filters the trials.
//
// Records are written by others. Their strings reach the page through html/template, which escapes them, and through
// package plot, which does so for drawings; nothing else is put in unescaped. Should a string get through all the same,
// the page's Content-Security-Policy lets no script run but ours, and loads nothing.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"serverlab/results"
	"serverlab/results/plot"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// Write writes the report of a run as an HTML page. damage are lines about what of the record could not be read; what
// could is reported all the same. An error is one of w, or of a page that can't be made of this record.
func Write(w io.Writer, run results.Run, trials []results.Trial, damage []string) error {
	v, err := newView(&run, trials, damage)
	if err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, v); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

var tmpl = template.Must(template.New("page").Funcs(template.FuncMap{"term": term}).Parse(pageHTML))

// own is a style sheet or script of ours as an element, and the source by which the policy knows it.
func own(tag, text string) (element template.HTML, source string) {
	sum := sha256.Sum256([]byte(text))
	return template.HTML("<" + tag + ">" + text + "</" + tag + ">"),
		"'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// shell is what every page has, whatever it reports.
type shell struct {
	Policy        string
	Style, Script template.HTML
}

func newShell() shell {
	style, styleSource := own("style", pageCSS+plot.CSS())
	script, scriptSource := own("script", pageJS)
	return shell{Style: style, Script: script, Policy: "default-src 'none'; style-src " + styleSource +
		"; script-src " + scriptSource + "; base-uri 'none'; form-action 'none'"}
}

// words are the terms of `serverlab explain` that the page uses, in the order in which it shows them.
var words = []string{"closed loop", "open loop", "Poisson arrivals", "response time", "coordinated omission", "p99",
	"histogram", "warm-up", "trial", "median", "confidence interval", "Mann-Whitney", "Holm", "tied",
	"CPU per request", "process control", "PSS", "ceiling", "Little's law", "knee", "starved", "verdict", "reference"}

// word is a term with its explanation.
type word struct{ ID, Name, Text, See string }

// glossary are the words that there are.
func glossary() (all []word, err error) {
	for _, name := range words {
		text, err := results.Explain(name)
		if err != nil {
			return nil, err
		}
		title, text, _ := strings.Cut(text, "\n")
		text, see, _ := strings.Cut(strings.Join(strings.Fields(text), " "), " See also: ")
		all = append(all, word{wordID(name), title, text, strings.TrimSuffix(see, ".")})
	}
	return all, nil
}

func wordID(name string) string {
	return "word-" + plot.Identifier(strings.ReplaceAll(strings.ToLower(name), " ", "-"))
}

// term is a link to a word's explanation; shown is what stands there if it is not the word itself.
func term(name string, shown ...string) (template.HTML, error) {
	for _, w := range words {
		if w == name {
			text := strings.Join(append(shown, name)[:1], "")
			return template.HTML(`<a class="term" href="#` + wordID(name) + `">` + template.HTMLEscapeString(text) +
				`</a>`), nil
		}
	}
	return "", fmt.Errorf("%q is not among the page's words", name)
}
