package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// Bounds of what a figure of a record can be. They are far beyond any machine, and so small that no sum or product of
// figures overflows and none is a line long.
const (
	mostSeconds   = 1e9
	leastWindow   = 1e-6 // seconds
	mostCount     = 1e15
	mostRunRows   = 200
	mostColumns   = 500
	mostPlanned   = 50_000
	mostSteps     = 1_000_000
	mostPerSecond = 1e12
	// mostText is how long a text of run.json may be, bytes: a page shows it hundreds of times. Trials have room for what
	// a server said last, of which bench keeps 8 KB.
	mostText      = 4096
	mostTrialText = 16 << 10
	// mostCells is how many cells a run may have: each is judged on its own.
	mostCells = 10_000
	// mostPlaces is how many places the maps of a run may have: each is drawn, whether a situation lies there or not.
	mostPlaces = 1000
	// Each lesson looks at all trials, and each metric ranks every cell again.
	mostExperiments = 50
	mostLessons     = 20
	// splitError is by how many seconds the kernel's split of CPU time into user and system may step back: it is an
	// estimate from ticks, which the kernel scales to the exact sum (cputime_adjust in kernel/sched/cputime.c).
	splitError = 0.1
)

// figure is one number of a record by its name there.
type figure struct {
	name  string
	value float64
	most  float64
}

// outOfBounds names the first figure that is below 0 or above its most, or "".
func outOfBounds(figures []figure) string {
	for _, f := range figures {
		if !(f.value >= 0 && f.value <= f.most) {
			return fmt.Sprintf("%s is %.6g", f.name, f.value)
		}
	}
	return ""
}

// optional is a figure that a record may lack.
func optional[T float64 | uint64](name string, v *T, most float64) figure {
	if v == nil {
		return figure{}
	}
	return figure{name, float64(*v), most}
}

// eitherWay is the size of a figure that may be below 0: memory that shrank, or a counter that a hypervisor set back.
func eitherWay(name string, v *float64, most float64) figure {
	if v == nil {
		return figure{}
	}
	return figure{"the size of " + name, math.Abs(*v), most}
}

// impossible says what no trial can have measured, in a few words, or "": such a record was damaged or made up, and
// any figure of it would mislead.
func (t *Trial) impossible() string {
	l := &t.Load
	figures := []figure{
		{"seconds", t.Seconds, mostSeconds}, {"tries", float64(t.Tries), mostCount}, {"warmup", l.Warmup, mostSeconds}, {"window", l.Window, mostSeconds},
		{"rate", l.Rate, mostPerSecond}, {"the load generator's cpu", l.CPU, mostSeconds},
		{"cpu_spin", l.CPUSpin, mostSeconds}, {"cpu_watch", l.CPUWatch, mostSeconds},
		{"requests", float64(l.Requests), mostCount}, {"intended", float64(l.Intended), mostCount},
		{"censored", float64(l.Censored), mostCount}, {"backlog", float64(l.Backlog), mostCount},
		{"connections", float64(l.Connections), mostCount},
		{"silent", float64(l.Silent), mostCount},
		{"shed", float64(l.Shed), mostCount}, {"shed_service", l.ShedService, mostSeconds},
		{"unserved of connections", float64(l.Unserved), float64(l.Connections)},
		{"harmed of connections", float64(l.HarmedCount), float64(l.Connections)},
		{"silent_closed of silent", float64(l.SilentClosed), float64(l.Silent)},
	}
	for _, n := range l.Errors {
		figures = append(figures, figure{"errors", float64(n), mostCount})
	}
	if f := l.Fault; f != nil {
		figures = append(figures, figure{"the fault's begun", f.Begun, mostSeconds},
			figure{"happened", f.Happened, mostSeconds}, optional("first", f.First, mostSeconds),
			optional("restart", f.Restart, mostSeconds), figure{"lived", f.Lived, mostSeconds})
	}
	if m := l.Mixed; m != nil {
		figures = append(figures, figure{"mixed.share", m.Share, 1}, figure{"mixed.requests", float64(m.Requests), mostCount},
			figure{"mixed.intended", float64(m.Intended), mostCount},
			figure{"mixed.censored", float64(m.Censored), mostCount})
	}
	if s := l.Slow; s != nil {
		figures = append(figures, figure{"slow.clients", float64(s.Clients), mostCount},
			figure{"slow.closed of clients", float64(s.Closed), float64(s.Clients)},
			figure{"slow.written", float64(s.Written), mostCount}, figure{"slow.read", float64(s.Read), mostCount})
	}
	figures = append(figures, optional("crash_sent", l.CrashSent, mostSeconds))
	if what := outOfBounds(append(figures, t.Server.figures()...)); what != "" {
		return what
	}
	if n := t.longestText(); n > mostTrialText {
		return fmt.Sprintf("it has a text of %d bytes; one has at most %d", n, mostTrialText)
	}
	if l.Window < leastWindow && t.Failure == "" {
		return fmt.Sprintf("its window has %.6g s", l.Window)
	}
	if what := l.contradiction(); what != "" {
		return what
	}
	return l.Series.impossible()
}

// longestString is the length of the longest string of a JSON text, names of its fields and keys included.
func longestString(text []byte) (most int) {
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil { // its end, as what calls has decoded it
			return most
		}
		if s, is := token.(string); is {
			most = max(most, len(s))
		}
	}
}

// longestText is the length of the longest of the trial's texts that are ever shown; its histograms are none.
func (t *Trial) longestText() int {
	l := &t.Load
	most := max(len(t.Failure), len(l.URL), len(l.Model))
	for _, f := range t.Findings {
		most = max(most, len(f.Kind), len(f.Evidence))
	}
	if l.Mixed != nil {
		most = max(most, len(l.Mixed.Path))
	}
	for k := range l.Errors {
		most = max(most, len(k))
	}
	for k, v := range t.Server.Settings {
		most = max(most, len(k), len(v))
	}
	return most
}

func (s *Server) figures() []figure {
	all := []figure{
		optional("the server's cpu", s.CPU, mostSeconds), optional("store_cpu", s.StoreCPU, mostSeconds),
		optional("psi_some", s.PSISome, mostSeconds), eitherWay("steal", s.Steal, mostSeconds),
		eitherWay("foreign", s.Foreign, mostSeconds),
		optional("switches", s.Switches, mostCount), optional("pss_start", s.PSSStart, mostCount),
		optional("pss_silent", s.PSSSilent, mostCount), optional("pss_peak", s.PSSPeak, mostCount),
		{"the server's requests", float64(s.Requests), mostCount}, {"threads", float64(s.Threads), mostCount},
		{"processes", float64(s.Processes), mostCount},
	}
	for _, part := range []figure{optional("cpu_user", s.CPUUser, mostSeconds),
		optional("cpu_system", s.CPUSystem, mostSeconds)} {
		if part.value < 0 && part.value > -splitError {
			continue
		}
		all = append(all, part)
	}
	for _, n := range s.PerWorker {
		all = append(all, figure{"per_worker", float64(n), mostCount})
	}
	return all
}

// contradiction tells where counts and histograms differ: each right answer and each censored request is in Response,
// and each right answer in Service.
func (l *Load) contradiction() string {
	type part struct {
		name string
		of   Histogram
		want int64 // -1: any
	}
	parts := []part{{"response", l.Response, int64(l.Requests + l.Censored)}, {"service", l.Service, int64(l.Requests)},
		{"lag", l.Lag, -1}, {"first_byte", l.FirstByte, -1}, {"connect", l.Connect, -1}, {"stalls", l.Stalls, -1}}
	if m := l.Mixed; m != nil {
		parts = append(parts, part{"mixed response", m.Response, int64(m.Requests + m.Censored)},
			part{"mixed service", m.Service, int64(m.Requests)})
	}
	for _, h := range parts {
		n := h.of.Count()
		switch {
		case h.want >= 0 && n != h.want:
			return fmt.Sprintf("its %s histogram has %d values where its counts say %d", h.name, n, h.want)
		case n > mostCount:
			return fmt.Sprintf("its %s histogram has %d values", h.name, n)
		case n > 0 && !h.of.common():
			return fmt.Sprintf("its %s histogram is not one of %d to %d ns with %d digits", h.name, HistogramMin,
				HistogramMax, HistogramDigits)
		}
	}
	return ""
}

// common tells whether the histogram has the common range: others can't be added up.
func (h Histogram) common() bool {
	return h.LowestTrackableValue() == HistogramMin && h.HighestTrackableValue() == HistogramMax &&
		h.SignificantFigures() == HistogramDigits
}

// impossible is that of a series, nil or not.
func (s *Series) impossible() string {
	if s == nil {
		return ""
	}
	if !(s.Step >= leastWindow && s.Step <= mostSeconds) || len(s.Points) > mostSteps {
		return fmt.Sprintf("its series has %d steps of %.6g s", len(s.Points), s.Step)
	}
	for _, p := range s.Points {
		if what := outOfBounds([]figure{{"requests of a step", float64(p.Requests), mostCount},
			{"errors of a step", float64(p.Errors), mostCount}, {"shed of a step", float64(p.Shed), mostCount},
			{"in_flight", float64(p.InFlight), mostCount},
			{"waiting", p.Waiting, mostSeconds}}); what != "" {
			return what
		}
		if n := p.Response.Count(); uint64(n) > mostCount {
			return fmt.Sprintf("a step's histogram has %d values", n)
		}
	}
	return ""
}

// impossible says what no run can be, or "". Rows and columns are told apart by their names.
func (r *Run) impossible() string {
	if len(r.Architectures) > mostRunRows || len(r.Situations) > mostColumns || len(r.Plan) > mostPlanned {
		return fmt.Sprintf("%d rows, %d situations and %d planned trials are more than are read (%d, %d and %d)",
			len(r.Architectures), len(r.Situations), len(r.Plan), mostRunRows, mostColumns, mostPlanned)
	}
	if cells := len(r.Architectures) * len(r.Situations); cells > mostCells {
		return fmt.Sprintf("%d rows in %d situations are %d cells; at most %d are read", len(r.Architectures),
			len(r.Situations), cells, mostCells)
	}
	seen := map[[2]string]bool{}
	once := func(kind, name string) string {
		switch key := [2]string{kind, name}; {
		case name == "":
			return "a " + kind + " has no name"
		case seen[key]:
			return fmt.Sprintf("it has two %ss of the name %q", kind, name)
		default:
			seen[key] = true
			return ""
		}
	}
	for i := range r.Architectures {
		if what := once("row", r.Architectures[i].Name); what != "" {
			return what
		}
	}
	for i := range r.Situations {
		s := &r.Situations[i]
		if what := once("situation", s.Name); what != "" {
			return what
		}
		figures := []figure{{"rate", s.Rate, mostPerSecond}, {"ceiling", s.Ceiling, mostPerSecond},
			{"warmup", s.Warmup, mostSeconds}, {"window", s.Window, mostSeconds},
			{"connections", float64(s.Connections), mostCount}, {"silent", float64(s.Silent), mostCount},
			{"timeout", s.Timeout, mostSeconds}, {"deadline", s.Deadline, mostSeconds},
			{"mix_share", s.MixShare, 1}, {"slow", float64(s.Slow), mostCount},
			{"clients", float64(s.Clients), mostCount}, {"read", float64(s.Read), mostCount},
			{"visit", s.Visit, mostCount}, {"think", s.Think, mostSeconds}, {"cpus", float64(s.CPUs), mostCount},
			{"procs", float64(s.Procs), mostCount}, {"workers", float64(s.Workers), mostCount},
			optional("x", s.X, mostCount)}
		if s.Phase != nil {
			figures = append(figures, figure{"phase.service", s.Phase.Service, mostSeconds},
				figure{"phase.blocking", s.Phase.Blocking, 1})
		}
		for _, rate := range s.OwnRates {
			figures = append(figures, figure{"own_rates", rate, mostPerSecond})
		}
		for _, window := range s.OwnWindows {
			figures = append(figures, figure{"own_windows", window, mostSeconds})
		}
		if what := outOfBounds(figures); what != "" {
			return fmt.Sprintf("of the situation %q %s", s.Name, what)
		}
	}
	if n := mapPlaces(r.Situations); n > mostPlaces {
		return fmt.Sprintf("its maps have %d places; at most %d are read", n, mostPlaces)
	}
	for i := range r.Experiments {
		e := &r.Experiments[i]
		if what := once("experiment", e.Name); what != "" {
			return what
		}
		if i >= mostExperiments || len(e.Shows) > len(Everything) || len(e.Lessons) > mostLessons {
			return fmt.Sprintf("its experiment %q has %d metrics and %d lessons; at most %d experiments of %d and %d are read",
				e.Name, len(e.Shows), len(e.Lessons), mostExperiments, len(Everything), mostLessons)
		}
	}
	if r.Lie != nil {
		if what := r.Lie.impossible(); what != "" {
			return what
		}
	}
	return outOfBounds(append(r.Calibration.figures(), figure{"trials", float64(r.Setup.Trials), mostCount},
		figure{"workers", float64(r.Setup.Workers), mostCount},
		figure{"load_average_1", r.Machine.LoadAverage1, mostCount}))
}

func (c *Calibration) figures() []figure {
	all := []figure{{"floor", c.Floor, mostSeconds}}
	for _, rates := range []map[string]float64{c.Ceiling, c.Capacity, c.LoadCapacity, c.Start} {
		for _, rate := range rates {
			all = append(all, figure{"a rate of its calibration", rate, mostPerSecond})
		}
	}
	if p := c.Spawn; p != nil {
		all = append(all, figure{"spawn.exec", p.Exec, mostSeconds}, figure{"spawn.runtime", p.Runtime, mostSeconds},
			figure{"spawn.init", p.Init, mostSeconds}, eitherWay("spawn.fork", p.Fork, mostSeconds))
	}
	for _, idle := range c.Idle {
		all = append(all, eitherWay("idle.silent", idle.Silent, mostCount), eitherWay("idle.used", idle.Used, mostCount))
	}
	for _, rows := range c.Held {
		for _, held := range rows {
			all = append(all, eitherWay("held.memory", held.Memory, mostCount),
				eitherWay("held.store", held.Store, mostCount))
		}
	}
	return all
}
