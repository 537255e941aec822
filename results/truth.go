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
	Lost      float64         `json:"lost"`  // for how long server and load generator, which never sleep, did not run
	Tries     int             `json:"tries"` // measurements of which this is the one with the least of that
}

// KnownQuantile is a quantile as it is and as it was measured, seconds.
type KnownQuantile struct {
	Q         float64  `json:"q"` // 0.99 for p99; 1 is the longest response time
	Analytic  float64  `json:"analytic"`
	Recovered *float64 `json:"recovered"` // nil: too few samples for it
	Beyond    float64  `json:"beyond"`    // share of response times that are truly longer than Analytic and its bound
	// Judged quantiles must be within their bound; the others lie so far out that the host's stalls decide.
	Judged bool `json:"judged"`
	// Host is the same quantile of the delay that the host's stalls alone mean for a request: of times in which the
	// spinning load generator could not run. nil: it could not spin.
	Host *float64 `json:"host"`
}

// Bound is how far Recovered may be from Analytic, seconds.
func (q *KnownQuantile) Bound() float64 { return KnownShare*q.Analytic + KnownFloor }

// Holds tells whether q is within its bound, or not judged.
func (q *KnownQuantile) Holds() bool {
	return !q.Judged || q.Recovered != nil && math.Abs(*q.Recovered-q.Analytic) <= q.Bound()
}

// name is "p99", "p99.9" or "max".
func (q *KnownQuantile) name() string {
	if q.Q >= 1 {
		return "max"
	}
	return "p" + strconv.FormatFloat(math.Round(q.Q*1e6)/1e4, 'f', -1, 64)
}

// host tells whether q, which does not hold, is too long where the host's stalls alone would have made it so: the share
// of the requests that they met, with that of the requests that are longer anyway, is more than the quantile leaves out.
// A request needs each side's CPU twice, to go out and to come in.
func (k *Known) host(q *KnownQuantile) bool {
	return k.Errors == 0 && q.Recovered != nil && *q.Recovered > q.Analytic && 2*k.Lost > (1-q.Q-q.Beyond)*k.Window
}

// Missed counts the quantiles of k that are beyond their bound, and apart from those the ones that
// nobody can judge here, since the host's stalls alone account for them. Where there were errors, all that are judged
// are missed.
func (k *Known) Missed() (missed, disturbed int) {
	for i := range k.Quantiles {
		switch q := &k.Quantiles[i]; {
		case q.Judged && k.Errors > 0:
			missed++
		case q.Holds():
		case k.host(q):
			disturbed++
		default:
			missed++
		}
	}
	return missed, disturbed
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
	note := fmt.Sprintf("server late by %s, p99 %s", duration(k.LateP50, 2), duration(k.LateP99, 2))
	if k.Errors > 0 {
		note = count(k.Errors) + " errors; " + note
	}
	note += fmt.Sprintf("; CPUs lost for %s", duration(k.Lost, 2))
	if k.Tries > 1 {
		note += fmt.Sprintf(", least of %d times", k.Tries)
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
	case k.host(q):
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
