package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// hostileExperiments is a record whose experiments, lessons, places on the map and famous mistakes are what nobody
// would measure: as run.json and trials.jsonl.
func hostileExperiments(t testing.TB) (head, body []byte) {
	t.Helper()
	const evil = "<script>alert(1)</script>../../x\n\x1b[31m\u202e|`[a](javascript:x)"
	run, trials := lessonsFixture(2)
	for i := range run.Situations {
		s := &run.Situations[i]
		s.X, s.Series = pointer([]float64{0, 5e-324, 1e15}[i%3]), strings.Repeat(evil, i%2)
		s.Ceiling, s.Visit, s.Think, s.MixShare, s.Mix = mostPerSecond, mostCount, mostSeconds, 1, evil
		if i%2 == 0 {
			s.Phase = &PhasePoint{Service: 5e-324, Blocking: float64(i%3) / 2}
		}
	}
	e := &run.Experiments[0]
	e.Question, e.X = evil, Axis{Title: evil, Unit: evil, Log: true}
	e.Shows = append(e.Shows, "", evil, Throughput, Harmed, Outage, Balance)
	for _, holds := range []string{"", "(", strings.Repeat("(", 3000), "1/0 < 2", "best(cpu)/0 <= 1", evil} {
		e.Lessons = append(e.Lessons, Lesson{Says: evil, Source: evil, Holds: holds})
	}
	long := strings.Repeat("x", mostText-3)
	for _, name := range []string{PhaseName, CoresName, OpenClosedName, blastExperiment, "..", long} {
		run.Experiments = append(run.Experiments, Experiment{Name: name})
		s := run.Situations[0]
		s.Name, s.Experiment, s.CPUs = "of "+name, name, 1e15
		run.Situations = append(run.Situations, s)
	}
	run.Experiments = append(run.Experiments, Experiment{Name: LieName})
	run.Lie = &Lie{Answer: 5e-324, Stall: mostSeconds, Honest: NewHistogram()}
	head, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range trials {
		trial.Load.Service = withCount(trial.Load.Response, trial.Load.Requests)
		trial.Load.Response = trial.Load.Service
		line, err := json.Marshal(trial)
		if err != nil {
			t.Fatal(err)
		}
		body = append(append(body, line...), '\n')
	}
	return head, body
}

// Experiments of a hostile record are shown without markup, escapes and figures that are none, and their pictures have
// names that a file can have.
func TestHostileExperiments(t *testing.T) {
	head, body := hostileExperiments(t)
	var r recordReading
	r.head("a/"+runFile, head)
	r.lines(bytes.NewReader(body), "a/"+trialsFile)
	run, trials, err := r.result("a", "a/"+trialsFile)
	if err != nil || len(trials) == 0 {
		t.Fatalf("%d trials, %v", len(trials), err)
	}
	for name, draw := range map[string]func(io.Writer, Run, []Trial, Style) error{"screen": Screen, "wide": Wide,
		"experiments": Experiments, "all of them": WideExperiments, "lessons": WriteLessons,
		"markdown": func(w io.Writer, run Run, trials []Trial, _ Style) error {
			return Markdown(w, run, trials, nil, nil)
		}} {
		var b bytes.Buffer
		if err := draw(&b, run, trials, Style{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, wrong := range []string{"\x1b", "\u202e", "NaN", "Inf", "%!"} {
			if strings.Contains(b.String(), wrong) {
				t.Errorf("%s has %q", name, wrong)
			}
		}
	}
	pictures := Charts(run, trials)
	if len(pictures) == 0 {
		t.Error("no chart")
	}
	for _, p := range pictures {
		if len(p.Name) > 200 || p.Name != plot.Identifier(p.Name) {
			t.Errorf("a picture has a name of %d bytes: %.60q", len(p.Name), p.Name)
		}
		if svg := string(plot.SVG(p.Chart, plot.Options{ID: p.Name})); strings.Contains(svg, "<script") ||
			strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%.60q is no picture", p.Name)
		}
	}
}

// Each situation may bring another value of each axis of the maps, of which all combinations would be drawn.
func TestMapsAreBounded(t *testing.T) {
	run := Run{Version: Version}
	for i := range 10 {
		run.Situations = append(run.Situations, Situation{Name: fmt.Sprint(i), Connections: i,
			Phase: &PhasePoint{Service: float64(i), Blocking: float64(i) / 100}})
	}
	if what := run.impossible(); what != "" {
		t.Errorf("the most that is read is refused: %s", what)
	}
	run.Situations = append(run.Situations, Situation{Name: "more", Phase: &PhasePoint{Service: 10, Blocking: 1}})
	if what := run.impossible(); !strings.Contains(what, "places") {
		t.Errorf("%q, want what names the places", what)
	}
}
