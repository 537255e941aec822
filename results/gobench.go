package results

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// measure is a figure that the Go benchmark format can carry.
type measure struct {
	unit   string
	metric Metric // what a finding must void for the figure to be left out
	better string // "lower" or "higher"
	value  func(t *Trial) (v float64, ok bool)
}

// measures are the figures of a trial, by the units that benchstat makes seconds and bytes of.
var measures = []measure{
	{"cpu-ns/op", CPUPerRequest, "lower", nanoseconds(CPUPerRequest)},
	{"requests/s", Throughput, "higher", func(t *Trial) (float64, bool) { return t.Value(Throughput) }},
	{"p50-ns", Latency, "lower", quantile(0.5)},
	{"p90-ns", Latency, "lower", quantile(0.9)},
	{"p99-ns", Latency, "lower", quantile(0.99)},
	{"B/silent", MemoryPerSilent, "lower", func(t *Trial) (float64, bool) { return t.Value(MemoryPerSilent) }},
	{"harmed", Harmed, "lower", func(t *Trial) (float64, bool) { return t.Value(Harmed) }},
	{"goodput/s", Goodput, "higher", func(t *Trial) (float64, bool) { return t.Value(Goodput) }},
	{"balance", Balance, "higher", func(t *Trial) (float64, bool) { return t.Value(Balance) }},
	{"stall-ns", Stall, "lower", nanoseconds(Stall)},
	{"outage-ns", Outage, "lower", nanoseconds(Outage)},
}

// onlyAsked are the metrics that are figures only where the situation asks for them: elsewhere they say nothing new.
var onlyAsked = []Metric{Harmed, Goodput, Stall, Outage, Balance}

func nanoseconds(m Metric) func(*Trial) (float64, bool) {
	return func(t *Trial) (float64, bool) {
		v, ok := t.Value(m)
		return v * 1e9, ok
	}
}

// quantile is a quantile of the response times, where there are enough of them, and unless it lies among requests that
// never got an answer: then it is only known to be longer, which the format can't say.
func quantile(q float64) func(*Trial) (float64, bool) {
	return func(t *Trial) (float64, bool) {
		v, ok := t.Load.Response.Quantile(q)
		return v * 1e9, ok && t.Failure == "" && !lowerBound(t, q)
	}
}

// GoBench writes a run in the Go benchmark format (golang.org/design/14313-benchmark-format), a line per trial, so that
// `benchstat -col /arch` compares its rows. Figures that a finding voids are left out, and so is a trial without any; a
// remark says why. It returns the error of w.
//
// Only what makes figures incomparable is a configuration line: benchstat draws a table for each, and two runs of
// different programs on one machine shall stand in one. The rest is a remark.
func GoBench(w io.Writer, run Run, trials []Trial) error {
	b := bufio.NewWriter(w)
	m := &run.Machine
	release, machine := m.Kernel, ""
	if i := strings.LastIndexByte(m.Kernel, ' '); i >= 0 {
		release, machine = m.Kernel[:i], m.Kernel[i+1:]
	}
	goBenchHead(b, "linux", goarch(machine), m.CPU)
	fmt.Fprintf(b, "# %s, %s, Linux %s, %d clients, %s\n", run.Program, m.GoVersion, release, run.Setup.Connections,
		run.Started.Format("2006-01-02 15:04"))
	for _, s := range run.Situations { // benchstat keeps the order in which rows and columns come
		for _, a := range run.Architectures {
			for i := range trials {
				if t := &trials[i]; t.Situation == s.Name && t.Architecture == a.Name {
					goBenchLine(b, "Serve/situation="+s.Name+"/arch="+a.Name, t, s.Metric)
				}
			}
		}
	}
	return flush(b)
}

// LoadGoBench writes one load in the Go benchmark format, as one line; goos, goarch and cpu, the model, are those of
// the machine that has made it, "" where it does not say. The name of the benchmark says what load it was and not whom
// it met: so benchstat puts two servers side by side, a file each. It returns the error of w.
func LoadGoBench(w io.Writer, t *Trial, goos, goarch, cpu string) error {
	b, l := bufio.NewWriter(w), &t.Load
	goBenchHead(b, goos, goarch, cpu)
	fmt.Fprintf(b, "# %s\n", l.URL)
	name := fmt.Sprintf("Load/model=%s/keepalive=%t/connections=%d", l.Model, l.KeepAlive, l.Connections)
	if l.Rate > 0 {
		name += "/rate=" + decimal(l.Rate, -1)
	}
	for _, part := range [][2]string{{"profile", l.Profile}, {"think", l.Think}} {
		if part[1] != "" {
			name += "/" + part[0] + "=" + part[1]
		}
	}
	if l.Visit > 0 {
		name += "/visit=" + decimal(l.Visit, -1)
	}
	goBenchLine(b, name, t, Latency)
	return flush(b)
}

func flush(b *bufio.Writer) error {
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write benchmarks: %w", err)
	}
	return nil
}

// goBenchHead writes the lines that hold for all benchmarks after them. An empty value is left out.
func goBenchHead(w io.Writer, goos, goarch, cpu string) {
	for _, line := range [][2]string{{"goos", goos}, {"goarch", goarch}, {"cpu", cpu}} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s: %s\n", line[0], line[1])
		}
	}
	for _, m := range measures {
		fmt.Fprintf(w, "Unit %s better=%s\n", m.unit, m.better)
	}
}

// goBenchLine writes a trial as one line. Without a right answer there is no figure but of how many clients were harmed.
func goBenchLine(w io.Writer, name string, t *Trial, asked Metric) {
	remark := func(text string) { fmt.Fprintf(w, "# %s: %s\n", name, strings.ReplaceAll(text, "\n", "; ")) }
	if t.Failure != "" {
		remark(t.Failure)
	}
	for _, f := range t.Findings {
		if len(f.Voids) > 0 {
			remark(f.Kind + ": " + f.Evidence)
		}
	}
	line := fmt.Sprintf("Benchmark%s\t%8d", name, t.Load.Requests)
	n := 0
	for _, m := range measures {
		wanted := t.Load.Requests > 0 || m.metric == Harmed
		if slices.Contains(onlyAsked, m.metric) {
			wanted = wanted && asked == m.metric
		}
		if v, ok := m.value(t); ok && wanted && t.Voided(m.metric) == nil {
			line += fmt.Sprintf("\t%12s %s", decimal(v, 1), m.unit)
			n++
		}
	}
	if n > 0 {
		fmt.Fprintln(w, line)
	}
}

// goarch is Go's name for the machine that uname(2) tells, "" for one that serverlab is not built for.
func goarch(machine string) string {
	return map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]
}
