package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// picture is the picture of that name.
func picture(t *testing.T, all []Picture, name string) Picture {
	t.Helper()
	i := slices.IndexFunc(all, func(p Picture) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no chart %s", name)
	}
	return all[i]
}

// offeredTwo offers two rows 1,000 to 8,000 requests per second: the one holds 2,000 of them and the other 6,000.
func offeredTwo(trials int) (Run, []Trial) {
	run, _ := fixture(2, 6)
	run.Situations, run.Plan = nil, nil
	rng := rand.New(rand.NewPCG(3, 4))
	var all []Trial
	for _, rate := range []float64{1000, 2000, 4000, 8000} {
		s := Situation{Name: fmt.Sprintf("load-%g", rate), Metric: Goodput, Model: "poisson", Connections: 256,
			Rate: rate, Sweep: LoadSweep, Window: 1}
		run.Situations = append(run.Situations, s)
		for block := 1; block <= trials; block++ {
			for i, capacity := range []float64{2000, 6000} {
				p := Planned{s.Name, run.Architectures[i].Name, block}
				run.Plan = append(run.Plan, p)
				n := uint64(min(rate, capacity)) + uint64(block)
				tr := Trial{Planned: p, Load: Load{Model: "poisson", Connections: 256, Rate: rate, Window: 1,
					Requests: n, Intended: n, Response: histogramOf(rng, 1200, 1e-3*math.Exp(2*rate/capacity), 0.1)}}
				all = append(all, tr)
			}
		}
	}
	return run, all
}

func TestChartsOfASweep(t *testing.T) {
	run, trials := offeredTwo(6)
	all := Charts(run, trials)
	want := "load-throughput-offered load-latency-throughput-p50 load-latency-throughput-p99"
	if names := strings.Join(drawAll(t, all), " "); names != want {
		t.Fatalf("%q, want %q", names, want)
	}
	offered := picture(t, all, "load-throughput-offered").Chart.(*plot.Lines)
	if len(offered.Series) != 3 || !offered.Series[0].Reference || len(offered.Series[2].Points) != 4 {
		t.Fatalf("throughput against offered load: %+v", offered.Series)
	}
	past := offered.Series[1].Points[3] // 2,001 to 2,006 answers of 8,000
	if past.X != 8000 || past.Y != 2003.5 || past.N != 6 || past.Interval == nil || past.Interval.High != 2006 {
		t.Errorf("past the knee: %+v, %+v", past, past.Interval)
	}
	for _, p := range all {
		for _, s := range p.Chart.(*plot.Lines).Series {
			marked := slices.ContainsFunc(s.Points, func(p plot.Point) bool { return p.Mark == "knee" })
			if marked == s.Reference {
				t.Errorf("%s, %s: knee marked: %t", p.Name, s.Name, marked)
			}
		}
	}
	for _, r := range offered.Table().Rows {
		if trials := r[len(r)-2]; (r[0] == "as offered") != (trials == "") {
			t.Errorf("row %q: trials %q", r, trials)
		}
	}
	if n := len(Charts(run, trials[:1])); n != 3 {
		t.Errorf("%d charts after the first trial, want 3", n)
	}
}

// TestChartOfCalls sorts the calls of a trace by what they are for.
func TestChartOfCalls(t *testing.T) {
	run, trials := fixture(2, 6)
	var r RequestTrace
	for _, name := range strings.Fields("accept4 recvfrom sendto close close epoll_wait io_uring_enter clone3 nobody") {
		r.Steps = append(r.Steps, Step{Kind: KindCall, Name: name})
	}
	r.Steps = append(r.Steps, Step{Kind: KindCall, Name: "accept4", Waits: Still}, Step{Kind: KindExit})
	run.Calibration.Traces = map[string]SysTrace{"iterative": {Requests: []RequestTrace{r}}, "eventloop": {}}
	p := picture(t, Charts(run, trials), "system-calls")
	drawAll(t, []Picture{p})
	rows := p.Chart.Table().Rows
	for i, want := range [][]string{{"iterative", "1", "1", "1", "2", "2", "2", "9"},
		{"event loop", "n/a", "n/a", "n/a", "n/a", "n/a", "n/a", "n/a"}} {
		if got := rows[i][:8]; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// styles are the looks of a chart's rows by name, of those that tell architectures apart.
func styles(c plot.Chart) map[string]int {
	found := map[string]int{}
	switch c := c.(type) {
	case *plot.Lines:
		for _, s := range c.Series {
			if !s.Reference {
				found[s.Name] = s.Style
			}
		}
	case *plot.Bars:
		for _, r := range c.Rows {
			found[r.Name] = r.Style
		}
	case *plot.Dots:
		for _, r := range c.Rows {
			found[r.Name] = r.Style
		}
	}
	return found
}

// TestARowHasOneStyle asks of twenty rows, some of which are missing from some situations, that each has a style of its
// own, and the same one in every chart.
func TestARowHasOneStyle(t *testing.T) {
	run, some := fixture(2, 6)
	first := run.Architectures[0]
	run.Architectures, run.Plan = nil, nil
	var trials []Trial
	for i := range 20 {
		a := first
		a.Name, a.Label = fmt.Sprintf("row%d", i), fmt.Sprintf("row %d", i)
		run.Architectures = append(run.Architectures, a)
		for _, tr := range some {
			if tr.Architecture == first.Name && (i%3 > 0 || tr.Situation == "trivial") {
				tr.Architecture = a.Name
				run.Plan, trials = append(run.Plan, tr.Planned), append(trials, tr)
			}
		}
	}
	byName, byStyle := map[string]int{}, map[int]string{}
	for _, p := range Charts(run, trials) {
		for name, style := range styles(p.Chart) {
			if before, ok := byName[name]; ok && before != style {
				t.Errorf("%s: %s has style %d, elsewhere %d", p.Name, name, style, before)
			}
			if other, ok := byStyle[style]; ok && other != name {
				t.Errorf("%s: style %d is that of %s and %s", p.Name, style, name, other)
			}
			byName[name], byStyle[style] = style, name
		}
	}
	if len(byName) != 20 {
		t.Errorf("%d rows were drawn, want 20", len(byName))
	}
}

// TestChartsOfABlindRun gives the rows of the reference letters and asks that titles, notes and texts change in nothing
// but these names, so that no text depends on which architecture it is about.
func TestChartsOfABlindRun(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	texts := func(all []Picture) (lines []string) {
		for _, p := range all {
			h := p.Chart.Heading()
			lines = append(lines, strings.Join([]string{p.Name, h.Title, h.Note, h.Desc, p.Look}, "|"))
		}
		return lines
	}
	plain := texts(Charts(run, trials))
	letters := map[string]string{}
	blind := run
	blind.Blind, blind.Architectures, blind.Plan = true, slices.Clone(run.Architectures), slices.Clone(run.Plan)
	var undo []string
	for i := range blind.Architectures {
		a := &blind.Architectures[i]
		letter := string(rune('A' + i))
		letters[a.Name] = letter
		undo = append(undo, letter+" at ", a.Label+" at ")
		a.Name, a.Label, a.Idea, a.Lecture, a.Processes = letter, letter, "", "", ""
	}
	blind.Situations = slices.Clone(run.Situations)
	for i := range blind.Situations {
		s := &blind.Situations[i]
		own := map[string]float64{}
		for name, rate := range s.OwnRates {
			own[letters[name]] = rate
		}
		s.OwnRates, s.Rows = own, slices.Clone(s.Rows)
		for k := range s.Rows {
			s.Rows[k] = letters[s.Rows[k]]
		}
	}
	blind.Calibration.Traces = map[string]SysTrace{}
	for name, trace := range run.Calibration.Traces {
		blind.Calibration.Traces[letters[name]] = trace
	}
	blind.Calibration.LoadCapacity = map[string]float64{}
	for name, rate := range run.Calibration.LoadCapacity {
		blind.Calibration.LoadCapacity[letters[name]] = rate
	}
	for i := range blind.Plan {
		blind.Plan[i].Architecture = letters[blind.Plan[i].Architecture]
	}
	blind.Calibration.Idle = map[string]Idle{}
	for name, idle := range run.Calibration.Idle {
		blind.Calibration.Idle[letters[name]] = idle
	}
	trials = slices.Clone(trials)
	for i := range trials {
		trials[i].Architecture = letters[trials[i].Architecture]
	}
	named := texts(Charts(blind, trials))
	for i := range named {
		named[i] = strings.NewReplacer(undo...).Replace(named[i])
	}
	if !slices.Equal(named, plain) {
		t.Errorf("a blind run's charts say\n%s\nwant\n%s", strings.Join(named, "\n"), strings.Join(plain, "\n"))
	}
}

// TestChartsOfALongRunAreSmall draws more than 500 trials, twenty of each cell, with their tables.
func TestChartsOfALongRunAreSmall(t *testing.T) {
	run, once, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	var trials []Trial
	for n := range 3 {
		for _, tr := range once {
			tr.Block += n * run.Setup.Trials
			trials = append(trials, tr)
		}
	}
	if len(trials) < 500 {
		t.Fatalf("%d trials, want 500", len(trials))
	}
	size := 0
	for _, p := range Charts(run, trials) {
		size += len(plot.SVG(p.Chart, plot.Options{ID: p.Name, Inline: true})) + len(p.Chart.Table().CSV())
	}
	t.Logf("%d trials make %d KB of charts and tables", len(trials), size>>10)
	if size > 2<<20 {
		t.Errorf("%d bytes of charts and tables leave too little of a page's 5 MB", size)
	}
}

// TestTimeLines follows a row that never comes back: it has no figure, and is the one to look at.
func TestTimeLines(t *testing.T) {
	run, _ := fixture(2, 6)
	run.Situations = []Situation{{Name: "crash", Metric: Outage, Model: "closed", Fault: "server", Window: 1}}
	run.Plan = nil
	var trials []Trial
	for i, a := range run.Architectures {
		p := Planned{"crash", a.Name, 1}
		run.Plan = append(run.Plan, p)
		l := Load{Model: "closed", Window: 1, Requests: 400, Fault: &Fault{Begun: 0.4, Happened: 0.41},
			Series: &Series{Step: 0.001}}
		for k := range 1000 {
			point := Point{}
			if k < 400 || i == 0 && k >= 500 {
				point.Requests, point.Response = 2, NewPacked()
				if err := point.Response.RecordValue(int64(1e6 * (1 + k%100))); err != nil {
					t.Fatal(err)
				}
			}
			l.Series.Points = append(l.Series.Points, point)
		}
		if i == 0 {
			l.Fault.First = pointer(0.5)
		}
		trials = append(trials, Trial{Planned: p, Load: l})
	}
	all := Charts(run, trials)
	drawAll(t, all)
	rate := picture(t, all, "crash-timeline").Chart.(*plot.Lines)
	wait := picture(t, all, "crash-wait").Chart.(*plot.Lines)
	if len(rate.Series) != 2 || len(wait.Series) != 2 {
		t.Fatalf("%d and %d lines, want one of each row", len(rate.Series), len(wait.Series))
	}
	for _, s := range rate.Series {
		if n := len(s.Points); n > mostShown || n < mostShown/2 {
			t.Errorf("%s: %d points", s.Name, n)
		}
		if p := s.Points[0]; p.Y != 2000 || p.X < -0.4 || p.X > -0.39 {
			t.Errorf("%s: begins at %+v, want 2,000/s", s.Name, p)
		}
	}
	for i := range trials {
		trials[i].Load.CrashSent, trials[i].Load.Fault = pointer(0.4), nil
	}
	run.Situations[0].Fault, run.Situations[0].Crash, run.Situations[0].Metric = "", "/?block=500ms", Stall
	sent := picture(t, Charts(run, trials), "crash-timeline").Chart.(*plot.Lines)
	if len(sent.Moments) != 1 || sent.Moments[0].At != 0 || math.Abs(sent.Series[0].Points[0].X+0.4) > 0.01 {
		t.Errorf("a request that blocks, sent after 0.4 s, is not marked at 0: %+v", sent.Moments)
	}
	trials[1].Findings = []Finding{{"disturbed", "by others", Everything}}
	spoiled := picture(t, Charts(run, trials), "crash-timeline").Chart.(*plot.Lines)
	if len(spoiled.Series) != 2 || spoiled.Series[0].Points[0].Open || !spoiled.Series[1].Points[0].Open {
		t.Error("a trial that does not count is not shown, or not marked")
	}
	last := len(rate.Series[0].Points) - 1
	if back, gone := rate.Series[0].Points[last].Y, rate.Series[1].Points[last].Y; back != 2000 || gone != 0 {
		t.Errorf("at the end %g and %g, want 2,000 and 0", back, gone)
	}
	if v := wait.Series[1].Points[last].Y; v == v {
		t.Errorf("the longest wait of nobody is %g", v)
	}
	if svg := string(plot.SVG(wait, plot.Options{})); strings.Contains(svg, "no place") {
		t.Error("a step without an answer counts as a figure that was left out")
	}
}
