package results

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// The bound on what a load generator may miss a known quantile by.
const (
	KnownShare = 0.02   // of the quantile
	KnownFloor = 100e-6 // seconds on top: a request and its answer have a way to go
)

// Known is what the load generator has measured of a server whose distribution is known. Times are seconds.
type Known struct {
	Server    string          `json:"server"`   // "exponential:2ms", ...
	Arrivals  string          `json:"arrivals"` // "constant" or "poisson"
	Rate      float64         `json:"rate"`     // requests per second
	Window    float64         `json:"window"`
	Requests  uint64          `json:"requests"` // right answers
	Errors    uint64          `json:"errors"`
	Quantiles []KnownQuantile `json:"quantiles"`
	LateP50   float64         `json:"late_p50"` // how long after they were due the server wrote its answers
	LateP99   float64         `json:"late_p99"`
	LateMax   float64         `json:"late_max"`
	Again     bool            `json:"again"` // it is the second measurement: the first one missed a bound
}

// KnownQuantile is a quantile as it is and as it was measured, seconds.
type KnownQuantile struct {
	Q         float64  `json:"q"` // 0.99 for p99; 1 is the longest response time
	Analytic  float64  `json:"analytic"`
	Recovered *float64 `json:"recovered"` // nil: too few samples for it
	// Judged quantiles must be within their bound; the others lie so far out that the host's stalls decide.
	Judged bool `json:"judged"`
	// Host is the same quantile of the delay that the host's stalls alone mean for a request: of times in which an
	// observer saw that nobody could run. nil: nobody could look.
	Host *float64 `json:"host"`
}

// Bound is how far Recovered may be from Analytic, seconds.
func (q *KnownQuantile) Bound() float64 { return KnownShare*q.Analytic + KnownFloor }

// Holds tells whether q is within its bound, or not judged.
func (q *KnownQuantile) Holds() bool {
	return !q.Judged || q.Recovered != nil && math.Abs(*q.Recovered-q.Analytic) <= q.Bound()
}

// Disturbed tells whether q is too long where the host's stalls alone would have made it so.
func (q *KnownQuantile) Disturbed() bool {
	return !q.Holds() && q.Recovered != nil && *q.Recovered > q.Analytic && q.Host != nil && *q.Host > q.Bound()
}

// name is "p99", "p99.9" or "max".
func (q *KnownQuantile) name() string {
	if q.Q >= 1 {
		return "max"
	}
	return "p" + strconv.FormatFloat(math.Round(q.Q*1e6)/1e4, 'f', -1, 64)
}

// Missed counts the quantiles of k that are beyond their bound; where there were errors, all that are judged.
func (k *Known) Missed() (n int) {
	for i := range k.Quantiles {
		if q := &k.Quantiles[i]; !q.Holds() || q.Judged && k.Errors > 0 {
			n++
		}
	}
	return n
}

// Disturbed counts those of Missed for which the host's stalls alone account.
func (k *Known) Disturbed() (n int) {
	for i := range k.Quantiles {
		if k.Quantiles[i].Disturbed() {
			n++
		}
	}
	return n
}

// KnownHead prints the head of the table whose rows KnownRows prints.
func KnownHead(w io.Writer, s Style) error {
	head := left("server", 20) + left("arrivals", 9) + left("", 6) + right("analytic", 10) + right("recovered", 11) +
		right("difference", 11) + right("bound", 8)
	_, err := fmt.Fprintln(w, s.paint(bold, s.text(head)))
	return err
}

// KnownRows prints one server: a line for each quantile, and one for what the server and the host had to do with it.
func KnownRows(w io.Writer, k *Known, s Style) error {
	var b strings.Builder
	for i := range k.Quantiles {
		server, arrivals := "", ""
		if i == 0 {
			server, arrivals = k.Server, k.Arrivals
		}
		k.row(&b, left(server, 20)+left(arrivals, 9), &k.Quantiles[i], s)
	}
	note := fmt.Sprintf("server late by p50 %s, p99 %s, max %s", duration(k.LateP50, 2), duration(k.LateP99, 2),
		duration(k.LateMax, 2))
	if k.Errors > 0 {
		note = count(k.Errors) + " errors; " + note
	}
	if k.Again {
		note += "; measured twice"
	}
	fmt.Fprintf(&b, "%s\n", s.paint(dim, s.text("  "+note)))
	_, err := io.WriteString(w, b.String())
	return err
}

func (k *Known) row(b *strings.Builder, head string, q *KnownQuantile, s Style) {
	recovered, difference := "n/a", "n/a"
	if q.Recovered != nil {
		recovered, difference = duration(*q.Recovered, 4), plus(*q.Recovered-q.Analytic)
	}
	line := head + left(q.name(), 6) + right(duration(q.Analytic, 4), 10) + right(recovered, 11) + right(difference, 11)
	switch {
	case !q.Judged:
		host := "n/a"
		if q.Host != nil {
			host = duration(*q.Host, 2)
		}
		line += right("host "+host, 13)
		fmt.Fprintln(b, s.text(line))
	case q.Holds() && k.Errors == 0:
		fmt.Fprintln(b, s.text(line+right(duration(q.Bound(), 3), 8))+s.paint(green, "   ok"))
	case q.Disturbed():
		fmt.Fprintln(b, s.text(line+right(duration(q.Bound(), 3), 8))+s.paint(red, " host"))
	default:
		fmt.Fprintln(b, s.text(line+right(duration(q.Bound(), 3), 8))+s.paint(red, s.text("    ×")))
	}
}

// plus prints a difference with its sign.
func plus(seconds float64) string {
	if seconds < 0 {
		return "-" + duration(-seconds, 3)
	}
	return "+" + duration(seconds, 3)
}
