package results

import (
	"bytes"
	"strings"
	"testing"
)

func TestSummaryVerdict(t *testing.T) {
	long := strings.Repeat("evidence ", 20)
	for _, c := range []struct {
		findings []Finding
		want     string
	}{
		{nil, ""},
		{[]Finding{}, "verdict: valid\n"},
		{[]Finding{{"too few samples", "p99 needs 570 answers, there were 20", nil}},
			"verdict: valid\n  note: too few samples: p99 needs 570 answers, there were 20\n"},
		{[]Finding{{"arrivals", "late", nil},
			{"generator-bound", "busy for 99 % of the window", []Metric{Throughput, Latency}}},
			"verdict: not valid for throughput and response time\n  generator-bound: busy for 99 % of the window\n" +
				"  note: arrivals: late\n"},
		{[]Finding{{"overloaded", "80 of 100", []Metric{CPUPerRequest, Latency}}},
			"verdict: not valid for response time and CPU per request\n  overloaded: 80 of 100\n"},
		{[]Finding{{"errors", "3 beside 4", Everything}}, "verdict: not valid\n  errors: 3 beside 4\n"},
	} {
		var b bytes.Buffer
		summaryVerdict(&b, c.findings)
		if b.String() != c.want {
			t.Errorf("%v:\n%s\nwant:\n%s", c.findings, b.String(), c.want)
		}
	}
	var b bytes.Buffer
	summaryVerdict(&b, []Finding{{"disturbed", long, []Metric{Latency}}})
	for line := range strings.Lines(b.String()) {
		if width(line) > 81 {
			t.Errorf("%d columns: %s", width(line)-1, line)
		}
	}
}
