package results

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"serverlab/results/plot"
)

// dressed gives the rows of a run other identities, which stand wherever a record can have them.
func dressed(run Run, trials []Trial, ids []Architecture) (Run, []Trial) {
	of := map[string]*Architecture{}
	for i, a := range run.Architectures {
		of[a.Name] = &ids[i]
	}
	run.Architectures = ids[:len(run.Architectures)]
	name := func(n string) string {
		if a := of[n]; a != nil {
			return a.Name
		}
		return "another " + n // a row that is calibrated and not in the table; not the name of one that is
	}
	run.Situations, run.Plan, trials = slices.Clone(run.Situations), slices.Clone(run.Plan), slices.Clone(trials)
	for i := range run.Situations {
		s := &run.Situations[i]
		s.OwnRates, s.OwnWindows = keyed(s.OwnRates, name), keyed(s.OwnWindows, name)
		s.Rows = slices.Clone(s.Rows)
		for j := range s.Rows {
			s.Rows[j] = name(s.Rows[j])
		}
	}
	c := &run.Calibration
	c.Traces = map[string]SysTrace{}
	for _, a := range ids[:len(run.Architectures)] {
		c.Traces[a.Name] = SysTrace{Arch: a.Name, Requests: []RequestTrace{{Steps: []Step{
			{Kind: KindCall, Name: "execve", Args: `"` + a.Name + `"`, Result: aProcess},
			{Kind: KindCall, Name: "clone3", Args: "flags", Result: a.Name + " began"}}}}}
	}
	c.LoadCapacity = keyed(c.LoadCapacity, name)
	c.Capacity, c.Start, c.Idle = keyed(c.Capacity, name), keyed(c.Start, name), keyed(c.Idle, name)
	c.Held = maps.Clone(c.Held)
	for s, held := range c.Held {
		c.Held[s] = keyed(held, name)
	}
	for i := range run.Plan {
		run.Plan[i].Architecture = name(run.Plan[i].Architecture)
	}
	for i := range trials {
		t, a := &trials[i], of[trials[i].Architecture]
		t.Architecture = a.Name
		t.Server.Settings = map[string]string{"arch": a.Name, "workers": fmt.Sprint(a.AtOnce)}
		t.Server.Exit = a.Name + ": exit status 1"
		t.Findings = append(slices.Clone(t.Findings), Finding{Kind: "near the ceiling", Evidence: "so says " + a.Label})
	}
	run.Notes = []string{"Plain note.", "It says that " + ids[1].Name + " is slow."}
	run.LeftOut = []LeftOut{{"symped", ids[0].Idea + " is not here"}}
	run.Predictions = []Prediction{{"trivial", ids[0].Name, 2, ids[1].Name}}
	return run, trials
}

func keyed[V any](m map[string]V, name func(string) string) map[string]V {
	renamed := map[string]V{}
	for k, v := range m {
		renamed[name(k)] = v
	}
	return renamed
}

// drawn is everything that is made of a run, by what it is.
func drawn(t *testing.T, run Run, trials []Trial) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(name string, write func(io.Writer) error) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		all[name] = b.String()
	}
	add("screen", func(w io.Writer) error { return Screen(w, run, trials, Style{}) })
	add("wide", func(w io.Writer) error { return Wide(w, run, trials, Style{}) })
	add("riddle", func(w io.Writer) error { return WriteRiddle(w, &run, Style{}) })
	add("markdown", func(w io.Writer) error {
		var linked []Linked
		for _, p := range Charts(run, trials) {
			linked = append(linked, Linked{p, p.Name + ".svg"})
		}
		return Markdown(w, run, trials, linked, []string{"trials.jsonl:7 is damaged: " + trials[0].Architecture})
	})
	add("list", func(w io.Writer) error { return ListTrials(w, trials, Style{}) })
	add("predicted", func(w io.Writer) error { return Predicted(w, run, trials, Style{}) })
	add("gobench", func(w io.Writer) error { return GoBench(w, run, trials) })
	add("pack", func(w io.Writer) error {
		var packed bytes.Buffer
		if err := Pack(&packed, run, trials); err != nil {
			return err
		}
		zip, err := gzip.NewReader(&packed)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, zip)
		return err
	})
	add("compare", func(w io.Writer) error {
		return Compare(w, Named{"a", run, trials}, Named{"b", run, trials}, Style{})
	})
	if some, _ := Faults(run); some {
		add("crash", func(w io.Writer) error { return Crash(w, run, trials, Style{}) })
	}
	for name, trace := range run.Calibration.Traces {
		add("trace "+name, func(w io.Writer) error { return trace.Print(w, Style{}) })
	}
	for _, p := range Charts(run, trials) {
		all[p.Name+".svg"] = string(plot.SVG(p.Chart, plot.Options{ID: p.Name}))
		all[p.Name+".csv"] = string(p.Chart.Table().CSV())
	}
	all["answers"] = fmt.Sprint(Answers(&run, trials))
	return all
}

// everyRow are runs of all experiments: of eight rows, some of which fail, and with what it costs to remember clients.
func everyRow(t *testing.T) map[string]func() (Run, []Trial) {
	return map[string]func() (Run, []Trial){
		"failed": func() (Run, []Trial) { return starvedColumn(fixture(8, 2)) },
		"load":   func() (Run, []Trial) { return sweepFixture(6) },
		"stall":  stallFixture,
		"crash":  crashFixture,
		"reference": func() (Run, []Trial) {
			run, trials, err := Read("reference")
			if err != nil {
				t.Fatal(err)
			}
			return run, trials
		},
	}
}

// TestBlindDependsOnNoName blinds a run twice, with other identities of its rows: nothing that is drawn may differ.
func TestBlindDependsOnNoName(t *testing.T) {
	one, two := make([]Architecture, 8), make([]Architecture, 8)
	for i, r := range rowFixtures {
		one[i] = r.arch
		two[i] = Architecture{Name: fmt.Sprintf("zebra%d:accept=pass", i), Label: fmt.Sprintf("zebra %d", i),
			Lecture: "striped", Idea: fmt.Sprintf("a herd of %d", i), AtOnce: i, StaticOnly: i%2 == 0,
			Processes: []string{"", Pooled, PerRequest}[i%3], Lanes: []Lane{{Who: "zebra"}}}
	}
	one[0].AtOnce, one[5].Processes, one[7].Processes, one[7].AtOnce = 1, PerRequest, Pooled, 64
	for name, of := range everyRow(t) {
		run, trials := of()
		var outputs [2]map[string]string
		for i, ids := range [][]Architecture{one, two} {
			r, tr := dressed(run, trials, ids)
			r, tr, _ = Blind(r, tr, 11)
			r.Choices = nil // they are the question
			outputs[i] = drawn(t, r, tr)
		}
		for what, text := range outputs[0] {
			if text != outputs[1][what] {
				t.Errorf("%s: %s tells the rows:\n%s\n\n%s", name, what, firstDifference(text, outputs[1][what]),
					firstDifference(outputs[1][what], text))
			}
		}
		if len(outputs[0]) != len(outputs[1]) || len(outputs[0]) < 11+len(run.Architectures) {
			t.Errorf("%s: %d and %d outputs", name, len(outputs[0]), len(outputs[1]))
		}
	}
}

func firstDifference(a, b string) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("%.300q", a[max(0, i-60):])
}

// TestBlindShowsNoName looks for the true names of a run in everything that is drawn of it. Process, thread and one
// loop are words of what every report says, too; the test above finds where they would tell something.
func TestBlindShowsNoName(t *testing.T) {
	for name, of := range everyRow(t) {
		run, trials := of()
		var words []string
		for _, a := range run.Architectures {
			for _, w := range []string{a.Name, a.Label, a.Idea, a.Lecture} {
				if !slices.Contains([]string{"process", "thread", "one loop", ""}, w) {
					words = append(words, regexp.QuoteMeta(w))
				}
			}
		}
		tells := regexp.MustCompile(`(?i)\b(?:` + strings.Join(words, "|") + `)\b`)
		if plain := drawn(t, run, trials); !tells.MatchString(plain["markdown"]) || !tells.MatchString(plain["pack"]) {
			t.Fatalf("%s: the words would not be found", name)
		}
		run, trials, _ = Blind(run, trials, 5)
		run.Choices = nil
		for what, text := range drawn(t, run, trials) {
			if at := tells.FindStringIndex(text); at != nil {
				t.Errorf("%s: %s says %.100q", name, what, text[max(0, at[0]-40):])
			}
		}
	}
}

// TestKeyUndoesBlind finds each figure again at the name that the key has for its letter.
func TestKeyUndoesBlind(t *testing.T) {
	run, trials := withReferences(fixture(8, 6))
	before, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	orders := map[string]bool{}
	for seed := range uint64(8) {
		blind, hidden, key := Blind(run, trials, seed)
		names := map[string]string{}
		order := ""
		for i, k := range key {
			names[k.Letter] = k.Name
			order += k.Name + " "
			if a := blind.Architectures[i]; a.Name != k.Letter || a.Label != k.Letter || a.Reference != (i >= 8) {
				t.Errorf("seed %d: row %d is %+v, the key has %+v", seed, i, a, k)
			}
		}
		orders[order] = true
		for i := range trials {
			if trials[i].Architecture != names[hidden[i].Architecture] || trials[i].Order != hidden[i].Order {
				t.Fatalf("seed %d: trial %d is of %s, the key says %s", seed, i, trials[i].Architecture,
					names[hidden[i].Architecture])
			}
		}
		plain, columns := Columns(&run, trials), Columns(&blind, hidden)
		for i := range columns {
			for j := range columns[i].Cells {
				c := &columns[i].Cells[j]
				k := slices.IndexFunc(plain[i].Cells, func(o Cell) bool {
					return o.Architecture.Name == names[c.Architecture.Name]
				})
				o := &plain[i].Cells[k]
				if !slices.Equal(o.Values, c.Values) || o.Word != c.Word || o.Leader() != c.Leader() {
					t.Errorf("seed %d: %s of %s: %v %s, want %v %s", seed, plain[i].Situation.Name, o.Architecture.Name,
						c.Values, c.Verdict, o.Values, o.Verdict)
				}
			}
		}
		for l, idle := range blind.Calibration.Idle {
			if idle.Silent != run.Calibration.Idle[names[l]].Silent {
				t.Errorf("seed %d: idle connections of %s are another row's", seed, l)
			}
		}
	}
	if len(orders) < 7 {
		t.Errorf("8 seeds give %d orders", len(orders))
	}
	if after, err := json.Marshal(run); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the run has been changed: %v", err)
	}
}

// told are the strings of a record that Blind leaves as they are: they say the same of every row.
var told = regexp.MustCompile(`^(Run\.(Program|Choices|Setup|Machine)\b|` +
	`Run\.Situations\[\]\.(Name|Title|Subtitle|Meaning|Metric|Model|Path|Crash|State|Store|Fault|Sweep|Experiment|Series)$|Run\.Experiments\[\]\.(Name|Shows\[\])$|` +
	`Run\.(Plan|Predictions)\[\]\.Situation$|Run\.Calibration\.(Ceiling|Held)\{key\}$|` +
	`Run\.Calibration\.Traces\{\}\.Requests\[\]\.(Runtime|Startup)\{key\}$|` +
	`Run\.Calibration\.Traces\{\}\.Requests\[\]\.Steps\[\]\.(Kind|Name|Waits)$|` +
	`Trial\.Planned\.Situation$|Trial\.Load\.(Model|Profile|Think|Errors\{key\}|Pacing|Sessions\.State)$|` +
	`Trial\.(Load\.)?Findings\[\]\.Voids\[\]$)`)

// TestBlindLooksAtEveryString writes a row's name into every string of a record, so that a new one is either blind or
// in the list above.
func TestBlindLooksAtEveryString(t *testing.T) {
	const name = "zebra"
	var run Run
	var trial Trial
	fill := func(path string, v reflect.Value) { v.SetString(name) }
	everyString(reflect.ValueOf(&run).Elem(), "Run", true, fill)
	everyString(reflect.ValueOf(&trial).Elem(), "Trial", true, fill)
	blind, hidden, _ := Blind(run, []Trial{trial}, 1)
	look := func(path string, v reflect.Value) {
		if strings.Contains(v.String(), name) && !told.MatchString(path) {
			t.Errorf("%s is %q", path, v)
		}
	}
	everyString(reflect.ValueOf(&blind).Elem(), "Run", false, look)
	everyString(reflect.ValueOf(&hidden[0]).Elem(), "Trial", false, look)
}

// everyString visits every string in v, keys of maps too; what is empty gets an entry first where fill says so.
func everyString(v reflect.Value, path string, fill bool, visit func(string, reflect.Value)) {
	switch v.Type() {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[Histogram](), reflect.TypeFor[Packed]():
		return
	}
	switch v.Kind() {
	case reflect.String:
		visit(path, v)
	case reflect.Struct:
		for i := range v.NumField() {
			everyString(v.Field(i), path+"."+v.Type().Field(i).Name, fill, visit)
		}
	case reflect.Pointer:
		if fill {
			v.Set(reflect.New(v.Type().Elem()))
		}
		if !v.IsNil() {
			everyString(v.Elem(), path, fill, visit)
		}
	case reflect.Slice:
		if fill {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			everyString(v.Index(i), path+"[]", fill, visit)
		}
	case reflect.Map:
		if fill {
			v.Set(reflect.MakeMap(v.Type()))
			key := entryOf(v.Type().Key(), path+"{key}", fill, visit)
			v.SetMapIndex(key, entryOf(v.Type().Elem(), path+"{}", fill, visit))
			return
		}
		for _, k := range v.MapKeys() {
			everyString(k, path+"{key}", fill, visit)
			everyString(v.MapIndex(k), path+"{}", fill, visit)
		}
	}
}

func entryOf(of reflect.Type, path string, fill bool, visit func(string, reflect.Value)) reflect.Value {
	v := reflect.New(of).Elem()
	everyString(v, path, fill, visit)
	return v
}

func TestRiddleGolden(t *testing.T) {
	run, trials := withReferences(fixture(6, 6))
	run, trials, _ = Blind(run, trials, 3)
	var b bytes.Buffer
	if err := WriteRiddle(&b, &run, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "blind.txt", b.String()+screenText(t, run, trials, Style{}))
}

func TestLetters(t *testing.T) {
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := letter(i); got != want {
			t.Errorf("%d is %s, want %s", i, got, want)
		}
	}
}

// TestBlindOfAnOddRecord has no rows, a name twice, an empty one, and trials of a row that the table does not have.
func TestBlindOfAnOddRecord(t *testing.T) {
	if run, trials, key := Blind(Run{}, nil, 1); len(key) != 0 || len(trials) != 0 || Riddle(&run) != nil {
		t.Errorf("an empty run: %v", key)
	}
	run := Run{Architectures: []Architecture{{Name: "x"}, {Name: "x"}, {Name: ""}}}
	run, trials, key := Blind(run, []Trial{{Planned: Planned{Architecture: "unknown"}, Failure: "unknown failed"}}, 1)
	if len(key) != 3 || len(run.Architectures) != 3 {
		t.Errorf("key %v, rows %v", key, run.Architectures)
	}
	if trials[0].Failure != keptBack || key[trials[0].Architecture[0]-'A'].Name != "unknown" {
		t.Errorf("trial %+v, key %v", trials[0].Planned, key)
	}
}
