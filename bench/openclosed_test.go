//go:build linux

package bench

import (
	"slices"
	"testing"

	"serverlab/results"
)

// Each rate has all three models, only the open ones have it as their own, and the lessons are about what there is.
func TestOpenClosedOffersTheSameRates(t *testing.T) {
	b := sweepBench(6)
	sits := b.openClosedOf(calibrated())
	if len(sits) != 3*len(openClosedRates) {
		t.Fatalf("%d situations", len(sits))
	}
	for i, s := range sits {
		if *s.X != *sits[i-i%3].X || !slices.Equal(s.Rows, []string{"eventloop", "threadpool", "goroutine"}) ||
			(s.Model == "closed") != (s.Rate == 0) || (s.Visit > 0) != (s.Model == "partly") {
			t.Errorf("%+v", s)
		}
	}
	if first := sits[0]; first.Model != "closed" || first.Connections != 36 { // 1,800/s x (20 ms + 1/6,200 s)
		t.Errorf("%+v", first)
	}
	if quick := sweepBench(3).openClosedOf(calibrated()); len(quick) != 9 || len(quick[0].Rows) != 1 {
		t.Errorf("a look has %d situations of %v", len(quick), quick[0].Rows)
	}
	for _, l := range aboutOpenClosed.Lessons {
		if _, err := results.ParseExpectation(l.Holds); err != nil {
			t.Error(err)
		}
	}
}
