package results

import (
	"cmp"
	"math"
	"slices"

	"serverlab/results/plot"
)

// quantity is what the trials of a situation tell beside the metric that it compares.
type quantity struct {
	name  string // of the picture, behind that of the situation
	about About
	title string
	look  string
	axis  plot.Axis
	voids Metric // a trial in which this is void does not count; "": all do
	parts []quantityPart
}

// quantityPart is one bar of each row.
type quantityPart struct {
	name string
	of   func(*Trial) (float64, bool) // in base units; false: this trial has none
}

var switchesPerRequest = quantity{name: "switches", about: AboutCost, title: "Context switches per request",
	look: "A switch is the price of handing the CPU to somebody else. Fewer than one means that several requests " +
		"were served before anybody had to wait; does a row with more of them also need more CPU time?",
	axis:  plot.Axis{Title: "context switches per request, since the server's start"},
	voids: CPUPerRequest,
	parts: []quantityPart{{"switches", func(t *Trial) (float64, bool) {
		s := &t.Server
		if s.Switches == nil || s.Requests == 0 {
			return 0, false
		}
		return float64(*s.Switches) / float64(s.Requests), true
	}}}}

var memoryPeak = quantity{name: "memory", about: AboutMemory, title: "Memory of the whole server",
	look: "Pages that processes share count once, in parts (PSS). A pool pays for all of its workers before the " +
		"first client comes: how much of the longest bar would be needed for the clients that are there?",
	axis: plot.Axis{Title: "PSS of the process tree, peak", Unit: plot.Megabytes},
	parts: []quantityPart{{"memory", func(t *Trial) (float64, bool) {
		return counter(func(s *Server) *uint64 { return s.PSSPeak })(t)
	}}}}

var tasksPeak = quantity{name: "tasks", about: AboutMemory, title: "Processes and threads",
	look: "Each process and each thread is one more that the kernel can run, and switch to. Compare the row that " +
		"starts them in advance with the one that starts them on demand, and with the one that needs no more " +
		"than a few.",
	axis: plot.Axis{Title: "processes and threads of the server, peak"},
	parts: []quantityPart{
		{"processes", func(t *Trial) (float64, bool) { return float64(t.Server.Processes), t.Server.Processes > 0 }},
		{"threads", func(t *Trial) (float64, bool) { return float64(t.Server.Threads), t.Server.Threads > 0 }}}}

var throughputPerCPU = quantity{name: "per-cpu", about: AboutThroughput,
	title: "Throughput per CPU: right answers for each second of CPU time",
	look: "The order may differ from that of throughput: a server that mostly waits can be slow and cheap. One " +
		"that is fast and cheap could serve more on the same CPU.",
	axis:  plot.Axis{Title: "right answers per second of the server's CPU time"},
	voids: CPUPerRequest,
	parts: []quantityPart{{"answers", func(t *Trial) (float64, bool) {
		v, ok := t.Value(CPUPerRequest)
		return 1 / v, ok && v > 0
	}}}}

// quantity draws the medians of q; no chart where no row has one.
func (col *Column) quantity(q quantity) Picture {
	b := &plot.Bars{Head: col.head(q.title, medians), Axis: q.axis}
	for _, p := range q.parts {
		b.Parts = append(b.Parts, p.name)
	}
	some := false
	for i := range col.Cells {
		c := &col.Cells[i]
		if c.absent() {
			continue
		}
		row := plot.BarRow{Name: c.Architecture.Label, Style: i}
		for _, part := range q.parts {
			s := c.figures(q.voids, part.of)
			v, interval := s.drawn()
			note := c.note()
			if s.N == 0 && note == "" {
				note = "n/a"
			}
			row.Values, row.Intervals = append(row.Values, v), append(row.Intervals, interval)
			row.Notes, row.N = append(row.Notes, note), append(row.N, s.N)
			some = some || s.N > 0
		}
		b.Rows = append(b.Rows, row)
	}
	if !some {
		return Picture{}
	}
	b.Cut = cutOf(b.Rows, longest)
	return Picture{Name: col.Situation.Name + "-" + q.name, About: q.about, Look: q.look, Chart: b}
}

// idleBars draws what a connection costs in memory while it says nothing, as the calibration measured it, once.
func idleBars(run *Run) Picture {
	b := &plot.Bars{Head: plot.Head{Title: "Memory of a connection: silent, and silent after one request",
		Note: "measured once, before the first trial; PSS of the server's processes, without what the kernel holds",
		Desc: "Memory of each of some thousand connections in the server.", Of: "architecture", Count: "connections"},
		Axis:  plot.Axis{Title: "memory per connection", Unit: plot.Kilobytes},
		Parts: []string{"silent since it was accepted", "silent after one request"}}
	for i := range run.Architectures {
		a := &run.Architectures[i]
		idle, ok := run.Calibration.Idle[a.Name]
		if !ok {
			continue
		}
		row := plot.BarRow{Name: a.Label, Style: i, Notes: []string{"", ""}}
		for k, v := range []*float64{idle.Silent, idle.Used} {
			figure, _ := value(v)
			n := []int{idle.Connections, idle.Answered}[k]
			if v == nil {
				figure, n, row.Notes[k] = math.NaN(), 0, cmp.Or(idle.Why, "n/a")
			}
			row.Values, row.N = append(row.Values, figure), append(row.N, n)
		}
		b.Rows = append(b.Rows, row)
	}
	if !slices.ContainsFunc(b.Rows, func(r plot.BarRow) bool { return longest(r) > 0 }) {
		return Picture{}
	}
	b.Cut = cutOf(b.Rows, longest)
	return Picture{Name: "connection-memory", About: AboutMemory, Chart: b,
		Look: "The second bar of a row is longer where answering left something behind: a stack that has grown, " +
			"a buffer that is kept for the next request. Multiply it by a million clients."}
}

// callKinds sort system calls by what they are for, in the order in which a request needs them.
var callKinds = []struct {
	name  string
	calls []string
}{
	{"accept", []string{"accept", "accept4"}},
	{"read", []string{"read", "readv", "recvfrom", "recvmsg", "pread64"}},
	{"write", []string{"write", "writev", "sendto", "sendmsg", "sendfile"}},
	{"close", []string{"close", "shutdown"}},
	{"wait", []string{"epoll_wait", "epoll_pwait", "epoll_pwait2", "io_uring_enter", "poll", "ppoll", "select",
		"pselect6", "futex", "wait4", "waitid"}},
	{"other", nil},
}

// callBars draws the system calls of one request on a fresh connection, as the calibration traced them.
func callBars(run *Run) Picture {
	b := &plot.Bars{Head: plot.Head{Title: "System calls of one request",
		Note: "a fresh connection, one request; traced once, before the first trial",
		Desc: "How many system calls each architecture makes for a request, by what they are for.", Of: "architecture"},
		Axis: plot.Axis{Title: "system calls"}, Stacked: true}
	for _, k := range callKinds {
		b.Parts = append(b.Parts, k.name)
	}
	some := false
	for i := range run.Architectures {
		a := &run.Architectures[i]
		row := plot.BarRow{Name: a.Label, Style: i, Values: make([]float64, len(callKinds))}
		if t := run.Calibration.Traces[a.Name]; len(t.Requests) == 0 {
			for k := range row.Values {
				row.Values[k] = math.NaN()
			}
			row.Notes = []string{"not traced"}
		} else {
			some = true
			for name, n := range t.Requests[0].Calls() {
				row.Values[callKind(name)] += float64(n)
			}
		}
		b.Rows = append(b.Rows, row)
	}
	if !some {
		return Picture{}
	}
	b.Cut = cutOf(b.Rows, total)
	return Picture{Name: "system-calls", About: AboutCost, Chart: b,
		Look: "Accept, read, write and close are the request itself and should be much the same in all rows. " +
			"What is left is the architecture: waiting to be told, handing over, starting and ending somebody."}
}

// callKind is the number of the kind that a call belongs to, the last one where it has no other.
func callKind(name string) int {
	for i, k := range callKinds {
		if slices.Contains(k.calls, name) {
			return i
		}
	}
	return len(callKinds) - 1
}
