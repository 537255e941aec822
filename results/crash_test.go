package results

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// faultLoad is a closed loop with so many requests in each step of 20 ms, and a fault in the middle of step 15.
func faultLoad(points ...uint64) *Load {
	l := &Load{Model: "closed", KeepAlive: true, Connections: 16, Window: 0.02 * float64(len(points)),
		Series: &Series{Step: 0.02}, Sessions: &Sessions{State: "stateless", Clients: 64},
		Fault: &Fault{Begun: 0.31, Happened: 0.312}}
	for _, n := range points {
		l.Requests += n
		l.Series.Points = append(l.Series.Points, Point{Requests: n})
	}
	return l
}

// steps is a made-up series: n steps of a rate, and so on.
func steps(pairs ...uint64) (points []uint64) {
	for i := 0; i < len(pairs); i += 2 {
		for range pairs[i] {
			points = append(points, pairs[i+1])
		}
	}
	return points
}

func TestRecovered(t *testing.T) {
	for _, c := range []struct {
		name   string
		points []uint64
		want   float64
		ok     bool
		told   bool
	}{
		{"it never fell", steps(40, 20), 0, true, true},
		{"it fell for ten steps", steps(15, 20, 1, 10, 10, 0, 20, 20), 0.52 - 0.30, true, true},
		{"it came back slowly: 90 % is enough", steps(15, 20, 10, 0, 5, 10, 20, 18), 0.60 - 0.30, true, true},
		{"one good step is no recovery", steps(15, 20, 5, 0, 1, 20, 9, 0, 20, 20), 0.60 - 0.30, true, true},
		{"a burst outweighs no silence", steps(15, 20, 5, 0, 1, 100, 4, 0, 1, 1, 20, 20), 0.52 - 0.30, true, true},
		{"it never came back", steps(15, 20, 25, 5), 0.8 - 0.30, false, true},
		{"a step that noise took does not count", steps(15, 20, 10, 0, 2, 20, 1, 14, 12, 20), 0.50 - 0.30, true, true},
		{"nothing before the fault", steps(15, 0, 25, 20), 0, false, false},
	} {
		got, ok, told := recovered(faultLoad(c.points...))
		if math.Abs(got-c.want) > 1e-9 || ok != c.ok || told != c.told {
			t.Errorf("%s: %v, %t, %t; want %v, %t, %t", c.name, got, ok, told, c.want, c.ok, c.told)
		}
	}
	slow := faultLoad(steps(15, 20, 10, 20, 5, 0, 10, 20)...)
	slow.Fault.Happened = 0.49 // its workers went on answering for so long
	if got, ok, _ := recovered(slow); !ok || math.Abs(got-0.30) > 1e-9 {
		t.Errorf("workers that outlive their server hide a dip: %v, %t", got, ok)
	}
	for _, l := range []*Load{{}, {Series: &Series{Step: 0.02}}, {Fault: &Fault{}}} {
		if _, _, told := recovered(l); told {
			t.Errorf("%+v: there is nothing to tell", l)
		}
	}
}

func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		name, want string
		points     []uint64
	}{
		{"a gap", "▇▇▇▇│▂···▇▇▇▇", steps(15, 20, 1, 10, 7, 0, 20, 20)},
		{"a window that has just begun", "   ▇│▂···▇▇▇▇", steps(15, 20, 1, 10, 7, 0, 20, 20)[12:]},
		{"a window that ends soon", "▇▇▇▇│▂·▇     ", steps(15, 20, 1, 10, 3, 0, 2, 20)},
	} {
		l := faultLoad(c.points...)
		if strings.HasSuffix(c.name, "begun") {
			l.Fault.Begun -= 0.24
		}
		if got := timeline(l, 12, 4, 0.04); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := timeline(&Load{}, 12, 4, 0.04); got != "" {
		t.Errorf("without a fault: %q", got)
	}
}

// crashFixture is an invented run of the crash experiment: three trials of each cell.
func crashFixture() (run Run, trials []Trial) {
	run, _ = fixture(2, 3)
	run.Situations, run.Plan = nil, nil
	run.Architectures = nil
	for _, i := range []int{0, 1, 5, 7} {
		run.Architectures = append(run.Architectures, rowFixtures[i].arch)
	}
	run.Architectures[0].AtOnce = 1
	run.Architectures[2].Processes, run.Architectures[3].Processes = PerRequest, Pooled
	all, pools := []string{"iterative", "eventloop", "process", "prefork"}, []string{"prefork"}
	down := map[string]int{"iterative": 1, "eventloop": 1, "process": 2, "prefork": 16}
	for _, s := range []Situation{
		{State: "stateless", Fault: "server", Rows: all},
		{State: "soft", Fault: "server", Rows: []string{"iterative", "eventloop", "prefork"}},
		{State: "stateful", Fault: "server", Rows: all},
		{State: "stateful", Store: "memory", Fault: "server", Rows: []string{"process", "prefork"}},
		{State: "stateful", Store: "redis", Fault: "server", Rows: all},
		{State: "stateful", Store: "redis", Fault: "store", Rows: all},
		{State: "stateful", Fault: "worker", Rows: pools},
	} {
		s.Name = strings.Join([]string{"crash", s.State, s.Store, s.Fault}, "-")
		s.Metric, s.Model, s.KeepAlive, s.Connections, s.Clients, s.Window = Outage, "closed", true, 16, 64, 1.2
		if s.Fault == "store" {
			s.Window = 2
		}
		run.Situations = append(run.Situations, s)
		for block := 1; block <= 3; block++ {
			for _, name := range s.Rows {
				p := Planned{s.Name, name, block}
				run.Plan = append(run.Plan, p)
				trials = append(trials, crashTrial(p, s, down[name]))
			}
		}
	}
	return run, trials
}

func crashTrial(p Planned, s Situation, down int) Trial {
	l := faultLoad(steps(15, 400, 1, 200, uint64(down+p.Block), 0, 2, 300, 60, 400)...)
	switch {
	case s.Fault == "worker":
		l = faultLoad(steps(60, 400)...)
		down = 0
	case s.Store == "memory":
		l.Sessions.Lost = 1234
	}
	l.KeepAlive = p.Architecture != "iterative"
	l.Sessions.State = s.State
	if s.State == "stateful" && (s.Store == "" && s.Fault == "server" || s.Fault == "store") {
		l.Sessions.Lost = uint64(61 + p.Block)
	}
	first := l.Fault.Begun + 0.02*float64(down) + 0.004*float64(p.Block)
	l.Fault.First, l.Fault.Failed = &first, 16+l.Sessions.Lost
	l.Fault.Restart, l.Fault.Lived = pointer(0.015*float64(down)), 0.003*float64(down)
	l.Errors = map[string]uint64{"reset": 16, "lost session": l.Sessions.Lost}
	return Trial{Version: Version, Planned: p, Load: *l}
}

func crashText(t *testing.T, run Run, trials []Trial, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := Crash(&b, run, trials, s); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(b.String(), "\n") {
		if !s.Color && width(line) > screenWidth {
			t.Errorf("line %d is %d columns wide: %s", i+1, width(line), line)
		}
	}
	return b.String()
}

func TestCrashGolden(t *testing.T) {
	run, trials := crashFixture()
	golden(t, "crash.txt", crashText(t, run, trials, Style{}))
	golden(t, "crash-ascii.txt", crashText(t, run, trials, Style{ASCII: true}))
	golden(t, "crash-color.txt", crashText(t, run, trials[:40], Style{Color: true}))
}

// What is wrong is seen at once, whatever else is wrong with the trial.
func TestCrashShowsWhatIsWrong(t *testing.T) {
	run, trials := crashFixture()
	trials[0].Load.Errors["body"] = 3
	trials[0].Findings = []Finding{{Kind: "wrong answers", Evidence: "3 of 9", Voids: Everything}}
	for i := range trials {
		switch t := &trials[i]; {
		case t.Situation == "crash-stateless--server" && t.Architecture == "eventloop":
			t.Failure = "start the server again: address in use"
		case t.Situation == "crash-stateless--server" && t.Architecture == "prefork":
			t.Load.Fault.First = nil
			t.Load.Fault.Orphans = 2
		}
	}
	text := crashText(t, run, trials, Style{})
	golden(t, "crash-wrong.txt", text)
	for _, want := range []string{"× 3", "no figure × 3", "never", "6 workers outlived their server"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestFaults(t *testing.T) {
	crash, _ := crashFixture()
	other, _ := fixture(2, 3)
	closing, both := other, other
	closing.Situations = append([]Situation{{State: "soft", Fault: "server", Rows: []string{"a"}}}, other.Situations...)
	both.Situations = append(append([]Situation{}, other.Situations...), crash.Situations...)
	for name, c := range map[string]struct {
		run       Run
		some, all bool
	}{
		"crash": {crash, true, true}, "other": {other, false, false}, "both": {both, true, false},
		"closing": {closing, false, false},
		"one row": {Run{Situations: closing.Situations[:1]}, true, true}, "none": {Run{}, false, false}} {
		if some, all := Faults(c.run); some != c.some || all != c.all {
			t.Errorf("%s: %t, %t", name, some, all)
		}
	}
}

// A trial that nothing was answered in before its fault, or that had none, is no figure.
func TestCrashWithoutFigure(t *testing.T) {
	run, trials := crashFixture()
	for i := range trials {
		l := &trials[i].Load
		switch trials[i].Situation {
		case "crash-stateful--worker":
			l.Series.Points = faultLoad(steps(15, 0, 45, 400)...).Series.Points
		case "crash-stateful-redis-store":
			l.Fault.Happened = l.Window + 0.1 // the kill came in time, its effect did not
		}
	}
	text := crashText(t, run, trials, Style{})
	if n := strings.Count(text, " no figure × 3         –"); n != 5 {
		t.Errorf("%d rows without a figure, want 5:\n%s", n, text)
	}
	if !strings.Contains(text, "\nno figure: iterative: no fault\n") {
		t.Errorf("it does not say why:\n%s", text)
	}
	for _, c := range []struct {
		load *Load
		kind string
	}{
		{faultLoad(steps(60, 400)...), ""}, {faultLoad(steps(15, 0, 45, 400)...), "no answers before the fault"},
		{faultLoad(steps(14, 0, 46, 400)...), ""}, {&Load{Window: 1}, "no fault"},
		{faultLoad(steps(15, 400)...), "no fault"},
	} {
		if f := NoFault(c.load); (f == nil) != (c.kind == "") || f != nil && (f.Kind != c.kind || len(f.Voids) == 0) {
			t.Errorf("%q: %+v", c.kind, f)
		}
	}
}

// Settings that differ between the trials of a row are all shown.
func TestSettingsThatDiffer(t *testing.T) {
	run := Run{Situations: []Situation{{Name: "b"}, {Name: "a"}}}
	var trials []Trial
	for _, v := range []struct{ situation, row, state, store string }{{"a", "x", "soft", ""},
		{"b", "x", "stateless", ""}, {"a", "x", "stateful", "redis://127.0.0.1:1"}, {"a", "x", "soft", "redis://127.0.0.1:2"},
		{"a", "y", "other", ""}} {
		set := map[string]string{"state": v.state, "keepalive": "true"}
		if v.store != "" {
			set["store"] = v.store
		}
		trials = append(trials, Trial{Planned: Planned{v.situation, v.row, 1}, Server: Server{Settings: set}})
	}
	got := settingsOf(&run, trials, "x")
	if strings.Join(got["state"], " ") != "stateless soft stateful" || len(got) != 2 || strings.Join(got["store"], " ") != "redis" {
		t.Errorf("%v", got)
	}
}
