package results

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// summaryVerdict says in a line whether a load is valid, or for which figures it is not, and then why: a finding that
// makes figures useless before one that is only worth knowing. Nothing is said where there was no verdict.
func summaryVerdict(b *bytes.Buffer, findings []Finding) {
	if findings == nil {
		return
	}
	fmt.Fprintf(b, "verdict: %s\n", inAWord(findings))
	for _, notes := range []bool{false, true} {
		for _, f := range findings {
			if notes != (len(f.Voids) == 0) {
				continue
			}
			text := f.Kind + ": " + f.Evidence
			if notes {
				text = "note: " + text
			}
			for i, line := range wrap(text, 76) {
				b.WriteString([]string{"  ", "    "}[min(i, 1)] + line + "\n")
			}
		}
	}
}

// inAWord is "valid", or for which of a load's figures it is not.
func inAWord(findings []Finding) string {
	var words []string
	for _, m := range []struct {
		metric Metric
		word   string
	}{{Throughput, "throughput"}, {Latency, "response time"}, {CPUPerRequest, "CPU per request"}} {
		if slices.ContainsFunc(findings, func(f Finding) bool { return slices.Contains(f.Voids, m.metric) }) {
			words = append(words, m.word)
		}
	}
	switch len(words) {
	case 0:
		return "valid"
	case 3:
		return "not valid"
	}
	return "not valid for " + strings.Join(words, " and ")
}
