package main

import (
	"fmt"
	"io"
	"time"

	"serverlab/results"
)

// progress says how far a run has come: on a terminal in one line that is written anew between trials, elsewhere in
// plain lines. Nothing is drawn while a trial runs: the drawing would be measured too.
type progress struct {
	w        io.Writer
	terminal bool
	open     bool // the line on the terminal is not ended
}

func newProgress(w io.Writer, f screenFlags) *progress {
	return &progress{w: w, terminal: isTerminal(w) && !f.ascii}
}

func (p *progress) say(format string, args ...any) {
	p.end()
	fmt.Fprintf(p.w, format+"\n", args...)
}

func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.w)
		p.open = false
	}
}

func (p *progress) trial(run results.Run, trials []results.Trial, t *results.Trial, left time.Duration) {
	label := t.Architecture
	for _, a := range run.Architectures {
		if a.Name == t.Architecture {
			label = a.Label
		}
	}
	text := fmt.Sprintf("%3d/%d  %-9s %-14s %-26s %s left", len(trials), len(run.Plan), t.Situation, label,
		outcome(run, t), left.Round(time.Second))
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%.79s", text)
	p.open = true
}

// outcome is a trial in a few words.
func outcome(run results.Run, t *results.Trial) string {
	if t.Failure != "" {
		return "failed: " + t.Failure
	}
	for _, s := range run.Situations {
		if s.Name != t.Situation {
			continue
		}
		v, ok := t.Value(s.Metric)
		word := ""
		if f := t.Voided(s.Metric); f != nil {
			word = " (" + f.Kind + ")"
		}
		if !ok {
			return "n/a" + word
		}
		switch s.Metric {
		case results.CPUPerRequest:
			return fmt.Sprintf("%.1f µs CPU/request%s", v*1e6, word)
		case results.Goodput:
			return fmt.Sprintf("%.0f of %.0f/s%s", v, t.Load.Rate, word)
		case results.Stall:
			return fmt.Sprintf("longest wait %.0f ms%s", v*1e3, word)
		case results.Throughput:
			return fmt.Sprintf("%.0f requests/s%s", v, word)
		case results.MemoryPerSilent:
			return fmt.Sprintf("%.1f KB each%s", v/1024, word)
		case results.Harmed:
			return fmt.Sprintf("%.0f of %d hit%s", v, t.Load.Connections, word)
		case results.Latency:
			return fmt.Sprintf("p99 %.2f ms%s", v*1e3, word)
		case results.Outage:
			return fmt.Sprintf("%.0f ms, %d errors%s", v*1e3, t.Load.ErrorCount(), word)
		}
	}
	return ""
}
