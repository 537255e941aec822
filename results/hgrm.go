package results

import (
	"fmt"
	"io"
)

// ticksPerHalf is how many quantiles PercentileText prints for each halving of the distance to 100 %, as the tools of
// HdrHistogram do unless told otherwise.
const ticksPerHalf = 5

// PercentileText writes h as HdrHistogram's percentile text (.hgrm), in milliseconds: what HdrHistogram's plotter and
// wrk2's users read. Such a text holds one histogram. It returns the error of w.
func PercentileText(w io.Writer, h Histogram) error {
	if h.Histogram == nil {
		h = NewHistogram()
	}
	if _, err := h.PercentilesPrint(w, ticksPerHalf, 1e6); err != nil {
		return fmt.Errorf("write percentiles: %w", err)
	}
	return nil
}
