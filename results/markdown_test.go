package results

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"serverlab/results/plot"
)

func markdownText(t *testing.T, run Run, trials []Trial, pictures []Linked, damage ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Markdown(&b, run, trials, pictures, damage); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMarkdownGolden(t *testing.T) {
	run, trials := predictedFixture()
	bars := &plot.Bars{Head: plot.Head{Title: "Throughput"}}
	golden(t, "report.md", markdownText(t, run, trials, []Linked{
		{Picture{Name: "waits", Look: "The longest bar is best.", Chart: bars}, "my pictures/waits.svg"}}))
	golden(t, "report-nothing.md", markdownText(t, run, nil, nil))
	run, trials = starvedColumn(fixture(6, 6))
	run, trials = withReferences(run, trials[:len(trials)-30]) // the last block has not run
	golden(t, "report-failed.md", markdownText(t, run, trials, nil, "trials.jsonl:7 is damaged"))
}

// Markdown has a line for each problem of a record. Of one that is blind it has only their number: they may name rows.
func TestMarkdownTellsDamage(t *testing.T) {
	run, trials := fixture(3, 6)
	lines := []string{"trials.jsonl:7 is damaged: iterative", "trials.jsonl:9 is damaged"}
	if text := markdownText(t, run, trials, nil, lines...); !strings.Contains(text, "damaged: iterative\n- trials") {
		t.Errorf("no list of problems:\n%s", text)
	}
	run, trials, _ = Blind(run, trials, 3)
	text := markdownText(t, run, trials, nil, lines...)
	if !strings.Contains(text, "## Which of A to C is which?") || !strings.Contains(text, "- iterative: ") ||
		!strings.Contains(text, "2 problems, see the report that is not blind") || strings.Contains(text, "jsonl") {
		t.Errorf("the riddle is missing, or a problem is told:\n%s", text)
	}
}

func TestPlainIsShownAsItIs(t *testing.T) {
	for text, want := range map[string]string{
		"40.0 (34.4 – 45.5), best": "40.0 (34.4 – 45.5), best",
		"a|b`c`*d*_e_<f>&amp;":     "a\\|b\\`c\\`\\*d\\*\\_e\\_&lt;f>&amp;amp;",
		"![x](http://y) <a href>":  "!\\[x\\](http\\://y) &lt;a href>",
		"see www.evil.com now":     "see www\\.evil.com now",
		"two\n\n# lines\t|":        "two \\# lines \\|",
		"- item":                   "\\- item",
		"+1":                       "\\+1",
		"> said":                   "\\> said",
		"=== ":                     "\\===",
		"1. first":                 "1\\. first",
		"23) first":                "23\\) first",
		"1.5 first":                "1.5 first",
		"CPU @ 2.6 GHz, a@b.c":     "CPU @ 2.6 GHz, a(at)b.c",
		"a\x1b[2J\u202eb\xff\x00":  "a?\\[2J?b??",
		"prefork:accept=pass: it":  "prefork\\:accept=pass: it",
		"\\":                       "\\\\",
		"$x$ ~~no~~":               "\\$x\\$ \\~\\~no\\~\\~",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// mark puts a text behind every string of a record, the keys of maps and what names something else alike, so that they
// still fit together; but not where a constant of this package is expected.
func mark(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			mark(v.Elem(), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && v.Type().Field(i).Name != "Model" && v.Type().Field(i).Name != "State" {
				mark(f, text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			mark(v.Index(i), text)
		}
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			return
		}
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			mark(value, text)
			v.SetMapIndex(key, reflect.Value{})
			v.SetMapIndex(reflect.ValueOf(key.String()+text).Convert(v.Type().Key()), value)
		}
	case reflect.String:
		if v.Type() != reflect.TypeFor[Metric]() {
			v.SetString(v.String() + text)
		}
	}
}

// marked is a run, as encoded, with a text behind every string.
func marked(t *testing.T, encoded []byte, text string) (Run, []Trial) {
	t.Helper()
	var r record
	if err := json.Unmarshal(encoded, &r); err != nil {
		t.Fatal(err)
	}
	mark(reflect.ValueOf(&r).Elem(), text)
	return r.Run, r.Trials
}

type record struct {
	Run    Run
	Trials []Trial
}

// A record of somebody else makes no markup: with a hostile text in every string the report has the same lines, the
// same marks of Markdown at their beginnings, and the same cells as with a harmless one.
func TestMarkdownOfAHostileRecord(t *testing.T) {
	run, trials := withReferences(starvedColumn(withCheapState(fixture(5, 2))))
	run.Predictions = []Prediction{{"trivial", "iterative", 3, "epoll"}, {"nothing", "x", 2, ""}}
	run.Notes, run.Machine.Governor = []string{"note"}, "performance"
	encoded, err := json.Marshal(record{run, trials})
	if err != nil {
		t.Fatal(err)
	}
	cell := regexp.MustCompile(`(^|[^\\])\|`)
	beginning := regexp.MustCompile(`^(#+ |- \*\*|- |  - |!\[|\||)`)
	report := func(text string) (out string, structure []string) {
		run, trials := marked(t, encoded, text)
		picture := Picture{Look: "look" + text, Chart: &plot.Bars{Head: plot.Head{Title: "title" + text}}}
		out = markdownText(t, run, trials, []Linked{{picture, "a" + text + ".svg"}})
		for line := range strings.Lines(out) {
			cells := strings.Repeat("|", len(cell.FindAllString(line, -1)))
			structure = append(structure, beginning.FindString(line)+cells)
		}
		return out, structure
	}
	_, want := report("X")
	if len(want) < 60 {
		t.Fatalf("only %d lines", len(want))
	}
	for _, text := range []string{"<script>alert(1)</script>\r- x\u2028# x\x1b]0;x\a", "|a|\n|b|\n\n# big\n> x\n---\n",
		"``` \n```\n<img src=x>\n<b>", "](javascript:x) \" onload=\"x **<!--&lt;", "\\"} {
		out, got := report(text)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: the lines are %q, want %q", text, got, want)
		}
		for _, bad := range []string{"<script", "<img", "<!--", "<b>", "\x1b", "\r", "```", "\u2028"} {
			if strings.Contains(out, bad) {
				t.Errorf("%q: %q is in the report", text, bad)
			}
		}
	}
}
