package page

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"serverlab/results"
)

// reference is the committed run.
func reference(t testing.TB) (results.Run, []results.Trial) {
	t.Helper()
	run, trials, err := results.Read("../reference")
	if err != nil {
		t.Fatal(err)
	}
	return run, trials
}

func written(t testing.TB, run results.Run, trials []results.Trial, damage ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, run, trials, damage); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// writtenRun is written for what gives a run and its trials.
func writtenRun(t testing.TB) func(results.Run, []results.Trial) string {
	return func(run results.Run, trials []results.Trial) string { return written(t, run, trials) }
}

// manyTrials repeats the trials of a run in further blocks until there are n.
func manyTrials(t testing.TB, n int) (results.Run, []results.Trial) {
	run, trials := reference(t)
	once := slices.Clone(trials)
	for round := 1; len(trials) < n; round++ {
		for _, x := range once {
			if len(trials) == n {
				break
			}
			x.Block += round * run.Setup.Trials
			x.Order = len(trials)
			run.Plan, trials = append(run.Plan, x.Planned), append(trials, x)
		}
	}
	return run, trials
}

func TestPageSaysWhatIsThere(t *testing.T) {
	run, trials := reference(t)
	run.LeftOut = []results.LeftOut{{Name: "nginx", Why: "it is not installed here"}}
	html := written(t, run, trials, "trials.jsonl:7: not JSON")
	for _, want := range []string{"Which architecture is most efficient?", "It depends: no row wins every column.",
		"trials.jsonl:7: not JSON", "nginx</b> was left out: it is not installed here", "How it was measured",
		`id="chart-trivial-cpu"`, `download="trivial-cpu.csv"`, "one request at a time; everybody else waits",
		"net.core.somaxconn = 4096", "gomaxprocs=80"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	for _, bad := range []string{"ZgotmplZ", "%!", "http://", "https://", "NaN"} {
		if i := strings.Index(html, bad); i >= 0 {
			t.Errorf("the page holds %q: %.80q", bad, html[max(0, i-40):])
		}
	}
}

func TestIDsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(writtenRun(t)(reference(t)), -1) {
		if seen[m[1]] {
			t.Errorf("the id %q is given twice", m[1])
		}
		seen[m[1]] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d ids only", len(seen))
	}
}

func TestParts(t *testing.T) {
	run, trials := reference(t)
	for name, part := range map[string][]results.Trial{"no trial": nil, "one": trials[:1], "interrupted": trials[:40]} {
		if html := written(t, run, part); !strings.Contains(html, fmt.Sprintf("Not complete: %d of", len(part))) {
			t.Errorf("%s: the page does not say that it is not complete", name)
		}
	}
	written(t, results.Run{}, nil)
}

const hostile = `"><script>alert(1)</script><img src=x onerror="alert(2)"></style></svg>` +
	`"onload="alert(3)" href="javascript:alert(4)`

// poison writes a text into every string below v: behind what is there, so that names still meet, or in its place.
// Named types of strings, such as metrics, are spared where behind is true: without them there is little to draw.
func poison(v reflect.Value, behind bool) {
	changeStrings(v, func(v reflect.Value) {
		switch {
		case !behind:
			v.SetString(hostile)
		case v.Type() == reflect.TypeFor[string]():
			v.SetString(v.String() + hostile)
		}
	})
}

// changeStrings lets change set every string below v, keys of maps too.
func changeStrings(v reflect.Value, change func(reflect.Value)) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			change(v)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			changeStrings(v.Elem(), change)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				changeStrings(v.Field(i), change)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			changeStrings(v.Index(i), change)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			key, value := reflect.New(k.Type()).Elem(), reflect.New(v.Type().Elem()).Elem()
			key.Set(k)
			value.Set(v.MapIndex(k))
			changeStrings(key, change)
			changeStrings(value, change)
			v.SetMapIndex(k, reflect.Value{})
			v.SetMapIndex(key, value)
		}
	}
}

// poisoned is the reference with hostile text everywhere, in what the reference leaves empty, too.
func poisoned(t testing.TB, behind bool) (results.Run, []results.Trial) {
	run, trials := reference(t)
	run.LeftOut = []results.LeftOut{{Name: "x", Why: "y"}}
	run.Notes = append(run.Notes, "z")
	run.Predictions = []results.Prediction{{Situation: "trivial", Winner: "iterative", Factor: 2, Than: "prefork"}}
	run.Calibration.Traces = map[string]results.SysTrace{}
	for i := range run.Architectures {
		a := &run.Architectures[i]
		a.Lanes = []results.Lane{{Who: "w", Does: []string{"accept", "read"}, Again: "accept", Hands: "h",
			Returns: "r"}}
		run.Calibration.Traces[a.Name] = results.SysTrace{Arch: a.Name, Requests: []results.RequestTrace{{
			Steps: []results.Step{{Process: 1, Thread: 1, Kind: results.KindCall, Name: "read", Args: "4",
				Result: "1"}}}}}
	}
	poison(reflect.ValueOf(&run), behind)
	poison(reflect.ValueOf(&trials), behind)
	return run, trials
}

func TestHostileRecordMakesNoMarkup(t *testing.T) {
	for _, behind := range []bool{true, false} {
		html := writtenRun(t)(poisoned(t, behind))
		if n := strings.Count(html, "<script"); n != 1 {
			t.Errorf("behind %v: %d scripts", behind, n)
		}
		for _, bad := range []string{"<img", `"onload="`, ` onerror="`, `href="javascript:`} {
			if strings.Contains(html, bad) {
				t.Errorf("behind %v: the page holds %s", behind, bad)
			}
		}
	}
}

func TestManyTrialsMakeASmallPage(t *testing.T) {
	html := writtenRun(t)(manyTrials(t, 500))
	t.Logf("500 trials: %.2f MB", float64(len(html))/1e6)
	if len(html) > 5e6 {
		t.Errorf("500 trials make %d bytes", len(html))
	}
}

func BenchmarkPageOf500Trials(b *testing.B) {
	run, trials := manyTrials(b, 500)
	for b.Loop() {
		var page bytes.Buffer
		if err := Write(&page, run, trials, nil); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(page.Len()))
	}
}

// TestVerdictComesAfterTheTable: first the figures, then what they say, each answer linked to its charts.
func TestVerdictComesAfterTheTable(t *testing.T) {
	run, trials := reference(t)
	html := written(t, run, trials)
	last := 0
	for _, want := range []string{`<main`, `class="overview"`, `class="front"`, `class="verdict"`, `class="charts"`} {
		i := strings.Index(html, want)
		if i < last {
			t.Errorf("%s stands at %d, before what should come first, or nowhere", want, i)
		}
		last = i
	}
	for _, m := range regexp.MustCompile(`<small><a href="#([^"]*)">(\w+)`).FindAllStringSubmatch(html, -1) {
		if !strings.Contains(html, `<figure id="`+m[1]+`"`) {
			t.Errorf("%s leads to %q, which is no chart", m[2], m[1])
		}
	}
	for _, s := range run.Situations[:5] {
		if !strings.Contains(html, `">`+s.Name+`</a></small>`) {
			t.Errorf("no answer is linked to the charts of %s", s.Name)
		}
	}
	_, verdict, _ := strings.Cut(html, `class="verdict"`)
	verdict, _, _ = strings.Cut(verdict, `</section>`)
	if regexp.MustCompile(`\d µs`).MatchString(verdict) || !regexp.MustCompile(`\d\x{a0}µs`).MatchString(verdict) {
		t.Error("a figure can be parted from its unit")
	}
	if strings.Contains(html, "More answers") {
		t.Error("few answers are folded")
	}
}

// TestManyAnswersAreFolded: a run with many columns shows the first answers, and the others on demand.
func TestManyAnswersAreFolded(t *testing.T) {
	run, trials := reference(t)
	for n := range mostAnswers {
		for _, s := range run.Situations {
			if s.Name != "trivial" {
				continue
			}
			s.Name = fmt.Sprintf("trivial%d", n)
			run.Situations = append(run.Situations, s)
			for _, x := range slices.Clone(trials) {
				if x.Situation == "trivial" {
					x.Situation = s.Name
					run.Plan, trials = append(run.Plan, x.Planned), append(trials, x)
				}
			}
		}
	}
	shown, folded, found := strings.Cut(written(t, run, trials), "<summary>More answers</summary>")
	if !found {
		t.Fatal("nothing is folded")
	}
	const answer = "<dd><p>"
	folded, _, _ = strings.Cut(folded, "</section>")
	if n := strings.Count(shown, answer); n != mostAnswers {
		t.Errorf("%d answers are shown", n)
	}
	if n, want := strings.Count(folded, answer), len(results.Answers(&run, trials))-mostAnswers; n != want {
		t.Errorf("%d answers are folded, want %d", n, want)
	}
}
