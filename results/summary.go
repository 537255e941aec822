package results

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// summaryBins is the number of lines of the drawn histogram.
const summaryBins = 12

// LoadSummary prints what one load saw: what was asked, what was reached, errors by kind, both clocks side by side, and
// the response times drawn on a logarithmic axis.
func LoadSummary(w io.Writer, l *Load, s Style) error {
	var b bytes.Buffer
	summaryAsked(&b, l)
	summaryReached(&b, l)
	summaryVerdict(&b, l.Findings)
	if l.Requests > 0 { // what failed has times too, which say nothing of the server
		summaryQuantiles(&b, l)
		summaryHistogram(&b, l.Response, s)
	}
	if _, err := io.WriteString(w, s.text(b.String())); err != nil {
		return fmt.Errorf("print load summary: %w", err)
	}
	return nil
}

func summaryAsked(b *bytes.Buffer, l *Load) {
	conns := "a connection per request"
	if l.KeepAlive {
		conns = "keep-alive"
	}
	if l.URL != "" {
		fmt.Fprintln(b, l.URL)
	}
	fmt.Fprintln(b, modelName(l.Model, l.Rate))
	if l.Profile != "" {
		fmt.Fprintf(b, "that rate is the mean of %s\n", clip(l.Profile, 50))
	}
	if l.Model == "partly" {
		fmt.Fprintf(b, "a client asks %s times on average, then leaves; at the same time at most\n", exact(l.Visit))
	}
	if s := l.Sessions; s != nil {
		fmt.Fprintf(b, "%s of a %s file service read %s bytes at a time, over\n", plural(s.Clients, "client"),
			strings.Replace(s.State, "soft", "soft-state", 1), count(uint64(s.Read)))
	}
	fmt.Fprintf(b, "%s, %s, %s\n", plural(l.Connections, slotName(l)), conns, plural(l.Threads, "thread"))
	if l.Think != "" {
		fmt.Fprintf(b, "between an answer and its next request a client thinks: %s\n", l.Think)
	}
	fmt.Fprintf(b, "%s measured after %s of warm-up", span(l.Window), span(l.Warmup))
	if l.Model != "constant" && l.Model != "closed" || strings.HasPrefix(l.Think, "exponential") {
		fmt.Fprintf(b, ", seed %d", l.Seed)
	}
	if l.Interrupted {
		b.WriteString(", INTERRUPTED")
	}
	b.WriteString("\n")
	if l.Model == "closed" && l.Think == "" {
		b.WriteString("each client waits for its answer: this shows capacity; for latency give a rate\n")
	}
	b.WriteString("\n")
}

// slotName is what a busy connection stands for: a client, unless clients share connections.
func slotName(l *Load) string {
	if l.Sessions != nil {
		return "connection"
	}
	return "client"
}

func summaryReached(b *bytes.Buffer, l *Load) {
	rate := "n/a"
	if l.Window > 0 {
		rate = number(float64(l.Requests)/l.Window, 4)
	}
	fmt.Fprintf(b, "%s right answers, %s requests/s", count(l.Requests), rate)
	if l.Rate > 0 {
		fmt.Fprintf(b, " of %s offered", exact(l.Rate))
	}
	b.WriteString("\n")
	if l.Backlog > 0 {
		fmt.Fprintf(b, "%s requests were due and not sent when the window closed\n", count(l.Backlog))
	}
	switch n := l.ErrorCount(); n {
	case 0:
		b.WriteString("no errors\n")
	default:
		fmt.Fprintf(b, "%s errors: %s\n", count(n), l.ErrorText())
	}
	if l.Shed > 0 {
		fmt.Fprintf(b, "%s shed (503 after %s on average); times below are of the others\n", count(l.Shed),
			duration(l.ShedService, 2))
	}
	if s := l.Sessions; s != nil && s.State == "stateful" {
		fmt.Fprintf(b, "%s sessions opened, %s closed, %s lost, %s ambiguous reads\n", count(s.Opened), count(s.Closed),
			count(s.Lost), count(s.Ambiguous))
	}
	if l.Unserved > 0 {
		fmt.Fprintf(b, "%d of %d %ss were never served\n", l.Unserved, l.Connections, slotName(l))
	}
	if l.Silent > 0 {
		fmt.Fprintf(b, "%s silent connections, %s closed by the server\n", count(l.Silent), count(l.SilentClosed))
	}
	if l.Requests > 0 {
		fmt.Fprintf(b, "load generator: %s CPU per request", duration((l.CPU-l.CPUSpin)/float64(l.Requests), 3))
		if l.Window > 0 {
			fmt.Fprintf(b, ", %.0f %% busy", 100*(l.CPU-l.CPUSpin)/l.Window)
		}
		if l.Pacing != "" && (l.Model != "closed" || l.Think != "") {
			fmt.Fprintf(b, ",\npaced by %s", l.Pacing)
		}
		b.WriteString("\n")
	}
	if all := l.Warmup + l.Window; l.CPUWatch > 0 && all > 0 {
		fmt.Fprintf(b, "the live view took %s of CPU time, %.2g %% of one CPU\n", duration(l.CPUWatch, 2), 100*l.CPUWatch/all)
	}
}

func summaryQuantiles(b *bytes.Buffer, l *Load) {
	fmt.Fprintf(b, "\n%-8s%12s%12s%12s", "", "response", "service", "lag")
	all := []Histogram{l.Response, l.Service, l.Lag}
	opened := l.Connect.Count() > 0
	if opened {
		fmt.Fprintf(b, "%12s%12s", "first byte", "connect")
		all = append(all, l.FirstByte, l.Connect)
	}
	b.WriteString("\n")
	for _, q := range quantiles {
		fmt.Fprintf(b, "%-8s", q.name)
		for i, h := range all {
			t := "n/a"
			if v, ok := h.Quantile(q.q); ok {
				if t = duration(v, 3); i == 0 && lowerBound(&Trial{Load: *l}, q.q) {
					t = "≥" + t
				}
			}
			b.WriteString(right(t, 12))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "%-8s", "max")
	for _, h := range all {
		t := "n/a"
		if h.Count() > 0 {
			t = duration(float64(h.Max())/1e9, 3)
		}
		b.WriteString(right(t, 12))
	}
	b.WriteString("\nresponse: from the intended moment of sending; service: from the actual one;\n" +
		"lag: how late the load generator itself sent what a free connection could carry\n")
	if opened {
		b.WriteString("first byte, connect: parts of the service time, which includes opening the connection\n")
	}
	if l.Censored > 0 {
		fmt.Fprintf(b, "%s requests had no answer in time: they count as that long at least\n", count(l.Censored))
	}
	if l.Clamped > 0 {
		fmt.Fprintf(b, "%s values lay beyond the histogram and count as its edge\n", count(l.Clamped))
	}
}

// summaryHistogram draws one bar for each step of a logarithmic axis: every step is longer than the one before by the
// same factor, and the bars start at zero.
func summaryHistogram(b *bytes.Buffer, h Histogram, s Style) {
	axis, ok := newLogAxis(summaryBins, 1.2, h)
	if !ok {
		return
	}
	n := axis.counts(h)
	top := slices.Max(n)
	bars := 36
	if s.Width > 0 {
		bars = min(max(s.Width-44, 8), 76)
	}
	b.WriteString("\nresponse time, logarithmic axis; bars from zero\n")
	for i, c := range n {
		share := 100 * float64(c) / float64(h.Count())
		from, to := right(duration(axis.edge(i), 3), 8), right(duration(axis.edge(i+1), 3), 8)
		fmt.Fprintf(b, "%s – %s %s %s  %5.1f %%\n", from, to, bar(float64(c), float64(top), bars), right(count(c), 10), share)
	}
}
