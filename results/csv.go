package results

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// SeriesCSV writes the series of a load as comma-separated values (RFC 4180): a header, then a row per step. Times are
// in seconds, those of the step since the window began; in_flight and waiting_s are as they were when it ended. A cell
// is empty where there is no figure: a quantile with too few values for it, the wait for a free connection in a closed
// loop. It returns the error of w.
func SeriesCSV(w io.Writer, l *Load) error {
	rows := [][]string{{"start_s", "end_s", "requests_per_s", "errors", "in_flight", "waiting_s", "p50_s", "p90_s",
		"p99_s", "max_s", "shed"}}
	if l.Series != nil {
		for i := range l.Series.Points {
			rows = append(rows, l.row(i))
		}
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("write the series: %w", err)
	}
	return nil
}

// row is step i as text.
func (l *Load) row(i int) []string {
	p := &l.Series.Points[i]
	start, end := l.bounds(i)
	cells := []string{decimal(start, 3), decimal(end, 3), decimal(float64(p.Requests)/(end-start), 3),
		strconv.FormatUint(p.Errors, 10), strconv.Itoa(p.InFlight), ""}
	if l.Model != "closed" {
		cells[5] = decimal(p.Waiting, 9)
	}
	for _, q := range []float64{0.5, 0.9, 0.99} {
		cell := ""
		if v, ok := p.Response.Quantile(q); ok {
			cell = decimal(v, 9)
		}
		cells = append(cells, cell)
	}
	longest := ""
	if p.Response.Count() > 0 {
		longest = decimal(float64(p.Response.Max())/1e9, 9)
	}
	return append(cells, longest, strconv.FormatUint(p.Shed, 10))
}

// decimal is v with so many digits after the point, and never an exponent, for programs to read.
func decimal(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
